// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tensors of bytes that stand for values on a grid.

#include <rolewise/core/error.hpp>
#include <rolewise/core/tensor.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace rolewise {

/// 256 values in equal steps: `value = (code - zero) * scale`.
struct byte_grid {
  double scale = 1.0;
  std::int64_t zero = 0;  ///< the code of the value 0, 0 .. 255

  /// The grid over `lowest .. highest`, stretched to have 0 on it. An empty range gives a scale of
  /// 1.
  /// @throws std::invalid_argument unless both are finite and in order
  [[nodiscard]] static byte_grid over(double lowest, double highest)
  {
    if (!std::isfinite(lowest) || !std::isfinite(highest) || lowest > highest)
      refuse("byte_grid", "want a finite range in order, got ", lowest, " .. ", highest);
    const double from = std::min(lowest, 0.0), to = std::max(highest, 0.0);
    const double scale = (to - from) / 255;
    if (!std::isnormal(static_cast<float>(scale))) return {};
    return {scale, static_cast<std::int64_t>(std::lround(-from / scale))};
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("scale", scale);
    archive.value("zero", zero);
  }
};

/// A tensor of bytes on a grid.
struct byte_map {
  torch::Tensor codes;  ///< uint8
  byte_grid grid{};

  /// The nearest codes (halves to even); values outside of the grid take its ends.
  [[nodiscard]] static byte_map of(const torch::Tensor& values, const byte_grid& grid)
  {
    return {(values / grid.scale).round_().add_(grid.zero).clamp_(0, 255).to(torch::kByte), grid};
  }
  [[nodiscard]] torch::Tensor values() const
  {
    auto x = codes.to(torch::kFloat);
    if (grid.zero != 0) x.sub_(grid.zero);
    return x.mul_(grid.scale);
  }
};

}  // namespace rolewise
