// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Names of types and members as text, the same for every compiler.

#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace rolewise::detail {

template<typename T>
struct type_tag {};

/// The compiler's name of this function, which contains the name of its template argument.
template<auto Value>
[[nodiscard]] consteval std::string_view pretty_name()
{
  return __PRETTY_FUNCTION__;
}

[[nodiscard]] constexpr bool is_identifier_letter(char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Index of the end of `open ... close` that begins at `from`; nested brackets are skipped.
[[nodiscard]] ROLEWISE_INLINE std::size_t closing(std::string_view text, std::size_t from,
                                                  char open, char close);

/// Returns the last part of a qualified name, without its template arguments; `lambda` for
/// closures, since clang includes their line numbers.
[[nodiscard]] ROLEWISE_INLINE std::string last_part(std::string_view written);

/// Text of an enumerator or a number that is a template argument.
template<auto Value>
[[nodiscard]] std::string constant_name()
{
  if constexpr (std::is_enum_v<decltype(Value)>)
    return std::to_string(static_cast<std::underlying_type_t<decltype(Value)>>(Value));
  else
    return std::to_string(Value);
}

template<typename T>
[[nodiscard]] std::string type_name();

/// Text of the template arguments of a type. Compilers differ in which ones they omit.
template<typename T>
struct template_arguments {
  [[nodiscard]] static std::string text() { return {}; }
};
template<template<typename...> typename Template, typename... Types>
struct template_arguments<Template<Types...>> {
  [[nodiscard]] static std::string text()
  {
    std::string all;
    ((all += (all.empty() ? "" : ", ") + type_name<Types>()), ...);
    return "<" + all + ">";
  }
};
template<template<auto...> typename Template, auto... Values>
  requires(sizeof...(Values) > 0 &&
           ((std::is_arithmetic_v<decltype(Values)> || std::is_enum_v<decltype(Values)>) && ...))
struct template_arguments<Template<Values...>> {
  [[nodiscard]] static std::string text()
  {
    std::string all;
    ((all += (all.empty() ? "" : ", ") + constant_name<Values>()), ...);
    return "<" + all + ">";
  }
};

/// Returns the name of a type without its namespaces: `warm_up<cosine>`. The arguments of
/// templates over both types and constants are omitted.
template<typename T>
[[nodiscard]] std::string type_name()
{
  constexpr std::string_view before = "type_tag<";
  const auto text = pretty_name<type_tag<T>{}>();
  const auto begin = text.find(before) + before.size();
  return last_part(text.substr(begin, closing(text, begin - 1, '<', '>') - begin)) +
         template_arguments<T>::text();
}

/// Returns the last identifier: `... &place.value.learning_rate}]` gives `learning_rate`, `...
/// decay::everything]` gives `everything`.
[[nodiscard]] consteval std::string_view last_identifier(std::string_view text)
{
  // gcc appends the definition of std::string_view.
  text = text.substr(0, text.find("; std::string_view"));
  while (!text.empty() && !is_identifier_letter(text.back())) text.remove_suffix(1);
  auto begin = text.size();
  while (begin > 0 && is_identifier_letter(text[begin - 1])) --begin;
  return text.substr(begin);
}

/// Returns the names of the enumerators 0 .. 15 of a scoped enumeration; a number where there is
/// none.
template<typename Enum>
[[nodiscard]] consteval auto enumerator_names()
{
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, sizeof...(I)>{
        last_identifier(pretty_name<static_cast<Enum>(I)>())...};
  }(std::make_index_sequence<16>{});
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/detail/implementation/type_name.hpp>
#endif
