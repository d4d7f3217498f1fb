// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Which trial of a search an error belongs to.

#include <rolewise/core/classic_text.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/search/point.hpp>
#include <rolewise/search/point_text.hpp>

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rolewise::detail {

/// An error of ours in the middle of another one.
[[nodiscard]] inline std::string_view without_library_name(std::string_view words)
{
  constexpr std::string_view own = "rolewise: ";
  return words.starts_with(own) ? words.substr(own.size()) : words;
}

/// A trial and what it tried, such as `trial 3 (rate 0.5, bits 4)`.
[[nodiscard]] inline std::string words_of_trial(std::int64_t trial, const point& at)
{
  return detail::classic_text("trial ", trial, " (", text(at), ")");
}

/// What a call gives. An error that it throws comes out with the trial and its point before it: one
/// of the caller's as std::invalid_argument, any other as std::runtime_error, in which it is nested
/// as it was (`std::rethrow_if_nested`). `diverged` and what is no std::exception pass as they are.
template<typename Call>
decltype(auto) naming_trial(std::int64_t trial, const point& at, const Call& call)
{
  const auto words = [&](const std::exception& wrong) {
    return detail::classic_text("rolewise: arena: ", words_of_trial(trial, at), ": ",
                                without_library_name(wrong.what()));
  };
  try {
    return call();
  } catch (const diverged&) {
    throw;
  } catch (const std::invalid_argument& wrong) {
    std::throw_with_nested(std::invalid_argument{words(wrong)});
  } catch (const std::exception& wrong) {
    std::throw_with_nested(std::runtime_error{words(wrong)});
  }
}

}  // namespace rolewise::detail
