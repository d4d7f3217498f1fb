// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/isotonic_kl.hpp>.

#include <rolewise/loss/isotonic_kl.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/require_labels.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/where.h>
#include <ATen/ops/xlogy.h>
#include <ATen/ops/zeros_like.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>
#include <vector>

namespace rolewise {

namespace detail {

/// The classes of the shares of a mixed example, as `isotonic_probabilities` takes them.
struct mixed_classes {
  target_classes target;
  torch::Tensor larger, smaller;
};

[[nodiscard]] ROLEWISE_INLINE mixed_classes mixed_classes_of(const targets& targets,
                                                             const torch::Tensor& logits,
                                                             std::string_view caller)
{
  mixed_classes found{target_classes_of(targets, logits, caller), {}, {}};
  found.larger = found.smaller = found.target.index;
  if (found.target.found.is_hard || logits.size(1) < 2) return found;
  const auto [shares, classes] = targets.labels.topk(2, 1);
  found.larger = classes.narrow(1, 0, 1);
  found.smaller = at::where(shares.narrow(1, 1, 1) > 0, classes.narrow(1, 1, 1), found.larger);
  return found;
}

}  // namespace detail

ROLEWISE_INLINE torch::Tensor isotonic_probabilities(const torch::Tensor& p,
                                                     const torch::Tensor& larger,
                                                     const torch::Tensor& smaller)
{
  constexpr std::string_view who = "isotonic_probabilities";
  if (!p.defined() || p.dim() < 2 || !p.is_floating_point())
    throw_invalid_argument(who, "want p [N, C] or [N, C, ...] of floating point");
  for (const auto* each : {&larger, &smaller})
    if (!each->defined() || each->scalar_type() != torch::kLong ||
        each->sizes() != p.narrow(1, 0, 1).sizes())
      throw_invalid_argument(who, "want classes of int64 of the shape of p, ", p.sizes(),
                             ", with size 1 at axis 1");
  const torch::NoGradGuard without_graph;
  constexpr auto lowest = -std::numeric_limits<double>::infinity();
  const auto values = p.to(torch::kDouble);
  const auto first = values.gather(1, larger), second = values.gather(1, smaller);
  const auto has_two = larger.ne(smaller);

  // The others in falling order, and for each the sum and number of those before it.
  auto others = values.scatter(1, larger, lowest).scatter(1, smaller, lowest);
  const auto [falling, order] = others.sort(1, true);
  const auto finite = falling.masked_fill(falling.eq(lowest), 0.0);
  const auto before = finite.cumsum(1) - finite;
  std::vector<std::int64_t> along(static_cast<std::size_t>(p.dim()), 1);
  along[1] = -1;
  const auto number = at::arange(p.size(1), values.options()).view(along);
  // Which others join a bin that begins with this sum of so many classes: a first part of the
  // order, because an other that is not above the mean leaves it above those that follow.
  const auto joining = [&](const torch::Tensor& sum, double count) {
    return falling > (sum + before) / (number + count);
  };
  const auto mean_with = [&](const torch::Tensor& joins, const torch::Tensor& sum, double count) {
    const auto by = joins.to(torch::kDouble);
    return (sum + (finite * by).sum(1, true)) / (by.sum(1, true) + count);
  };
  const auto below = joining(second, 1.0);  // of equal classes `second` is that class
  const auto mean_below = mean_with(below, second, 1.0);
  const auto all = joining(first + second, 2.0);
  const auto takes_first = has_two.logical_and(mean_below > first);
  const auto joins = at::where(takes_first, all, below);
  const auto mean = at::where(takes_first, mean_with(all, first + second, 2.0), mean_below);

  auto member = at::zeros_like(joins).scatter(1, order, joins);
  member = member.scatter(1, smaller, true);
  member = member.scatter(1, larger, takes_first.logical_or(has_two.logical_not()));
  return at::where(member, mean, values).to(p.scalar_type());
}

ROLEWISE_INLINE torch::Tensor isotonic_kl::operator()(const paired_outputs& pair,
                                                      const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  const auto mixed = detail::mixed_classes_of(targets, student, name);
  const double t = temperature.value();
  const auto p =
      isotonic_probabilities(detail::log_probabilities(pair.teacher.logits.detach(), t).exp(),
                             mixed.larger, mixed.smaller);
  const auto log_q = detail::log_probabilities(student, t);
  const auto values = (at::xlogy(p, p) - p * log_q).sum(1);
  return (detail::labeled_mean(values, targets, mixed.target.found, name) * (t * t))
      .to(student.scalar_type());
}

ROLEWISE_INLINE torch::Tensor mixed_order::operator()(const paired_outputs& pair,
                                                      const targets& targets) const
{
  const auto& logits = pair.student.logits;
  detail::require_logits(logits, name);
  const auto mixed = detail::mixed_classes_of(targets, logits, name);
  const auto q = detail::log_probabilities(logits, 1.0).exp();
  constexpr auto lowest = -std::numeric_limits<double>::infinity();
  const auto in_mix = at::zeros_like(q, torch::kBool)
                          .scatter(1, mixed.larger, true)
                          .scatter(1, mixed.smaller, true);
  const auto first = q.gather(1, mixed.larger), second = q.gather(1, mixed.smaller);
  const auto other = q.masked_fill(in_mix, lowest).amax(1, true);
  const auto values = (other - at::minimum(first, second)).relu() + (second - first).relu();
  return detail::labeled_mean(values.squeeze(1), targets, mixed.target.found, name)
      .to(logits.scalar_type());
}

}  // namespace rolewise
