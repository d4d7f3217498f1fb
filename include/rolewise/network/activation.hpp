// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The rectifier and the quantizer in front of a layer.

#include <rolewise/core/phase.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/quant/quantised_in.hpp>

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

/// What stands between a batch norm (or a residual sum) and the layer it enters.
template<Quantizer Q>
class activation {
 public:
  activation(const Q& q, const planned_layer& into)
      : state_{q.start_activations(into.place)}, bits_{into.widths.activations}
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
    static_assert(
        !requires { requires state::wants_signed_input; },
        "activation::rectify: this quantizer wants signed inputs; pass what is not "
        "rectified to of_rectified in a body of your own");
    if constexpr (changes_nothing<Q>()) {
      return x.relu_();
    } else {
      if (bits_.is_full()) return unquantised<Q>(x.relu_());
      if constexpr (!rectifies<Q>()) x.relu_();
      return quantise(x, when);
    }
  }

  [[nodiscard]] bit_width bits() const { return bits_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_part(archive, "quantizer", state_);
  }

 private:
  [[nodiscard]] quantised quantise(const torch::Tensor& x, phase when)
  {
    if constexpr (requires { state_.observe(x, bits_); })
      if (when == phase::training) state_.observe(x, bits_);
    return quantised_in(when, state_, x, bits_);
  }

  using state = decltype(std::declval<const Q&>().start_activations(layer_place{}));

  [[no_unique_address]] state state_;
  bit_width bits_;
};

}  // namespace rolewise
