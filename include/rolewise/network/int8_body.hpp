// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `int8_body`: the 8-bit form of a network by post-training quantization.

#include <rolewise/network/detail/int8_graph.hpp>
#include <rolewise/network/detail/shown_layers.hpp>
#include <rolewise/network/image_body.hpp>
#include <rolewise/network/int8_layers.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise {

/// Options of post-training quantization to 8 bits.
struct int8_options {
  /// Calibration percentile: the share of a feature map's values that the clipping range keeps,
  /// at each end (the lower one only if there are negative values); 1 takes minimum and maximum.
  double share = 1.0;
  bool stem = true;         ///< quantize the first layer and its input
  bool classifier = false;  ///< quantize the last layer and its input
};

namespace detail {

[[nodiscard]] consteval taps stages_of(taps of_network)
{
  taps all;
  of_network.for_each([&](tap_id id) {
    if (id.kind == tap_kind::stage) all.insert(id);
  });
  return all;
}

/// The taps of an 8-bit network: those of the network after its activations.
[[nodiscard]] consteval taps int8_taps(taps of_network)
{
  auto all = stages_of(of_network);
  if (of_network.contains(tap::penultimate)) all.insert(tap::penultimate);
  return all;
}

/// The network of a body for inference, from one traced forward pass.
/// @throws std::invalid_argument if the forward pass has operations that cannot be folded, or keeps
///         no map of a stage that the body offers
template<TraceableBody Body>
[[nodiscard]] folded_network folded(Body body)
{
  std::unordered_map<const void*, std::string> names;
  for_each_part(body, [&](const std::string& name, const auto& part) {
    if constexpr (std::same_as<std::remove_cvref_t<decltype(part)>, batch_norm>)
      names.emplace(&part, name);
  });
  trace of{std::move(names)};
  auto found = body.logits(of.image(), phase::evaluation, of);
  of.finish(found.map);
  auto& network = of.network();
  std::vector<std::string> run{found.classifier};
  if (network.stem.weight.defined()) run.push_back(network.stem.name);
  for (const auto& node : network.graph.nodes)
    if (const auto* const by = std::get_if<folded_convolution>(&node.layer))
      run.push_back(by->name);
  require_reported(body.name(), run, body.layers());
  network.classifier = std::move(found.classifier);
  network.weight = std::move(found.weight);
  network.bias = std::move(found.bias);
  constexpr auto stages = stages_of(rolewise::offered_taps<Body>());
  if (const auto missing = stages.without(network.graph.tapped_maps.available()); !missing.empty())
    throw_invalid_argument(body.name(), "the body offers ", to_text(missing),
                           ", but keeps no map of it");
  return std::move(network);
}

struct calibrated_network {
  folded_network network;
  calibrated_ranges ranges;
};

template<TraceableBody Body>
[[nodiscard]] calibrated_network calibrated(const Body& trained,
                                            const std::vector<torch::Tensor>& inputs, double share)
{
  auto network = folded(trained);
  auto ranges = ranges_of(trained.name(), network, inputs, share);
  return {std::move(network), std::move(ranges)};
}

}  // namespace detail

/// The 8-bit form of a network that was trained in full precision, for inference only: quantized
/// after training, from the network's own forward pass. Feature maps are uint8 from the stem to the
/// last one, residual sums too. Weights have 255 levels with a scale per output channel, batch norm
/// folded in; activations have 256 levels over ranges calibrated on batches. Batch norm and ReLU
/// that no convolution precedes are a lookup table of 256 codes per channel, before the pooling in
/// floating point.
///
/// Images of other sizes than the network's own shape pass the same layers, also where the network
/// itself would choose its pooling by their size.
///
/// Taps: those of the network that are stages, as dequantized values, and the penultimate vector.
/// Outputs carry no autograd graph.
///
/// @tparam Body a body in full precision that derives from `image_body`
/// @par Determinism
/// The result does not depend on the number of threads. Where integer operators are missing
/// (`integer_forward_support`), floating point does the same arithmetic, and some values may
/// round to the neighboring code.
/// @par Source
/// Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam, Kalenichenko: Quantization and Training of
/// Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2017, arXiv:1712.05877,
/// sections 2 and 3.2. Percentile calibration: Wu, Judd, Zhang, Isaev, Micikevicius: Integer
/// Quantization for Deep Learning Inference, 2020, arXiv:2004.09602, section 3.4.
/// @par Departs
/// Scales and biases are floating point.
template<typename Body>
class int8_body {
  static_assert(
      detail::TraceableBody<Body>,
      "an 8-bit network is made from one in full precision: no quantizer, and a body that "
      "derives from image_body, whose `logits` runs on the maps of a trace");

