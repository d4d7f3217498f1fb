// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `json_lines` callback: writes the record of a run as JSON lines.

#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/detail/log_file.hpp>

#include <string>
#include <string_view>

namespace rolewise {

namespace detail {

/// Number of epochs that a JSON lines text records, from its last line with an epoch; 0 if there
/// is none. Lines of other kinds are ignored.
[[nodiscard]] ROLEWISE_INLINE double epochs_in_json_lines(std::string_view text);

}  // namespace detail

/// A callback that writes one JSON line per epoch:
///
///     {"epoch":0,"metrics":{"loss":1.5,"accuracy":0.5},"learning_rate":0.1,
///      "validation":{"accuracy":0.4,"loss":1.6},"seconds":2.5}
///
/// (without the line break); `learning_rate` and `validation` only where there is one. Where
/// validation follows another metric, `validation` is `{"mean-iou":0.5}`. Numbers
/// are written so that they read back as the same bits, and U+FFFD replaces invalid UTF-8 in a
/// name.
///
/// Lines are appended to the file, by one run at a time. On resume, lines after the last
/// checkpoint are written anew; damage to earlier lines is an error; a missing file is written
/// anew as a whole. A new run throws if the file already has lines of its epochs or of later
/// ones. A device, a pipe or `/dev/stdout` is only written to.
struct json_lines {
  std::string path;

  detail::log_file log{};  ///< internal, do not set

  void on(const fit_begin& event);
  void on(const step_end&) {}
  void on(const epoch_end& event) { log.add(path, line_of(event.record)); }
  void on(const fit_end& event) { log.end(path, event.how); }

  /// @param so_far `()` returns the lines of a resumed run so far, if they are to be written anew
  template<typename SoFar>
  void begin(const fit_begin& event, const SoFar& so_far)
  {
    log.begin(path, event, detail::epochs_in_json_lines, so_far);
  }

  /// Returns the line of one epoch, with its newline.
  [[nodiscard]] static std::string line_of(const epoch_record& record);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("log", log);
  }
};

static_assert(Callback<json_lines>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/json_lines.hpp>
#endif
