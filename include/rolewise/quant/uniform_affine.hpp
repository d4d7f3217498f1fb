// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `uniform_affine`: uniform affine quantization with ranges from statistics.

#include <rolewise/quant/detail/affine_quantized.hpp>
#include <rolewise/quant/granularity.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/quant/range_observers.hpp>
#include <rolewise/quant/rounding.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise {

/// Uniform affine quantization: values s (c - z) with scale s and zero point z from an observed
/// range (`affine_codes`).
///
///     c = round(x (1 / s)) + z, clamped to the codes
///
/// **Weights**: the range of the current weights, recomputed in each pass, per filter or per
/// layer; signed codes. **Activations**: one range per tensor, observed in training and
/// calibration only, kept as buffers and fixed in evaluation; codes from 0 on. After a ReLU z is
/// 0. Observation stops after `observed_batches` batches, or by `freeze_ranges`. Before the first
/// observed batch the range is that of the input itself. 32 bits are the identity (weights) and
/// ReLU (activations). Observers and the rounding are types:
///
///     rw::uniform_affine{}
///     rw::uniform_affine<rw::min_max_range, rw::percentile_range>{.of_activations = {99.99}}
///     rw::uniform_affine<rw::min_max_range, rw::min_max_range, rw::round_stochastically>{}
///
/// Scale and zero point are PyTorch's of `fake_quantize_per_tensor_affine` and
/// `fake_quantize_per_channel_affine`, and so are values and gradients, bit for bit, on float32.
///
/// @par Gradients
/// Passes where the rounded code needs no clamping, so up to half a step beyond the ends. The range
/// counts as a constant.
/// @par Determinism
/// A function of the arguments and of the observed range; with `round_stochastically` in training
/// also of seed, layer, step and element.
/// @throws std::invalid_argument for symmetric codes of one bit
/// @throws std::runtime_error for activations that are not finite, when they are observed; on the
///         CPU for weights that are not finite
/// @par Source
/// Krishnamoorthi: Quantizing deep convolutional networks for efficient inference: A whitepaper,
/// 2018, arXiv:1806.08342; PyTorch, aten/src/ATen/native/quantized/FakeQuantPerTensorAffine.cpp.
/// @par Departs
/// From PyTorch: weights are symmetric without the lowest code by default; 16-bit tensors are
/// divided in single precision; without an observed range PyTorch takes scale 1. Reading the zero
/// point synchronizes with a GPU.
template<RangeObserver OfWeights = min_max_range,
         RangeObserver OfActivations = moving_average_range, Rounding Round = round_to_nearest>
struct uniform_affine {
  static constexpr std::string_view name = "uniform-affine";

  class weights;
  class activations;

  OfWeights of_weights{};
  OfActivations of_activations{};
  affine_form weight_form = affine_form::symmetric;
  granularity weight_scales = granularity::per_channel;
  affine_form activation_form = affine_form::asymmetric;
  std::int64_t observed_batches = 0;  ///< after which the activation range is fixed; 0 for never
  Round rounding{};

  [[nodiscard]] weights start_weights(const layer_id& place) const { return {*this, place}; }
  [[nodiscard]] activations start_activations(const layer_id& place) const
  {
    return {*this, place};
  }
};

template<RangeObserver OfWeights, RangeObserver OfActivations, Rounding Round>
class uniform_affine<OfWeights, OfActivations, Round>::weights {
  using rounding_state = decltype(std::declval<const Round&>().start(layer_id{}, purpose{""}));

 public:
  static constexpr bool has_state = state_must::be_shown<rounding_state>;
  static constexpr bool takes_folded_weights = true;

  weights(const uniform_affine& how, const layer_id& place)
      : callback_{how.of_weights},
        form_{how.weight_form},
        shared_{how.weight_scales},
        rounding_{how.rounding.start(place, purpose{"weights"})},
        layer_{place.name}
  {}

  void observe(const torch::Tensor&, bit_width) { rounding_.advance(); }

  [[nodiscard]] quantized operator()(const torch::Tensor& w, bit_width bits) const
  {
    return quantize(w, bits, rounding_);
  }
  [[nodiscard]] quantized evaluated(const torch::Tensor& w, bit_width bits) const
  {
    return quantize(w, bits, round_to_nearest::state{});
  }

  template<typename Archive>
  void visit_state(Archive& archive)
    requires has_state
  {
    archive.part("rounding", rounding_);
  }

