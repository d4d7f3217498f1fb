// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/run_history.hpp>.

#include <rolewise/support/error.hpp>
#include <rolewise/train/run_history.hpp>

namespace rolewise {

ROLEWISE_INLINE double epoch_record::operator[](std::string_view name) const
{
  for (const auto& number : numbers)
    if (number.name == name) return number.value;
  throw_invalid_argument("epoch_record", "has no number named '", name, "'");
}

ROLEWISE_INLINE bool same_results(const epoch_record& a, const epoch_record& b)
{
  return a.epoch == b.epoch && a.numbers == b.numbers && a.learning_rate == b.learning_rate &&
         a.validation_accuracy == b.validation_accuracy && a.validation_loss == b.validation_loss &&
         a.validation_metric == b.validation_metric;
}

ROLEWISE_INLINE std::optional<validation_score> run_history::best_metric() const
{
  for (const auto& record : epochs)
    if (record.epoch == best_epoch) return record.validation_metric;
  return std::nullopt;
}

ROLEWISE_INLINE bool same_results(const run_history& a, const run_history& b)
{
  if (a.epochs.size() != b.epochs.size() || a.best_accuracy != b.best_accuracy ||
      a.best_epoch != b.best_epoch || a.stopped_early != b.stopped_early || a.changes != b.changes)
    return false;
  for (std::size_t i = 0; i < a.epochs.size(); ++i)
    if (!same_results(a.epochs[i], b.epochs[i])) return false;
  return true;
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE void validation_columns::add(const std::optional<validation_score>& score)
{
  names.push_back(score ? score->name : std::string{});
  values.push_back(score ? score->value : 0.0);
  directions.push_back(score && score->higher_is_better ? 1 : 0);
  are_needed = are_needed || score.has_value();
}

ROLEWISE_INLINE std::optional<validation_score> validation_columns::at(std::size_t i) const
{
  if (i >= names.size() || names[i].empty()) return std::nullopt;
  return validation_score{names[i], values.at(i), directions.at(i) != 0};
}

}  // namespace rolewise::detail
