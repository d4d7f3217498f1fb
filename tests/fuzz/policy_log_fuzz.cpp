// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fuzz target: parses any bytes as a log, a schedule and sub-policies. Needs clang and
// `-DROLEWISE_BUILD_FUZZERS=ON`.
#include "policy_log_round_trips.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count)
{
  const std::string_view text{reinterpret_cast<const char*>(bytes), count};
  (void)rolewise::testing::log_round_trips(text);
  (void)rolewise::testing::schedule_round_trips(text);
  (void)rolewise::testing::sub_policies_round_trip(text);
  return 0;
}
