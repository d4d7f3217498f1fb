// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Gradient ascent on inputs: examples are moved to where a function of them is larger.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace rolewise {

/// What the rate of an `ascent` is a multiple of.
enum class ascent_unit {
  absolute,  ///< the step is rate * gradient
  relative   ///< rate * |x| / |gradient| * gradient, with the norms of the example's first step
};

/// The values that inputs may have, from `low` to `high`: one of each for all, or one for each
/// channel (axis 1).
struct input_range {
  std::vector<double> low, high;

  friend bool operator==(const input_range&, const input_range&) = default;
};

/// The range of images in 0 .. 255, or 0 .. 1, after their normalization.
/// @throws std::invalid_argument for different numbers of means and deviations, unless there are
///         none of one, and for a deviation that is not above 0
[[nodiscard]] ROLEWISE_INLINE input_range pixel_range(const normalization& by);

/// Gradient ascent on inputs: `steps` times x <- x + eta * gradient, the gradient itself and not
/// its sign.
///
///     const auto moved = ascent{.steps = 5, .rate = 0.1}(x, [&](const torch::Tensor& u) {
///       return distance(student(u), teacher(u)).mean();
///     });
///
/// The function is a mean over the examples, and each example moves by the gradient of its own
/// term: the result does not depend on the number of examples, if the terms do not on each other.
/// Relative steps suit any scale of inputs and of the function: with one step an example moves by
/// `rate` of its norm.
///
/// An example whose gradient is 0 stays where it is. So does one whose next point would not be
/// finite, from its last finite point on. Points leave the range of the data unless `.within` is
/// given: then each step ends at the nearest point of it. Nothing is synchronized with the device.
struct ascent {
  std::int64_t steps = 5;  ///< at least 1
  double rate = 0.005;     ///< above 0; for images in 0 .. 1 and absolute steps, 0.01
  ascent_unit unit = ascent_unit::relative;
  std::optional<input_range> within{};  ///< such as `pixel_range(data.normalization)`

  /// @param start `[N, ...]`, floating point; it is not changed, and gets no gradient
  /// @param function of inputs like `start`, gives `[]` with a graph to them
  /// @param movable bool, broadcast to the inputs: what may move; undefined for all. The rest keeps
  ///        its bits, has no part in norms, and is not moved into the range
  /// @return as `start`, without a graph
  /// @throws std::invalid_argument for settings out of their range; for inputs that are not
  ///         floating point; for a function that gives no single number, or has no graph to the
  ///         inputs; under InferenceMode
  [[nodiscard]] torch::Tensor operator()(
      const torch::Tensor& start,
      const std::function<torch::Tensor(const torch::Tensor&)>& function,
      const torch::Tensor& movable = {}) const;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/ascent.hpp>
#endif
