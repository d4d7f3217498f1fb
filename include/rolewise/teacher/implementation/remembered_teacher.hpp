// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/remembered_teacher.hpp>.

#include <rolewise/teacher/remembered_teacher.hpp>

#include <rolewise/core/checksum.hpp>
#include <rolewise/teacher/detail/graph_to_inputs.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE remembered_rows::remembered_rows(const torch::Tensor& ids, outputs all)
{
  if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1 || !ids.is_cpu())
    throw_invalid_argument("remembered_teacher", "want ids of int64 [N] on the CPU, got ",
                           form_of(ids));
  ids_ = ids.contiguous();
  all_.logits = all.logits.detach().cpu();
  for (const auto& [id, value] : all.features) all_.features.set(id, value.detach().cpu());
  const auto* const id = ids_.const_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < ids_.size(0); ++n)
    if (!places_.emplace(id[n], n).second)
      throw_invalid_argument("remembered_teacher", "want each id once, got ", id[n], " twice");
}

ROLEWISE_INLINE outputs remembered_rows::of(const batch& examples, const taps& wanted) const
{
  if (wants_input_gradient(examples))
    throw_invalid_argument("remembered_teacher", "the inputs require a gradient, which remembered ",
                           "outputs do not have");
  if (!examples.ids.defined() || examples.ids.scalar_type() != torch::kLong ||
      examples.ids.dim() != 1 || examples.ids.size(0) != examples.size())
    throw_invalid_argument("remembered_teacher", "want ids of int64 [", examples.size(), "], got ",
                           form_of(examples.ids));
  const auto ids = examples.ids.cpu().contiguous();
  auto index = at::empty({ids.size(0)}, torch::kLong);
  for (std::int64_t n = 0; n < ids.size(0); ++n) {
    const auto id = ids.const_data_ptr<std::int64_t>()[n];
    const auto place = places_.find(id);
    if (place == places_.end())
      throw_invalid_argument("remembered_teacher", "example ", id, " is not among the ", size(),
                             " that the teacher was asked about");
    index.mutable_data_ptr<std::int64_t>()[n] = place->second;
  }
  const torch::NoGradGuard without_graph;
  const auto home = examples.inputs.device();
  outputs found{.logits = all_.logits.index_select(0, index).to(home), .features = {}};
  wanted.for_each([&](tap_id id) {
    found.features.set(id, all_.features[id].index_select(0, index).to(home));
  });
  return found;
}

ROLEWISE_INLINE std::uint64_t remembered_rows::sum() const
{
  checksum all;
  all.add(ids_);
  all.add(all_.logits);
  for (const auto& each : all_.features) all.add(each.value);
  return all.value();
}

}  // namespace rolewise::detail
