// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/lq_nets.hpp>.

#include <rolewise/quant/lq_nets.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE quantized lq_nets::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  const auto levels = basis_.levels_of(rows(w.detach()), first(w, bits)).first;
  return {.levels = in_shape_of(w, levels), .scale = {}, .gradient_proxy = w};
}

ROLEWISE_INLINE torch::Tensor lq_nets::weights::in_shape_of(const torch::Tensor& w,
                                                            const torch::Tensor& rows)
{
  if (!is_channels_last(w)) return rows.view(w.sizes());
  return rows.view({w.size(0), w.size(2), w.size(3), w.size(1)}).permute({0, 3, 1, 2});
}

ROLEWISE_INLINE torch::Tensor lq_nets::weights::first(const torch::Tensor& w, bit_width bits)
{
  const auto fan_out = w.numel() / w.size(1);
  const double deviation = std::sqrt(2.0 / static_cast<double>(fan_out));
  return detail::first_basis(w, w.size(0), bits, 0.6745 * deviation / std::exp2(bits.value() - 1));
}

ROLEWISE_INLINE void lq_nets::activations::observe(const torch::Tensor& x, bit_width bits)
{
  if (bits.is_full()) return;
  static_cast<void>(detail::in_memory_order(x.detach(), [&](const torch::Tensor& dense) {
    basis_.observe(dense.reshape({1, -1}), first(x, bits));
    return dense;
  }));
}

ROLEWISE_INLINE quantized lq_nets::activations::operator()(const torch::Tensor& x,
                                                           bit_width bits) const
{
  if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
  torch::Tensor highest;
  const auto levels = detail::in_memory_order(x.detach(), [&](const torch::Tensor& dense) {
    auto [rows, top] = basis_.levels_of(dense.reshape({1, -1}), first(x, bits));
    highest = top;
    return rows.view(dense.sizes()).to(x.scalar_type());
  });
  // The gradient proxy is only a path for gradients: its values are not read.
  return {
      .levels = levels, .scale = {}, .gradient_proxy = x.masked_fill(x.detach().gt(highest), 0)};
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE lq_basis basis_for(const lq_nets& settings, bool is_signed)
{
  if (!(settings.epsilon > 0.0) || !std::isfinite(settings.epsilon))
    throw_invalid_argument(lq_nets::name, "want an epsilon above 0, got ", settings.epsilon);
  return {is_signed, settings.average == lq_average::corrected, settings.epsilon};
}

}  // namespace rolewise::detail
