// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The dataflow graph of a network for inference, from its stem to its last feature map.

#include <rolewise/core/outputs.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Layers and the feature maps that they read. Map 0 is the output of the stem, map i + 1 that of
/// node i.
template<typename Layer>
struct inference_graph {
  struct node {
    Layer layer;
    std::size_t in;                      ///< the map that the layer reads
    std::optional<std::size_t> added{};  ///< the map that is added to its output
    bool rectifies = false;              ///< whether ReLU follows
  };

  std::vector<node> nodes{};         ///< in the order of the network's forward pass
  std::vector<std::size_t> order{};  ///< of execution: a map exists before it is read
  tapped<std::size_t> tapped_maps{};

  /// The last map, which is pooled.
  [[nodiscard]] std::size_t last() const { return order.empty() ? 0 : order.back() + 1; }

  /// Runs the layers; each map is freed after its last reader.
  /// @param run `run(layer, x, rectify, added)` with `added` null or a map of the output's shape,
  ///        which may be overwritten
  /// @param tap called with the `tap_id` of each tapped map, and the map
  template<typename Map, typename Run, typename Tap>
  [[nodiscard]] Map operator()(Map stem, const Run& run, const Tap& tap)
  {
    std::vector<std::optional<Map>> maps(nodes.size() + 1);
    auto readers = number_of_readers();
    const auto make = [&](std::size_t map, Map value) {
      for (const auto& [id, of] : tapped_maps)
        if (of == map) tap(id, value);
      maps[map] = std::move(value);
    };
    const auto release = [&](std::size_t map) {
      if (--readers[map] == 0) maps[map].reset();
    };
    make(0, std::move(stem));
    for (const auto i : order) {
      auto& [layer, in, added, rectifies] = nodes[i];
      std::optional<Map> beside;
      if (added) beside = readers[*added] == 1 ? *maps[*added] : maps[*added]->clone();
      make(i + 1, run(layer, *maps[in], rectifies, beside ? &*beside : nullptr));
      release(in);
      if (added) release(*added);
    }
    return std::move(*maps[last()]);
  }

 private:
  [[nodiscard]] std::vector<int> number_of_readers() const
  {
    std::vector<int> readers(nodes.size() + 1);
    for (const auto& each : nodes) {
      ++readers[each.in];
      if (each.added) ++readers[*each.added];
    }
    return readers;
  }
};

}  // namespace rolewise::detail
