// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `csv` callback: writes the record of a run as comma-separated values.

#include <rolewise/support/error.hpp>
#include <rolewise/support/utf8.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/detail/log_file.hpp>
#include <rolewise/train/detail/read_checked.hpp>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace rolewise {

namespace detail {

/// Formats a field as in RFC 4180: in quotes if it contains a comma, a quote or a line break.
/// U+FFFD replaces invalid UTF-8.
[[nodiscard]] inline std::string csv_field(std::string_view bytes)
{
  const auto words = valid_utf8(bytes);
  if (words.find_first_of(",\"\r\n") == std::string_view::npos) return words;
  std::string text = "\"";
  for (const char c : words) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

/// Number of epochs that a CSV text records, from its last row; 0 for a table of another kind.
[[nodiscard]] inline double epochs_in_csv(std::string_view text)
{
  text = support::after_byte_order_mark(text);
  if (!text.starts_with("epoch,")) return 0.0;
  const auto begin = text.substr(0, text.size() - 1).rfind('\n') + 1;  // npos + 1 is 0
  std::int64_t epoch = 0;
  const auto* from = text.data() + begin;
  const auto [stop, error] = std::from_chars(from, text.data() + text.size(), epoch);
  return error == std::errc{} ? static_cast<double>(epoch + 1) : 0.0;
}

}  // namespace detail

/// A callback that writes CSV: a header row, then one row per epoch with `epoch`, every metric,
/// `learning_rate`, `validation_accuracy`, `validation_loss`, `seconds`. Where validation follows
/// another metric, its column comes before `seconds`: `validation_mean-iou`. A missing number is an
/// empty field; lines end in LF. Rows are appended to an existing file if it has the same
/// columns; everything else is as in `json_lines`. A stream always begins with the header row.
struct csv {
  std::string path;

  detail::log_file log{};  ///< internal, do not set
  bool is_begun = false;   ///< internal, do not set

  void on(const fit_begin& event)
  {
    log.begin(path, event, detail::epochs_in_csv, [&] {
      std::string rows;
      for (const auto& record : event.so_far.epochs)
        rows += (rows.empty() ? header_of(record, event.run.validation_metric) : std::string{}) +
                row_of(record, event.run.validation_metric);
      return rows;
    });
    is_begun = false;
  }
  void on(const step_end&) {}
  /// @throws std::runtime_error if the file cannot be written or has other columns
  void on(const epoch_end& event)
  {
    const auto& metric = event.run.validation_metric;
    const auto names = header_of(event.record, metric);
    if (!is_begun && !log.is_empty() && !log.is_stream()) {
      const auto whole = detail::read_checked(path);
      const auto there = support::after_byte_order_mark(whole);
      if (!there.starts_with(names))
        throw_runtime_error(path,
                            "is a table of other columns: ", there.substr(0, there.find('\n')));
    }
    const bool wants_names = log.is_stream() ? !is_begun : log.is_empty();
    log.add(path, (wants_names ? names : std::string{}) + row_of(event.record, metric));
    is_begun = true;
  }
  void on(const fit_end& event) { log.end(path, event.how); }

  /// @param metric name of the metric that validation follows; empty for the accuracy
  [[nodiscard]] static std::string header_of(const epoch_record& record,
                                             std::string_view metric = {})
  {
    std::string row = "epoch";
    for (const auto& number : record.numbers) row += "," + detail::csv_field(number.name);
    row += ",learning_rate,validation_accuracy,validation_loss";
    if (!metric.empty()) row += "," + detail::csv_field("validation_" + std::string{metric});
    return row + ",seconds\n";
  }

  [[nodiscard]] static std::string row_of(const epoch_record& record, std::string_view metric = {})
  {
    const auto field = [](const std::optional<double>& x) {
      return "," + (x ? detail::text_of(*x) : std::string{});
    };
    auto row = std::to_string(record.epoch);
    for (const auto& number : record.numbers) row += field(number.value);
    row += field(record.learning_rate) + field(record.validation_accuracy) +
           field(record.validation_loss);
    if (!metric.empty()) {
      const auto& score = record.validation_metric;
      row += field(score ? std::optional{score->value} : std::nullopt);
    }
    return row + field(record.seconds) + "\n";
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("log", log);
  }
};

static_assert(Callback<csv>);

}  // namespace rolewise
