// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `range_drift` callback: records the ranges of quantizers over a run.

#include <rolewise/core/state.hpp>
#include <rolewise/quant/freeze_ranges.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/run_history.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace rolewise {

/// The recorded ranges of a student: a row for each time, a column for each range.
struct range_history {
  /// A range at one time: statistics over its channels, all three alike if it has one value. NaN
  /// for a tensor that does not exist yet.
  struct value {
    double mean = 0.0;
    double least = 0.0;
    double greatest = 0.0;
  };

  std::vector<double> epochs;      ///< times, in epochs since the run began: 1 is after the first
  std::vector<std::string> names;  ///< full names, such as `stage1.0.inner.quantizer.step`
  std::vector<std::vector<value>> rows;  ///< one for each time, with one value for each name

  /// Returns the last mean of each range divided by its first finite one, in the order of
  /// `names`; NaN if that is 0 or missing. For the results of a run record.
  [[nodiscard]] std::vector<named_number> drifts() const;

  /// Returns the first finite mean of a range; NaN if it is 0 or missing.
  [[nodiscard]] double first_of(std::size_t range) const;

  template<typename Archive>
  void visit_state(Archive& archive);

 private:
  static constexpr double not_there = std::numeric_limits<double>::quiet_NaN();
};

/// Records every learned range of a student (`tensor_kind::range`) and the observed ranges of its
/// quantizers (buffers of parts called `quantizer`): after the first step, when ranges that the
/// first batch initializes exist, and after each epoch.
///
///     range_drift drift{pretraining.student};
///     fit(pretraining, data.train, {.epochs = 8}, drift);
///     report::write_svg("drift.svg", report::drift_chart(drift.history()));
///
/// Keeps a pointer to the student, which must not move. Reading synchronizes with the device,
/// after the first step and once per epoch.
///
/// @par State
/// The recorded history, which a resumed run continues.
template<typename Student>
class range_drift {
  static_assert(state_must::be_shown<Student>, "range_drift wants a student that shows its state");

 public:
  explicit range_drift(Student& student) : student_{&student} {}

  /// @throws std::invalid_argument if there are no ranges, or those of a resumed run differ
  void on(const fit_begin& event)
  {
    const auto names = names_of_ranges();
    if (names.empty())
      throw_invalid_argument("range_drift",
                             "the student has no ranges, neither learned nor observed");
    if (!event.is_resumed || history_.names.empty())
      history_ = {.epochs = {}, .names = names, .rows = {}};
    if (history_.names != names)
      throw_invalid_argument("range_drift", "the run that is resumed has ", history_.names.size(),
                             " ranges from '", history_.names.front(), "' on, the student has ",
                             names.size(), " from '", names.front(), "' on");
  }
  void on(const step_end& event)
  {
    if (!history_.rows.empty()) return;
    const auto& progress = event.progress;
    const auto part =
        static_cast<double>(progress.step + 1) / static_cast<double>(progress.steps_per_epoch);
    add(static_cast<double>(progress.epoch) + part);
  }
  void on(const epoch_end& event)
  {
    const auto when = static_cast<double>(event.record.epoch + 1);
    if (history_.epochs.empty() || history_.epochs.back() < when) add(when);
  }
  void on(const fit_end&) {}

  [[nodiscard]] const range_history& history() const { return history_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("history", history_);
  }

 private:
  template<typename F>
  void for_each_range(F&& f)
  {
    for_each_tensor(*student_, [&](const std::string& name, torch::Tensor& t, tensor_kind kind) {
      if (is_range_of_quantizer(name, kind)) f(name, t);
    });
  }

  [[nodiscard]] std::vector<std::string> names_of_ranges()
  {
    std::vector<std::string> names;
    for_each_range([&](const std::string& name, const torch::Tensor&) { names.push_back(name); });
    return names;
  }

  void add(double when)
  {
    history_.epochs.push_back(when);
    auto& row = history_.rows.emplace_back();
    for_each_range([&](const std::string&, const torch::Tensor& t) {
      constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
      if (!t.defined() || t.numel() == 0) {
        row.push_back({nothing, nothing, nothing});
        return;
      }
      const auto x = t.detach().to(torch::kCPU, torch::kDouble);
      row.push_back({x.mean().template item<double>(), x.min().template item<double>(),
                     x.max().template item<double>()});
    });
  }

  Student* student_;
  range_history history_;
};

/// Stored as columns, so that the names in a checkpoint do not depend on the number of epochs.
template<typename Archive>
void range_history::visit_state(Archive& archive)
{
  std::vector<double> means, least, greatest;
  for (const auto& row : rows)
    for (const auto& x : row) {
      means.push_back(x.mean);
      least.push_back(x.least);
      greatest.push_back(x.greatest);
    }
  archive.value("epochs", epochs);
  archive.value("names", names);
  archive.value("mean", means);
  archive.value("least", least);
  archive.value("greatest", greatest);
  const auto count = epochs.size() * names.size();
  if (means.size() != count || least.size() != count || greatest.size() != count)
    throw_runtime_error("range_history", "its columns are of different lengths");
  rows.assign(epochs.size(), {});
  for (std::size_t i = 0; i < count; ++i)
    rows[i / names.size()].push_back({means[i], least[i], greatest[i]});
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/range_drift.hpp>
#endif
