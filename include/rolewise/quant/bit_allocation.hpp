// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Mixed precision: chooses the bit width of each layer under a cost budget.

#include <rolewise/quant/per_layer.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// A candidate for a layer: its bit widths, their cost and their harm (quality lost).
struct width_option {
  layer_bits widths;
  double cost = 0.0;
  double harm = 0.0;  ///< only differences matter
};

/// The candidates of a layer, or of several layers that must have the same widths.
struct bit_question {
  std::vector<std::string> layers;
  std::vector<width_option> options;
};

/// The chosen candidate of every question.
struct bit_allocation {
  std::vector<named_bits> layers;
  double cost = 0.0;  ///< of these layers
  double harm = 0.0;

  /// The scheme that gives these layers their widths; other layers follow `otherwise`.
  template<BitWidthScheme Otherwise = full_precision>
  [[nodiscard]] per_layer<Otherwise> scheme(const Otherwise& otherwise = {}) const
  {
    return {layers, otherwise};
  }
};

/// The optimization method of `choose_bits`.
enum class allocation_method {
  /// Dynamic programming: the least harm within the budget. Exact while a step has at most 16384
  /// partial sums; beyond, sums that differ in cost by less than 1 / 16384 of the budget are
  /// merged.
  dynamic_program,
  /// Greedy: starts from the cheapest candidates and takes the change that saves most harm per
  /// cost, while one fits. Often a good start; never better than an exact dynamic program.
  greedy
};

namespace detail {

[[nodiscard]] ROLEWISE_INLINE const width_option& cheapest(const bit_question& question);

/// @return the least possible cost
ROLEWISE_INLINE double require_predictable(const std::vector<bit_question>& questions,
                                           double budget);

[[nodiscard]] ROLEWISE_INLINE bit_allocation
allocation_of(const std::vector<bit_question>& questions, const std::vector<std::size_t>& answers);

/// A Pareto-optimal choice for the first questions: none costs more and harms more than another.
struct partial_sum {
  double cost = 0.0;
  double harm = 0.0;
  std::size_t before = 0;  ///< index of the sum that this one extends
  std::size_t answer = 0;
};

/// Reduces sums to the Pareto front of cost and harm; of more than 16384, to the least harm in
/// each of 16384 cost cells.
ROLEWISE_INLINE void keep_best(std::vector<partial_sum>& sums, double budget);

[[nodiscard]] ROLEWISE_INLINE bit_allocation by_program(const std::vector<bit_question>& questions,
                                                        double budget);

[[nodiscard]] ROLEWISE_INLINE bit_allocation by_steps(const std::vector<bit_question>& questions,
                                                      double budget);

}  // namespace detail

/// Chooses one candidate per question so that the total cost is within the budget and the total
/// harm is low.
///
/// @par Determinism
/// A function of its arguments; ties are broken the same way every time.
/// @throws std::invalid_argument for a budget below the least possible cost (which the message
///         gives), for questions without layers or options, for negative costs, for numbers that
///         are not finite
/// @par Source
/// Dong et al.: HAWQ-V2, NeurIPS 2020, arXiv:1911.03852, and Yao et al.: HAWQ-V3, ICML 2021,
/// arXiv:2011.10680, which minimizes the same sum by an integer program.
[[nodiscard]] ROLEWISE_INLINE bit_allocation
choose_bits(const std::vector<bit_question>& questions, double budget,
            allocation_method method = allocation_method::dynamic_program);

/// The least and the greatest possible total cost. Published budgets are fractions of this
/// interval.
struct cost_span {
  double least = 0.0;
  double most = 0.0;

  [[nodiscard]] double at(double share) const { return least + share * (most - least); }
};

/// The costs of the cheapest and of the most expensive choice.
[[nodiscard]] ROLEWISE_INLINE cost_span span_of(const std::vector<bit_question>& questions);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/bit_allocation.hpp>
#endif
