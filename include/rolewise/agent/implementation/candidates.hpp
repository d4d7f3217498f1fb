// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/candidates.hpp>.

#include <rolewise/agent/candidates.hpp>

#include <ATen/ops/cat.h>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE batch joined(const std::vector<batch>& views)
{
  if (views.empty()) throw_invalid_argument("joined", "want one view or more, got none");
  batch all = views.front();
  const auto join = [&](torch::Tensor batch::* member, const char* what) {
    std::vector<torch::Tensor> parts;
    for (const auto& each : views)
      if ((each.*member).defined()) parts.push_back(each.*member);
    if (parts.empty()) return;
    if (parts.size() != views.size())
      throw_invalid_argument("joined", parts.size(), " of ", views.size(), " views have ", what,
                             ", want all or none");
    all.*member = at::cat(parts);
  };
  join(&batch::inputs, "inputs");
  join(&batch::labels, "labels");
  join(&batch::ids, "ids");
  join(&batch::partners, "partners");
  join(&batch::mask, "a mask");
  join(&batch::weights, "weights");
  all.view = {};
  return all;
}

ROLEWISE_INLINE batch examples_at(const batch& all, const torch::Tensor& places)
{
  auto some = all;
  for (auto* part :
       {&some.inputs, &some.labels, &some.ids, &some.partners, &some.mask, &some.weights})
    if (part->defined()) *part = part->index_select(0, places.to(part->device()));
  some.view = {};
  return some;
}

ROLEWISE_INLINE torch::Tensor places_of_highest(const torch::Tensor& values, std::int64_t count)
{
  if (count < 1)
    throw_invalid_argument("places_of_highest", "count is ", count, ", want 1 or more");
  if (!values.defined() || values.dim() != 1 || !values.is_floating_point())
    throw_invalid_argument("places_of_highest", "want values [N] of floating point");
  if (values.isnan().any().item<bool>())
    throw_invalid_argument("places_of_highest", "got NaN, want values that can be ordered");
  const auto falling = std::get<1>(values.sort(true, 0, true));
  return std::get<0>(falling.slice(0, 0, std::min(count, values.size(0))).sort());
}

}  // namespace rolewise