 private:
  template<typename R>
  [[nodiscard]] quantized quantize(const torch::Tensor& w, bit_width bits, const R& round) const
  {
    if (bits.is_full()) return {.levels = w, .scale = {}};
    const auto codes = signed_codes(bits, form_);
    if (w.numel() == 0) return detail::empty_levels(w, codes.codes);
    const auto x = detail::in_at_least_single(w);
    const auto range = callback_.newest(detail::rows_per_scale(x, shared_), codes);
    detail::require_finite(name, "weights", layer_, range.highest - range.lowest);
    auto p = codes.parameters(range);
    if (shared_ == granularity::per_tensor)
      p = {p.scale[0], p.zero_point[0]};
    else
      p = {detail::beside_filters(p.scale, w), detail::beside_filters(p.zero_point, w)};
    return detail::affine_quantized(w, x, p, codes, round);
  }

  OfWeights callback_;
  affine_form form_;
  granularity shared_;
  rounding_state rounding_;
  std::string layer_;
};

template<RangeObserver OfWeights, RangeObserver OfActivations, Rounding Round>
class uniform_affine<OfWeights, OfActivations, Round>::activations {
  using rounding_state = decltype(std::declval<const Round&>().start(layer_id{}, purpose{""}));

 public:
  static constexpr bool is_monotone = !state_must::be_shown<rounding_state>;
  static constexpr bool is_idempotent = true;
  static constexpr bool quantizes_signs = true;

  activations(const uniform_affine& how, const layer_id& place)
      : callback_{how.of_activations},
        form_{how.activation_form},
        last_{how.observed_batches},
        rounding_{how.rounding.start(place, purpose{"activations"})},
        layer_{place.name}
  {}

  /// Updates the range from a batch, in training or calibration.
  void observe(const torch::Tensor& x, bit_width bits)
  {
    rounding_.advance();
    const bool enough = last_ > 0 && observed_ >= last_;
    if (is_frozen_ || enough || bits.is_full() || x.numel() == 0) return;
    const torch::NoGradGuard no_graph;
    auto range = newest(x, bits);
    if (!(range.highest - range.lowest).isfinite().template item<bool>())
      diverge(name, "activations that enter layer ", layer_, " are not all finite numbers");
    if (observed_ > 0)
      range = callback_.joined({lowest_.to(x.device()), highest_.to(x.device())}, range);
    lowest_ = range.lowest.to(torch::kFloat);
    highest_ = range.highest.to(torch::kFloat);
    ++observed_;
  }

  /// Fixes the range, or resumes observation.
  void freeze(bool frozen = true) { is_frozen_ = frozen; }
  [[nodiscard]] bool is_frozen() const { return is_frozen_; }
  /// 0-dimensional, float32.
  [[nodiscard]] value_range range() const { return {lowest_, highest_}; }
  [[nodiscard]] std::int64_t observed() const { return observed_; }
  /// Keeps the range that there is, as if it had been observed once.
  void start_ranges() { observed_ = std::max<std::int64_t>(observed_, 1); }

  [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const
  {
    return quantize(x, bits, rounding_);
  }
  [[nodiscard]] quantized evaluated(const torch::Tensor& x, bit_width bits) const
  {
    return quantize(x, bits, round_to_nearest::state{});
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("lowest", lowest_);
    archive.buffer("highest", highest_);
    archive.value("observed", observed_);
    archive.value("range_is_frozen", is_frozen_);
    visit_part(archive, "rounding", rounding_);
  }

 private:
  [[nodiscard]] value_range newest(const torch::Tensor& x, bit_width bits) const
  {
    const auto rows =
        detail::rows_per_scale(detail::in_at_least_single(x), granularity::per_tensor);
    const auto range = callback_.newest(rows, activation_codes(bits, form_));
    return {range.lowest[0], range.highest[0]};
  }

  template<typename R>
  [[nodiscard]] quantized quantize(const torch::Tensor& x, bit_width bits, const R& round) const
  {
    if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
    const auto codes = activation_codes(bits, form_);
    if (x.numel() == 0) return detail::empty_levels(x, codes.codes);
    const auto single = detail::in_at_least_single(x);
    const auto type = single.scalar_type();
    const auto p = observed_ > 0 ? codes.parameters({lowest_.to(type), highest_.to(type)})
                                 : codes.parameters(newest(x, bits));
    return detail::affine_quantized(x, single, p, codes, round);
  }

  OfActivations callback_;
  affine_form form_;
  std::int64_t last_;
  rounding_state rounding_;
  std::string layer_;
  torch::Tensor lowest_ = at::zeros({}, torch::kFloat);
  torch::Tensor highest_ = at::zeros({}, torch::kFloat);
  std::int64_t observed_ = 0;
  bool is_frozen_ = false;
};

static_assert(Quantizer<uniform_affine<>>);

}  // namespace rolewise
