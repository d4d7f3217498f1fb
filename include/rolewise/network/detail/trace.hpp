// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Symbolic tracing: the forward pass of a network in full precision, run on `traced_map`s instead
/// of tensors, gives the network's graph for inference.

#include <rolewise/network/detail/folded.hpp>
#include <rolewise/network/detail/inference_graph.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

namespace rolewise::detail {

using folded_layer = std::variant<folded_convolution, folded_normalization, max_pooling>;

/// A network for inference: stem, further layers, global average pooling, linear classifier.
struct folded_network {
  folded_convolution stem{};
  bool rectifies_stem = false;
  inference_graph<folded_layer> graph{};
  std::string classifier{};  ///< name
  torch::Tensor weight{}, bias{};
};

class traced_map;

/// Records the layers of one forward pass, and which of them read, add or rectify the output of
/// which. Takes the place of `tapped_features`.
///
/// @par Source
/// The technique is that of Reed, DeVito, He, Ussery, Ansel: torch.fx: Practical Program Capture
/// and Transformation for Deep Learning in Python, 2021, arXiv:2112.08429, section 4.1.
class trace {
 public:
  static constexpr std::size_t image_index = static_cast<std::size_t>(-1);

  /// @param names of the batch norms, by address
  explicit trace(std::unordered_map<const void*, std::string> names = {}) : names_{std::move(names)}
  {}

  [[nodiscard]] traced_map image();
  [[nodiscard]] folded_network& network() { return network_; }
  [[nodiscard]] const std::string& name_of(const void* norm) const
  {
    const auto found = names_.find(norm);
    if (found == names_.end()) refuse("a batch norm is not in the state of the body");
    return found->second;
  }

  [[nodiscard]] static bool wants(tap_kind kind, std::size_t = 0)
  {
    return kind == tap_kind::stage;
  }
  template<typename Make>
  void keep(tap_kind kind, std::size_t index, const Make& make)
  {
    if constexpr (std::is_convertible_v<decltype(make()), traced_map>)
      if (wants(kind)) tap({kind, static_cast<std::uint8_t>(index)}, make().index());
  }

  /// Adds a layer that reads map `in`.
  /// @return its output
  std::size_t add(folded_layer layer, std::size_t in)
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

  /// A sum is part of its first operand's convolution, which then runs after the second operand's.
  void sum(std::size_t map, std::size_t added)
  {
    if (added == image_index || added == map)
      refuse("the image, or a map itself, is added to a map");
    auto& to = unread(map);
    if (!std::holds_alternative<folded_convolution>(to.layer) || to.added || to.rectifies)
      refuse("a sum is not that of a convolution and one map");
    to.added = added;
    std::erase(network_.graph.order, map - 1);
    network_.graph.order.push_back(map - 1);
  }

  void rectify(std::size_t map)
  {
    require_unread(map);
    if (map > 0 && std::holds_alternative<max_pooling>(unread(map).layer))
      refuse("ReLU follows a pooling");
    (map == 0 ? network_.rectifies_stem : unread(map).rectifies) = true;
  }

  /// @param map the pooled one
  void finish(std::size_t map) const
  {
    if (map != network_.graph.last()) refuse("the pooled map is not the last one");
    if (std::ranges::any_of(network_.graph.nodes, [](const node& n) {
          return !n.rectifies && std::holds_alternative<folded_normalization>(n.layer);
        }))
      refuse("neither a convolution precedes a batch norm, nor ReLU follows it");
  }

 private:
  using node = inference_graph<folded_layer>::node;

  /// The node whose output is a map that no layer has read yet.
  [[nodiscard]] node& unread(std::size_t map)
  {
    require_unread(map);
    if (map == 0) refuse("a map is added to the output of the stem");
    return network_.graph.nodes[map - 1];
  }
  void require_unread(std::size_t map) const
  {
    const auto reads = [&](const node& n) { return n.in == map || n.added == map; };
    if (map == image_index || std::ranges::any_of(network_.graph.nodes, reads))
      refuse("an operation in place does not follow its layer");
    const auto is_map = [&](const auto& tapped_map) { return tapped_map.value == map; };
    if (std::ranges::any_of(network_.graph.tapped_maps, is_map))
      refuse("an operation in place changes a map that is tapped");
  }

  void tap(tap_id id, std::size_t map)
  {
    if (map == image_index) refuse("the image is tapped");
    network_.graph.tapped_maps.set(id, map);
  }

  /// The state of an 8-bit layer has the ranges of one input and one output.
  void require_first_run(const folded_layer& layer)
  {
    const auto is_first = [&](const auto& by) {
      if constexpr (requires { by.name; })
        return names_run_.insert(by.name).second;
      else
        return true;
    };
    if (!std::visit(is_first, layer)) refuse("a layer runs twice: its state would be there twice");
  }

  [[noreturn]] static void refuse(const char* what)
  {
    throw_invalid_argument("trace", "cannot fold a network in which ", what);
  }

  std::unordered_map<const void*, std::string> names_;
  std::unordered_set<std::string> names_run_;
  folded_network network_;
};

/// A feature map of a trace. It has the operations of a `deferred_batch_norm` that forward passes
/// use; layers with weights have overloads for it.
class traced_map {
 public:
  traced_map(trace& of, std::size_t index) : of_{&of}, index_{index} {}

  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] trace& of() const { return *of_; }

  [[nodiscard]] const traced_map& tensor() const { return *this; }
  [[nodiscard]] traced_map taken() const { return *this; }
  [[nodiscard]] traced_map plus(const traced_map& x) const
  {
    of_->sum(index_, x.index_);
    return *this;
  }
  [[nodiscard]] traced_map rectified() const
  {
    of_->rectify(index_);
    return *this;
  }
  [[nodiscard]] traced_map through(folded_layer layer) const
  {
    return {*of_, of_->add(std::move(layer), index_)};
  }

 private:
  trace* of_;
  std::size_t index_;
};

/// The penultimate vector of a trace: the average of a map.
struct traced_vector {
  std::size_t map;
};

/// The logits of a trace: the pooled map, and the classifier that reads its average.
struct traced_logits {
  std::size_t map;
  std::string classifier;  ///< name
  torch::Tensor weight, bias;
};

inline traced_map trace::image() { return {*this, image_index}; }

[[nodiscard]] inline traced_map add_to(const traced_map& y, const traced_map& x)
{
  return y.plus(x);
}
[[nodiscard]] inline traced_map max_pooled(const traced_map& x) { return x.through(max_pooling{}); }
[[nodiscard]] inline traced_vector pooled(const traced_map& x) { return {x.index()}; }

}  // namespace rolewise::detail
