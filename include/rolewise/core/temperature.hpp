// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `temperature` type: softmax temperature of soft targets.

#include <limits>
#include <stdexcept>

namespace rolewise {

/// Divisor of logits before the softmax; unitless. Larger is softer, 1 changes nothing.
class temperature {
 public:
  /// @throws std::invalid_argument unless `0 < value < infinity`; in a constant, a compile error
  constexpr explicit temperature(double value) : value_{value}
  {
    if (!(value > 0.0 && value <= std::numeric_limits<double>::max()))
      throw std::invalid_argument{"rolewise: temperature must be finite and above 0"};
  }

  [[nodiscard]] constexpr double value() const noexcept { return value_; }
  friend constexpr bool operator==(const temperature&, const temperature&) = default;

 private:
  double value_;
};

}  // namespace rolewise
