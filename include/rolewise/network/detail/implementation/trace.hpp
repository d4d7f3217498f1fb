// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/trace.hpp>.

#include <rolewise/network/detail/trace.hpp>

#include <algorithm>

namespace rolewise::detail {

ROLEWISE_INLINE const std::string& trace::name_of(const void* norm) const
{
  const auto found = names_.find(norm);
  if (found == names_.end()) refuse("a batch norm is not in the state of the body");
  return found->second;
}

ROLEWISE_INLINE std::size_t trace::add(folded_layer layer, std::size_t in)
{
  auto& [nodes, order, taps] = network_.graph;
  require_first_run(layer);
  if (in == image_index) {
    auto* const stem = std::get_if<folded_convolution>(&layer);
    if (!stem || network_.stem.weight.defined())
      refuse("other layers than one convolution read the image");
    network_.stem = std::move(*stem);
    return 0;
  }
  order.push_back(nodes.size());
  nodes.push_back({std::move(layer), in});
  return nodes.size();
}

ROLEWISE_INLINE void trace::sum(std::size_t map, std::size_t added)
{
  if (added == image_index || added == map) refuse("the image, or a map itself, is added to a map");
  auto& to = unread(map);
  if (!std::holds_alternative<folded_convolution>(to.layer) || to.added || to.rectifies)
    refuse("a sum is not that of a convolution and one map");
  to.added = added;
  std::erase(network_.graph.order, map - 1);
  network_.graph.order.push_back(map - 1);
}

ROLEWISE_INLINE void trace::rectify(std::size_t map)
{
  require_unread(map);
  if (map > 0 && std::holds_alternative<max_pooling>(unread(map).layer))
    refuse("ReLU follows a pooling");
  (map == 0 ? network_.rectifies_stem : unread(map).rectifies) = true;
}

ROLEWISE_INLINE void trace::finish(std::size_t map) const
{
  if (map != network_.graph.last()) refuse("the pooled map is not the last one");
  if (std::ranges::any_of(network_.graph.nodes, [](const node& n) {
        return !n.rectifies && std::holds_alternative<folded_normalization>(n.layer);
      }))
    refuse("neither a convolution precedes a batch norm, nor ReLU follows it");
}

ROLEWISE_INLINE trace::node& trace::unread(std::size_t map)
{
  require_unread(map);
  if (map == 0) refuse("a map is added to the output of the stem");
  return network_.graph.nodes[map - 1];
}

ROLEWISE_INLINE void trace::require_unread(std::size_t map) const
{
  const auto reads = [&](const node& n) { return n.in == map || n.added == map; };
  if (map == image_index || std::ranges::any_of(network_.graph.nodes, reads))
    refuse("an operation in place does not follow its layer");
  const auto is_map = [&](const auto& tapped_map) { return tapped_map.value == map; };
  if (std::ranges::any_of(network_.graph.tapped_maps, is_map))
    refuse("an operation in place changes a map that is tapped");
}

ROLEWISE_INLINE void trace::require_first_run(const folded_layer& layer)
{
  const auto is_first = [&](const auto& by) {
    if constexpr (requires { by.name; })
      return names_run_.insert(by.name).second;
    else
      return true;
  };
  if (!std::visit(is_first, layer)) refuse("a layer runs twice: its state would be there twice");
}

}  // namespace rolewise::detail
