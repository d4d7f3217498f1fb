// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Cost of each layer of a network, as a table and as JSON lines.

#include <rolewise/quant/layer_report.hpp>
#include <rolewise/report/table.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::report {

namespace detail {

[[nodiscard]] inline std::string bits_text(bit_width bits) { return std::to_string(bits.value()); }

}  // namespace detail

/// One row for each layer, one for all other parameters, one for the sum. Multiply-adds and
/// bit-operations are those of one example, or `unknown` (see `layer_report::positions`).
///
///     std::cout << cost_table(costs_of(network)).text() << bit_operations_definition << '\n';
[[nodiscard]] ROLEWISE_INLINE table cost_table(const network_costs& costs);

/// One line for each layer and one for the sum, each a JSON object:
///
///     {"layer":"stem","kind":"convolution","weight_bits":32,"activation_bits":32,"parameters":144,
///      "bytes":576.0,"multiply_adds":112896,"bit_operations":115605504.0}
///     {"sum":true,"parameters":...,"other_parameters":...,"bytes":...,"multiply_adds":...,
///      "bit_operations":...,"bit_operations_are":"multiply-adds x ..."}
///
/// (without the line breaks). Unknown multiply-adds and bit-operations are null.
[[nodiscard]] ROLEWISE_INLINE std::string cost_json_lines(const network_costs& costs);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/cost_table.hpp>
#endif
