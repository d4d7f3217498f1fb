// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/json_lines.hpp>.

#include <rolewise/train/json_lines.hpp>

#include <charconv>
#include <optional>
#include <system_error>

namespace rolewise::detail {

ROLEWISE_INLINE double epochs_in_json_lines(std::string_view text)
{
  constexpr std::string_view epoch = "{\"epoch\":", behind = "{\"after_epochs\":";
  while (!text.empty()) {
    const auto begin = text.substr(0, text.size() - 1).rfind('\n') + 1;  // npos + 1 is 0
    const auto line = text.substr(begin);
    const auto name = line.starts_with(epoch) ? epoch : behind;
    double x = 0.0;
    if (line.starts_with(name) &&
        std::from_chars(line.data() + name.size(), line.data() + line.size(), x).ec == std::errc{})
      return name == epoch ? x + 1.0 : x;
    text = text.substr(0, begin);
  }
  return 0.0;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE void json_lines::on(const fit_begin& event)
{
  begin(event, [&] {
    std::string lines;
    for (const auto& record : event.so_far.epochs) lines += line_of(record);
    return lines;
  });
}

ROLEWISE_INLINE std::string json_lines::line_of(const epoch_record& record)
{
  std::string line = "{\"epoch\":" + std::to_string(record.epoch) + ",\"metrics\":{";
  std::string_view between;
  for (const auto& [name, value] : record.numbers) {
    line.append(between).append(detail::json_text(name)).append(":");
    line += detail::text_of(value);
    between = ",";
  }
  line += '}';
  if (record.learning_rate) line += ",\"learning_rate\":" + detail::text_of(*record.learning_rate);
  if (record.validation_accuracy)
    line += ",\"validation\":{\"accuracy\":" + detail::text_of(*record.validation_accuracy) +
            ",\"loss\":" + detail::text_of(record.validation_loss.value_or(0.0)) + "}";
  if (const auto& score = record.validation_metric)
    line += ",\"validation\":{" + detail::json_text(score->name) + ":" +
            detail::text_of(score->value) + "}";
  return line + ",\"seconds\":" + detail::text_of(record.seconds) + "}\n";
}

}  // namespace rolewise
