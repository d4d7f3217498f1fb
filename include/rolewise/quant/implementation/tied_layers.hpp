// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/tied_layers.hpp>.

#include <rolewise/quant/tied_layers.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/nearest_names.hpp>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE std::vector<bit_question> tied(std::vector<bit_question> questions,
                                               const std::vector<std::vector<std::string>>& groups)
{
  for (const auto& group : groups) {
    bit_question joined;
    std::size_t first = 0;
    for (const auto& layer : group) {
      if (std::ranges::find(joined.layers, layer) != joined.layers.end()) continue;
      const auto found = std::ranges::find_if(questions, [&](const bit_question& each) {
        return std::ranges::find(each.layers, layer) != each.layers.end();
      });
      if (found == questions.end()) {
        std::vector<std::string> known;
        for (const auto& each : questions)
          known.insert(known.end(), each.layers.begin(), each.layers.end());
        throw_invalid_argument("tied", "nothing is asked about layer ", layer, "; the nearest are ",
                               support::nearest_names(layer, known));
      }
      if (joined.layers.empty()) {
        first = static_cast<std::size_t>(found - questions.begin());
        joined = std::move(*found);
      } else {
        joined.layers.insert(joined.layers.end(), found->layers.begin(), found->layers.end());
        if (!std::ranges::equal(joined.options, found->options, {}, &width_option::widths,
                                &width_option::widths))
          throw_invalid_argument("tied", "layers ", joined.layers.front(), " and ", layer,
                                 " have different widths to choose from");
        for (std::size_t i = 0; i < joined.options.size(); ++i) {
          joined.options[i].cost += found->options[i].cost;
          joined.options[i].harm += found->options[i].harm;
        }
      }
      *found = bit_question{};
    }
    if (!joined.layers.empty()) questions[first] = std::move(joined);
  }
  std::erase_if(questions, [](const bit_question& each) { return each.layers.empty(); });
  return questions;
}

ROLEWISE_INLINE std::vector<std::vector<std::string>> shortcut_ties(
    const std::vector<layer_report>& layers)
{
  std::vector<std::vector<std::string>> groups;
  for (const auto& layer : layers) {
    if (layer.place.kind != layer_kind::shortcut) continue;
    const auto block = layer.place.name.substr(0, layer.place.name.rfind('.') + 1);
    if (std::ranges::any_of(layers, [&](const layer_report& other) {
          return other.place.name == block + "convolution1";
        }))
      groups.push_back({block + "convolution1", layer.place.name});
  }
  return groups;
}

}  // namespace rolewise
