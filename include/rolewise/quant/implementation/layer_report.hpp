// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/layer_report.hpp>.

#include <rolewise/quant/layer_report.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE void layer_report::refuse_unknown_positions() const
{
  throw_invalid_argument("layer_report", "the multiply-adds of ", place.name,
                         " are unknown before its first forward pass");
}

ROLEWISE_INLINE bool network_costs::has_positions() const
{
  return std::ranges::all_of(layers, [](const auto& layer) { return layer.positions.has_value(); });
}

ROLEWISE_INLINE std::int64_t network_costs::parameters() const
{
  auto count = other_parameters;
  for (const auto& layer : layers) count += layer.weights;
  return count;
}

ROLEWISE_INLINE double network_costs::bit_operations() const
{
  double sum = 0.0;
  for (const auto& layer : layers) sum += rolewise::bit_operations(layer);
  return sum;
}

ROLEWISE_INLINE double network_costs::bytes() const
{
  double sum = 4.0 * static_cast<double>(other_parameters);
  for (const auto& layer : layers) sum += rolewise::bytes(layer);
  return sum;
}

}  // namespace rolewise
