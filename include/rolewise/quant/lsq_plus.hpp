// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `lsq_plus`: LSQ+, activations with a learned step and a learned offset.

#include <rolewise/quant/detail/learned_step.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

/// How step and offset of activations are initialized.
enum class range_start {
  least_error,  ///< of 80 ranges, the one with the least mean squared error
  min_max       ///< from the smallest value to the largest
};

/// The activation-quantization state of one layer in LSQ+.
class lsq_plus_activations {
 public:
  static constexpr bool is_idempotent = true;
  static constexpr bool is_monotone = true;
  static constexpr bool quantizes_signs = true;

  lsq_plus_activations(range_start start, step_gradient_count counted)
      : start_{start}, counted_{counted}
  {}

  void observe(const torch::Tensor& x, bit_width bits);
  [[nodiscard]] quantized operator()(const torch::Tensor& x, bit_width bits) const;

  [[nodiscard]] const torch::Tensor& step() const { return step_.tensor(); }
  [[nodiscard]] const torch::Tensor& offset() const { return offset_.tensor(); }
  void start_ranges()
  {
    step_.start_as_it_is();
    offset_.start_as_it_is();
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    step_.visit_state(archive, "step", "started");
    offset_.visit_state(archive, "offset", "offset_started");
    archive.value("bits", bits_);
  }

 private:
  struct line {
    double step = 1.0;
    double offset = 0.0;
    bool is_usable = false;
  };
  [[nodiscard]] line start_for(const torch::Tensor& x, bit_width bits) const;

  range_start start_;
  step_gradient_count counted_;
  detail::learned_range step_;
  detail::learned_range offset_{0.0};
  std::int64_t bits_ = 0;
};

/// LSQ+ quantization: activations on uniform levels between two learned ends, weights as in LSQ.
///
///     c = round(clip((x - beta) / s, 0, 2^b - 1)), half to even;  values s c + beta
///     d/dx = 1 strictly between the ends, else 0
///     d/ds = g (c - (x - beta)/s) inside, g c outside
///     d/dbeta = 0 inside, g outside;  g = 1 / sqrt(N (2^b - 1)), N: `step_gradient_count`
///     weights: `basic_lsq`, with the step that starts from three standard deviations
///
/// s and beta start from the first observed tensor that is not constant: of the ranges from min
/// (1 - i/100) to max (1 - i/100), i = 0 .. 79, the one with the least squared error on up to
/// 65,536 evenly spaced elements, or min to max. Until then each tensor is quantized with the
/// initial values that it would give. When the bit width changes, s is rescaled so that the ends
/// stay.
///
/// For activations that include negative values. Networks apply a ReLU before a quantizer that
/// does not declare `rectifies`, and after a ReLU an offset is only overhead.
///
/// @par Determinism
/// As `basic_lsq`.
/// @throws std::runtime_error as `basic_lsq`
/// @par Source
/// Bhalgat, Lee, Nagel, Blankevoort, Kwak: LSQ+: Improving low-bit quantization through learnable
/// offsets and better initialization, CVPR workshops 2020, arXiv:2004.09576. The search is that of
/// ModelTC/MQBench, the gradient's scale for both ranges that of ZouJiu1/LSQplus.
/// @par Departs
/// Sources disagree on the divisor of the three standard deviations of weights; 2^(b-1) maps them
/// onto the end of the codes. They are computed once, not over the first 20 batches.
struct lsq_plus {
  static constexpr std::string_view name = "lsq-plus";

  using weights = lsq_weights;
  using activations = lsq_plus_activations;

  code_signs weight_signs = code_signs::signed_codes;
  bool per_channel = false;
  range_start start = range_start::least_error;
  step_gradient_count counted = step_gradient_count::numel;

  [[nodiscard]] weights start_weights(const layer_id&) const;
  [[nodiscard]] activations start_activations(const layer_id&) const { return {start, counted}; }
};

static_assert(Quantizer<lsq_plus>);

namespace detail {

/// Up to 65,536 evenly spaced elements of x.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor sample_of(const torch::Tensor& x);

/// The factor of a range, of 1.00, 0.99 .. 0.21, that gives the least squared error.
[[nodiscard]] ROLEWISE_INLINE double best_share(const torch::Tensor& sample, double low,
                                                double high, double n);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/lsq_plus.hpp>
#endif
