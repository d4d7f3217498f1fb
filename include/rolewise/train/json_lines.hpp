// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The record of a run as a file of JSON lines.

#include <rolewise/train/detail/log_file.hpp>
#include <rolewise/train/observer.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace rolewise {

namespace detail {

/// A string as JSON writes it. Bytes from 0x80 on are taken as UTF-8.
[[nodiscard]] inline std::string json_text(std::string_view words)
{
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : words) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (code < 0x20) {
      text += "\\u00";
      text += digits[code >> 4];
      text += digits[code & 15U];
    } else {
      text += c;
    }
  }
  return text + '"';
}

}  // namespace detail

/// One line per epoch:
///
///     {"epoch":0,"metrics":{"loss":1.5,"accuracy":0.5},"learning_rate":0.1,
///      "validation":{"accuracy":0.4,"loss":1.6},"seconds":2.5}
///
/// (without the break); `learning_rate` and `validation` only where there is one. Numbers are
/// written so that they read back as the same bits. Lines are added to what the file holds; what a
/// killed run wrote after its last checkpoint is written anew.
struct json_lines {
  std::string path;

  detail::log_file log{};  ///< leave it out

  void see(const run_begins& event) { log.begin(path, event.is_resumed); }
  void see(const step_ends&) {}
  void see(const epoch_ends& event) { log.add(path, line_of(event.record)); }
  void see(const run_ends&) {}

  /// The line of one epoch, with its end.
  [[nodiscard]] static std::string line_of(const epoch_record& record)
  {
    std::string line = "{\"epoch\":" + std::to_string(record.epoch) + ",\"metrics\":{";
    std::string_view between;
    for (const auto& [name, value] : record.numbers) {
      line.append(between).append(detail::json_text(name)).append(":");
      line += detail::text_of(value);
      between = ",";
    }
    line += '}';
    if (record.learning_rate)
      line += ",\"learning_rate\":" + detail::text_of(*record.learning_rate);
    if (record.validation_accuracy)
      line += ",\"validation\":{\"accuracy\":" + detail::text_of(*record.validation_accuracy) +
              ",\"loss\":" + detail::text_of(record.validation_loss.value_or(0.0)) + "}";
    return line + ",\"seconds\":" + detail::text_of(record.seconds) + "}\n";
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("log", log);
  }
};

static_assert(Observer<json_lines>);

}  // namespace rolewise
