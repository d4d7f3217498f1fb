// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/csv.hpp>.

#include <rolewise/train/csv.hpp>

#include <rolewise/support/error.hpp>

#include <charconv>
#include <optional>
#include <system_error>

namespace rolewise::detail {

ROLEWISE_INLINE std::string csv_field(std::string_view bytes)
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

ROLEWISE_INLINE double epochs_in_csv(std::string_view text)
{
  text = support::after_byte_order_mark(text);
  if (!text.starts_with("epoch,")) return 0.0;
  const auto begin = text.substr(0, text.size() - 1).rfind('\n') + 1;  // npos + 1 is 0
  std::int64_t epoch = 0;
  const auto* from = text.data() + begin;
  const auto [stop, error] = std::from_chars(from, text.data() + text.size(), epoch);
  return error == std::errc{} ? static_cast<double>(epoch + 1) : 0.0;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE void csv::on(const fit_begin& event)
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

ROLEWISE_INLINE void csv::on(const epoch_end& event)
{
  const auto& metric = event.run.validation_metric;
  const auto names = header_of(event.record, metric);
  if (!is_begun && !log.is_empty() && !log.is_stream()) {
    const auto whole = detail::read_checked(path);
    const auto there = support::after_byte_order_mark(whole);
    if (!there.starts_with(names))
      throw_runtime_error(path, "is a table of other columns: ", there.substr(0, there.find('\n')));
  }
  const bool wants_names = log.is_stream() ? !is_begun : log.is_empty();
  log.add(path, (wants_names ? names : std::string{}) + row_of(event.record, metric));
  is_begun = true;
}

ROLEWISE_INLINE std::string csv::header_of(const epoch_record& record, std::string_view metric)
{
  std::string row = "epoch";
  for (const auto& number : record.numbers) row += "," + detail::csv_field(number.name);
  row += ",learning_rate,validation_accuracy,validation_loss";
  if (!metric.empty()) row += "," + detail::csv_field("validation_" + std::string{metric});
  return row + ",seconds\n";
}

ROLEWISE_INLINE std::string csv::row_of(const epoch_record& record, std::string_view metric)
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

}  // namespace rolewise
