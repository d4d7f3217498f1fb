// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Symbolic tracing: the forward pass of a network in full precision, run on `traced_map`s instead
/// of tensors, gives the network's graph for inference.

#include <rolewise/core/error.hpp>
#include <rolewise/network/detail/folded.hpp>
#include <rolewise/network/detail/inference_graph.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>

namespace rolewise::detail {

class trace;

/// A feature map of a trace. It has the operations of a `deferred_batch_norm` that forward passes
/// use; layers with weights have overloads for it.
class traced_map {
 public:
  traced_map(trace& of, std::size_t index) : of_{&of}, index_{index} {}

  [[nodiscard]] const traced_map& tensor() const { return *this; }
  [[nodiscard]] traced_map taken() const { return *this; }
  [[nodiscard]] traced_map plus(const traced_map& x) const;
  [[nodiscard]] traced_map rectified() const;
  /// @param norm its address names it
  [[nodiscard]] traced_map normalized(const void* norm, const torch::Tensor& factor,
                                      const torch::Tensor& shift) const;
  [[nodiscard]] traced_map convolved(folded_convolution by) const;
  [[nodiscard]] traced_map pooled_by(max_pooling by) const;
  [[nodiscard]] traced_map pooled() const;
  [[nodiscard]] traced_map classified(std::string name, const torch::Tensor& weight,
                                      const torch::Tensor& bias) const;

 private:
  friend class trace;

  trace* of_;
  std::size_t index_;
};

using folded_layer = std::variant<folded_convolution, folded_normalization, max_pooling>;

/// A network for inference: stem, further layers, global average pooling, linear classifier.
struct folded_network {
  folded_convolution stem{};
  bool rectifies_stem = false;
  inference_graph<folded_layer> graph{};
  std::string classifier{};  ///< name
  torch::Tensor weight{}, bias{};
};

/// Records the layers of one forward pass, and which of them read, add or rectify the output of
/// which. Takes the place of `tapped_features`.
///
/// @par Source
/// The technique is that of Reed, DeVito, He, Ussery, Ansel: torch.fx: Practical Program Capture
/// and Transformation for Deep Learning in Python, 2021, arXiv:2112.08429, section 4.1.
class trace {
 public:
  /// @param names of the batch norms, by address
  explicit trace(std::unordered_map<const void*, std::string> names = {}) : names_{std::move(names)}
  {}

  [[nodiscard]] traced_map image() { return {*this, image_index}; }
  [[nodiscard]] folded_network taken() { return std::move(network_); }

  [[nodiscard]] static bool wants(tap_kind kind, std::size_t = 0)
  {
    return kind == tap_kind::stage;
  }
  template<typename Make>
  void keep(tap_kind kind, std::size_t index, const Make& make)
  {
    if constexpr (std::is_convertible_v<decltype(make()), traced_map>)
      if (wants(kind))
        network_.graph.tapped_maps.set({kind, static_cast<std::uint8_t>(index)}, make().index_);
  }

 private:
  friend class traced_map;
  using node = inference_graph<folded_layer>::node;

  static constexpr std::size_t image_index = static_cast<std::size_t>(-1);

  [[nodiscard]] traced_map add(folded_layer layer, std::size_t in)
  {
    if (in == image_index) refuse("the image enters a layer that is not a convolution");
    auto& [nodes, order, taps] = network_.graph;
    order.push_back(nodes.size());
    nodes.push_back({std::move(layer), in});
    return {*this, nodes.size()};
  }

  [[nodiscard]] traced_map begin(folded_convolution stem)
  {
    if (network_.stem.weight.defined()) refuse("the image enters two convolutions");
    network_.stem = std::move(stem);
    return {*this, 0};
  }

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
  }

  /// A sum is part of its first operand's convolution, which then runs after the second operand's.
  [[nodiscard]] traced_map sum(std::size_t map, std::size_t added)
  {
    auto& to = unread(map);
    if (!std::holds_alternative<folded_convolution>(to.layer) || to.added || to.rectifies)
      refuse("a sum is not that of a convolution and one map");
    to.added = added;
    std::erase(network_.graph.order, map - 1);
    network_.graph.order.push_back(map - 1);
    return {*this, map};
  }

  void rectify(std::size_t map)
  {
    require_unread(map);
    (map == 0 ? network_.rectifies_stem : unread(map).rectifies) = true;
  }

  void finish(std::size_t map) const
  {
    const auto& nodes = network_.graph.nodes;
    if (map != network_.graph.last()) refuse("the pooled map is not the last one");
    if (std::ranges::any_of(nodes, [](const node& n) {
          return !n.rectifies && std::holds_alternative<folded_normalization>(n.layer);
        }))
      refuse("neither a convolution precedes a batch norm, nor ReLU follows it");
  }

  [[noreturn]] static void refuse(const char* what)
  {
    throw_invalid_argument("trace", "cannot fold a network in which ", what);
  }

  std::unordered_map<const void*, std::string> names_;
  folded_network network_;
};

inline traced_map traced_map::plus(const traced_map& x) const { return of_->sum(index_, x.index_); }
inline traced_map traced_map::rectified() const
{
  of_->rectify(index_);
  return *this;
}
inline traced_map traced_map::normalized(const void* norm, const torch::Tensor& factor,
                                         const torch::Tensor& shift) const
{
  return of_->add(folded_normalization{of_->names_.at(norm), factor, shift}, index_);
}
inline traced_map traced_map::convolved(folded_convolution by) const
{
  return index_ == trace::image_index ? of_->begin(std::move(by)) : of_->add(std::move(by), index_);
}
inline traced_map traced_map::pooled_by(max_pooling by) const { return of_->add(by, index_); }
inline traced_map traced_map::pooled() const
{
  of_->finish(index_);
  return *this;
}
inline traced_map traced_map::classified(std::string name, const torch::Tensor& weight,
                                         const torch::Tensor& bias) const
{
  of_->network_.classifier = std::move(name);
  of_->network_.weight = weight;
  of_->network_.bias = bias;
  return *this;
}

/// The traced overloads of functions of tensors.
[[nodiscard]] inline traced_map add_to(const traced_map& y, const traced_map& x)
{
  return y.plus(x);
}
[[nodiscard]] inline traced_map pooled(const traced_map& x) { return x.pooled(); }
[[nodiscard]] inline traced_map max_pooled(const traced_map& x)
{
  return x.pooled_by(max_pooling{});
}

}  // namespace rolewise::detail
