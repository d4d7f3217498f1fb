// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The rectifier and the quantizer in front of a layer.

#include <rolewise/core/phase.hpp>
#include <rolewise/network/detail/not_copied.hpp>
#include <rolewise/network/detail/pending_norm.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/quant/quantised_in.hpp>

#include <functional>
#include <optional>
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

  /// The same of a tensor that need not be there yet.
  [[nodiscard]] carried<Q> of_handed_on(detail::pending_norm& x, phase when)
  {
    if constexpr (hands_on_sums<Q>() && detail::SaysItsSteps<state>)
      if (auto steps = steps_of(x, when)) return x.codes(*steps);
    return of_handed_on(x.tensor(), when);
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

  [[nodiscard]] carried<Q> rectify(detail::pending_norm x, phase when)
  {
    if constexpr (hands_on_sums<Q>() && detail::SaysItsSteps<state>)
      if (auto steps = steps_of(x, when)) return x.codes(*steps);
    if constexpr (changes_nothing<Q>()) {
      return std::move(x).rectified();
    } else {
      if (bits_.is_full()) return unquantised<Q>(std::move(x).rectified());
      return rectify(x.taken(), when);
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
  /// The steps of what is pending, unless somebody wants to see it.
  [[nodiscard]] auto steps_of(const detail::pending_norm& x, phase when)
  {
    std::optional<detail::fusible_steps> steps;
    if (!x.is_pending() || bits_.value() > 8 || watcher_.value) return steps;
    steps = state_.steps(x.sizes(), bits_);
    if constexpr (requires(torch::Tensor unseen) { state_.observe(unseen, bits_); })
      if (steps && when == phase::training) {
        state_.observe(torch::Tensor{}, bits_);
        steps = state_.steps(x.sizes(), bits_);
      }
    return steps;
  }

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
