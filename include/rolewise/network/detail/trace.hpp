// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Symbolic tracing: the forward pass of a network in full precision, run on `traced_map`s instead
/// of tensors, gives the network's graph for inference.

#include <rolewise/network/detail/folded.hpp>
#include <rolewise/network/detail/inference_graph.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

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
  [[nodiscard]] const std::string& name_of(const void* norm) const;

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
  std::size_t add(folded_layer layer, std::size_t in);

  /// A sum is part of its first operand's convolution, which then runs after the second operand's.
  void sum(std::size_t map, std::size_t added);

  void rectify(std::size_t map);

  /// @param map the pooled one
  void finish(std::size_t map) const;

 private:
  using node = inference_graph<folded_layer>::node;

  /// The node whose output is a map that no layer has read yet.
  [[nodiscard]] node& unread(std::size_t map);
  void require_unread(std::size_t map) const;

  void tap(tap_id id, std::size_t map)
  {
    if (map == image_index) refuse("the image is tapped");
    network_.graph.tapped_maps.set(id, map);
  }

  /// The state of an 8-bit layer has the ranges of one input and one output.
  void require_first_run(const folded_layer& layer);

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
[[nodiscard]] inline traced_map max_pooled(const traced_map& x, const max_pooling& by = {})
{
  return x.through(by);
}
[[nodiscard]] inline traced_vector pooled(const traced_map& x) { return {x.index()}; }

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/trace.hpp>
#endif
