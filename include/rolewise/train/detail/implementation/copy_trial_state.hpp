// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/copy_trial_state.hpp>.

#include <rolewise/train/detail/copy_trial_state.hpp>

#include <cstring>

namespace rolewise::detail {

ROLEWISE_INLINE void copy_bytes_or_values(torch::Tensor& to, const torch::Tensor& from)
{
  const bool lie_alike = to.is_cpu() && from.is_cpu() && to.layout() == torch::kStrided &&
                         from.layout() == torch::kStrided &&
                         to.scalar_type() == from.scalar_type() && to.sizes() == from.sizes() &&
                         to.strides() == from.strides() && to.is_non_overlapping_and_dense() &&
                         !to.is_inference() && !to.is_conj() && !from.is_conj() && !to.is_neg() &&
                         !from.is_neg();
  if (!lie_alike) {
    const torch::NoGradGuard without_graph;
    to.copy_(from);
    return;
  }
  const auto* source = from.const_data_ptr();
  auto* target = to.mutable_data_ptr();
  if (target != source && to.numel() > 0) std::memcpy(target, source, to.nbytes());
  to.unsafeGetTensorImpl()->bump_version();  // invalidates values that are cached by version
}

ROLEWISE_INLINE void slot_checker::parameter(std::string_view name, torch::Tensor& t)
{
  const auto* slot = next(name);
  const auto* there = slot == nullptr ? nullptr : std::get_if<torch::Tensor>(&slot->value);
  fits_ =
      there != nullptr && there->defined() == t.defined() &&
      (!t.defined() || (there->scalar_type() == t.scalar_type() && there->sizes() == t.sizes()));
}

ROLEWISE_INLINE const state_slot* slot_checker::next(std::string_view name)
{
  if (!fits_ || at_ == slots_.size()) return nullptr;
  const auto& slot = slots_[at_++];
  return slot.name == full(name) ? &slot : nullptr;
}

ROLEWISE_INLINE void slot_reader::parameter(std::string_view, torch::Tensor& t)
{
  const auto& stored = std::get<torch::Tensor>((next_++)->value);
  if (stored.defined()) copy_bytes_or_values(t, stored);
}

ROLEWISE_INLINE void keep_apart(snapshot& kept, const snapshot& shown)
{
  const torch::NoGradGuard without_graph;
  const auto apart = [](const torch::Tensor& t) { return t.defined() ? t.detach().clone() : t; };
  kept.resize(shown.size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto* from = std::get_if<torch::Tensor>(&shown[i].value);
    auto* to = std::get_if<torch::Tensor>(&kept[i].value);
    const bool lie_alike = from != nullptr && to != nullptr && from->defined() && to->defined() &&
                           from->scalar_type() == to->scalar_type() &&
                           from->sizes() == to->sizes() && from->device() == to->device();
    if (lie_alike)
      copy_bytes_or_values(*to, *from);
    else if (from != nullptr)
      kept[i].value = apart(*from);
    else
      kept[i].value = shown[i].value;
    if (kept[i].name != shown[i].name) kept[i].name = shown[i].name;
    kept[i].learned = shown[i].learned;
  }
}

}  // namespace rolewise::detail
