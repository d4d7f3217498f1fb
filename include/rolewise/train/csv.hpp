// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `csv` callback: writes the record of a run as comma-separated values.

#include <rolewise/support/inline.hpp>
#include <rolewise/support/utf8.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/detail/log_file.hpp>
#include <rolewise/train/detail/read_checked.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace rolewise {

namespace detail {

/// Formats a field as in RFC 4180: in quotes if it contains a comma, a quote or a line break.
/// U+FFFD replaces invalid UTF-8.
[[nodiscard]] ROLEWISE_INLINE std::string csv_field(std::string_view bytes);

/// Number of epochs that a CSV text records, from its last row; 0 for a table of another kind.
[[nodiscard]] ROLEWISE_INLINE double epochs_in_csv(std::string_view text);

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

  void on(const fit_begin& event);
  void on(const step_end&) {}
  /// @throws std::runtime_error if the file cannot be written or has other columns
  void on(const epoch_end& event);
  void on(const fit_end& event) { log.end(path, event.how); }

  /// @param metric name of the metric that validation follows; empty for the accuracy
  [[nodiscard]] static std::string header_of(const epoch_record& record,
                                             std::string_view metric = {});

  [[nodiscard]] static std::string row_of(const epoch_record& record, std::string_view metric = {});

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("log", log);
  }
};

static_assert(Callback<csv>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/csv.hpp>
#endif
