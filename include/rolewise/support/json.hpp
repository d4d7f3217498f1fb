// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// JSON (RFC 8259) values and their writer, as far as records need them. The usual library would
/// add a sixth to the compile time of a translation unit that includes everything.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/literal_reader.hpp>
#include <rolewise/support/utf8.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// A number as its text: converted only once the wanted type is known.
struct json_number {
  std::string text;
};

/// Returns a text as a JSON string literal, with U+FFFD for bytes that are not UTF-8.
[[nodiscard]] ROLEWISE_INLINE std::string json_text(std::string_view words);

class json {
 public:
  using array = std::vector<json>;
  using object = std::vector<std::pair<std::string, json>>;  // in the order of the text

  json() = default;
  json(bool x) : value_{x} {}
  json(std::string x) : value_{std::move(x)} {}
  json(const char* x) : value_{std::string{x}} {}
  json(std::int64_t x) : value_{json_number{std::to_string(x)}} {}
  json(std::uint64_t x) : value_{json_number{std::to_string(x)}} {}
  json(array x) : value_{std::move(x)} {}
  json(object x) : value_{std::move(x)} {}
  json(json_number x) : value_{std::move(x)} {}
  /// Stores the shortest text that reads back as the same bits and is not that of an integer;
  /// `null` for a non-finite value.
  json(double x);

  [[nodiscard]] bool is_null() const { return value_.index() == 0; }
  [[nodiscard]] bool is_bool() const { return std::holds_alternative<bool>(value_); }
  [[nodiscard]] bool is_text() const { return std::holds_alternative<std::string>(value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<object>(value_); }
  [[nodiscard]] bool is_integer() const;

  // Each throws a json_error if the value has another type.
  [[nodiscard]] bool boolean() const { return as<bool>("true or false"); }
  [[nodiscard]] const std::string& text() const { return as<std::string>("a string"); }
  [[nodiscard]] const array& elements() const { return as<array>("an array"); }
  [[nodiscard]] const object& members() const { return as<object>("an object"); }
  template<typename Number>
  [[nodiscard]] Number number() const
  {
    const auto& written = as<json_number>("a number").text;
    Number x{};
    const auto* end = written.data() + written.size();
    const auto [stop, error] = std::from_chars(written.data(), end, x);
    if (error != std::errc{} || stop != end)
      throw json_error{0, classic_text("the number ", written, " does not fit")};
    return x;
  }
  /// Returns NaN for `null`.
  [[nodiscard]] double real() const
  {
    return is_null() ? std::numeric_limits<double>::quiet_NaN() : number<double>();
  }

  /// Returns the member of this name, or nullptr.
  [[nodiscard]] const json* find(std::string_view name) const
  {
    for (const auto& [known, x] : members())
      if (known == name) return &x;
    return nullptr;
  }
  [[nodiscard]] const json& at(std::string_view name) const;

  /// Offset of the value in the text that `json_reader` has read it from.
  [[nodiscard]] std::size_t byte() const { return byte_; }
  void set_byte(std::size_t byte) { byte_ = byte; }

  /// Appends the text: each member and element on its own line, each element of an array without
  /// line breaks inside.
  void write(std::string& out, int depth = 0, bool on_one_line = false) const;

 private:
  template<typename T>
  [[nodiscard]] const T& as(const char* wanted) const
  {
    if (const auto* x = std::get_if<T>(&value_)) return *x;
    throw json_error{0, classic_text("wants ", wanted, " and has something else")};
  }

  template<typename List, typename F>
  static void write_list(std::string& out, const List& list, const char* brackets, int depth,
                         bool on_one_line, F&& write_one)
  {
    const auto break_line = [&](int to) {
      if (!on_one_line && !list.empty())
        out.append("\n").append(static_cast<std::size_t>(2 * to), ' ');
    };
    out += brackets[0];
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (i > 0) out += on_one_line ? ", " : ",";
      break_line(depth + 1);
      write_one(list[i]);
    }
    break_line(depth);
    out += brackets[1];
  }

  std::variant<std::monostate, bool, json_number, std::string, array, object> value_;
  std::size_t byte_ = 0;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/json.hpp>
#endif
