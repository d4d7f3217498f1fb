// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `activation` layer: ReLU and activation quantizer in front of a layer with weights.

#include <rolewise/core/phase.hpp>
#include <rolewise/network/detail/deferred_batch_norm.hpp>
#include <rolewise/network/detail/not_copied.hpp>
#include <rolewise/network/detail/signed_levels.hpp>
#include <rolewise/network/detail/trace.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/quant/quantized_in.hpp>
#include <rolewise/support/error.hpp>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace rolewise {

/// The type that layers pass on: a tensor, or `quantized` (levels and scale) with a quantizer.
template<Quantizer Q>
using carried = std::conditional_t<changes_nothing<Q>(), torch::Tensor, quantized>;

/// Wraps a tensor as `carried<Q>` without quantizing it.
template<Quantizer Q>
[[nodiscard]] carried<Q> unquantized(torch::Tensor x)
{
  if constexpr (changes_nothing<Q>())
    return x;
  else
    return {.levels = std::move(x), .scale = {}};
}

template<Quantizer Q>
  requires(changes_nothing<Q>())
[[nodiscard]] detail::traced_map unquantized(const detail::traced_map& x)
{
  return x;
}

/// Whether blocks pass pre-activation sums on and skip their own ReLU, because the quantizer
/// includes it (`rectifies`). This saves a pass over all feature maps, forward and backward.
/// Quantizer states then observe pre-ReLU values.
template<Quantizer Q>
[[nodiscard]] consteval bool fuses_relu()
{
  return !changes_nothing<Q>() && rectifies<Q>();
}

namespace detail {

/// The output of a block or stem from the sum before its last ReLU: the sum itself if
/// `fuses_relu<Q>()`, otherwise rectified, in place unless the sum is kept.
/// @param kept null, or receives the sum
template<Quantizer Q>
[[nodiscard]] deferred_batch_norm handed_on(deferred_batch_norm sum, torch::Tensor* kept)
{
  if (kept) *kept = sum.tensor();
  if constexpr (fuses_relu<Q>())
    return sum;
  else
    return kept ? deferred_batch_norm{kept->relu()} : std::move(sum).rectified();
}

template<Quantizer Q>
[[nodiscard]] traced_map handed_on(const traced_map& sum, torch::Tensor*)
{
  return sum.rectified();
}

/// Copies a map that an operation in place may overwrite.
/// @param kept null, or receives the copy
inline void keep_copy(deferred_batch_norm& x, torch::Tensor* kept)
{
  if (kept) *kept = x.tensor().clone();
}
inline void keep_copy(const traced_map&, torch::Tensor*) {}

/// The output of a block or stem, rectified; it stays in use.
template<Quantizer Q, typename Map>
[[nodiscard]] auto rectified_copy(Map& x)
{
  if constexpr (fuses_relu<Q>())
    return x.tensor().relu();
  else
    return x.tensor();
}

/// The output of the last block, rectified; in place where it is a sum that is not kept.
template<Quantizer Q, typename Map>
[[nodiscard]] auto rectified_last(Map last, bool is_kept)
{
  auto x = last.taken();
  if constexpr (fuses_relu<Q>()) x = is_kept ? x.relu() : x.relu_();
  return x;
}

}  // namespace detail

/// Callback of `activation::watch`: receives the input of an activation quantizer, after ReLU,
/// and its output.
using quantization_watcher = std::function<void(
    const layer_id& into, bit_width bits, const torch::Tensor& values, const quantized& levels)>;

/// ReLU and quantization between a batch norm (or a residual sum) and the layer it enters.
template<Quantizer Q>
class activation {
 public:
  activation(const Q& q, const planned_layer& into)
      : state_{q.start_activations(into.place)}, bits_{into.widths.activations}, into_{into.place}
  {}

  /// Quantizes a tensor that is rectified already, or whose signs the quantizer wants, and that
  /// stays in use; x is not modified.
  [[nodiscard]] carried<Q> of_rectified(const torch::Tensor& x, phase when)
  {
    if constexpr (changes_nothing<Q>())
      return x;
    else
      return bits_.is_full() ? unquantized<Q>(x) : quantize(x, when);
  }

  /// Quantizes a tensor that no ReLU precedes and that stays in use; x is not modified.
  ///
  /// A quantizer that keeps signs (`quantizes_signs`) quantizes x itself. Any other one is made for
  /// rectified inputs, so one of the b bits is the sign: the values are sign(x) Q(|x|), where Q has
  /// b - 1 bits and observes |x|.
  ///
  /// @throws std::invalid_argument for one bit, which leaves none for |x|
  /// @par Source
  /// Wang, Liu, Lin, Lin, Han: HAQ: Hardware-Aware Automated Quantization with Mixed Precision,
  /// 2018, arXiv:1811.08886, released code, which quantizes so what no ReLU precedes.
  [[nodiscard]] carried<Q> of_signed(const torch::Tensor& x, phase when)
  {
    if constexpr (changes_nothing<Q>()) {
      return x;
    } else {
      if (bits_.is_full()) return unquantized<Q>(x);
      if constexpr (quantizes_signs<Q>())
        return quantize(x, when);
      else
        return quantize_magnitude(x, when);
    }
  }
  [[nodiscard]] carried<Q> of_signed(detail::deferred_batch_norm& x, phase when)
  {
    return of_signed(x.tensor(), when);
  }

