// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/distinct_tensors.hpp>.

#include <rolewise/core/distinct_tensors.hpp>

namespace rolewise {

ROLEWISE_INLINE const torch::Tensor* distinct_tensors::known_as(const torch::Tensor& t)
{
  if (!t.defined() || t.numel() == 0) return nullptr;
  const auto [first, is_new] = first_.try_emplace(t.const_data_ptr(), t);
  if (is_new) return nullptr;
  const auto& known = first->second;
  const bool is_same = known.sizes() == t.sizes() && known.strides() == t.strides() &&
                       known.scalar_type() == t.scalar_type();
  return is_same ? &known : nullptr;
}

ROLEWISE_INLINE std::vector<named_tensor> each_once(std::vector<named_tensor> tensors)
{
  std::vector<named_tensor> once;
  once.reserve(tensors.size());
  distinct_tensors known;
  for (auto& each : tensors) {
    const auto* const before = known.known_as(each.value);
    if (before == nullptr || !before->is_same(each.value)) once.push_back(std::move(each));
  }
  return once;
}

}  // namespace rolewise
