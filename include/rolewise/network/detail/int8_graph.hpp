// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The 8-bit layers of a network, made from its graph for inference and calibrated ranges.

#include <rolewise/network/detail/byte_normalization.hpp>
#include <rolewise/network/detail/calibrated_ranges.hpp>
#include <rolewise/network/detail/trace.hpp>
#include <rolewise/network/int8_layers.hpp>
#include <rolewise/network/network_options.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// Overloaded lambdas, for `std::visit`.
template<typename... F>
struct overloaded : F... {
  using F::operator()...;
};

/// Names of the ranges of what the stem and the classifier read.
[[nodiscard]] inline std::string input_of_stem(const folded_network& network)
{
  return network.stem.name + ".input";
}
[[nodiscard]] inline std::string input_of_classifier(const folded_network& network)
{
  return network.classifier + ".input";
}

/// The ranges of the input, of each layer's output and of the pooled features.
[[nodiscard]] inline calibrated_ranges ranges_of(const std::string& who, folded_network network,
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
    ranges.observe(input_of_stem(network), x);
    auto first = observed(stem.name, stem(x, network.rectifies_stem, nullptr));
    ranges.observe(input_of_classifier(network),
                   pooled(network.graph(std::move(first), run, [](auto&&...) {})));
  }
  return ranges;
}

using int8_layer = std::variant<int8_convolution, byte_normalization, max_pooling>;
using int8_graph = inference_graph<int8_layer>;

/// The graph with 8-bit layers, each from the grid of the map that it reads to a grid of its own.
[[nodiscard]] inline int8_graph in_bytes(const folded_network& network,
                                         const calibrated_ranges& ranges)
{
  int8_graph graph{{}, network.graph.order, network.graph.tapped_maps};
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
  return graph;
}

/// Takes the last layer out of a graph if it is a batch norm that is not tapped. It reads the map
/// that is then the last one.
[[nodiscard]] inline std::optional<byte_normalization> last_normalization(int8_graph& graph)
{
  if (graph.order.empty()) return std::nullopt;
  auto* const norm = std::get_if<byte_normalization>(&graph.nodes[graph.order.back()].layer);
  if (!norm) return std::nullopt;
  const auto is_last = [&](const auto& tapped_map) { return tapped_map.value == graph.last(); };
  if (std::ranges::any_of(graph.tapped_maps, is_last)) return std::nullopt;
  const auto before = graph.order.size() < 2 ? 0 : graph.order[graph.order.size() - 2] + 1;
  if (graph.nodes.back().in != before) return std::nullopt;
  auto last = std::move(*norm);
  graph.nodes.pop_back();
  graph.order.pop_back();
  return last;
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

}  // namespace rolewise::detail
