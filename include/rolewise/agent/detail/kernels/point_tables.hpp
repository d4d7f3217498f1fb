// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Lookup tables of 256 entries for pointwise operations.

#include <rolewise/agent/detail/kernels/kernel_set.hpp>
#include <rolewise/agent/detail/opaque.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace rolewise::detail::kernels {

using byte_table = std::array<std::uint8_t, 256>;

[[nodiscard]] inline byte_table identity_table()
{
  byte_table table{};
  for (std::size_t v = 0; v < table.size(); ++v) table[v] = static_cast<std::uint8_t>(v);
  return table;
}

[[nodiscard]] inline byte_table invert_table()
{
  auto table = identity_table();
  for (auto& v : table) v = static_cast<std::uint8_t>(~v);
  return table;
}

/// @param bits kept, 0 .. 8
[[nodiscard]] inline byte_table posterize_table(double bits)
{
  const double dropped = std::clamp(std::nearbyint(std::exp2(8.0 - bits)), 1.0, 256.0);
  const auto mask = static_cast<std::uint8_t>(256 - static_cast<int>(dropped));
  auto table = identity_table();
  for (auto& v : table) v = static_cast<std::uint8_t>(v & mask);
  return table;
}

/// @param threshold 0 .. 256
[[nodiscard]] inline byte_table solarize_table(double threshold)
{
  const auto limit = static_cast<int>(threshold);
  auto table = identity_table();
  for (auto& v : table)
    if (v >= limit) v = static_cast<std::uint8_t>(~v);
  return table;
}

/// Returns the table of a blend with one value: 0 for brightness, the mean gray for contrast.
[[nodiscard]] inline byte_table blend_table(const kernel_set& passes, std::uint8_t with,
                                            double factor)
{
  byte_table d;
  d.fill(with);
  auto table = identity_table();
  passes.blend(d.data(), table.data(), table.size(), static_cast<float>(factor));
  return table;
}

/// @param low, high the least and the greatest value in the plane
[[nodiscard]] inline byte_table autocontrast_table(std::uint8_t low, std::uint8_t high)
{
  auto table = identity_table();
  if (high <= low) return table;
  const double scale = 255.0 / static_cast<double>(high - low);
  const double offset = opaque(static_cast<double>(-static_cast<int>(low)) * scale);
  // Rounding keeps results within (-1, 256); the conversion truncates them to 0 .. 255.
  for (int v = low; v <= high; ++v)
    table[static_cast<std::size_t>(v)] = static_cast<std::uint8_t>(
        static_cast<int>(opaque(static_cast<double>(v) * scale) + offset));
  return table;
}

/// Returns the histogram of a plane.
[[nodiscard]] inline std::array<std::uint32_t, 256> histogram(const std::uint8_t* plane,
                                                              std::size_t count)
{
  // Four partial histograms, so that equal neighbors do not form a dependency chain.
  std::array<std::array<std::uint32_t, 256>, 4> quarters{};
  std::size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, plane + i, 8);
    ++quarters[0][eight & 255];
    ++quarters[1][eight >> 8 & 255];
    ++quarters[2][eight >> 16 & 255];
    ++quarters[3][eight >> 24 & 255];
    ++quarters[0][eight >> 32 & 255];
    ++quarters[1][eight >> 40 & 255];
    ++quarters[2][eight >> 48 & 255];
    ++quarters[3][eight >> 56];
  }
  for (; i < count; ++i) ++quarters[0][plane[i]];
  for (std::size_t v = 0; v < 256; ++v)
    quarters[0][v] += quarters[1][v] + quarters[2][v] + quarters[3][v];
  return quarters[0];
}

/// @param counts the histogram of a plane of `count` values, at least 1
[[nodiscard]] inline byte_table equalize_table(const std::array<std::uint32_t, 256>& counts,
                                               std::size_t count)
{
  std::size_t highest = 255;
  while (counts[highest] == 0) --highest;
  auto table = identity_table();
  const std::uint64_t step = (count - counts[highest]) / 255;
  if (step == 0) return table;
  // n / step as a product: n <= 256 step, and step < 2^20, so that the error (n / 2^48 at most)
  // is below 1 / step.
  const std::uint64_t reciprocal = (std::uint64_t{1} << 48) / step + 1;
  std::uint64_t below = step / 2;
  for (std::size_t v = 0; v <= highest; ++v) {
    const std::uint64_t n = std::min(below, 256 * step);
    table[v] = static_cast<std::uint8_t>(std::min<std::uint64_t>((n * reciprocal) >> 48, 255));
    below += counts[v];
  }
  return table;
}

}  // namespace rolewise::detail::kernels
