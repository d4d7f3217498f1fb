// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// uint8 tensors with an affine quantization grid: scale and zero point.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// An affine uint8 grid of 256 values in equal steps: `value = (code - zero) * scale`.
struct byte_grid {
  double scale = 1.0;
  std::int64_t zero = 0;  ///< zero point: the code of the value 0, 0 .. 255

  /// The grid over `lowest .. highest`, extended to contain 0. A range that is empty or too small
  /// for a normal float32 scale gives a scale of 1.
  /// @throws std::invalid_argument unless both are finite and in order
  [[nodiscard]] static byte_grid over(double lowest, double highest);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("scale", scale);
    archive.value("zero", zero);
  }
};

/// A uint8 tensor on a grid.
struct byte_map {
  torch::Tensor codes;  ///< uint8
  byte_grid grid{};

  /// Quantizes to the nearest codes (halves to even); values outside the grid are clipped.
  [[nodiscard]] static byte_map of(const torch::Tensor& values, const byte_grid& grid)
  {
    return {(values / grid.scale).round_().add_(grid.zero).clamp_(0, 255).to(torch::kByte), grid};
  }
  [[nodiscard]] byte_map clone() const { return {codes.clone(), grid}; }
  [[nodiscard]] torch::Tensor values() const;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/byte_grid.hpp>
#endif
