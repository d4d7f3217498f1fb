// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The record of a run as a table of comma-separated values.

#include <rolewise/core/error.hpp>
#include <rolewise/train/detail/log_file.hpp>
#include <rolewise/train/detail/read_whole.hpp>
#include <rolewise/train/observer.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace rolewise {

namespace detail {

/// A field as RFC 4180 writes it: in quotes where it holds a comma, a quote or the end of a line.
[[nodiscard]] inline std::string csv_field(std::string_view words)
{
  if (words.find_first_of(",\"\r\n") == std::string_view::npos) return std::string{words};
  std::string text = "\"";
  for (const char c : words) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

}  // namespace detail

/// One row per epoch under one row of names: `epoch`, every metric, `learning_rate`,
/// `validation_accuracy`, `validation_loss`, `seconds`. A field is empty where there is no number;
/// lines end in LF. Rows are added to what the file holds, if it has the same columns; what a
/// killed run wrote after its last checkpoint is written anew.
struct csv {
  std::string path;

  detail::log_file log{};  ///< leave it out
  bool is_begun = false;   ///< leave it out

  void see(const run_begins& event)
  {
    log.begin(path, event.is_resumed);
    is_begun = false;
  }
  void see(const step_ends&) {}
  /// @throws std::runtime_error if the file cannot be written or is a table of other columns
  void see(const epoch_ends& event)
  {
    const auto names = header_of(event.record);
    if (!is_begun && !log.is_empty()) {
      const auto there = detail::read_whole(path);
      if (!there.starts_with(names))
        fail(path, "is a table of other columns: ", there.substr(0, there.find('\n')));
    }
    log.add(path, (log.is_empty() ? names : std::string{}) + row_of(event.record));
    is_begun = true;
  }
  void see(const run_ends&) {}

  [[nodiscard]] static std::string header_of(const epoch_record& record)
  {
    std::string row = "epoch";
    for (const auto& number : record.numbers) row += "," + detail::csv_field(number.name);
    return row + ",learning_rate,validation_accuracy,validation_loss,seconds\n";
  }

  [[nodiscard]] static std::string row_of(const epoch_record& record)
  {
    const auto field = [](const std::optional<double>& x) {
      return "," + (x ? detail::text_of(*x) : std::string{});
    };
    auto row = std::to_string(record.epoch);
    for (const auto& number : record.numbers) row += field(number.value);
    return row + field(record.learning_rate) + field(record.validation_accuracy) +
           field(record.validation_loss) + field(record.seconds) + "\n";
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("log", log);
  }
};

static_assert(Observer<csv>);

}  // namespace rolewise
