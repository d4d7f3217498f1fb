// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/int8_graph.hpp>.

#include <rolewise/network/detail/int8_graph.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE calibrated_ranges ranges_of(const std::string& who, folded_network network,
                                            const std::vector<torch::Tensor>& inputs, double share)
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

ROLEWISE_INLINE int8_graph in_bytes(const folded_network& network, const calibrated_ranges& ranges)
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

ROLEWISE_INLINE std::optional<byte_normalization> last_normalization(int8_graph& graph)
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

ROLEWISE_INLINE std::string block_of(const int8_layer& layer)
{
  const auto name = std::visit(overloaded{[](const max_pooling&) { return std::string{}; },
                                          [](const auto& by) { return by.name(); }},
                               layer);
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? std::string{} : name.substr(0, dot);
}

}  // namespace rolewise::detail
