// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The 8-bit layers of a network, made from its graph for inference and calibrated ranges.

#include <rolewise/network/detail/byte_normalization.hpp>
#include <rolewise/network/detail/calibrated_ranges.hpp>
#include <rolewise/network/detail/trace.hpp>
#include <rolewise/network/int8_layers.hpp>
#include <rolewise/network/network_options.hpp>
#include <rolewise/support/inline.hpp>

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
[[nodiscard]] ROLEWISE_INLINE calibrated_ranges ranges_of(const std::string& who,
                                                          folded_network network,
                                                          const std::vector<torch::Tensor>& inputs,
                                                          double share);

using int8_layer = std::variant<int8_convolution, byte_normalization, max_pooling>;
using int8_graph = inference_graph<int8_layer>;

/// The graph with 8-bit layers, each from the grid of the map that it reads to a grid of its own.
[[nodiscard]] ROLEWISE_INLINE int8_graph in_bytes(const folded_network& network,
                                                  const calibrated_ranges& ranges);

/// Takes the last layer out of a graph if it is a batch norm that is not tapped. It reads the map
/// that is then the last one.
[[nodiscard]] ROLEWISE_INLINE std::optional<byte_normalization> last_normalization(
    int8_graph& graph);

/// The name of the block that a layer is part of, `stage1.0` of `stage1.0.convolution1`; empty for
/// a layer of the network itself.
[[nodiscard]] ROLEWISE_INLINE std::string block_of(const int8_layer& layer);

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

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/int8_graph.hpp>
#endif
