// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/parzen_estimator.hpp>.

#include <rolewise/search/detail/parzen_estimator.hpp>

#include <cmath>
#include <numbers>

namespace rolewise::search::detail {

ROLEWISE_INLINE double normal_mass(double a, double b)
{
  const double root = std::numbers::sqrt2;
  // Evaluated in the smaller tail: near 1, differences of probabilities lose digits.
  return a > 0.0 ? (std::erfc(a / root) - std::erfc(b / root)) / 2.0
                 : (std::erfc(-b / root) - std::erfc(-a / root)) / 2.0;
}

ROLEWISE_INLINE double bounded_normal::density(double x) const
{
  const double z = (x - center) / width;
  return std::exp(-0.5 * z * z) / (width * std::sqrt(2.0 * std::numbers::pi) * whole());
}

ROLEWISE_INLINE double bounded_normal::at(double share) const
{
  double low = 0.0, high = 1.0;
  for (int i = 0; i < 50; ++i) {
    const double middle = (low + high) / 2.0;
    (mass(0.0, middle) < share ? low : high) = middle;
  }
  return (low + high) / 2.0;
}

ROLEWISE_INLINE std::vector<double> kernel_widths(const std::vector<double>& centers, double least)
{
  std::vector<std::size_t> order(centers.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return centers[a] < centers[b]; });
  std::vector<double> widths(centers.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double here = centers[order[i]];
    const double below = i == 0 ? 0.0 : centers[order[i - 1]];
    const double above = i + 1 == order.size() ? 1.0 : centers[order[i + 1]];
    widths[order[i]] = std::clamp(std::max(here - below, above - here), least, 1.0);
  }
  return widths;
}

ROLEWISE_INLINE parzen_estimator::parzen_estimator(std::vector<cube_axis> axes,
                                                   std::vector<std::vector<double>> seen,
                                                   std::vector<double> weights, const options& o)
    : axes_{std::move(axes)}, centers_{std::move(seen)}, options_{o}
{
  double sum = 0.0;
  for (const double w : weights) sum += w;
  weights.push_back(weights.empty() ? 1.0 : sum / static_cast<double>(weights.size()));
  sum += weights.back();
  for (const double w : weights) weights_.push_back(w / sum);
  centers_.emplace_back(axes_.size(), 0.5);
  // The lower bound on the widths shrinks as kernels become many, down to `least_width`.
  const auto count = static_cast<double>(centers_.size() + 1);
  const double least = std::max(o.least_width, 1.0 / (count * count));
  widths_.assign(centers_.size(), std::vector<double>(axes_.size(), 1.0));
  for (std::size_t d = 0; d < axes_.size(); ++d) {
    if (!axes_[d].is_ordered) continue;
    std::vector<double> along;
    for (const auto& c : centers_) along.push_back(c[d]);
    const auto found = kernel_widths(along, least);
    for (std::size_t k = 0; k + 1 < centers_.size(); ++k) widths_[k][d] = found[k];
  }
}

ROLEWISE_INLINE double parzen_estimator::log_density(const std::vector<double>& at) const
{
  std::vector<double> terms;
  double highest = -1e300;
  for (std::size_t k = 0; k < centers_.size(); ++k) {
    double sum = std::log(weights_[k]);
    for (std::size_t d = 0; d < axes_.size(); ++d)
      sum += std::log(std::max(factor(k, d, at[d]), 1e-300));
    terms.push_back(sum);
    highest = std::max(highest, sum);
  }
  double total = 0.0;
  for (const double t : terms) total += std::exp(t - highest);
  return highest + std::log(total);
}

ROLEWISE_INLINE std::vector<double> parzen_estimator::draw(const draws& from) const
{
  const double picked = from.uniform(0);
  std::size_t k = 0;
  for (double below = weights_[0]; k + 1 < weights_.size() && picked >= below;)
    below += weights_[++k];
  std::vector<double> found;
  for (std::size_t d = 0; d < axes_.size(); ++d) {
    const double share = from.uniform(2 * d + 1);
    found.push_back(axes_[d].is_ordered ? ordered(k, d, share)
                                        : name(k, d, share, from.uniform(2 * d + 2)));
  }
  return found;
}

ROLEWISE_INLINE double parzen_estimator::factor(std::size_t k, std::size_t d, double x) const
{
  const auto cells = axes_[d].cells;
  const bounded_normal along{centers_[k][d], widths_[k][d]};
  if (cells == 0) return along.density(x);
  const auto cell = cell_at(x, cells);
  const auto count = static_cast<double>(cells);
  if (axes_[d].is_ordered)
    return along.mass(static_cast<double>(cell) / count, static_cast<double>(cell + 1) / count);
  if (is_prior(k)) return 1.0 / count;
  if (cells == 1) return 1.0;
  return cell == cell_at(centers_[k][d], cells) ? 1.0 - options_.other_names
                                                : options_.other_names / (count - 1.0);
}

ROLEWISE_INLINE double parzen_estimator::ordered(std::size_t k, std::size_t d, double share) const
{
  const double x = bounded_normal{centers_[k][d], widths_[k][d] * options_.widening}.at(share);
  const auto cells = axes_[d].cells;
  return cells == 0 ? x : middle_of_cell(cell_at(x, cells), cells);
}

ROLEWISE_INLINE double parzen_estimator::name(std::size_t k, std::size_t d, double which,
                                              double share) const
{
  const auto cells = axes_[d].cells;
  if (is_prior(k)) return middle_of_cell(cell_at(share, cells), cells);
  const auto own = cell_at(centers_[k][d], cells);
  if (cells == 1 || which >= options_.other_names) return middle_of_cell(own, cells);
  const auto other = cell_at(share, cells - 1);
  return middle_of_cell(other < own ? other : other + 1, cells);
}

}  // namespace rolewise::search::detail
