// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/cyclic_mixup.hpp>.

#include <rolewise/agent/cyclic_mixup.hpp>

#include <rolewise/agent/detail/mixed_labels.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/core/beta_draw.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise {

namespace detail {

ROLEWISE_INLINE torch::Tensor blended_with_previous(const torch::Tensor& rows, double share)
{
  const auto x = rows.is_floating_point() ? rows : rows.to(torch::kFloat);
  const auto blend = x * share + x.roll(1, 0) * (1.0 - share);
  return rows.is_floating_point() ? blend : blend.round().to(rows.scalar_type());
}

}  // namespace detail

ROLEWISE_INLINE batch cyclic_mixup::operator()(const batch& examples,
                                               const training_progress& progress, seed key) const
{
  const auto count = examples.size();
  const bool is_normalized = examples.inputs.defined() && examples.inputs.is_floating_point();
  if (!is_normalized) require_images(name, examples);
  if (!examples.ids.defined() || examples.ids.scalar_type() != torch::kLong ||
      examples.ids.dim() != 1 || examples.ids.size(0) != count)
    throw_invalid_argument(name, "want ids of int64 [", count, "]");
  if (!(alpha > 0.0 && std::isfinite(alpha)))
    throw_invalid_argument(name, "alpha is ", alpha, ", want above 0 and finite");
  if (examples.partners.defined()) throw_invalid_argument(name, "the examples are mixed already");
  refuse_label_maps(name, examples, "a mean of classes has no class");
  if (count == 0) return examples;

  const draws of{key.split(purpose{"cyclic mixup"}), progress.epoch,
                 examples.ids[0].item<std::int64_t>()};
  const auto share = detail::larger_share(beta_draw(of, alpha, alpha));
  auto view = examples;
  view.inputs = detail::blended_with_previous(examples.inputs, share);
  view.partners = examples.ids.roll(1, 0);
  view.view = {};
  if (!examples.labels.defined()) return view;
  const auto all = classes != 0                 ? classes
                   : examples.labels.dim() == 2 ? examples.labels.size(1)
                                                : 0;
  if (all < 1) throw_invalid_argument(name, "the number of classes is unknown; set .classes");
  view.labels =
      detail::blended_with_previous(detail::soft_labels(name, examples.labels, count, all), share);
  return view;
}

}  // namespace rolewise
