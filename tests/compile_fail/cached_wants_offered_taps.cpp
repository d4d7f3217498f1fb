// expect: cached_teacher: want to store a tap that the teacher does not offer
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/teacher/cached_teacher.hpp>

#include <cstdint>

// A teacher of which a feature is to be stored that it does not have.
struct teacher {
#ifdef ROLEWISE_CONTROL
  static constexpr rolewise::taps offered_taps{rolewise::tap::stage<1>, rolewise::tap::stage<2>};
#else
  static constexpr rolewise::taps offered_taps{rolewise::tap::stage<1>};
#endif
  rolewise::outputs forward(const rolewise::batch&, rolewise::taps) const { return {}; }
  std::uint64_t fingerprint() const { return 1; }
};

using cached = rolewise::cached_teacher<teacher, rolewise::taps{rolewise::tap::stage<2>}>;
static_assert(!cached::has_state);
