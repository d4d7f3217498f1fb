// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Parzen (kernel density) estimators over the unit cube.

#include <rolewise/core/draws.hpp>
#include <rolewise/search/detail/unit_cube.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::search::detail {

/// The probability of the interval [a, b] under the standard normal distribution.
[[nodiscard]] ROLEWISE_INLINE double normal_mass(double a, double b);

/// A normal distribution truncated to [0, 1].
struct bounded_normal {
  double center = 0.5;
  double width = 1.0;  ///< standard deviation before truncation

  [[nodiscard]] double mass(double low, double high) const
  {
    return normal_mass((low - center) / width, (high - center) / width) / whole();
  }
  [[nodiscard]] double density(double x) const;
  /// The quantile at `share`, by bisection.
  [[nodiscard]] double at(double share) const;

 private:
  [[nodiscard]] double whole() const
  {
    return normal_mass(-center / width, (1.0 - center) / width);
  }
};

/// The widths of normal kernels at these centers: the distance to the farther of the two
/// neighbors (0 and 1 are neighbors too), at least `least` and at most 1.
[[nodiscard]] ROLEWISE_INLINE std::vector<double> kernel_widths(const std::vector<double>& centers,
                                                                double least);

/// A mixture density with one kernel per observed point and a last one, the uninformative prior.
/// A kernel is a product over dimensions: truncated normals over real numbers, their mass over
/// integers, and for a choice 1 - b on the observed name, with b shared by the others. The prior
/// is a normal of width 1 around the middle, and uniform over names.
class parzen_estimator {
 public:
  struct options {
    double least_width = 0.03;
    double other_names = 0.2;  ///< b: the probability of the names not observed
    double widening = 1.0;     ///< factor on the widths when points are drawn
  };

  /// @param seen observed points of the unit cube
  /// @param weights one per point, above 0; the prior's weight is their mean
  parzen_estimator(std::vector<cube_axis> axes, std::vector<std::vector<double>> seen,
                   std::vector<double> weights, const options& o);

  /// The logarithm of the density (over real dimensions) times the probability (over others).
  [[nodiscard]] double log_density(const std::vector<double>& at) const;

  /// A point drawn from the mixture.
  [[nodiscard]] std::vector<double> draw(const draws& from) const;

 private:
  [[nodiscard]] bool is_prior(std::size_t k) const { return k + 1 == centers_.size(); }

  [[nodiscard]] double factor(std::size_t k, std::size_t d, double x) const;

  [[nodiscard]] double ordered(std::size_t k, std::size_t d, double share) const;

  /// A sampled name: that of the kernel, or with probability b any other.
  [[nodiscard]] double name(std::size_t k, std::size_t d, double which, double share) const;

  std::vector<cube_axis> axes_;
  std::vector<std::vector<double>> centers_, widths_;
  std::vector<double> weights_;
  options options_;
};

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/parzen_estimator.hpp>
#endif
