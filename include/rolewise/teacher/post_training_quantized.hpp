// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Post-training quantization: an 8-bit teacher from a trained network.

#include <rolewise/core/device_of.hpp>
#include <rolewise/network/int8_body.hpp>
#include <rolewise/network/int8_wide_body.hpp>
#include <rolewise/teacher/frozen.hpp>

#include <cstddef>
#include <vector>

namespace rolewise {

namespace detail {

/// @tparam Body the 8-bit body
template<typename Body, typename Network>
[[nodiscard]] frozen_teacher<network<Body>> in_eight_bits(Network trained,
                                                          const std::vector<batch>& examples,
                                                          const int8_options& options)
{
  trained.cast(torch::kFloat);
  std::vector<torch::Tensor> inputs;
  for (const auto& each : examples)
    inputs.push_back(normalized_inputs(on_device_of(trained, each)));
  return frozen(network<Body>{Body{trained.body(), inputs, options}});
}

}  // namespace detail

/// Quantizes a residual network, trained in full precision, to an 8-bit teacher: no training, a
/// few batches to calibrate the ranges of its feature maps.
///
///     auto teacher = post_training_quantized(pretraining.student, {first, second});
///
/// Its logits are those of the network up to quantization error; `agreement` measures how often
/// the top-1 class is the same. The result is a frozen network, with a fingerprint over all of
/// its codes and scales.
///
/// @throws std::invalid_argument without batches, for a `share` outside (0, 1], or if a feature
///         map of the network is not finite
template<std::size_t Stages>
[[nodiscard]] frozen_teacher<network<int8_body<Stages>>> post_training_quantized(
    const residual_network<no_quantizer, full_precision, residual_plan<Stages>>& trained,
    const std::vector<batch>& examples, const int8_options& options = {})
{
  return detail::in_eight_bits<int8_body<Stages>>(trained, examples, options);
}

/// The same from a wide residual network.
[[nodiscard]] inline frozen_teacher<network<int8_wide_body>> post_training_quantized(
    const network<wide_residual_body<no_quantizer, full_precision>>& trained,
    const std::vector<batch>& examples, const int8_options& options = {})
{
  return detail::in_eight_bits<int8_wide_body>(trained, examples, options);
}

}  // namespace rolewise
