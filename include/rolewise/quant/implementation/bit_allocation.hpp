// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/quant/bit_allocation.hpp>.

#include <rolewise/quant/bit_allocation.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace rolewise::detail {

ROLEWISE_INLINE const width_option& cheapest(const bit_question& question)
{
  return *std::ranges::min_element(question.options, {},
                                   [](const width_option& o) { return std::pair{o.cost, o.harm}; });
}

ROLEWISE_INLINE double require_predictable(const std::vector<bit_question>& questions,
                                           double budget)
{
  if (questions.empty()) throw_invalid_argument("choose_bits", "no layer is to be decided on");
  double least = 0.0;
  for (const auto& question : questions) {
    if (question.layers.empty() || question.options.empty())
      throw_invalid_argument("choose_bits", "a question has ", question.layers.size(),
                             " layers and ", question.options.size(),
                             " options, wants one of each at least");
    for (const auto& option : question.options)
      if (!(option.cost >= 0.0) || !std::isfinite(option.cost) || !std::isfinite(option.harm))
        throw_invalid_argument("choose_bits", "layer ", question.layers.front(), " at ",
                               option.widths.weights.value(), " bits has the cost ", option.cost,
                               " and the harm ", option.harm, ", want finite numbers");
    least += cheapest(question).cost;
  }
  // Tolerance for rounding errors: costs are sums of products.
  if (!(least <= budget * (1.0 + 1e-12)))
    throw_invalid_argument("choose_bits", "the budget is ", budget, ", the least possible is ",
                           least);
  return least;
}

ROLEWISE_INLINE bit_allocation allocation_of(const std::vector<bit_question>& questions,
                                             const std::vector<std::size_t>& answers)
{
  bit_allocation found;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& option = questions[i].options[answers[i]];
    for (const auto& layer : questions[i].layers) found.layers.push_back({layer, option.widths});
    found.cost += option.cost;
    found.harm += option.harm;
  }
  return found;
}

ROLEWISE_INLINE void keep_best(std::vector<partial_sum>& sums, double budget)
{
  constexpr std::size_t most = 1 << 14;
  std::ranges::sort(sums, {}, [](const partial_sum& s) { return std::pair{s.cost, s.harm}; });
  const bool crowded = sums.size() > most;
  std::vector<partial_sum> best;
  double least = std::numeric_limits<double>::infinity();
  double cell_of_last = -1.0;
  for (const auto& sum : sums) {
    if (!(sum.harm < least)) continue;
    least = sum.harm;
    const double cell = crowded ? std::floor(sum.cost / budget * most) : 0.0;
    // Never replaces the cheapest sum, so that a solution within the budget remains.
    if (crowded && best.size() > 1 && cell == cell_of_last)
      best.back() = sum;
    else
      best.push_back(sum);
    cell_of_last = cell;
  }
  sums = std::move(best);
}

ROLEWISE_INLINE bit_allocation by_program(const std::vector<bit_question>& questions, double budget)
{
  const double within = budget * (1.0 + 1e-12);
  // after[i]: the least cost of question i and all that follow.
  std::vector<double> after(questions.size() + 1, 0.0);
  for (auto i = questions.size(); i-- > 0;) after[i] = after[i + 1] + cheapest(questions[i]).cost;

  std::vector<std::vector<partial_sum>> sums{{partial_sum{}}};
  for (std::size_t i = 0; i < questions.size(); ++i) {
    std::vector<partial_sum> next;
    const auto& options = questions[i].options;
    for (std::size_t before = 0; before < sums[i].size(); ++before)
      for (std::size_t answer = 0; answer < options.size(); ++answer) {
        const partial_sum sum{sums[i][before].cost + options[answer].cost,
                              sums[i][before].harm + options[answer].harm, before, answer};
        if (sum.cost + after[i + 1] <= within) next.push_back(sum);
      }
    keep_best(next, budget);
    sums.push_back(std::move(next));
  }
  std::vector<std::size_t> answers(questions.size());
  auto place = sums.back().size() - 1;
  for (auto i = questions.size(); i-- > 0;) {
    const auto& sum = sums[i + 1][place];
    answers[i] = sum.answer;
    place = sum.before;
  }
  return allocation_of(questions, answers);
}

ROLEWISE_INLINE bit_allocation by_steps(const std::vector<bit_question>& questions, double budget)
{
  std::vector<std::size_t> answers;
  double cost = 0.0;
  for (const auto& question : questions) {
    const auto& first = cheapest(question);
    answers.push_back(static_cast<std::size_t>(&first - question.options.data()));
    cost += first.cost;
  }
  while (true) {
    double best = 0.0;
    std::size_t at = 0, answer = 0;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const auto& options = questions[i].options;
      const auto& current = options[answers[i]];
      for (std::size_t j = 0; j < options.size(); ++j) {
        const double saved = current.harm - options[j].harm, more = options[j].cost - current.cost;
        if (!(saved > 0.0) || cost + more > budget * (1.0 + 1e-12)) continue;
        const double worth = more > 0.0 ? saved / more : std::numeric_limits<double>::infinity();
        if (worth > best) {
          best = worth;
          at = i;
          answer = j;
        }
      }
    }
    if (!(best > 0.0)) return allocation_of(questions, answers);
    cost += questions[at].options[answer].cost - questions[at].options[answers[at]].cost;
    answers[at] = answer;
  }
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE bit_allocation choose_bits(const std::vector<bit_question>& questions,
                                           double budget, allocation_method method)
{
  detail::require_predictable(questions, budget);
  return method == allocation_method::greedy ? detail::by_steps(questions, budget)
                                             : detail::by_program(questions, budget);
}

ROLEWISE_INLINE cost_span span_of(const std::vector<bit_question>& questions)
{
  cost_span span{
      .least = detail::require_predictable(questions, std::numeric_limits<double>::infinity())};
  for (const auto& question : questions)
    span.most += std::ranges::max_element(question.options, {}, &width_option::cost)->cost;
  return span;
}

}  // namespace rolewise
