// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/batch_parts.hpp>.

#include <rolewise/core/batch_parts.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/cat.h>

#include <array>
#include <string_view>
#include <utility>

namespace rolewise {

namespace detail {

/// What has a row for each example.
inline constexpr std::array<torch::Tensor batch::*, 6> members_with_rows{
    &batch::inputs, &batch::labels, &batch::ids, &batch::partners, &batch::mask, &batch::weights};
inline constexpr std::array<std::string_view, 6> names_of_members{"inputs",   "labels", "ids",
                                                                  "partners", "a mask", "weights"};

}  // namespace detail

ROLEWISE_INLINE batch examples_between(const batch& all, std::int64_t first, std::int64_t count)
{
  auto part = all;
  for (auto member : detail::members_with_rows)
    if (auto& rows = part.*member; rows.defined()) rows = rows.narrow(0, first, count);
  return part;
}

ROLEWISE_INLINE batch examples_at(const batch& all, const torch::Tensor& places)
{
  auto some = all;
  for (auto member : detail::members_with_rows)
    if (auto& rows = some.*member; rows.defined())
      rows = rows.index_select(0, places.to(rows.device()));
  some.view = {};
  return some;
}

ROLEWISE_INLINE batch joined(const std::vector<batch>& views)
{
  if (views.empty()) throw_invalid_argument("joined", "want one view or more, got none");
  batch all = views.front();
  for (std::size_t i = 0; i < detail::members_with_rows.size(); ++i) {
    const auto member = detail::members_with_rows[i];
    std::vector<torch::Tensor> parts;
    for (const auto& each : views)
      if ((each.*member).defined()) parts.push_back(each.*member);
    if (parts.empty()) continue;
    if (parts.size() != views.size())
      throw_invalid_argument("joined", parts.size(), " of ", views.size(), " views have ",
                             detail::names_of_members[i], ", want all or none");
    all.*member = at::cat(parts);
  }
  all.view = {};
  return all;
}

}  // namespace rolewise
