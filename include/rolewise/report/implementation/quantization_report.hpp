// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/quantization_report.hpp>.

#include <rolewise/report/quantization_report.hpp>
#include <rolewise/support/classic_text.hpp>

namespace rolewise::report::detail {

ROLEWISE_INLINE void share_activations(std::vector<layer_quantization>& layers)
{
  const auto block_of = [](const layer_quantization& layer) {
    return layer.place.name.substr(0, layer.place.name.rfind('.') + 1);
  };
  for (auto& layer : layers) {
    if (layer.place.kind != layer_kind::shortcut || layer.activations ||
        layer.widths.activations.is_full())
      continue;
    for (const auto& other : layers)
      if (other.activations && other.shares_with.empty() && block_of(other) == block_of(layer) &&
          other.widths.activations == layer.widths.activations) {
        layer.activations = other.activations;
        layer.shares_with = other.place.name;
        break;
      }
  }
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE table quantization_table(const network_quantization& report)
{
  table rows{{"layer", "bits", "weight levels", "clipped %", "error %", "activation levels",
              "clipped %", "error %", "zero %"}};
  const auto clipped = [](const quantization_view& v) { return detail::percent(v.clipped(), 2); };
  const auto error = [](const quantization_view& v) {
    return detail::percent(v.is_fitted ? v.fitted_error : v.error, 2);
  };
  const auto zeros = [](const quantization_view& v) { return detail::percent(v.zero_share(), 1); };
  for (const auto& [place, widths, weights, activations, shares] : report.layers)
    rows.add({place.name,
              detail::classic_text(widths.weights.value(), "/", widths.activations.value()),
              detail::cell_of(weights, detail::levels_text), detail::cell_of(weights, clipped),
              detail::cell_of(weights, error), detail::cell_of(activations, detail::levels_text),
              detail::cell_of(activations, clipped), detail::cell_of(activations, error),
              detail::cell_of(activations, zeros)});
  return rows;
}

}  // namespace rolewise::report
