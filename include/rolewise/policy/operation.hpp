// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The image operations of augmentation policies, and their names.

#include <cstdint>
#include <string_view>

namespace rolewise {

/// Image operations, in the order of a policy vector; `identity` is in no policy vector.
///
/// `agent/operations.hpp` specifies each operation and the meaning of its parameter.
///
/// @par Source
/// Ho, Liang, Chen, Stoica, Abbeel: Population based augmentation, 2019, arXiv 1905.05393. The
/// order is that of the published policies: the iteration order of a Python 2.7 dictionary.
enum class operation : std::uint8_t {
  rotate,
  translate_x,
  translate_y,
  brightness,
  color,
  invert,
  sharpness,
  posterize,
  shear_x,
  solarize,
  shear_y,
  equalize,
  autocontrast,
  cutout,
  contrast,
  identity
};

/// Number of operations in a policy vector: all but `identity`.
inline constexpr std::int64_t policy_operations = 15;

/// The name in published policies, such as `TranslateX`.
[[nodiscard]] constexpr std::string_view name(operation what) noexcept
{
  switch (what) {
    case operation::rotate:
      return "Rotate";
    case operation::translate_x:
      return "TranslateX";
    case operation::translate_y:
      return "TranslateY";
    case operation::brightness:
      return "Brightness";
    case operation::color:
      return "Color";
    case operation::invert:
      return "Invert";
    case operation::sharpness:
      return "Sharpness";
    case operation::posterize:
      return "Posterize";
    case operation::shear_x:
      return "ShearX";
    case operation::solarize:
      return "Solarize";
    case operation::shear_y:
      return "ShearY";
    case operation::equalize:
      return "Equalize";
    case operation::autocontrast:
      return "AutoContrast";
    case operation::cutout:
      return "Cutout";
    case operation::contrast:
      return "Contrast";
    case operation::identity:
      return "Identity";
  }
  return "unknown";
}

/// Whether the parameter has a direction; its sign is then drawn at random.
[[nodiscard]] constexpr bool has_sign(operation what) noexcept
{
  return what == operation::rotate || what == operation::translate_x ||
         what == operation::translate_y || what == operation::shear_x || what == operation::shear_y;
}

/// Whether the parameter is a blending factor: 1 changes nothing.
[[nodiscard]] constexpr bool is_enhancer(operation what) noexcept
{
  return what == operation::brightness || what == operation::color ||
         what == operation::sharpness || what == operation::contrast;
}

/// Whether an operation has a magnitude at all.
[[nodiscard]] constexpr bool has_magnitude(operation what) noexcept
{
  return what != operation::identity && what != operation::invert && what != operation::equalize &&
         what != operation::autocontrast;
}

/// Rounding of the gray value 0.299 red + 0.587 green + 0.114 blue to an integer: to `nearest`,
/// as Pillow does since 7.0, or `down`, as it did before, to reproduce older programs.
enum class gray_rounding : std::uint8_t { nearest, down };

}  // namespace rolewise
