// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/calibrated_ranges.hpp>.

#include <rolewise/network/detail/calibrated_ranges.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE calibrated_ranges::calibrated_ranges(double share) : share_{share}
{
  if (!(share > 0.0 && share <= 1.0))
    throw_invalid_argument("calibration", "want a share of values in (0, 1], got ", share);
}

ROLEWISE_INLINE void calibrated_ranges::observe(const std::string& name,
                                                const torch::Tensor& values)
{
  const auto [least, most] = ends_of(name, values);
  auto& seen = seen_[name];
  if (share_ < 1.0) {
    seen.lowest += least;
    seen.highest += most;
  } else {
    seen.lowest = std::min(seen.lowest, least);
    seen.highest = std::max(seen.highest, most);
  }
  ++seen.batches;
}

ROLEWISE_INLINE byte_grid calibrated_ranges::grid(const std::string& name) const
{
  const auto& seen = seen_.at(name);
  const double count = share_ < 1.0 ? seen.batches : 1;
  return byte_grid::over(seen.lowest / count, seen.highest / count);
}

ROLEWISE_INLINE std::pair<double, double> calibrated_ranges::ends_of(
    const std::string& name, const torch::Tensor& values) const
{
  const auto flat = values.detach().flatten();
  const auto [lowest, highest] = flat.aminmax();
  const auto least = lowest.item<double>(), most = highest.item<double>();
  if (!std::isfinite(least) || !std::isfinite(most))
    throw_invalid_argument("calibration", name, " gives values that are not finite");
  if (share_ == 1.0) return {least, most};
  const auto kept =
      static_cast<std::int64_t>(std::ceil(share_ * static_cast<double>(flat.numel())));
  const auto at = [&](std::int64_t place) {
    return std::get<0>(flat.kthvalue(place)).item<double>();
  };
  return {least < 0.0 ? at(flat.numel() + 1 - kept) : 0.0, at(kept)};
}

}  // namespace rolewise::detail