 public:
  static constexpr taps offered_taps = detail::int8_taps(rolewise::offered_taps<Body>());

  /// @param inputs calibration batches, normalized, float, `[N, C, H, W]`
  /// @throws std::invalid_argument without inputs, for a share outside (0, 1], if a feature map of
  ///         the network is not finite, or if its forward pass cannot be folded
  int8_body(const Body& trained, const std::vector<torch::Tensor>& inputs,
            const int8_options& options = {})
      : int8_body{trained, detail::calibrated(trained, inputs, options.share), options}
  {}

  /// @throws std::invalid_argument in training
  [[nodiscard]] outputs forward(const torch::Tensor& inputs, phase when, taps wanted)
  {
    detail::require_images(name_, inputs, shape_.channels);
    detail::require_predicting(name_, when);
    const torch::NoGradGuard without_graph;
    detail::tapped_features features{wanted};
    const auto tap = [&](tap_id id, const byte_map& x) {
      features.keep(id.kind, id.index, [&] { return x.values(); });
    };
    const auto run = [](detail::int8_layer& layer, const byte_map& x, bool rectify,
                        byte_map* added) {
      return std::visit(
          detail::overloaded{[&](int8_convolution& by) { return by(x, rectify, added); },
                             [&](const auto& by) { return by(x); }},
          layer);
    };
    const auto pooled = mean_of(graph_(stem_(inputs), run, tap));
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return {.logits = classifier_(pooled), .features = features.taken()};
  }

  [[nodiscard]] std::vector<layer_report> layers() const
  {
    std::vector<layer_report> all{stem_.report()};
    for (const auto& node : graph_.nodes)
      if (const auto* const by = std::get_if<int8_convolution>(&node.layer))
        all.push_back(by->report());
    all.push_back(classifier_.report());
    return detail::numbered(std::move(all));
  }

  [[nodiscard]] std::string name() const { return name_; }
  [[nodiscard]] sample_shape shape() const { return shape_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part(stem_.name(), stem_);
    for (auto first = graph_.nodes.begin(); first != graph_.nodes.end();) {
      const auto block = detail::block_of(first->layer);
      const auto next = std::find_if(first, graph_.nodes.end(), [&](const auto& node) {
        return !std::holds_alternative<detail::max_pooling>(node.layer) &&
               detail::block_of(node.layer) != block;
      });
      detail::int8_block layers{{first, next}, block.empty() ? 0 : block.size() + 1};
      if (block.empty())
        layers.visit_state(archive);
      else
        archive.part(block, layers);
      first = next;
    }
    if (last_) archive.part(last_->name(), *last_);
    archive.part(classifier_.name(), classifier_);
  }

 private:
  int8_body(const Body& trained, const detail::calibrated_network& of, const int8_options& options)
      : name_{trained.name() + "-8bit"},
        shape_{trained.shape()},
        stem_{of.network.stem, of.ranges.grid_if(options.stem, detail::input_of_stem(of.network)),
              of.ranges.grid(of.network.stem.name), of.network.rectifies_stem},
        graph_{detail::in_bytes(of.network, of.ranges)},
        last_{detail::last_normalization(graph_)},
        classifier_{of.network.classifier, of.network.weight, of.network.bias,
                    of.ranges.grid_if(options.classifier, detail::input_of_classifier(of.network))}
  {}

  [[nodiscard]] torch::Tensor mean_of(const byte_map& x) const
  {
    if (last_) return detail::pooled(last_->values(x));
    auto means = x.codes.mean(at::IntArrayRef{2, 3}, false, torch::kFloat);
    if (x.grid.zero != 0) means.sub_(x.grid.zero);
    return means.mul_(x.grid.scale);
  }

  std::string name_;
  sample_shape shape_;
  int8_stem stem_;
  detail::int8_graph graph_;
  std::optional<detail::byte_normalization> last_;  ///< before the pooling, in floating point
  int8_classifier classifier_;
};

}  // namespace rolewise
