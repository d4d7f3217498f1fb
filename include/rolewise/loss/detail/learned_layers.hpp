// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Learned layers of losses: linear maps and 1x1 convolutions with reproducible first weights.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::detail {

/// A parameter with values uniform in +- bound.
[[nodiscard]] ROLEWISE_INLINE owned_tensor learned_uniform(at::IntArrayRef sizes, seed key,
                                                           double bound);

/// @throws std::invalid_argument unless there is a tensor to be used
ROLEWISE_INLINE void require_configured(const owned_tensor& layer, std::string_view caller);

/// @throws std::invalid_argument unless the tensor has these sizes
ROLEWISE_INLINE void require_made_for(const owned_tensor& layer, at::IntArrayRef sizes,
                                      std::string_view caller);

/// y = W x + b of the features of an example as one vector.
struct linear_layer {
  owned_tensor weight{}, bias{};  ///< `[out, in]`, `[out]`

  void configure(const std::vector<std::int64_t>& features, std::int64_t out, seed key,
                 std::string_view caller);

  /// @param x `[N, in]`
  /// @return `[N, out]`, in the dtype of the weights
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, std::string_view caller) const;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/learned_layers.hpp>
#endif