  /// Quantizes the input of a block, which stays in use. If `fuses_relu<Q>()` it is a
  /// pre-activation sum and ReLU is applied, otherwise it is rectified already.
  [[nodiscard]] carried<Q> of_handed_on(const torch::Tensor& x, phase when)
  {
    if constexpr (fuses_relu<Q>())
      return bits_.is_full() ? unquantized<Q>(x.relu()) : quantize(x, when);
    else
      return of_rectified(x, when);
  }

  /// The same for a batch norm that may be pending and is then fused with the quantization.
  [[nodiscard]] carried<Q> of_handed_on(detail::deferred_batch_norm& x, phase when)
  {
    if constexpr (fuses_relu<Q>() && detail::SaysItsSteps<state>)
      if (auto steps = steps_of(x, when)) return x.codes(*steps);
    return of_handed_on(x.tensor(), when);
  }

  /// Applies ReLU and quantizes; may overwrite x.
  [[nodiscard]] carried<Q> rectify(torch::Tensor x, phase when)
  {
    static_assert(
        !requires { requires state::wants_signed_input; },
        "activation::rectify: this quantizer wants signed inputs; pass what is not "
        "rectified to of_signed in a body of your own");
    if constexpr (changes_nothing<Q>()) {
      return x.relu_();
    } else {
      if (bits_.is_full()) return unquantized<Q>(x.relu_());
      if constexpr (!rectifies<Q>()) x.relu_();
      return quantize(x, when);
    }
  }

  [[nodiscard]] carried<Q> rectify(detail::deferred_batch_norm x, phase when)
  {
    if constexpr (fuses_relu<Q>() && detail::SaysItsSteps<state>)
      if (auto steps = steps_of(x, when)) return x.codes(*steps);
    if constexpr (changes_nothing<Q>()) {
      return std::move(x).rectified();
    } else {
      if (bits_.is_full()) return unquantized<Q>(std::move(x).rectified());
      return rectify(x.taken(), when);
    }
  }

  /// In a trace, which is in full precision.
  [[nodiscard]] detail::traced_map of_rectified(const detail::traced_map& x, phase) const
  {
    return x;
  }
  [[nodiscard]] detail::traced_map of_handed_on(const detail::traced_map& x, phase) const
  {
    return x;
  }
  [[nodiscard]] detail::traced_map rectify(const detail::traced_map& x, phase) const
  {
    return x.rectified();
  }

  [[nodiscard]] detail::traced_map of_signed(const detail::traced_map& x, phase) const { return x; }

  [[nodiscard]] bit_width bits() const { return bits_; }

  /// Installs a callback for every tensor that is quantized here; an empty one removes it. The
  /// callback is not part of the state, and copies and moved-to objects do not have it.
  void watch(quantization_watcher watcher) { watcher_.value = std::move(watcher); }

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
  [[nodiscard]] auto steps_of(const detail::deferred_batch_norm& x, phase when)
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

  [[nodiscard]] quantized quantize(const torch::Tensor& x, phase when)
  {
    if constexpr (requires { state_.observe(x, bits_); })
      if (observes_ranges(when)) state_.observe(x, bits_);
    auto levels = quantized_in(when, state_, x, bits_);
    if (watcher_.value) watcher_.value(into_, bits_, rectifies<Q>() ? x.relu() : x, levels);
    return levels;
  }

  [[nodiscard]] quantized quantize_magnitude(const torch::Tensor& x, phase when)
  {
    if (bits_.value() < 2)
      throw_invalid_argument(into_.name, "reads signed activations, for which ", Q::name,
                             " wants two bits or more: one for the sign; got ", bits_.value());
    const bit_width bits{bits_.value() - 1};
    const auto magnitude = x.abs();
    if constexpr (requires { state_.observe(magnitude, bits); })
      if (observes_ranges(when)) state_.observe(magnitude, bits);
    auto levels = detail::with_signs_of(x, quantized_in(when, state_, magnitude, bits), Q::name);
    if (watcher_.value) watcher_.value(into_, bits_, x, levels);
    return levels;
  }

  using state = decltype(std::declval<const Q&>().start_activations(layer_id{}));

  [[no_unique_address]] state state_;
  bit_width bits_;
  layer_id into_;
  detail::not_copied<quantization_watcher> watcher_;
};

}  // namespace rolewise
