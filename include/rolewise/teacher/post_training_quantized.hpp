// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Post-training quantization: an 8-bit teacher from a trained network.

#include <rolewise/core/device_of.hpp>
#include <rolewise/network/int8_body.hpp>
#include <rolewise/teacher/frozen.hpp>

#include <vector>

namespace rolewise {

/// Quantizes a network, trained in full precision, to an 8-bit teacher: no training, a few batches
/// to calibrate the ranges of its feature maps.
///
///     auto teacher = post_training_quantized(pretraining.student, {first, second});
///
/// Its logits are those of the network up to quantization error; `measurement::agreement` measures
/// how often the top-1 class is the same. The result is a frozen network, with a fingerprint over
/// all of its codes and scales.
///
/// @tparam Body see `int8_body`
/// @throws std::invalid_argument without batches, for a `share` outside (0, 1], if a feature map of
///         the network is not finite, or if its forward pass cannot be folded
template<typename Body>
[[nodiscard]] frozen_teacher<network<int8_body<Body>>> post_training_quantized(
    network<Body> trained, const std::vector<batch>& examples, const int8_options& options = {})
{
  trained.cast(torch::kFloat);
  std::vector<torch::Tensor> inputs;
  for (const auto& each : examples)
    inputs.push_back(normalized_inputs(detail::on_device_of(trained, each)));
  return frozen(network<int8_body<Body>>{int8_body<Body>{trained.body(), inputs, options}});
}

}  // namespace rolewise
