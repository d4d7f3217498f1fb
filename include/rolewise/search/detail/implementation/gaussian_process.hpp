// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/gaussian_process.hpp>.

#include <rolewise/search/detail/gaussian_process.hpp>

#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve_triangular.h>

#include <array>
#include <numbers>

namespace rolewise::search::detail {

ROLEWISE_INLINE double squared_distance(const timed_place& a, const timed_place& b)
{
  double squares = 0.0;
  for (std::size_t d = 0; d < a.at.size(); ++d)
    squares += (a.at[d] - b.at[d]) * (a.at[d] - b.at[d]);
  return squares;
}

ROLEWISE_INLINE place_distances::place_distances(const std::vector<timed_place>& places)
{
  const auto n = static_cast<std::int64_t>(places.size());
  squares = at::empty({n, n}, torch::kDouble);
  times = at::empty({n, n}, torch::kDouble);
  auto* const square = squares.mutable_data_ptr<double>();
  auto* const time = times.mutable_data_ptr<double>();
  for (std::size_t i = 0; i < places.size(); ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      const auto here = i * places.size() + j, there = j * places.size() + i;
      square[here] = square[there] = squared_distance(places[i], places[j]);
      time[here] = time[there] = std::abs(places[i].time - places[j].time);
    }
}

ROLEWISE_INLINE gaussian_process::gaussian_process(std::vector<timed_place> places,
                                                   const std::vector<double>& values,
                                                   const settings& s)
    : places_{std::move(places)}, settings_{s}
{
  const one_thread guard;
  const place_distances between{places_};
  const auto unit = at::eye(static_cast<std::int64_t>(size()), torch::kDouble);
  const auto lower =
      cholesky_factors(between.nearness(s.length) * between.memory(s.forgetting) + unit * s.noise);
  const auto inverse = at::linalg_solve_triangular(lower, unit, false);
  columns_ = numbers_of(inverse.t());
  weights_ = numbers_of(inverse.t().mv(inverse.mv(at::tensor(values, torch::kDouble))));
}

ROLEWISE_INLINE std::vector<double> gaussian_process::covariances(const timed_place& where) const
{
  std::vector<double> known;
  known.reserve(size());
  for (const auto& place : places_) known.push_back(kernel(place, where));
  return known;
}

ROLEWISE_INLINE double gaussian_process::mean(const std::vector<double>& known) const
{
  double sum = 0.0;
  for (std::size_t i = 0; i < size(); ++i) sum += known[i] * weights_[i];
  return sum;
}

ROLEWISE_INLINE double gaussian_process::variance(const std::vector<double>& known) const
{
  std::vector<double> whitened(size(), 0.0);  // the inverse factor times the covariances
  for (std::size_t j = 0; j < size(); ++j) {
    const double* const column = columns_.data() + j * size();
    for (std::size_t i = j; i < size(); ++i) whitened[i] += column[i] * known[j];
  }
  double rest = 1.0;
  for (const double z : whitened) rest -= z * z;
  return std::max(rest, 0.0);
}

ROLEWISE_INLINE std::vector<double> gaussian_process::numbers_of(const torch::Tensor& t)
{
  const auto dense = t.contiguous();
  const auto* const first = dense.const_data_ptr<double>();
  return {first, first + dense.numel()};
}

ROLEWISE_INLINE double gaussian_process::kernel(const timed_place& a, const timed_place& b) const
{
  return std::exp(-squared_distance(a, b) / (2.0 * settings_.length * settings_.length)) *
         std::pow(1.0 - settings_.forgetting, std::abs(a.time - b.time) / 2.0);
}

ROLEWISE_INLINE torch::Tensor log_likelihoods(const torch::Tensor& covariances,
                                              const torch::Tensor& values)
{
  const auto lower = cholesky_factors(covariances);
  const one_thread guard;
  const auto whitened = at::linalg_solve_triangular(lower, values.unsqueeze(1), false).squeeze(-1);
  const auto pivots = lower.diagonal(0, -2, -1);
  return whitened.square().sum(-1) * -0.5 - pivots.log().sum(-1) -
         0.5 * std::log(2.0 * std::numbers::pi) * static_cast<double>(values.size(0));
}

ROLEWISE_INLINE gaussian_process::settings likeliest_settings(
    const std::vector<timed_place>& places, const std::vector<double>& values)
{
  constexpr std::array shares{0.1, 0.2, 0.4, 0.8}, forgettings{0.0, 0.05, 0.2, 0.5};
  constexpr std::array noises{0.01, 0.1, 0.5};
  const double diagonal =
      places.empty() ? 1.0 : std::sqrt(static_cast<double>(places[0].at.size()));
  const one_thread guard;
  const auto seen = at::tensor(values, torch::kDouble);
  const place_distances between{places};
  std::vector<torch::Tensor> memories, added;
  for (const double forgetting : forgettings) memories.push_back(between.memory(forgetting));
  for (const double noise : noises) added.push_back(at::eye(seen.size(0), torch::kDouble) * noise);
  const auto memory = at::stack(memories).unsqueeze(1), noise = at::stack(added);

  gaussian_process::settings best{};
  double most = 0.0;
  bool is_first = true;
  for (const double share : shares) {  // not all at once, which would take much memory
    const auto found =
        log_likelihoods(between.nearness(share * diagonal) * memory + noise, seen).contiguous();
    const auto* next = found.const_data_ptr<double>();
    for (const double forgetting : forgettings)
      for (const double variance : noises) {
        const double likelihood = *next++;
        if (!is_first && !(likelihood > most)) continue;
        best = {share * diagonal, forgetting, variance};
        most = likelihood;
        is_first = false;
      }
  }
  return best;
}

}  // namespace rolewise::search::detail
