// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reusable scratch memory for floating-point copies of levels.

#include <rolewise/core/tensor.hpp>

#include <cstdint>

namespace rolewise::detail {

/// The scratch buffers of a thread; each holds one tensor at a time.
enum class scratch_of { maps, gradients };

/// A tensor in a thread-local buffer, as large as the largest so far: fresh memory costs more
/// than writing the values.
///
/// @return uninitialized, in the shape of `like`, channels last if it is; freshly allocated while
///         the last one is in use, off the CPU, and in inference mode
template<scratch_of = scratch_of::maps>
[[nodiscard]] torch::Tensor scratch_like(const torch::Tensor& like, torch::ScalarType type)
{
  thread_local torch::Tensor memory;
  const auto options = torch::TensorOptions{}.dtype(type).device(like.device());
  const auto layout = like.suggest_memory_format();
  if (!like.device().is_cpu() || at::InferenceMode::is_enabled())
    return at::empty(like.sizes(), options, layout);
  const auto bytes = like.numel() * static_cast<std::int64_t>(torch::elementSize(type));
  if (!memory.defined() || memory.numel() < bytes)
    memory = at::empty({bytes}, torch::TensorOptions{}.dtype(torch::kByte));
  if (memory.storage().use_count() > 1) return at::empty(like.sizes(), options, layout);
  const auto flat = memory.narrow(0, 0, bytes).view(type);
  if (layout != at::MemoryFormat::ChannelsLast) return flat.view(like.sizes());
  return flat.view({like.size(0), like.size(2), like.size(3), like.size(1)}).permute({0, 3, 1, 2});
}

/// A copy of `x` in another dtype, in scratch memory.
template<scratch_of What = scratch_of::maps>
[[nodiscard]] torch::Tensor scratch_copy(const torch::Tensor& x, torch::ScalarType type)
{
  return scratch_like<What>(x, type).copy_(x);
}

}  // namespace rolewise::detail
