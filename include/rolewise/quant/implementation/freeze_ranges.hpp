// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/freeze_ranges.hpp>.

#include <rolewise/quant/freeze_ranges.hpp>

namespace rolewise {

ROLEWISE_INLINE bool is_range_of_quantizer(std::string_view name, tensor_kind kind)
{
  constexpr std::string_view part = "quantizer.";
  return kind == tensor_kind::range ||
         (kind == tensor_kind::buffer &&
          (name.starts_with(part) || name.find(".quantizer.") != name.npos));
}

}  // namespace rolewise
