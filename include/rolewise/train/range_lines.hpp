// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `range_lines` callback: `json_lines` with the ranges of quantizers added.

#include <rolewise/support/json.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/json_lines.hpp>
#include <rolewise/train/range_drift.hpp>
#include <rolewise/train/run_history.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise {

/// A callback that writes the lines of `json_lines` and, in between, lines with the ranges that
/// `range_drift` records: one after the first step, and one after each epoch's line,
/// epoch,
///
///     {"after_epochs":1,"ranges":{"stage1.0.input.quantizer.step":
///      {"mean":0.25,"least":0.25,"greatest":0.25},"stage1.0.convolution1.quantizer.step":
///      {"mean":0.125,"least":0.0625,"greatest":0.25}}}
///
/// (without the line breaks). The three numbers are statistics over the channels of a range;
/// `null` stands for a tensor that does not exist yet. The keys "epoch" and "ranges" distinguish
/// the kinds of lines.
///
///     range_lines log{"run/epochs.jsonl", pretraining.student};
///     fit(pretraining, data.train, {.epochs = 8}, log);
///     report::write_svg("run/drift.svg", report::drift_chart(log.history()));
///
/// Keeps a pointer to the student, which must not move. Reading synchronizes with the device,
/// after the first step and once per epoch.
///
/// @par State
/// That of `json_lines` and of `range_drift`: a resumed run continues both.
template<typename Student>
class range_lines {
 public:
  range_lines(std::string path, Student& student) : lines_{std::move(path)}, drift_{student} {}

  /// @throws std::invalid_argument and std::runtime_error as `json_lines` and `range_drift`
  void on(const fit_begin& event)
  {
    drift_.on(event);
    lines_.begin(event, [&] { return lines_so_far(event.so_far); });
  }
  void on(const step_end& event)
  {
    write_if_new([&] { drift_.on(event); });
  }
  void on(const epoch_end& event)
  {
    lines_.on(event);
    write_if_new([&] { drift_.on(event); });
  }
  void on(const fit_end& event) { lines_.on(event); }

  [[nodiscard]] const range_history& history() const { return drift_.history(); }

  /// Returns the line of the last time of a history, with its newline.
  [[nodiscard]] static std::string line_of(const range_history& history)
  {
    return line_of(history, history.epochs.size() - 1);
  }
  /// Returns the line of one recorded time.
  [[nodiscard]] static std::string line_of(const range_history& history,
                                           std::size_t training_progress)
  {
    std::string line = "{\"after_epochs\":" + detail::text_of(history.epochs[training_progress]);
    std::string_view before = ",\"ranges\":{";
    for (std::size_t i = 0; i < history.names.size(); ++i) {
      const auto& [mean, least, greatest] = history.rows[training_progress][i];
      line.append(before).append(detail::json_text(history.names[i])).append(":{\"mean\":");
      line.append(detail::text_of(mean)).append(",\"least\":").append(detail::text_of(least));
      line.append(",\"greatest\":").append(detail::text_of(greatest)).append("}");
      before = ",";
    }
    return line + "}}\n";
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("lines", lines_);
    archive.part("drift", drift_);
  }

 private:
  /// Returns all lines of the completed epochs, in the order in which they were written.
  [[nodiscard]] std::string lines_so_far(const run_history& so_far) const
  {
    const auto& ranges = history();
    std::string lines;
    std::size_t training_progress = 0;
    const auto add_until = [&](double epochs) {
      for (; training_progress < ranges.epochs.size() && ranges.epochs[training_progress] < epochs;
           ++training_progress)
        lines += line_of(ranges, training_progress);
    };
    for (const auto& record : so_far.epochs) {
      add_until(static_cast<double>(record.epoch + 1));
      lines += json_lines::line_of(record);
    }
    add_until(std::numeric_limits<double>::infinity());
    return lines;
  }

  template<typename See>
  void write_if_new(const See& see)
  {
    const auto before = history().epochs.size();
    see();
    if (history().epochs.size() > before) lines_.log.add(lines_.path, line_of(history()));
  }

  json_lines lines_;
  range_drift<Student> drift_;
};

}  // namespace rolewise
