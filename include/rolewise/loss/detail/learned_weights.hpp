// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The sum of losses under learned variances.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise::detail {

/// Zeros, `[terms]`, that are learned.
[[nodiscard]] ROLEWISE_INLINE owned_tensor first_log_variances(std::size_t terms);

/// Adds losses one after the other, each times exp(-s_i), with s_i / 2.
class learned_weights {
 public:
  /// @param log_variances s, not copied
  /// @throws std::invalid_argument if s is undefined
  learned_weights(const owned_tensor& log_variances, std::string_view who);

  /// @param by the constant weight of the loss
  void add(std::string_view name, const torch::Tensor& value, double by);
  /// The sum, with the values and then the weights of all losses.
  [[nodiscard]] loss_terms finish();

 private:
  const torch::Tensor& log_variances_;
  loss_terms found_;
  std::vector<torch::Tensor> weights_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/learned_weights.hpp>
#endif
