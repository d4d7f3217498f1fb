// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/ensemble_teacher.hpp>.

#include <rolewise/teacher/ensemble_teacher.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<double> normalized_weights(std::vector<double> weights,
                                                       std::size_t count)
{
  if (weights.empty()) weights.assign(count, 1.0);
  if (weights.size() != count)
    throw_invalid_argument("ensemble", "want a weight for each of ", count, " members, got ",
                           weights.size());
  for (const auto x : weights)
    if (!(x > 0.0 && x <= std::numeric_limits<double>::max()))
      throw_invalid_argument("ensemble", "want weights above 0, got ", without_sign_of_nan(x));
  const auto sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (auto& x : weights) x /= sum;
  return weights;
}

ROLEWISE_INLINE torch::Tensor reduced_logits(const std::vector<torch::Tensor>& logits,
                                             const ensemble_reduction& reduction,
                                             const std::vector<double>& weights)
{
  // Weights are scalars of operations: a tensor of them would be copied to the device.
  const auto t = reduction.temperature.value();
  std::vector<torch::Tensor> terms;
  for (std::size_t m = 0; m < logits.size(); ++m) {
    const auto z = in_single_or_double(logits[m]);
    terms.push_back(reduction.of_logits ? z * weights[m]
                                        : at::log_softmax(z / t, 1) + std::log(weights[m]));
  }
  const auto all = at::stack(terms);
  const auto mean = reduction.of_logits ? all.sum(0) : at::logsumexp(all, 0) * t;
  return mean.to(logits.front().scalar_type());
}

}  // namespace rolewise::detail
