// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `layer_arithmetic`: integer or floating point, and the reason for the latter.

#include <cstdint>
#include <string_view>

namespace rolewise {

/// The arithmetic of the last forward pass of a layer: integer, or floating point for one of the
/// reasons that follow.
enum class layer_arithmetic : std::uint8_t {
  not_run,
  integer,
  full_precision,
  switched_off,
  no_operators,
  other_device,
  other_type,
  no_integer_levels,
  unknown_range,
  activations_too_wide,
  weights_too_wide,
  sums_too_long
};

/// The arithmetic in words, for reports.
[[nodiscard]] constexpr std::string_view name(layer_arithmetic what) noexcept
{
  switch (what) {
    case layer_arithmetic::not_run:
      return "not run";
    case layer_arithmetic::integer:
      return "integer";
    case layer_arithmetic::full_precision:
      return "floating point: full precision";
    case layer_arithmetic::switched_off:
      return "floating point: integers are switched off";
    case layer_arithmetic::no_operators:
      return "floating point: no integer operators (see integer_forward_support)";
    case layer_arithmetic::other_device:
      return "floating point: not on the CPU";
    case layer_arithmetic::other_type:
      return "floating point: values are not float32";
    case layer_arithmetic::no_integer_levels:
      return "floating point: levels are not integers";
    case layer_arithmetic::unknown_range:
      return "floating point: the quantizer doesn't say where its levels lie";
    case layer_arithmetic::activations_too_wide:
      return "floating point: levels of activations don't fit 8 bits";
    case layer_arithmetic::weights_too_wide:
      return "floating point: levels of weights don't fit 8 signed bits";
    case layer_arithmetic::sums_too_long:
      return "floating point: sums could overflow 32 bits";
  }
  return "unknown";
}

}  // namespace rolewise
