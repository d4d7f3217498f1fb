// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `bit_questions`: the sensitivity of each layer to low bit widths, as input of `choose_bits`.

#include <rolewise/measurement/hessian_trace.hpp>
#include <rolewise/quant/bit_allocation.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::measurement {

/// The error measure between weights w and quantized weights Q(w).
enum class weight_distance {
  plain,  ///< |w - Q(w)|^2
  /// The minimum of |w - a Q(w)|^2 over a factor a: batch norm cancels a factor, and quantizers
  /// such as DoReFa and APoT do not preserve the scale of the weights.
  up_to_scale
};

/// The unit of a bit budget.
enum class cost_measure { bytes, bit_operations };

/// The cost of a layer by the chosen measure.
[[nodiscard]] inline double cost_of(const layer_report& layer, cost_measure measure)
{
  return measure == cost_measure::bytes ? bytes(layer) : bit_operations(layer);
}

/// Returns the quantization error of one layer's weights. A quantizer state with `observe` first
/// observes the weights ten times, so that its range or basis has settled.
template<WeightQuantizer Q>
[[nodiscard]] double weight_error(const Q& quantizer, const layer_id& place,
                                  const torch::Tensor& weights, bit_width bits,
                                  weight_distance distance = weight_distance::up_to_scale)
{
  if (bits.is_full()) return 0.0;
  const torch::NoGradGuard without_graph;
  const auto w = weights.detach();
  auto state = quantizer.start_weights(place);
  if constexpr (requires { state.observe(w, bits); })
    for (int round = 0; round < 10; ++round) state.observe(w, bits);
  const auto of_w = w.to(torch::kDouble);
  auto q = std::as_const(state)(w, bits).values().to(torch::kDouble);
  if (distance == weight_distance::up_to_scale) {
    const auto size = q.square().sum();
    q = q * ((of_w * q).sum() / size.masked_fill(size.eq(0), 1));
  }
  const double error = (of_w - q).square().sum().template item<double>();
  if (!std::isfinite(error))
    throw_invalid_argument("weight_error", "the weights of layer ", place.name, " at ",
                           bits.value(), " bits are ", error,
                           " away from themselves; are they finite?");
  return error;
}

/// Options of the measurement of bit sensitivity.
struct sensitivity_options {
  /// The candidate bit widths of each layer. Activations of the first layer count as 32 bits.
  std::vector<layer_bits> widths{{bit_width{8}, bit_width{8}}, {bit_width{4}, bit_width{4}}};
  cost_measure measure = cost_measure::bit_operations;
  weight_distance distance = weight_distance::up_to_scale;
  bool both_ends = false;  ///< whether to include the first and the last layer
};

/// Returns the options for `choose_bits`: for each layer and each candidate width, cost and harm.
///
///     harm = mean trace of the Hessian x distance of the weights     with `hessian_traces`
///     harm = distance of the weights                                 without traces
///
/// A negative mean trace, from estimation noise or away from a minimum, counts as 0.
///
/// @throws std::invalid_argument for no widths, or for traces of other layers
/// @par Source
/// Dong et al.: HAWQ-V2, 2020, arXiv:1911.03852.
/// @par Departs
/// By default the distance is invariant to a scale factor (`weight_distance::up_to_scale`).
template<typename Network, WeightQuantizer Q>
[[nodiscard]] std::vector<bit_question> bit_questions(const Network& network, const Q& quantizer,
                                                      const std::vector<layer_trace>& traces,
                                                      const sensitivity_options& options = {})
{
  const auto layers = network.layers();
  if (options.widths.empty())
    throw_invalid_argument("bit_questions", "want widths to choose from, got none");
  if (!traces.empty() && traces.size() != layers.size())
    throw_invalid_argument("bit_questions", "got traces of ", traces.size(),
                           " layers, the network has ", layers.size());
  const auto weights = detail::weights_of_layers(network, layers);
  std::vector<bit_question> questions;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto& place = layers[i].place;
    if (!options.both_ends && (place.is_first() || place.is_last())) continue;
    if (!traces.empty() && traces[i].layer.place.name != place.name)
      throw_invalid_argument("bit_questions", "layer ", i, " is ", place.name,
                             ", its trace is that of ", traces[i].layer.place.name);
    const double gradients = traces.empty() ? 1.0 : std::max(traces[i].mean(), 0.0);
    bit_question question{.layers = {place.name}, .options = {}};
    for (auto widths : options.widths) {
      auto costs = layers[i];
      if (place.reads_floats()) widths.activations = bit_width{32};
      costs.widths = widths;
      question.options.push_back({widths, cost_of(costs, options.measure),
                                  gradients * weight_error(quantizer, place, weights[i],
                                                           widths.weights, options.distance)});
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

/// Returns the fixed part of a network's cost: layers without a `bit_question`, at their current
/// widths, and, for bytes, all other parameters. The budget for `choose_bits` is that of the
/// whole network less this.
template<typename Network>
[[nodiscard]] double undecided_cost(const Network& network,
                                    const std::vector<bit_question>& questions,
                                    cost_measure measure)
{
  const auto costs = costs_of(network);
  double sum =
      measure == cost_measure::bytes ? 4.0 * static_cast<double>(costs.other_parameters) : 0.0;
  for (const auto& layer : costs.layers)
    if (std::ranges::none_of(questions, [&](const bit_question& each) {
          return std::ranges::find(each.layers, layer.place.name) != each.layers.end();
        }))
      sum += cost_of(layer, measure);
  return sum;
}

}  // namespace rolewise::measurement
