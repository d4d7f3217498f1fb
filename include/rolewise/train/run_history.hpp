// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `run_history`: the metrics of a run, epoch by epoch.

#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

/// A named number.
struct named_number {
  std::string name;
  double value = 0.0;

  friend bool operator==(const named_number&, const named_number&) = default;
};

/// The metric that validation follows (`fit_options::validation_metric`), and its value.
struct validation_score {
  std::string name;
  double value = 0.0;
  bool higher_is_better = true;

  /// Whether this is a better value of the same metric.
  [[nodiscard]] bool is_better_than(const validation_score& other) const
  {
    return name == other.name && (higher_is_better ? value > other.value : value < other.value);
  }

  friend bool operator==(const validation_score&, const validation_score&) = default;
};

/// The record of one epoch. `seconds` is wall-clock time, of training and validation together;
/// everything else is reproduced when a run is repeated.
struct epoch_record {
  std::int64_t epoch = 0;                     ///< 0-based
  std::vector<named_number> numbers;          ///< each metric over the examples; the loss first
  std::optional<double> learning_rate;        ///< in the first step; none if the step has none
  std::optional<double> validation_accuracy;  ///< top-1, in [0, 1]
  std::optional<double> validation_loss;      ///< mean cross-entropy, nats
  double seconds = 0.0;
  /// The chosen metric of validation, if that is not the accuracy; there is then no
  /// `validation_accuracy` and no `validation_loss`.
  std::optional<validation_score> validation_metric{};

  /// Returns the number with this name.
  /// @throws std::invalid_argument if there is none
  [[nodiscard]] double operator[](std::string_view name) const;
};

/// Whether two records are equal, times aside.
[[nodiscard]] ROLEWISE_INLINE bool same_results(const epoch_record& a, const epoch_record& b);

/// The record of a run: all its epochs, including those before a resume.
struct run_history {
  std::vector<epoch_record> epochs;
  /// Best validation accuracy of all epochs; none where validation follows another metric.
  std::optional<double> best_accuracy;
  /// The first epoch with the best accuracy, or the best value of the metric that validation
  /// follows; -1: none yet.
  std::int64_t best_epoch = -1;
  bool stopped_early = false;  ///< a callback ended the run
  /// The changes of settings that were accepted on resume (`fit_options::accept_changes`), each
  /// as text that begins with the epoch: `from epoch 5: optimizer.learning_rate 0.1 (now
  /// 0.05)`.
  std::vector<std::string> changes{};

  /// Wall-clock time of all epochs.
  [[nodiscard]] double seconds() const
  {
    double sum = 0.0;
    for (const auto& record : epochs) sum += record.seconds;
    return sum;
  }

  /// The best value of the metric that validation follows, if that is not the accuracy.
  [[nodiscard]] std::optional<validation_score> best_metric() const;

  template<typename Archive>
  void visit_state(Archive& archive);
};

/// Whether two histories are equal, times aside.
[[nodiscard]] ROLEWISE_INLINE bool same_results(const run_history& a, const run_history& b);

namespace detail {

// A checkpoint stores absent numbers as NaN.
[[nodiscard]] inline double or_nan(const std::optional<double>& x)
{
  return x.value_or(std::numeric_limits<double>::quiet_NaN());
}
[[nodiscard]] inline std::optional<double> unless_nan(double x)
{
  return std::isnan(x) ? std::nullopt : std::optional{x};
}

/// Columns of the validation metrics of a history. They are stored only if there is one, so that
/// histories without are stored as by versions that knew only the accuracy.
struct validation_columns {
  std::vector<std::string> names;  // empty: none
  std::vector<double> values;
  std::vector<std::int64_t> directions;  // 1: higher is better
  bool are_needed = false;

  void add(const std::optional<validation_score>& score);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    const auto visit = [&](std::string_view name, auto& column) {
      if constexpr (requires { archive.added_value(name, column); })
        archive.added_value(name, column);
      else if (are_needed)
        archive.value(name, column);
    };
    visit("validation_metric", names);
    visit("validation_value", values);
    visit("higher_is_better", directions);
  }

  [[nodiscard]] std::optional<validation_score> at(std::size_t i) const;
};

}  // namespace detail

/// Stored as columns, so that the names in a checkpoint do not depend on the number of epochs.
template<typename Archive>
void run_history::visit_state(Archive& archive)
{
  std::vector<std::int64_t> numbers_of_epochs;
  std::vector<std::string> names;
  std::vector<double> values, rates, accuracies, losses, times;
  detail::validation_columns validation;
  for (const auto& record : epochs) {
    numbers_of_epochs.push_back(record.epoch);
    if (names.empty())
      for (const auto& number : record.numbers) names.push_back(number.name);
    for (const auto& number : record.numbers) values.push_back(number.value);
    rates.push_back(detail::or_nan(record.learning_rate));
    accuracies.push_back(detail::or_nan(record.validation_accuracy));
    losses.push_back(detail::or_nan(record.validation_loss));
    times.push_back(record.seconds);
    validation.add(record.validation_metric);
  }
  double best = detail::or_nan(best_accuracy);
  archive.value("epoch", numbers_of_epochs);
  archive.value("names", names);
  archive.value("numbers", values);
  archive.value("learning_rate", rates);
  archive.value("validation_accuracy", accuracies);
  archive.value("validation_loss", losses);
  archive.value("seconds", times);
  archive.value("best_accuracy", best);
  archive.value("best_epoch", best_epoch);
  archive.value("stopped_early", stopped_early);
  archive.value("changes", changes);
  validation.visit_state(archive);

  const auto count = numbers_of_epochs.size();
  if (values.size() != count * names.size() || rates.size() != count ||
      accuracies.size() != count || losses.size() != count || times.size() != count ||
      validation.values.size() != validation.names.size() ||
      validation.directions.size() != validation.names.size())
    throw_runtime_error("run_history", "its columns are of different lengths");
  epochs.clear();
  for (std::size_t i = 0; i < count; ++i) {
    epoch_record record{numbers_of_epochs[i],
                        {},
                        detail::unless_nan(rates[i]),
                        detail::unless_nan(accuracies[i]),
                        detail::unless_nan(losses[i]),
                        times[i],
                        validation.at(i)};
    for (std::size_t k = 0; k < names.size(); ++k)
      record.numbers.push_back({names[k], values[i * names.size() + k]});
    epochs.push_back(std::move(record));
  }
  best_accuracy = detail::unless_nan(best);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/run_history.hpp>
#endif
