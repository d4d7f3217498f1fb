// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/variational_information_distillation.hpp>.

#include <rolewise/loss/variational_information_distillation.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/softplus.h>

#include <cmath>

namespace rolewise::detail {

namespace vid {

inline constexpr double least_variance = 1e-5;

}  // namespace vid

ROLEWISE_INLINE void variational_gaussian::configure(const std::vector<std::int64_t>& teacher,
                                                     const std::vector<std::int64_t>& student,
                                                     double variance, seed key,
                                                     std::string_view caller)
{
  for (const auto* shape : {&teacher, &student})
    if (shape->size() != 3)
      throw_invalid_argument(caller, "want maps [C, H, W], got ", at::IntArrayRef{*shape});
  if (!(variance > vid::least_variance) || !std::isfinite(variance))
    throw_invalid_argument(caller, "want a finite first variance above ", vid::least_variance,
                           ", got ", variance);
  const auto out = teacher[0], in = student[0];
  if (first->defined()) {
    require_made_for(first, {out, in, 1, 1}, caller);
    return;
  }
  const auto learned = [&](const char* what, std::int64_t inputs) {
    return learned_uniform({out, inputs, 1, 1}, key.split(purpose{what}),
                           1.0 / std::sqrt(static_cast<double>(inputs)));
  };
  first = learned("first", in);
  second = learned("second", out);
  third = learned("third", out);
  // The inverse of softplus; expm1 is infinite for large variances, where it is the identity.
  const double above = variance - vid::least_variance;
  const double start = above > 30.0 ? above : std::log(std::expm1(above));
  scale = owned_tensor{at::full({out}, start, torch::kFloat).set_requires_grad(true)};
}

ROLEWISE_INLINE torch::Tensor variational_gaussian::operator()(const torch::Tensor& teacher,
                                                               const torch::Tensor& student,
                                                               std::string_view caller) const
{
  require_configured(first, caller);
  const auto wide = first->scalar_type();
  const auto hidden = at::conv2d(student.to(wide), *first).relu();
  const auto mean = at::conv2d(at::conv2d(hidden, *second).relu(), *third);
  const auto variance = (at::softplus(*scale) + vid::least_variance).view({1, -1, 1, 1});
  const auto values = (mean - teacher.to(wide)).square() / variance + variance.log();
  return values.flatten(1).mean(1) / 2.0;
}

}  // namespace rolewise::detail
