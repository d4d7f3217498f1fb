// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `activation` layer: ReLU and activation quantizer in front of a layer with weights.

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

/// The type that layers pass on: a tensor, or `quantised` (levels and scale) with a quantizer.
template<Quantizer Q>
using carried = std::conditional_t<changes_nothing<Q>(), torch::Tensor, quantised>;

/// Wraps a tensor as `carried<Q>` without quantizing it.
template<Quantizer Q>
[[nodiscard]] carried<Q> unquantised(torch::Tensor x)
{
  if constexpr (changes_nothing<Q>())
    return x;
  else
    return {.levels = std::move(x), .scale = {}};
}

/// Whether blocks pass pre-activation sums on and skip their own ReLU, because the quantizer
/// includes it (`rectifies`). This saves a pass over all feature maps, forward and backward.
/// Quantizer states then observe pre-ReLU values.
template<Quantizer Q>
[[nodiscard]] consteval bool hands_on_sums()
{
  return !changes_nothing<Q>() && rectifies<Q>();
}

/// Callback of `activation::watch`: receives the input of an activation quantizer, after ReLU,
/// and its output.
using quantisation_watcher = std::function<void(
    const layer_place& into, bit_width bits, const torch::Tensor& values, const quantised& levels)>;

/// ReLU and quantization between a batch norm (or a residual sum) and the layer it enters.
template<Quantizer Q>
class activation {
 public:
  activation(const Q& q, const planned_layer& into)
      : state_{q.start_activations(into.place)}, bits_{into.widths.activations}, into_{into.place}
  {}

  /// Quantizes a tensor that is rectified already and stays in use; x is not modified.
  [[nodiscard]] carried<Q> of_rectified(const torch::Tensor& x, phase when)
  {
    if constexpr (changes_nothing<Q>())
      return x;
    else
      return bits_.is_full() ? unquantised<Q>(x) : quantise(x, when);
  }

  /// Quantizes the input of a block, which stays in use. If `hands_on_sums<Q>()` it is a
  /// pre-activation sum and ReLU is applied, otherwise it is rectified already.
  [[nodiscard]] carried<Q> of_handed_on(const torch::Tensor& x, phase when)
  {
    if constexpr (hands_on_sums<Q>())
      return bits_.is_full() ? unquantised<Q>(x.relu()) : quantise(x, when);
    else
      return of_rectified(x, when);
  }

  /// The same for a batch norm that may be pending and is then fused with the quantization.
  [[nodiscard]] carried<Q> of_handed_on(detail::pending_norm& x, phase when)
  {
    if constexpr (hands_on_sums<Q>() && detail::SaysItsSteps<state>)
      if (auto steps = steps_of(x, when)) return x.codes(*steps);
    return of_handed_on(x.tensor(), when);
  }

  /// Applies ReLU and quantizes; may overwrite x.
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

  /// Installs a callback for every tensor that is quantized here; an empty one removes it. The
  /// callback is not part of the state, and copies and moved-to objects do not have it.
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
  /// The quantizer steps to fuse with a pending batch norm; none if x is not pending, has more
  /// than 8 bits or is watched, or the state has none yet.
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
