// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/range_observers.hpp>.

#include <rolewise/quant/range_observers.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace rolewise::detail {

ROLEWISE_INLINE value_range moved(const value_range& before, const value_range& newest,
                                  double weight)
{
  return {before.lowest + (newest.lowest - before.lowest) * weight,
          before.highest + (newest.highest - before.highest) * weight};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE value_range percentile_range::newest(const torch::Tensor& rows,
                                                     const affine_codes&) const
{
  if (!(percent > 50 && percent <= 100))
    throw_invalid_argument("percentile_range", "percent is ", percent, ", want (50, 100]");
  const auto n = rows.size(1);
  const auto wanted = std::nearbyint(static_cast<double>(n) * percent / 100.0);
  const auto k = std::clamp<std::int64_t>(static_cast<std::int64_t>(wanted), 1, n);
  return {std::get<0>(rows.kthvalue(n + 1 - k, 1)), std::get<0>(rows.kthvalue(k, 1))};
}

ROLEWISE_INLINE value_range squared_error_range::newest(const torch::Tensor& rows,
                                                        const affine_codes& codes) const
{
  if (tries < 1 || !(step > 0) || !(step * static_cast<double>(tries - 1) < 1))
    throw_invalid_argument("squared_error_range", "tries and step are ", tries, " and ", step,
                           ", want at least one try and factors above 0");
  const auto whole = min_max_range{}.newest(rows, codes);
  auto best = whole;
  auto least = at::full_like(whole.lowest, std::numeric_limits<double>::infinity());
  const auto first = static_cast<double>(codes.codes.lowest);
  const auto last = static_cast<double>(codes.codes.highest);
  for (std::int64_t i = 0; i < tries; ++i) {
    const double factor = 1.0 - static_cast<double>(i) * step;
    const value_range tried{whole.lowest * factor, whole.highest * factor};
    auto of_row = codes.parameters(tried);
    of_row.scale = of_row.scale.unsqueeze(1);
    of_row.zero_point = of_row.zero_point.unsqueeze(1);
    const auto code =
        detail::affine_code_of(rows, of_row, [](torch::Tensor x) { return x.round_(); });
    const auto values = (code.clamp(first, last) - of_row.zero_point) * of_row.scale;
    const auto error = (values - rows).square().mean(1);
    const auto better = error.lt(least);
    best = {at::where(better, tried.lowest, best.lowest),
            at::where(better, tried.highest, best.highest)};
    least = at::where(better, error, least);
  }
  return best;
}

}  // namespace rolewise
