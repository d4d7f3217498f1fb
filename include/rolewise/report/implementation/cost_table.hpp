// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/cost_table.hpp>.

#include <rolewise/report/cost_table.hpp>

namespace rolewise::report {

namespace detail {

inline constexpr const char* unknown_cost = "unknown";

[[nodiscard]] inline std::string multiply_adds_text(const layer_report& layer)
{
  return layer.positions ? std::to_string(layer.multiply_adds()) : unknown_cost;
}
[[nodiscard]] inline std::string bit_operations_text(const layer_report& layer)
{
  return layer.positions ? fixed_text(bit_operations(layer), 0) : unknown_cost;
}

}  // namespace detail

ROLEWISE_INLINE table cost_table(const network_costs& costs)
{
  table rows{{"layer", "weight bits", "activation bits", "parameters", "bytes", "multiply-adds",
              "bit-operations"}};
  for (const auto& layer : costs.layers)
    rows.add({layer.place.name, detail::bits_text(layer.widths.weights),
              detail::bits_text(layer.widths.activations), std::to_string(layer.weights),
              fixed_text(bytes(layer), 0), detail::multiply_adds_text(layer),
              detail::bit_operations_text(layer)});
  rows.add({"other", "32", "-", std::to_string(costs.other_parameters),
            std::to_string(4 * costs.other_parameters), "-", "-"});
  const bool known = costs.has_positions();
  rows.add({"sum", "-", "-", std::to_string(costs.parameters()), fixed_text(costs.bytes(), 0),
            known ? std::to_string(costs.multiply_adds()) : detail::unknown_cost,
            known ? fixed_text(costs.bit_operations(), 0) : detail::unknown_cost});
  return rows;
}

ROLEWISE_INLINE std::string cost_json_lines(const network_costs& costs)
{
  using detail::json;
  std::string text;
  const auto add = [&](json::object line) {
    json{std::move(line)}.write(text, 0, true);
    text += '\n';
  };
  for (const auto& layer : costs.layers)
    add({{"layer", layer.place.name},
         {"kind", std::string{name(layer.place.kind)}},
         {"weight_bits", std::int64_t{layer.widths.weights.value()}},
         {"activation_bits", std::int64_t{layer.widths.activations.value()}},
         {"parameters", layer.weights},
         {"bytes", bytes(layer)},
         {"multiply_adds", layer.positions ? json{layer.multiply_adds()} : json{}},
         {"bit_operations", layer.positions ? json{bit_operations(layer)} : json{}}});
  const bool known = costs.has_positions();
  add({{"sum", true},
       {"parameters", costs.parameters()},
       {"other_parameters", costs.other_parameters},
       {"bytes", costs.bytes()},
       {"multiply_adds", known ? json{costs.multiply_adds()} : json{}},
       {"bit_operations", known ? json{costs.bit_operations()} : json{}},
       {"bit_operations_are", std::string{bit_operations_definition}}});
  return text;
}

}  // namespace rolewise::report
