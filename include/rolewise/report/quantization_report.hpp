// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Quantization report of a network: statistics of its weights and activations, layer by layer.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/report/quantization_view.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::report {

/// Quantization statistics of one layer.
struct layer_quantization {
  layer_id place;
  layer_bits widths;
  std::optional<quantization_view> weights{};      ///< if they are quantized
  std::optional<quantization_view> activations{};  ///< that enter it, if they are quantized
  /// Name of the layer that reads the same activations, quantized once for both; empty if the
  /// layer has its own. The shortcut of a block with one bit width for all layers shares them.
  std::string shares_with{};
};

/// Statistics of the quantized layers of a network, in the order of the forward pass.
struct network_quantization {
  std::string network;
  std::vector<layer_quantization> layers;
};

namespace quantization_report_must {

template<typename N>
concept be_copied = std::copyable<N> && state_must::be_shown<N>;

template<typename N>
concept predict_a_batch = requires(const N network, const batch examples) {
  { network.predict(examples) };
};

template<typename N>
concept report_its_layers = requires(const N network) {
  { network.layers().front().place } -> std::convertible_to<layer_id>;
  { network.layers().front().widths } -> std::convertible_to<layer_bits>;
  { network.name() } -> std::convertible_to<std::string>;
};

}  // namespace quantization_report_must

namespace detail {

/// Visits every quantized weight and every activation quantizer of a network.
template<typename OfWeights, typename OfActivations>
class quantizer_walk {
 public:
  quantizer_walk(OfWeights of_weights, OfActivations of_activations)
      : of_weights_{std::move(of_weights)}, of_activations_{std::move(of_activations)}
  {}

  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }
  template<typename Weights>
  void weights(Weights& of_layer)
  {
    of_weights_(of_layer);
  }
  template<typename Activations>
  void activations(Activations& into_layer)
  {
    of_activations_(into_layer);
  }

 private:
  OfWeights of_weights_;
  OfActivations of_activations_;
};

/// A shortcut whose own quantizer was not called shares the activations of the first layer of its
/// block that has the same bit width.
ROLEWISE_INLINE void share_activations(std::vector<layer_quantization>& layers);

}  // namespace detail

/// Runs a batch through a network in evaluation mode and collects the statistics of its
/// quantizers, for each layer with fewer than 32 bits: of its weights, and of the activations that
/// enter it, after the ReLU, over all examples.
///
/// Runs a copy, so the network does not change. Levels of activations are reported `as_they_are`,
/// those of weights `by_gain`, or `fitted` if the quantizer does not keep the size of the weights.
/// @param network such as `residual_network` or `wide_resnet`; a custom one needs layers with
///        `quantized_weight` and `activation`
/// @param examples on the device of the network; a few hundred are enough
/// @par Determinism
/// A function of the arguments.
/// @throws std::invalid_argument if no layer has fewer than 32 bits, or the batch is empty
/// @throws std::runtime_error that names the layer if its values are not finite
template<typename Network>
[[nodiscard]] network_quantization quantization_report(const Network& network,
                                                       const batch& examples)
{
  static_assert(
      quantization_report_must::be_copied<Network> &&
          quantization_report_must::predict_a_batch<Network> &&
          quantization_report_must::report_its_layers<Network>,
      "quantization_report wants a network that can be copied, predicts batches and reports its "
      "layers, such as resnet8(shape, dorefa{})");
  network_quantization report{network.name(), {}};
  for (const auto& layer : network.layers())
    if (layer.widths != layer_bits{}) report.layers.push_back({layer.place, layer.widths});
  if (report.layers.empty())
    throw_invalid_argument("quantization_report", "'", report.network,
                           "' has no layer of fewer than 32 bits");
  if (examples.size() < 1)
    throw_invalid_argument("quantization_report", "the batch has no examples");

  const auto look = [&](std::optional<quantization_view> layer_quantization::* side,
                        level_size size) {
    return [&report, side, size](const layer_id& place, bit_width bits, const torch::Tensor& values,
                                 const quantized& q) {
      if (bits.is_full()) return;
      for (auto& layer : report.layers)
        if (layer.place.name == place.name)
          layer.*side =
              detail::view_for("quantization_report: layer " + place.name, values, q, bits, size);
    };
  };
  const torch::NoGradGuard without_graph;
  auto asked = network;
  detail::quantizer_walk walk{
      [&](auto& weights) {
        const auto size = weights.keeps_size() ? level_size::by_gain : level_size::fitted;
        weights.show_levels(look(&layer_quantization::weights, size));
      },
      [&](auto& activations) {
        activations.watch(look(&layer_quantization::activations, level_size::as_they_are));
      }};
  asked.visit_state(walk);
  (void)asked.predict(examples);
  detail::share_activations(report.layers);
  return report;
}

namespace detail {

/// `-` if there is no view.
template<typename F>
[[nodiscard]] std::string cell_of(const std::optional<quantization_view>& view, F&& f)
{
  return view ? f(*view) : std::string{"-"};
}

[[nodiscard]] inline std::string percent(double share, int digits)
{
  return fixed_text(100.0 * share, digits);
}

[[nodiscard]] inline std::string levels_text(const quantization_view& view)
{
  return detail::classic_text(view.used, " of ", view.possible);
}

}  // namespace detail

/// Table of a report, a row for each layer: bits (of weights / of activations), levels in use,
/// percentage of clipped values, error in percent of the variance (`fitted_error` where positions
/// are fitted), and percentage of activations that are 0.
[[nodiscard]] ROLEWISE_INLINE table quantization_table(const network_quantization& report);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/quantization_report.hpp>
#endif
