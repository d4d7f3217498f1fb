// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The parser of `policy/sub_policy_text.hpp`.

#include <rolewise/policy/detail/read_policy_json.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/literal_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::detail {

inline constexpr std::string_view sub_policies_kind = "sub-policies";

/// Reads one of the two steps of the sub-policy at index `place`.
[[nodiscard]] ROLEWISE_INLINE sub_policy::step read_step(literal_reader& in, std::size_t place);

[[nodiscard]] ROLEWISE_INLINE sub_policy read_sub_policy(literal_reader& in, std::size_t place);

[[nodiscard]] ROLEWISE_INLINE std::vector<sub_policy> read_sub_policies_document(
    literal_reader& in);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/detail/implementation/read_sub_policy_json.hpp>
#endif
