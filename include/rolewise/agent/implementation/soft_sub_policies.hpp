// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/soft_sub_policies.hpp>.

#include <rolewise/agent/soft_sub_policies.hpp>

#include <rolewise/agent/detail/in_places.hpp>
#include <rolewise/agent/differentiable_transforms.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/agent/straight_through.hpp>
#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/relaxed_bernoulli.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace rolewise {

ROLEWISE_INLINE std::vector<operation> soft_operations()
{
  std::vector<operation> all;
  for (std::int64_t i = 0; i < policy_operations; ++i)
    if (const auto what = static_cast<operation>(i); what != operation::cutout) all.push_back(what);
  return all;
}

ROLEWISE_INLINE soft_sub_policies::soft_sub_policies(const soft_sub_policy_options& options,
                                                     std::vector<operation> operations)
    : options_{options}, operations_{std::move(operations)}
{
  constexpr std::string_view who = "soft_sub_policies";
  if (options.sub_policies < 1)
    throw_invalid_argument(who, "want sub_policies of at least 1, got ", options.sub_policies);
  for (const double t : {options.choice_temperature, options.gate_temperature})
    if (!(t > 0.0) || !std::isfinite(t))
      throw_invalid_argument(who, "want temperatures above 0, got ", t);
  if (operations_.empty()) throw_invalid_argument(who, "want operations, got none");
  if (std::find(operations_.begin(), operations_.end(), operation::cutout) != operations_.end())
    throw_invalid_argument(who, "cutout has a place besides its magnitude; use the cutout agent");
  const auto begin = [&](std::string_view of) {
    const auto drawn =
        uniform_tensor({options.sub_policies, 2, static_cast<std::int64_t>(operations_.size())},
                       options.seed.split(purpose{of}), 0.5);
    return owned_tensor{(drawn + 0.5).set_requires_grad(true)};
  };
  weights_ = begin("weights");
  probabilities_ = begin("probabilities");
  magnitudes_ = begin("magnitudes");
}

ROLEWISE_INLINE soft_sub_policies::slot_draws soft_sub_policies::drawn(
    std::int64_t slot, const torch::Tensor& choice, const batch& examples,
    const training_progress& progress, seed key) const
{
  constexpr double least = 1e-6;  // a probability of 0 or 1 has no logit
  const auto of_images = [&](const torch::Tensor& parameter) {
    return parameter.select(1, slot).index_select(0, choice);
  };
  const auto within = [](const torch::Tensor& values, double low) {
    return straight_through(values.clamp(low, 1.0 - low), values);
  };
  const auto uniform = [&](std::string_view why) {
    return uniform_draws(key.split(purpose{why}).split(static_cast<std::uint64_t>(slot)),
                         progress.epoch, examples.ids,
                         static_cast<std::int64_t>(operations_.size()))
        .to(weights_->options().requires_grad(false));
  };
  const auto gates = relaxed_bernoulli(within(of_images(*probabilities_), least).logit(),
                                       uniform("gates"), options_.gate_temperature);
  return {.shares = at::softmax(of_images(*weights_) / options_.choice_temperature, 1) * gates,
          .magnitudes = within(of_images(*magnitudes_), 0.0),
          .upward = uniform("signs").lt(0.5)};
}

ROLEWISE_INLINE torch::Tensor soft_sub_policies::mixed(const torch::Tensor& x, const slot_draws& by,
                                                       const normalization& of) const
{
  // The same as the sum over operations, each with the graph of `straight_through_operation`, but
  // with a graph of a few nodes: their images are constants.
  const auto before = x.detach();
  torch::Tensor changed, slopes;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const auto k = static_cast<std::int64_t>(i);
    const auto share = by.shares.select(1, k);
    const auto magnitude = by.magnitudes.select(1, k);
    const auto image = straight_through_operation(before, operations_[i], magnitude.detach(),
                                                  by.upward.select(1, k), of);
    const auto own = share.view({-1, 1, 1, 1}) * (image - before);
    changed = changed.defined() ? changed + own : own;
    if (!has_magnitude(operations_[i])) continue;
    const auto slope = share.detach() * magnitude;
    slopes = slopes.defined() ? slopes + slope : slope;
  }
  const auto view = x + changed;
  return slopes.defined() ? with_unit_slope(view, slopes) : view;
}

ROLEWISE_INLINE batch soft_sub_policies::operator()(const batch& examples,
                                                    const training_progress& progress,
                                                    seed key) const
{
  constexpr std::string_view who = "soft_sub_policies";
  refuse_label_maps(who, examples, "it learns of whole images");
  const auto bytes = detail::in_places(who, examples);
  require_images(who, bytes);
  const auto like = weights_->options().requires_grad(false);
  const auto u = uniform_draws(key.split(purpose{"sub-policy"}), progress.epoch, examples.ids, 1)
                     .to(torch::kDouble);
  const auto choice = (u.squeeze(1) * static_cast<double>(options_.sub_policies))
                          .to(torch::kLong)
                          .clamp_max(options_.sub_policies - 1)
                          .to(like.device());
  auto x = bytes.inputs.to(like) / 255.0;
  if (examples.size() > 0)
    for (std::int64_t slot = 0; slot < 2; ++slot)
      x = mixed(x, drawn(slot, choice, examples, progress, key), examples.normalization);
  return with_unit_pixels(examples, x);
}

ROLEWISE_INLINE std::vector<sub_policy> soft_sub_policies::best() const
{
  const auto on_cpu = [](const torch::Tensor& of) {
    return of.detach().to(torch::kCPU, torch::kDouble);
  };
  const auto likeliest = on_cpu(*weights_).argmax(2);
  const auto likely = on_cpu(*probabilities_), strong = on_cpu(*magnitudes_);
  std::vector<sub_policy> found;
  for (std::int64_t s = 0; s < options_.sub_policies; ++s) {
    const auto step = [&](std::int64_t slot) -> sub_policy::step {
      const auto k = likeliest[s][slot].item<std::int64_t>();
      return {operations_[static_cast<std::size_t>(k)],
              nearest_probability_level(likely[s][slot][k].item<double>()),
              nearest_magnitude_level(strong[s][slot][k].item<double>())};
    };
    found.push_back({step(0), step(1)});
  }
  return found;
}

}  // namespace rolewise
