// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/learned_operations.hpp>.

#include <rolewise/agent/learned_operations.hpp>

#include <rolewise/agent/differentiable_transforms.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/relaxed_bernoulli.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <utility>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor parallel_sum(const torch::Tensor& x,
                                           const std::vector<torch::Tensor>& results,
                                           const std::vector<torch::Tensor>& gates)
{
  if (results.size() != gates.size())
    throw_invalid_argument("parallel_sum", "got ", gates.size(), " gates for ", results.size(),
                           " results");
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(x.dim()), 1);
  sizes.front() = -1;
  auto sum = x;
  for (std::size_t i = 0; i < results.size(); ++i)
    sum = sum + gates[i].view(sizes) * (results[i] - x);
  return sum;
}

/// The images of a call, and what its draws are keyed by.
struct learned_operations::call {
  torch::Tensor pixels;  ///< in [0, 1]
  torch::Tensor bytes;
  torch::Tensor fill;  ///< `[1, C, 1, 1]`, the mean color
  torch::Tensor ids;
  std::int64_t epoch;
  seed key;

  /// Uniform draws of each image for an operation: `[N]`, on the CPU.
  [[nodiscard]] torch::Tensor uniform(purpose why, std::int64_t k) const
  {
    return uniform_draws(of(why, k), epoch, ids, 1).select(1, 0);
  }
  [[nodiscard]] seed of(purpose why, std::int64_t k) const
  {
    return key.split(why).split(static_cast<std::uint64_t>(k));
  }
};

ROLEWISE_INLINE learned_operations::learned_operations(operation_encoders encoders,
                                                       const learned_operations_options& options)
    : encoders_{std::move(encoders)},
      options_{options},
      probabilities_{at::zeros({static_cast<std::int64_t>(learned_operation_order.size())})
                         .set_requires_grad(true)},
      magnitudes_{
          at::zeros({static_cast<std::int64_t>(encoded_operations.size())}).set_requires_grad(true)}
{
  constexpr auto affine = encoded_operations.size() - color_encoders;
  if (encoders_.color.size() != color_encoders || encoders_.affine.size() != affine)
    throw_invalid_argument("learned_operations", "want ", color_encoders,
                           " encoders of colors and ", affine,
                           " affine ones, as fit_operation_encoders returns, got ",
                           encoders_.color.size(), " and ", encoders_.affine.size());
  const auto all = static_cast<std::int64_t>(learned_operation_order.size());
  if (options.drawn < 1 || options.drawn > all)
    throw_invalid_argument("learned_operations", "want 1 .. ", all, " operations to be drawn, got ",
                           options.drawn);
  if (!(options.temperature > 0.0))
    throw_invalid_argument("learned_operations", "want a temperature of the gates above 0, got ",
                           options.temperature);
  if (!(options.cutout_side >= 0.0 && options.cutout_side <= 1.0))
    throw_invalid_argument("learned_operations", "want a cutout_side in [0, 1], got ",
                           options.cutout_side);
  encoders_.set_requires_grad(false);
}

ROLEWISE_INLINE std::vector<std::int64_t> learned_operations::drawn_operations(
    const training_progress& progress, seed key) const
{
  auto order =
      permutation(key.split(purpose{"operations"}).split(static_cast<std::uint64_t>(progress.step)),
                  progress.epoch, probabilities_->size(0));
  order.resize(static_cast<std::size_t>(options_.drawn));
  return order;
}

ROLEWISE_INLINE torch::Tensor learned_operations::gates(std::int64_t k,
                                                        const torch::Tensor& u) const
{
  const auto th = probabilities_->select(0, k);
  const auto logit = options_.logit == gate_logit::parameter ? th : th.sigmoid();
  // Draws are multiples of 2^-24 below 1: half of that more is never 0 nor 1.
  return relaxed_bernoulli(logit, u.to(torch::kDouble) + 0x1p-25, options_.temperature);
}

ROLEWISE_INLINE torch::Tensor learned_operations::result_of(std::int64_t k, const call& of) const
{
  const auto place = static_cast<std::size_t>(k);
  const auto what = learned_operation_order[place];
  const auto count = of.pixels.size(0);
  if (place < encoded_operations.size()) {
    auto r = magnitudes_->select(0, k).sigmoid().expand({count});
    if (options_.both_signs && has_signed_magnitude(what)) {
      const auto sign = of.uniform(purpose{"sign"}, k).lt(0.5).to(r.options()) * 2.0 - 1.0;
      r = r * sign;
    }
    torch::Tensor noise;
    if (place < color_encoders)
      noise = normal_draws(of.of(purpose{"noise"}, k), of.epoch, of.ids, color_encoder::features)
                  .to(r.options());
    return encoders_(place, of.pixels, r, noise, of.fill);
  }
  if (what != operation::cutout)
    return apply(what, {of.bytes, {}}, {}).pixels.to(of.pixels.scalar_type()) / 255.0;

  const auto height = of.pixels.size(2), width = of.pixels.size(3);
  const auto at =
      uniform_draws(of.of(purpose{"cutout"}, k), of.epoch, of.ids, 2).to(torch::kDouble);
  const double side = options_.cutout_side * static_cast<double>(std::min(height, width));
  const auto half = at::full({count}, 0.5 * side, torch::kDouble).floor();
  const auto cut = operations::cutout({of.bytes, {}}, half,
                                      (at.select(1, 0) * static_cast<double>(height)).floor(),
                                      (at.select(1, 1) * static_cast<double>(width)).floor());
  return at::where(cut.covered, of.pixels, of.fill);
}

ROLEWISE_INLINE batch learned_operations::operator()(const batch& examples,
                                                     const training_progress& progress,
                                                     seed key) const
{
  refuse_label_maps("learned_operations", examples, "sums up images that show different pixels");
  const auto like = probabilities_->options().requires_grad(false);
  auto view = to_device(examples, like.device());
  view.inputs = normalized_inputs(examples).to(like);
  view.normalization = {};
  const auto pixels = unit_pixels(examples).to(like);
  const auto channels = pixels.size(1);
  if (channels != encoders_.color.front().channels())
    throw_invalid_argument("learned_operations", "want images of ",
                           encoders_.color.front().channels(),
                           " channels, for which the encoders were made, got ", channels);
  const auto& [mean, std] = examples.normalization;
  const call of{.pixels = pixels,
                .bytes = (pixels * 255.0).round().clamp(0.0, 255.0).to(torch::kByte),
                .fill = mean.empty() ? at::zeros({1, channels, 1, 1}, like)
                                     : detail::per_channel(mean, pixels).to(like),
                .ids = examples.ids,
                .epoch = progress.epoch,
                .key = key};

  const auto together = at::full({1}, progress.step, torch::kLong);
  std::vector<torch::Tensor> results, gates_of;
  for (const auto k : drawn_operations(progress, key)) {
    results.push_back(result_of(k, of));
    gates_of.push_back(gates(
        k, options_.gate_for_each_image
               ? of.uniform(purpose{"gate"}, k)
               : uniform_draws(of.of(purpose{"gate"}, k), of.epoch, together, 1).select(1, 0)));
  }
  auto moved = parallel_sum(pixels, results, gates_of) - pixels;
  if (!std.empty()) moved = moved / detail::per_channel(std, pixels).to(like);
  view.inputs = view.inputs + moved;
  view.view = {};
  return view;
}

ROLEWISE_INLINE void learned_operations::to(torch::Device device)
{
  for (auto* each : {&probabilities_, &magnitudes_})
    *each = owned_tensor{(*each)->detach().to(device).set_requires_grad(true)};
  encoders_.to(device);
}

}  // namespace rolewise
