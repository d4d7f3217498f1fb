// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/curriculum_temperature.hpp>.

#include <rolewise/loss/curriculum_temperature.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>
#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace rolewise {

ROLEWISE_INLINE void curriculum_temperature::configure(const feature_shapes&, const feature_shapes&)
{
  if (!position->defined()) position = owned_tensor{at::ones({}).set_requires_grad(true)};
}

ROLEWISE_INLINE torch::Tensor curriculum_temperature::current(
    const training_progress& progress) const
{
  detail::require_configured(position, name);
  if (!(range > 0.0)) throw_invalid_argument(name, "want a range above 0, got ", range);
  const double done =
      ramp_epochs <= 0
          ? 1.0
          : std::min(static_cast<double>(progress.epoch + 1) / static_cast<double>(ramp_epochs),
                     1.0);
  const double reversed = -0.5 * (1.0 - std::cos(std::numbers::pi * done));
  const auto fixed = position->detach();
  return (fixed + (*position - fixed) * reversed).sigmoid() * range + lowest.value();
}

ROLEWISE_INLINE torch::Tensor curriculum_temperature::operator()(const paired_outputs& pair,
                                                                 const targets& targets) const
{
  const auto& student = pair.student.logits;
  detail::require_alike(pair.teacher.logits, student, name);
  const auto exact = detail::wide_enough(student);
  const auto t = current(targets.progress).to(exact.scalar_type());
  const auto log_p =
      detail::log_probabilities(detail::wide_enough(pair.teacher.logits.detach()) / t, 1.0);
  const auto log_q = detail::log_probabilities(exact / t, 1.0);
  const auto values = (log_p.exp() * (log_p - log_q)).sum(1);
  return (detail::element_mean(values, targets, name) * t * t).to(student.scalar_type());
}

}  // namespace rolewise
