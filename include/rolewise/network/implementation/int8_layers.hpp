// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/int8_layers.hpp>.

#include <rolewise/network/int8_layers.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_predicting(std::string_view who, phase when)
{
  if (when == phase::training)
    throw_invalid_argument(who, "a network in 8 bits cannot be trained; use predict, or freeze it");
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE byte_map int8_stem::operator()(const torch::Tensor& x)
{
  if (bytes_) return (*bytes_)(byte_map::of(x, *in_), rectify_, nullptr);
  const auto y = (*full_)(x, rectify_, nullptr);
  positions_.set(y.size(2) * y.size(3));
  return byte_map::of(y, out_);
}

ROLEWISE_INLINE layer_report int8_stem::report() const
{
  if (bytes_) return bytes_->report();
  return {.place = {full_->name, full_->kind},
          .widths = {},
          .weights = full_->weight.numel(),
          .positions = positions_.get(),
          .arithmetic = layer_arithmetic::full_precision};
}

ROLEWISE_INLINE torch::Tensor int8_classifier::operator()(const torch::Tensor& x) const
{
  if (!in_) return at::linear(x, weight_, bias_);
  const auto in = byte_map::of(x, *in_);
  return at::linear(in.codes.to(torch::kFloat).sub_(in_->zero), weight_.to(torch::kFloat))
      .mul_(scale_ * in_->scale)
      .add_(bias_);
}

ROLEWISE_INLINE layer_report int8_classifier::report() const
{
  const bit_width bits{in_ ? 8 : 32};
  return {.place = {name_, layer_kind::linear},
          .widths = {bits, bits},
          .weights = weight_.numel(),
          .positions = 1,
          .arithmetic = layer_arithmetic::full_precision};
}

}  // namespace rolewise
