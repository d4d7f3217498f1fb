// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The rectifier and the quantizer in front of a layer.

#include <rolewise/core/phase.hpp>
#include <rolewise/network/detail/not_copied.hpp>
#include <rolewise/network/detail/scratch.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/quant/quantised_in.hpp>

#include <torch/csrc/autograd/custom_function.h>

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

/// y + x, in the memory of y.
[[nodiscard]] inline torch::Tensor add_to(torch::Tensor y, const torch::Tensor& x)
{
  return y.add_(x);
}

namespace detail {

/// y + the values of levels, in the memory of y; their gradient goes to a stand-in.
struct added_values : torch::autograd::Function<added_values> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, torch::Tensor y,
                               const torch::Tensor& stand_in, const quantised& q)
  {
    context->mark_dirty({y});
    auto x = scratch_copy(q.levels, stand_in.scalar_type());
    if (q.zero_point != 0) x.sub_(q.zero_point);
    if (q.scale.defined()) x.mul_(q.scale);
    if (q.offset.defined()) x.add_(q.offset);
    return y.add_(x);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradient)
  {
    return {gradient[0], gradient[0], {}};
  }
};

}  // namespace detail

[[nodiscard]] inline torch::Tensor add_to(torch::Tensor y, const quantised& x)
{
  if (!x.stand_in.defined()) return y.add_(x.values());
  return detail::added_values::apply(std::move(y), x.stand_in, x);
}

/// Whether a network hands on raw sums where its layers rectify what they quantise anyway: it saves
/// a pass over all maps, forward and backward. What a state observes is not rectified then either.
template<Quantizer Q>
[[nodiscard]] consteval bool hands_on_sums()
{
  return !changes_nothing<Q>() && rectifies<Q>();
}

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

  /// Rectifies, unless it is to be rectified already, and quantises what stays in use beside.
  [[nodiscard]] carried<Q> of_handed_on(const torch::Tensor& x, phase when)
  {
    if constexpr (hands_on_sums<Q>())
      return bits_.is_full() ? unquantised<Q>(x.relu()) : quantise(x, when);
    else
      return of_rectified(x, when);
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

  /// Tells a watcher of every tensor that is quantised here from now on; an empty one ends it. That
  /// is no state, and copies and what is moved from here are not watched.
  void watch(quantisation_watcher watcher) { watcher_.value = std::move(watcher); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_part(archive, "quantizer", state_);
    if constexpr (requires { archive.template activations_into<Q>(into_, bits_, state_); })
      archive.template activations_into<Q>(into_, bits_, state_);
    if constexpr (requires { archive.activations(*this); }) archive.activations(*this);
  }

 private:
  [[nodiscard]] quantised quantise(const torch::Tensor& x, phase when)
  {
    if constexpr (requires { state_.observe(x, bits_); })
      if (observes_ranges(when)) state_.observe(x, bits_);
    auto levels = quantised_in(when, state_, x, bits_);
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
