// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Cost of each layer of a network, as a table and as JSON lines.

#include <rolewise/quant/layer_report.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/support/json.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::report {

namespace detail {

[[nodiscard]] inline std::string bits_text(bit_width bits) { return std::to_string(bits.value()); }

}  // namespace detail

/// One row for each layer, one for all other parameters, one for the sum. Multiply-adds and
/// bit-operations are those of one example.
///
///     std::cout << cost_table(costs_of(network)).text() << bit_operations_definition << '\n';
[[nodiscard]] inline table cost_table(const network_costs& costs)
{
  table rows{{"layer", "weight bits", "activation bits", "parameters", "bytes", "multiply-adds",
              "bit-operations"}};
  for (const auto& layer : costs.layers)
    rows.add({layer.place.name, detail::bits_text(layer.widths.weights),
              detail::bits_text(layer.widths.activations), std::to_string(layer.weights),
              fixed_text(bytes(layer), 0), std::to_string(layer.multiply_adds()),
              fixed_text(bit_operations(layer), 0)});
  rows.add({"other", "32", "-", std::to_string(costs.other_parameters),
            std::to_string(4 * costs.other_parameters), "-", "-"});
  rows.add({"sum", "-", "-", std::to_string(costs.parameters()), fixed_text(costs.bytes(), 0),
            std::to_string(costs.multiply_adds()), fixed_text(costs.bit_operations(), 0)});
  return rows;
}

/// One line for each layer and one for the sum, each a JSON object:
///
///     {"layer":"stem","kind":"convolution","weight_bits":32,"activation_bits":32,"parameters":144,
///      "bytes":576.0,"multiply_adds":112896,"bit_operations":115605504.0}
///     {"sum":true,"parameters":...,"other_parameters":...,"bytes":...,"multiply_adds":...,
///      "bit_operations":...,"bit_operations_are":"multiply-adds x ..."}
///
/// (without the line breaks).
[[nodiscard]] inline std::string cost_json_lines(const network_costs& costs)
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
         {"multiply_adds", layer.multiply_adds()},
         {"bit_operations", bit_operations(layer)}});
  add({{"sum", true},
       {"parameters", costs.parameters()},
       {"other_parameters", costs.other_parameters},
       {"bytes", costs.bytes()},
       {"multiply_adds", costs.multiply_adds()},
       {"bit_operations", costs.bit_operations()},
       {"bit_operations_are", std::string{bit_operations_definition}}});
  return text;
}

}  // namespace rolewise::report
