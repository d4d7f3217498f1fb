// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// How the library says no: who, what was found, what was wanted.

#include <rolewise/core/classic_text.hpp>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace rolewise {

/// What the caller did wrong: `rolewise: <who>: <what was found and what was wanted>`, with numbers
/// in the classic locale.
template<typename... Words>
[[noreturn]] void refuse(std::string_view who, const Words&... words)
{
  throw std::invalid_argument{detail::classic_text("rolewise: ", who, ": ", words...)};
}

/// What the world did wrong (a file, a disk, a number that is not finite), in the same form.
template<typename... Words>
[[noreturn]] void fail(std::string_view who, const Words&... words)
{
  throw std::runtime_error{detail::classic_text("rolewise: ", who, ": ", words...)};
}

/// A training or a measure that has left the numbers: a loss, a score or a weight is infinite or no
/// number at all. A search counts the trial that throws it as failed and goes on; whatever else a
/// trial throws ends the search. Throw it (`diverge`) from a step or a judge of your own.
class diverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Says who has diverged and where, in the form of `fail`.
template<typename... Words>
[[noreturn]] void diverge(std::string_view who, const Words&... words)
{
  throw diverged{detail::classic_text("rolewise: ", who, ": ", words...)};
}

namespace detail {

/// A number for a message: the sign of NaN says nothing, and differs from machine to machine.
[[nodiscard]] inline double without_sign_of_nan(double x)
{
  return std::isnan(x) ? std::numeric_limits<double>::quiet_NaN() : x;
}

}  // namespace detail

}  // namespace rolewise
