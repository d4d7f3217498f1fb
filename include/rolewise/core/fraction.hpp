// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `fraction` type: a number in [0, 1].

#include <stdexcept>

namespace rolewise {

/// A number in [0, 1], unitless: a probability, a share of a data set, label smoothing.
class fraction {
 public:
  /// @throws std::invalid_argument unless `0 <= value <= 1`; in a constant, a compile error
  constexpr explicit fraction(double value) : value_{value}
  {
    if (!(value >= 0.0 && value <= 1.0))
      throw std::invalid_argument{"rolewise: fraction must lie in [0, 1]"};
  }

  [[nodiscard]] constexpr double value() const noexcept { return value_; }
  friend constexpr bool operator==(const fraction&, const fraction&) = default;

 private:
  double value_;
};

}  // namespace rolewise
