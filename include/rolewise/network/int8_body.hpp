// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `int8_body`: the 8-bit form of a network by post-training quantization.

#include <rolewise/network/detail/byte_normalization.hpp>
#include <rolewise/network/detail/calibrated_ranges.hpp>
#include <rolewise/network/image_body.hpp>
#include <rolewise/network/int8_layers.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise {

struct int8_options {
  /// Calibration percentile: the share of a feature map's values that the clipping range keeps,
  /// at each end (the lower one only if there are negative values); 1 takes minimum and maximum.
  double share = 1.0;
  bool stem = true;         ///< quantize the first layer and its input
  bool classifier = false;  ///< quantize the last layer and its input
};

namespace detail {

/// Overloaded lambdas, for `std::visit`.
template<typename... F>
struct overloaded : F... {
  using F::operator()...;
};

/// The taps of an 8-bit network: those of the network after its activations.
[[nodiscard]] consteval taps int8_taps(taps of_network)
{
  taps all;
  of_network.for_each([&](tap_id id) {
    if (id.kind == tap_kind::stage || id.kind == tap_kind::penultimate) all.insert(id);
  });
  return all;
}

/// The network of a body for inference, from one traced forward pass.
template<TraceableBody Body>
[[nodiscard]] folded_network folded(Body body)
{
  std::unordered_map<const void*, std::string> names;
  for_each_part(body, [&](const std::string& name, const auto& part) {
    if constexpr (std::same_as<std::remove_cvref_t<decltype(part)>, batch_norm>)
      names.emplace(&part, name);
  });
  trace of{std::move(names)};
  (void)body.logits(of.image(), phase::evaluation, of);
  return of.taken();
}

/// The ranges of the input, of each layer's output and of the pooled features ("means").
[[nodiscard]] inline calibrated_ranges ranges_of(const std::string& who, folded_network& network,
                                                 const std::vector<torch::Tensor>& inputs,
                                                 double share)
{
  if (inputs.empty()) refuse_no_inputs(who);
  const torch::NoGradGuard without_graph;
  calibrated_ranges ranges{share};
  const auto observed = [&](const std::string& name, torch::Tensor y) {
    ranges.observe(name, y);
    return y;
  };
  const auto run = [&](const folded_layer& layer, const torch::Tensor& x, bool rectify,
                       const torch::Tensor* added) {
    return std::visit(
        overloaded{
            [&](const folded_convolution& by) { return observed(by.name, by(x, rectify, added)); },
            [&](const folded_normalization& by) { return observed(by.name, by(x)); },
            [&](const max_pooling& by) { return by(x); }},
        layer);
  };
  const auto& stem = network.stem;
  for (const auto& x : inputs) {
    ranges.observe("input", x);
    auto first = observed(stem.name, stem(x, network.rectifies_stem, nullptr));
    ranges.observe("means", pooled(network.graph(std::move(first), run, [](auto&&...) {})));
  }
  return ranges;
}

using int8_layer = std::variant<int8_convolution, byte_normalization, max_pooling>;
using int8_graph = inference_graph<int8_layer>;

/// The graph with 8-bit layers, each from the grid of the map that it reads to a grid of its own.
/// @return and the batch norm before the pooling, which is not part of the graph
[[nodiscard]] inline std::pair<int8_graph, std::optional<byte_normalization>> in_bytes(
    const folded_network& network, const calibrated_ranges& ranges)
{
  std::pair<int8_graph, std::optional<byte_normalization>> result;
  auto& [graph, last] = result;
  std::vector<byte_grid> grids{ranges.grid(network.stem.name)};
  for (const auto& [layer, in, added, rectifies] : network.graph.nodes) {
    const auto from = grids[in];
    const auto grid_of = [&](const std::string& name) {
      return grids.emplace_back(ranges.grid(name));
    };
    auto made = std::visit(overloaded{[&](const folded_convolution& by) -> int8_layer {
                                        return int8_convolution{by, from, grid_of(by.name)};
                                      },
                                      [&](const folded_normalization& by) -> int8_layer {
                                        return byte_normalization{by, from, grid_of(by.name)};
                                      },
                                      [&](const max_pooling& by) -> int8_layer {
                                        grids.push_back(from);
                                        return by;
                                      }},
                           layer);
    graph.nodes.push_back({std::move(made), in, added, rectifies});
  }
  graph.order = network.graph.order;
  graph.tapped_maps = network.graph.tapped_maps;
  if (graph.order.empty()) return result;
  if (auto* const norm = std::get_if<byte_normalization>(&graph.nodes[graph.order.back()].layer)) {
    last = std::move(*norm);
    graph.nodes.pop_back();
    graph.order.pop_back();
  }
  return result;
}

/// The name of the block that a layer is part of, `stage1.0` of `stage1.0.convolution1`; empty for
/// a layer of the network itself.
[[nodiscard]] inline std::string block_of(const int8_layer& layer)
{
  const auto name = std::visit(overloaded{[](const max_pooling&) { return std::string{}; },
                                          [](const auto& by) { return by.name(); }},
                               layer);
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? std::string{} : name.substr(0, dot);
}

/// The layers of a block, as a part.
struct int8_block {
  std::span<int8_graph::node> layers;
  std::size_t prefix;  ///< length of the block's name in those of its layers

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    for (auto& each : layers)
      std::visit(overloaded{[](max_pooling&) {},
                            [&](auto& by) { archive.part(by.name().substr(prefix), by); }},
                 each.layer);
  }
};

}  // namespace detail

/// The 8-bit form of a network that was trained in full precision, for inference only: quantized
/// after training, from the network's own forward pass. Feature maps are uint8 from the stem to the
/// last one, residual sums too. Weights have 255 levels with a scale per output channel, batch norm
/// folded in; activations have 256 levels over ranges calibrated on batches. Batch norm and ReLU
/// that no convolution precedes are a lookup table of 256 codes per channel, before the pooling in
/// floating point.
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
      "derives from image_body");

 public:
  static constexpr taps offered_taps = detail::int8_taps(Body::offered_taps);

  /// @param inputs calibration batches, normalized, float, `[N, C, H, W]`
  /// @throws std::invalid_argument without inputs, for a share outside (0, 1], or if a feature
  ///         map of the network is not finite
  int8_body(const Body& trained, const std::vector<torch::Tensor>& inputs,
            const int8_options& options = {})
      : int8_body{trained, detail::folded(trained), inputs, options}
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
        return detail::block_of(node.layer) != block;
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
  int8_body(const Body& trained, detail::folded_network folded,
            const std::vector<torch::Tensor>& inputs, const int8_options& options)
      : int8_body{trained, folded, detail::ranges_of(trained.name(), folded, inputs, options.share),
                  options}
  {}

  int8_body(const Body& trained, const detail::folded_network& folded,
            const detail::calibrated_ranges& ranges, const int8_options& options)
      : int8_body{trained, folded, ranges, options, detail::in_bytes(folded, ranges)}
  {}

  int8_body(const Body& trained, const detail::folded_network& folded,
            const detail::calibrated_ranges& ranges, const int8_options& options,
            std::pair<detail::int8_graph, std::optional<detail::byte_normalization>> in_bytes)
      : name_{trained.name() + "-8bit"},
        shape_{trained.shape()},
        stem_{folded.stem, ranges.grid_if(options.stem, "input"), ranges.grid(folded.stem.name),
              folded.rectifies_stem},
        graph_{std::move(in_bytes.first)},
        last_{std::move(in_bytes.second)},
        classifier_{folded.classifier, folded.weight, folded.bias,
                    ranges.grid_if(options.classifier, "means")}
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
