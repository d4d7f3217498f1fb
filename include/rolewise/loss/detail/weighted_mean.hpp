// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Weighted means of loss values over examples, pixels or tokens.

#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise::detail {

/// The weights of `values`, `[N]` or `[N, ...]`, in their dtype and shape (a view).
/// @throws std::invalid_argument unless the weights are floating point, on the device of the
///         values, and have their shape or `[N]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor weights_for(const torch::Tensor& values,
                                                        const torch::Tensor& weights,
                                                        std::string_view caller);

/// `sum(w * v) / sum(w)`, `[]`; 0 with gradient 0 if no value has a weight. A value of weight 0
/// does not count, whatever it is.
/// @param weights of the shape of `values`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor weighted_mean(const torch::Tensor& values,
                                                          const torch::Tensor& weights);

/// Mean of the values of all elements, weighted by `targets.weights` if there are any.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor element_mean(const torch::Tensor& values,
                                                         const targets& targets,
                                                         std::string_view caller);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/weighted_mean.hpp>
#endif
