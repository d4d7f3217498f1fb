// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The output of a forward pass: logits and tapped features of one network, or of teacher and
/// student.

#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace rolewise {

/// Values by tap, in the order of `tap_kind` and index.
template<typename T>
class tapped {
 public:
  struct entry {
    tap_id id;
    T value;
  };

  tapped() = default;
  tapped(std::initializer_list<entry> all)
  {
    for (const auto& each : all) set(each.id, each.value);
  }

  /// Adds a value, or replaces that of the same tap.
  void set(tap_id id, T value)
  {
    const auto place = std::ranges::lower_bound(entries_, id, {}, &entry::id);
    if (place != entries_.end() && place->id == id)
      place->value = std::move(value);
    else
      entries_.insert(place, {id, std::move(value)});
  }

  /// @throws std::invalid_argument that names the tap and those that are there
  [[nodiscard]] const T& operator[](tap_id id) const
  {
    const auto place = std::ranges::find(entries_, id, &entry::id);
    if (place == entries_.end())
      throw_invalid_argument("tapped", "want ", tap_name{id}.view(), ", there is ",
                             to_text(available()));
    return place->value;
  }
  [[nodiscard]] bool contains(tap_id id) const { return available().contains(id); }
  [[nodiscard]] taps available() const
  {
    taps all;
    for (const auto& each : entries_) all.insert(each.id);
    return all;
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
  [[nodiscard]] auto end() const noexcept { return entries_.end(); }

 private:
  std::vector<entry> entries_;
};

/// Shape of each tapped feature of one example, such as `[D, H, W]`.
using feature_shapes = tapped<std::vector<std::int64_t>>;

/// Output of one network for a batch of N examples and C classes.
struct outputs {
  /// `[N, C]`; with a label for each token `[N, C, L]`, for each pixel `[N, C, H, W]`: the class
  /// axis is always 1. Floating point. Unnormalized natural-log scores, unitless, defined up to a
  /// constant per element; never probabilities.
  torch::Tensor logits;

  /// The requested taps (`taps`), each with N as its first axis: a stage of images is
  /// `[N, D, H, W]`, the penultimate vector `[N, D]`.
  tapped<torch::Tensor> features;
};

/// A network or teacher that knows the shapes of its features before training:
/// `tap_shapes(wanted)`, each of one example.
template<typename N>
concept ShowsTapShapes = requires(const N network, const taps wanted) {
  { network.tap_shapes(wanted) } -> std::same_as<feature_shapes>;
};

/// Outputs of teacher and student for the same examples, in the same order.
struct paired_outputs {
  outputs teacher;
  outputs student;
};

namespace detail {

/// The outputs without their graph.
[[nodiscard]] ROLEWISE_INLINE outputs detached(const outputs& of);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/outputs.hpp>
#endif
