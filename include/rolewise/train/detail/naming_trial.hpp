// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Adds the trial of a search to the exceptions that it causes.

#include <rolewise/search/configuration.hpp>
#include <rolewise/search/configuration_text.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rolewise::detail {

/// Message of a library exception without its prefix, to be embedded in another message.
[[nodiscard]] ROLEWISE_INLINE std::string_view without_library_name(std::string_view words);

/// Text of a trial and its configuration, such as `trial 3 (rate 0.5, bits 4)`.
[[nodiscard]] inline std::string words_of_trial(std::int64_t trial, const search::configuration& at)
{
  return detail::classic_text("trial ", trial, " (", text(at), ")");
}

/// Returns the result of a call. An exception that it throws gets the trial and its configuration
/// as a prefix: std::invalid_argument stays std::invalid_argument, any other std::exception becomes
/// std::runtime_error, and the original is nested in it (`std::rethrow_if_nested`). `diverged`,
/// and what is no std::exception, passes unchanged.
template<typename Call>
decltype(auto) naming_trial(std::int64_t trial, const search::configuration& at, const Call& call)
{
  const auto words = [&](const std::exception& wrong) {
    return detail::classic_text("rolewise: run_search: ", words_of_trial(trial, at), ": ",
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

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/naming_trial.hpp>
#endif
