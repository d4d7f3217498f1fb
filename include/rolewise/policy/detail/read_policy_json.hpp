// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The parser of `policy/policy_text.hpp`.

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/operation_by_name.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/literal_reader.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

inline constexpr std::string_view policy_kind = "policy";
inline constexpr std::string_view schedule_kind = "policy-schedule";
inline constexpr std::int64_t policy_document_version = 1;

/// Reads an object that has exactly these members, each once, in any order; calls `read_value(i)`
/// to read the value of name i.
template<std::size_t N, typename F>
void exact_members(literal_reader& in, const std::array<std::string_view, N>& names, F&& read_value)
{
  std::array<bool, N> is_there{};
  const auto begin = in.next();
  in.members([&](std::string_view name, std::size_t where) {
    const auto i = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    if (i == N) {
      std::string known;
      for (const auto one : names) known.append(known.empty() ? "" : ", ").append(one);
      in.complain_at(where, "found ", shown(name), ", want one of ", known);
    }
    if (is_there[i]) in.complain_at(where, "found ", shown(name), " twice, want it once");
    is_there[i] = true;
    read_value(i);
  });
  for (std::size_t i = 0; i < N; ++i)
    if (!is_there[i]) in.complain_at(begin, "found no '", names[i], "', want it once");
}

/// Checks the kind of a document, its member `rolewise`, on a copy of the reader.
/// @return the kind found: `kind` or `or_kind`
[[nodiscard]] ROLEWISE_INLINE std::string_view want_kind(literal_reader in, std::string_view kind,
                                                         std::string_view or_kind = {});

ROLEWISE_INLINE void read_version(literal_reader& in);

/// @param or_identity whether to accept `Identity` too
[[nodiscard]] ROLEWISE_INLINE operation read_operation(literal_reader& in,
                                                       bool or_identity = false);

/// Reads the pairs of a policy, listed by operation name.
[[nodiscard]] ROLEWISE_INLINE augmentation_policy read_operations(literal_reader& in);

[[nodiscard]] ROLEWISE_INLINE augmentation_policy read_policy_document(literal_reader& in);

[[nodiscard]] ROLEWISE_INLINE policy_segment read_segment(literal_reader& in,
                                                          std::int64_t earliest);

[[nodiscard]] ROLEWISE_INLINE policy_schedule read_schedule_document(literal_reader& in);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/detail/implementation/read_policy_json.hpp>
#endif
