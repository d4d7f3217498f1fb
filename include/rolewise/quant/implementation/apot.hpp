// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/apot.hpp>.

#include <rolewise/quant/apot.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE quantized apot::weights::operator()(const torch::Tensor& w, bit_width bits) const
{
  if (bits.is_full()) return {.levels = w, .scale = {}};
  const auto codes = grid(std::max(bits.value() - 1, 1), settings_.additive);
  const bool differentiated = settings_.gradient == apot_gradient::differentiated;
  const auto [normal, still_to_grow] = normalized(w, differentiated);
  const auto clip = detail::usable_clip(clip_);
  const auto z = normal.detach() / (clip * still_to_grow);
  const bool one_bit = bits.value() == 1;
  const auto sign = z.lt(0).to(z.scalar_type()).mul_(-2).add_(1);
  const auto size =
      one_bit ? at::ones_like(z) + (z - z) : detail::nearest_codes(z.abs().clamp_max_(1), codes);
  const auto denominator = static_cast<double>(one_bit ? 1 : codes.back());
  const auto levels = size * sign;
  const auto highest = one_bit ? std::int64_t{1} : codes.back();
  return {.levels = levels,
          .scale = clip / denominator,
          .is_integer = true,
          .range = level_range{-highest, highest},
          .gradient_proxy = detail::gradient_proxy_within_clip(
              normal, clip_, z, levels / denominator, -1.0, !differentiated || bits.value() <= 2)};
}

ROLEWISE_INLINE std::pair<torch::Tensor, torch::Tensor> apot::weights::normalized(
    const torch::Tensor& w, bool differentiated)
{
  const auto from = differentiated ? w : w.detach();
  const auto one = at::ones({}, w.options().requires_grad(false));
  if (w.numel() < 2) return {w - from.mean(), one};
  const auto deviation = from.std();
  const auto usable = deviation.masked_fill(deviation.eq(0), 1);
  const auto divisor = usable.clamp_min(differentiated ? least_differentiated : least_deviation);
  return {(w - from.mean()) / divisor, usable.detach() / divisor.detach()};
}

ROLEWISE_INLINE quantized apot::activations::operator()(const torch::Tensor& x,
                                                        bit_width bits) const
{
  if (bits.is_full()) return {.levels = x.relu(), .scale = {}};
  const auto codes = grid(bits.value(), additive_);
  const auto clip = detail::usable_clip(clip_);
  const auto z = x.detach() / clip;
  const auto levels = detail::nearest_codes(z.clamp(0, 1), codes);
  const auto denominator = static_cast<double>(codes.back());
  return {.levels = levels,
          .scale = clip / denominator,
          .is_integer = true,
          .range = level_range{0, codes.back()},
          .gradient_proxy =
              detail::gradient_proxy_within_clip(x, clip_, z, levels / denominator, 0.0, false)};
}

ROLEWISE_INLINE std::vector<std::int64_t> apot::grid(int bits, bool additive)
{
  const int most = additive ? 8 : 5;
  if (bits < 0 || bits > most)
    throw_invalid_argument(name, "has grids of 0 to ", most, " bits",
                           additive ? "" : " where levels are single powers of two", ", got ",
                           bits);
  if (bits < 2) return bits == 0 ? std::vector<std::int64_t>{1} : std::vector<std::int64_t>{0, 1};
  if (!additive) {
    std::vector<std::int64_t> codes{0};
    for (int i = 0; i + 1 < 1 << bits; ++i) codes.push_back(std::int64_t{1} << i);
    return codes;
  }
  // Rows of three powers each, assigned in turn: the k-th power goes to row k modulo rows. An odd
  // number of bits has one more row, of a single power, after the second turn.
  const int rows = bits / 2;
  const bool odd = bits % 2 != 0;
  const int deepest = 3 * rows + (odd ? 1 : 0);
  std::vector<std::int64_t> codes{0};
  const auto add_row = [&codes](const std::vector<std::int64_t>& powers) {
    auto sums = codes;
    for (const auto power : powers)
      for (const auto code : codes) sums.push_back(code + power);
    codes = std::move(sums);
  };
  const auto power = [deepest](int exponent) { return std::int64_t{1} << (deepest - exponent); };
  for (int row = 1; row <= rows; ++row)
    add_row({power(row), power(rows + row), power(2 * rows + row + (odd ? 1 : 0))});
  if (odd) add_row({power(2 * rows + 1)});
  std::sort(codes.begin(), codes.end());
  return codes;
}

}  // namespace rolewise
