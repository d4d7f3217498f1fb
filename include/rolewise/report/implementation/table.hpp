// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/table.hpp>.

#include <rolewise/report/table.hpp>

#include <rolewise/support/error.hpp>

#include <ostream>

namespace rolewise::report::detail {

ROLEWISE_INLINE std::string xml_text(std::string_view bytes)
{
  const auto words = valid_utf8(bytes);
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const char c = words[i];
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else if (static_cast<unsigned char>(c) < 0x20)
      out += ' ';
    else if (const auto three = std::string_view{words}.substr(i, 3);
             three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF")
      (out += replacement_character, i += 2);
    else
      out += c;
  }
  return out;
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE table::table(std::vector<std::string> names) : names_{std::move(names)}
{
  for (auto& name : names_) name = detail::valid_utf8(name);
  if (names_.empty()) throw_invalid_argument("table", "has no columns");
}

ROLEWISE_INLINE table& table::add(std::vector<std::string> row)
{
  if (row.size() != names_.size())
    throw_invalid_argument("table", "a row has ", row.size(), " cells, the table ", names_.size(),
                           " columns");
  for (auto& cell : row) cell = detail::valid_utf8(cell);
  rows_.push_back(std::move(row));
  return *this;
}

ROLEWISE_INLINE std::ostream& operator<<(std::ostream& out, const table& shown)
{
  return out << shown.text();
}

ROLEWISE_INLINE std::string table::text(std::size_t most) const
{
  const auto names = on_one_line(names_);
  std::vector<cells> rows;
  for (const auto& row : rows_) rows.push_back(on_one_line(row));
  const auto shape = widths_of(names, rows);
  std::size_t whole = 2 * (shape.size() - 1);
  for (const auto width : shape) whole += width;
  if (whole > most) return blocks(names, rows, most);
  std::string out = line_of(names, shape, "", "  ", "");
  cells rule;
  for (const auto width : shape) rule.push_back(repeated("\u2500", width));
  out += line_of(rule, shape, "", "  ", "");
  for (const auto& row : rows) out += line_of(row, shape, "", "  ", "");
  return out;
}

ROLEWISE_INLINE std::string table::markdown() const
{
  const auto names = escaped(names_);
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : rows_) rows.push_back(escaped(row));
  auto shape = widths_of(names, rows);
  for (auto& width : shape) width = std::max<std::size_t>(width, 3);
  std::vector<std::string> rule;
  for (std::size_t c = 0; c < shape.size(); ++c)
    rule.push_back(repeated("-", shape[c] - 1) + (is_of_numbers(c) ? ":" : "-"));
  std::string out = line_of(names, shape, "| ", " | ", " |");
  out += line_of(rule, shape, "| ", " | ", " |");
  for (const auto& row : rows) out += line_of(row, shape, "| ", " | ", " |");
  return out;
}

ROLEWISE_INLINE std::string table::html() const
{
  std::string out = "<table>\n";
  const auto add = [&](const cells& row, std::string_view kind) {
    out += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c)
      out.append("<")
          .append(kind)
          .append(is_of_numbers(c) ? " class=\"number\">" : ">")
          .append(detail::xml_text(row[c]))
          .append("</")
          .append(kind)
          .append(">");
    out += "</tr>\n";
  };
  add(names_, "th");
  for (const auto& row : rows_) add(row, "td");
  return out + "</table>\n";
}

ROLEWISE_INLINE std::string table::blocks(const cells& names, const std::vector<cells>& rows,
                                          std::size_t most)
{
  std::size_t widest = 0;
  for (const auto& name : names) widest = std::max(widest, support::display_width(name));
  std::string out;
  for (const auto& row : rows) {
    if (!out.empty()) out += '\n';
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(widest + 2 - support::display_width(names[c]), ' ');
      auto line = support::cut_to_width(names[c] + space + row[c], most);
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + '\n';
    }
  }
  return out;
}

ROLEWISE_INLINE bool table::is_number(std::string_view cell)
{
  if (cell.empty() || cell == "-") return true;
  const auto digit = cell.find_first_not_of("+-.");
  return digit != std::string_view::npos && cell[digit] >= '0' && cell[digit] <= '9';
}

ROLEWISE_INLINE bool table::is_of_numbers(std::size_t column) const
{
  return !rows_.empty() && std::all_of(rows_.begin(), rows_.end(),
                                       [&](const cells& row) { return is_number(row[column]); });
}

ROLEWISE_INLINE std::vector<std::size_t> table::widths_of(const cells& names,
                                                          const std::vector<cells>& rows)
{
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < names.size(); ++c) {
    widths.push_back(support::display_width(names[c]));
    for (const auto& row : rows)
      widths.back() = std::max(widths.back(), support::display_width(row[c]));
  }
  return widths;
}

ROLEWISE_INLINE table::cells table::escaped(const cells& row)
{
  cells out;
  for (const auto& cell : row) {
    auto& clean = out.emplace_back();
    for (const char c : cell) {
      if (c == '|')
        clean += "\\|";
      else if (c == '\n')
        clean += "<br>";
      else if (c != '\r')
        clean += c;
    }
  }
  return out;
}

ROLEWISE_INLINE std::string table::line_of(const cells& row, const std::vector<std::size_t>& widths,
                                           std::string_view begin, std::string_view between,
                                           std::string_view end) const
{
  std::string line{begin};
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (c > 0) line += between;
    const std::string space(widths[c] - support::display_width(row[c]), ' ');
    line += is_of_numbers(c) ? space + row[c] : row[c] + space;
  }
  if (end.empty()) line.erase(line.find_last_not_of(' ') + 1);
  return line.append(end) + '\n';
}

}  // namespace rolewise::report
