// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The rectifier and the quantizer in front of a layer.

#include <rolewise/core/phase.hpp>
#include <rolewise/network/detail/not_copied.hpp>
#include <rolewise/network/layer_plan.hpp>

#include <functional>
#include <type_traits>
#include <utility>

namespace rolewise {

/// What layers of a network hand on: tensors, or levels with their scale if there is a quantizer.
template<Quantizer Q>
using carried = std::conditional_t<changes_nothing<Q>(), torch::Tensor, quantised>;

/// A tensor as it is, for a layer that wants what is carried.
template<Quantizer Q>
[[nodiscard]] carried<Q> unquantised(torch::Tensor x)
{
  if constexpr (changes_nothing<Q>())
    return x;
  else
    return {.levels = std::move(x), .scale = {}};
}

[[nodiscard]] inline torch::Tensor values_of(const torch::Tensor& x) { return x; }
[[nodiscard]] inline torch::Tensor values_of(const quantised& x) { return x.values(); }

/// Is told what enters a quantizer of activations, rectified, and what leaves it.
using quantisation_watcher = std::function<void(
    const layer_place& into, bit_width bits, const torch::Tensor& values, const quantised& levels)>;

/// What stands between a batch norm (or a residual sum) and the layer it enters.
template<Quantizer Q>
class activation {
 public:
  activation(const Q& q, const planned_layer& into)
      : state_{q.start_activations(into.place)}, bits_{into.widths.activations}, into_{into.place}
  {}

  /// Quantises what is rectified already and stays in use beside.
  [[nodiscard]] carried<Q> of_rectified(const torch::Tensor& x, phase when)
  {
    if constexpr (changes_nothing<Q>())
      return x;
    else
      return bits_.is_full() ? unquantised<Q>(x) : quantise(x, when);
  }

  /// Rectifies and quantises; x itself may be overwritten.
  [[nodiscard]] carried<Q> rectify(torch::Tensor x, phase when)
  {
    if constexpr (changes_nothing<Q>()) {
      return x.relu_();
    } else {
      if (bits_.is_full()) return unquantised<Q>(x.relu_());
      if constexpr (!rectifies<Q>()) x.relu_();
      return quantise(x, when);
    }
  }

  [[nodiscard]] bit_width bits() const { return bits_; }

  /// Tells a watcher of every tensor that is quantised here from now on; an empty one ends it. That
  /// is no state, and copies and what is moved from here are not watched.
  void watch(quantisation_watcher watcher) { watcher_.value = std::move(watcher); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_part(archive, "quantizer", state_);
    if constexpr (requires { archive.activations(*this); }) archive.activations(*this);
  }

 private:
  [[nodiscard]] quantised quantise(const torch::Tensor& x, phase when)
  {
    if constexpr (requires { state_.observe(x, bits_); })
      if (when == phase::training) state_.observe(x, bits_);
    auto levels = std::as_const(state_)(x, bits_);
    if (watcher_.value) watcher_.value(into_, bits_, rectifies<Q>() ? x.relu() : x, levels);
    return levels;
  }

  using state = decltype(std::declval<const Q&>().start_activations(layer_place{}));

  [[no_unique_address]] state state_;
  bit_width bits_;
  layer_place into_;
  detail::not_copied<quantisation_watcher> watcher_;
};

}  // namespace rolewise
