// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of BitWidthScheme that no compiler can check.

#include "doctest.hpp"

#include <rolewise/quant/bit_width_scheme.hpp>

#include <string>
#include <vector>

namespace rolewise::laws {

template<BitWidthScheme S>
void hold_for(const S& scheme)
{
  std::vector<layer_bits> before;
  const auto each_place = [](auto&& visit) {
    for (const auto kind : {layer_kind::convolution, layer_kind::shortcut, layer_kind::linear})
      for (std::int64_t index = 0; index < 5; ++index)
        visit(layer_id{"stage1." + std::to_string(index) + ".convolution1", kind, index, 5});
  };
  each_place([&](const layer_id& place) { before.push_back(scheme(place)); });

  const auto copy = scheme;
  std::size_t i = 0;
  each_place([&](const layer_id& place) {
    CHECK(scheme(place) == before[i]);
    CHECK(copy(place) == before[i]);
    ++i;
  });
}

}  // namespace rolewise::laws
