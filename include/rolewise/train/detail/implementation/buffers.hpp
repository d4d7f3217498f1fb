// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/buffers.hpp>.

#include <rolewise/train/detail/buffers.hpp>

#include <rolewise/support/error.hpp>

#include <unordered_set>

namespace rolewise::detail {

ROLEWISE_INLINE buffers::buffers(const std::vector<named_tensor>& parameters)
{
  for (const auto& p : parameters)
    tensors_.push_back({p.name, at::zeros_like(p.value).set_requires_grad(false)});
}

ROLEWISE_INLINE std::vector<update_group> groups_of(const std::vector<named_tensor>& parameters,
                                                    const std::vector<torch::Tensor>& gradients,
                                                    std::size_t started_for, double weight_decay,
                                                    decay what)
{
  if (parameters.size() != started_for || gradients.size() != started_for)
    throw_invalid_argument("optimizer", "was started for ", started_for, " parameters, was handed ",
                           parameters.size(), " of them with ", gradients.size(), " gradients");
  std::vector<update_group> groups;
  std::unordered_set<const c10::TensorImpl*> known;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const auto& value = parameters[i].value;
    if (!gradients[i].defined() || !known.insert(value.unsafeGetTensorImpl()).second) continue;
    const bool is_range = parameters[i].kind == tensor_kind::range;
    const double decays =
        !is_range && (what == decay::everything || value.dim() > 1) ? weight_decay : 0.0;
    update_group* home = nullptr;
    for (auto& group : groups)
      if (group.weight_decay == decays && group.values[0].device() == value.device() &&
          group.values[0].scalar_type() == value.scalar_type())
        home = &group;
    if (home == nullptr) home = &groups.emplace_back(update_group{decays, {}, {}, {}});
    home->places.push_back(i);
    home->values.push_back(value);
    home->gradients.push_back(lie_alike(value, gradients[i])
                                  ? gradients[i]
                                  : at::empty_like(value, value.scalar_type())
                                        .set_requires_grad(false)
                                        .copy_(gradients[i]));
  }
  return groups;
}

ROLEWISE_INLINE std::vector<torch::Tensor> select(const buffers& all,
                                                  const std::vector<std::size_t>& places)
{
  std::vector<torch::Tensor> chosen;
  chosen.reserve(places.size());
  for (const auto i : places) chosen.push_back(all[i]);
  return chosen;
}

}  // namespace rolewise::detail
