// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A digest of the image kernels' results on test images; without LibTorch, so that a program with
/// any compiler flags can check it.

#include <rolewise/policy/operation.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace rolewise::tests {

/// The digest of the reference operations and `normalized_inputs`; augmentation_kernels_test.cpp
/// computes it from them.
inline constexpr std::uint32_t kernel_digest = 0x5F71CAD6;

inline constexpr std::int64_t digest_height = 33, digest_width = 21;

struct digest_case {
  operation what;
  double value;
};

/// Every operation; blends, rotations and shears with many parameters.
inline std::vector<digest_case> digest_cases()
{
  std::vector<digest_case> cases;
  for (const auto what :
       {operation::brightness, operation::color, operation::contrast, operation::sharpness})
    for (int level = 0; level <= 40; ++level) cases.push_back({what, 0.05 * level});
  for (int level = -30; level <= 30; ++level) {
    cases.push_back({operation::rotate, 1.5 * level});
    cases.push_back({operation::shear_x, 0.0131 * level});
    cases.push_back({operation::shear_y, 0.0131 * level});
  }
  for (int level = 0; level <= 8; ++level) {
    cases.push_back({operation::posterize, static_cast<double>(level)});
    cases.push_back({operation::solarize, 32.0 * level});
    cases.push_back({operation::cutout, static_cast<double>(level)});
    cases.push_back({operation::translate_x, static_cast<double>(level - 4)});
    cases.push_back({operation::translate_y, static_cast<double>(level - 4)});
  }
  for (const auto what : {operation::invert, operation::equalize, operation::autocontrast})
    cases.push_back({what, 0.0});
  return cases;
}

/// An image `[3, digest_height, digest_width]` with a different value range in each channel.
inline std::vector<std::uint8_t> digest_image()
{
  std::vector<std::uint8_t> image;
  for (std::uint32_t c = 0; c < 3; ++c)
    for (std::uint32_t i = 0; i < digest_height * digest_width; ++i) {
      const std::uint32_t word = (c + 1) * 73856093U + i * 83492791U;
      const std::uint32_t noise = ((word ^ (word >> 15)) * 2654435761U) >> 24;
      image.push_back(static_cast<std::uint8_t>(c == 0 ? noise : 20 * c + noise * (4 - c) / 5));
    }
  return image;
}

/// The FNV-1a hash, continued from `before`.
inline std::uint32_t digest(std::uint32_t before, const void* data, std::size_t bytes)
{
  const auto* byte = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < bytes; ++i) before = (before ^ byte[i]) * 16777619U;
  return before;
}

}  // namespace rolewise::tests
