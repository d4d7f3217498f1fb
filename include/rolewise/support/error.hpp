// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Exceptions: `std::invalid_argument` for misuse, `std::runtime_error` for I/O and non-finite
/// values. Messages name the part, what was found and what was wanted.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <cmath>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace rolewise {

namespace detail {

[[noreturn]] ROLEWISE_INLINE void throw_invalid_argument_of(std::string_view who,
                                                            std::initializer_list<text_word> words);
[[noreturn]] ROLEWISE_INLINE void throw_runtime_error_of(std::string_view who,
                                                         std::initializer_list<text_word> words);

}  // namespace detail

/// Throws `std::invalid_argument` for misuse by the caller. The message is
/// `rolewise: <who>: <what was found and what was wanted>`, with numbers in the classic locale.
template<typename... Words>
[[noreturn]] void throw_invalid_argument(std::string_view who, const Words&... words)
{
  detail::throw_invalid_argument_of(who, {detail::text_word(words)...});
}

/// Throws `std::runtime_error` for a failure at run time (a file, a disk, a non-finite number),
/// with a message in the same form.
template<typename... Words>
[[noreturn]] void throw_runtime_error(std::string_view who, const Words&... words)
{
  detail::throw_runtime_error_of(who, {detail::text_word(words)...});
}

/// Exception for divergence in training or evaluation: a loss, a score or a weight is infinite or
/// NaN. A search counts the trial that throws it as failed and continues; any other exception of
/// a trial ends the search. Throw it (`diverge`) from your own training step or evaluation.
class diverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws `diverged`, with a message in the form of `throw_runtime_error`.
template<typename... Words>
[[noreturn]] void diverge(std::string_view who, const Words&... words)
{
  throw diverged{detail::classic_text("rolewise: ", who, ": ", words...)};
}

namespace detail {

/// Removes the sign of a NaN for a message: it has no meaning and differs between machines.
[[nodiscard]] inline double without_sign_of_nan(double x)
{
  return std::isnan(x) ? std::numeric_limits<double>::quiet_NaN() : x;
}

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/error.hpp>
#endif
