// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/learned_augmentation.hpp>.

#include <rolewise/agent/learned_augmentation.hpp>

#include <rolewise/agent/differentiable_transforms.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/class_labels.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE learned_augmentation::learned_augmentation(
    const sample_shape& shape, const learned_augmentation_options& options)
    : options_{options},
      channels_{shape.channels},
      classes_{options.by_class ? shape.classes : 0},
      color_{shape.channels, classes_, options.seed},
      geometry_{classes_, options.seed}
{
  if (shape.kind != sample_kind::image || shape.channels < 1 || (options.by_class && classes_ < 1))
    throw_invalid_argument(name, "want images of at least one channel and class, got ",
                           shape.channels, " channels and ", shape.classes, " classes");
  if (!(options.temperature > 0.0))
    throw_invalid_argument(name, "want a temperature above 0, got ", options.temperature);
  if (!(options.dropout >= 0.0 && options.dropout < 1.0))
    throw_invalid_argument(name, "want dropout in [0, 1), got ", options.dropout);
}

ROLEWISE_INLINE torch::Tensor learned_augmentation::context_of(const batch& examples) const
{
  const auto like = color_.gate_logits().options().requires_grad(false);
  if (classes_ == 0) return at::zeros({examples.size(), 0}, like);
  const auto& labels = examples.labels;
  if (labels.defined() && labels.is_floating_point() &&
      labels.sizes() == at::IntArrayRef{examples.size(), classes_})
    return labels.to(like);
  if (!detail::are_hard(labels) || labels.size(0) != examples.size())
    throw_invalid_argument(
        name, "want classes [", examples.size(), "] of int64 or soft labels [", examples.size(),
        ", ", classes_, "], got ",
        labels.defined() ? detail::classic_text(labels.sizes()) : "an undefined tensor");
  if (labels.is_cpu())
    detail::require_classes(name, labels, classes_, "the batch", examples.ignore_index);
  return labels.unsqueeze(1).eq(at::arange(classes_, labels.options())).to(like);
}

ROLEWISE_INLINE network_draws learned_augmentation::draws_of(const batch& examples,
                                                             const training_progress& progress,
                                                             seed key) const
{
  const auto like = color_.gate_logits().options().requires_grad(false);
  const auto uniform = [&](std::string_view why, std::int64_t count) {
    return uniform_draws(key.split(purpose{why}), progress.epoch, examples.ids, count);
  };
  constexpr auto width = network_draws::path_width;
  return {.noise = normal_draws(key.split(purpose{"noise"}), progress.epoch, examples.ids,
                                network_draws::noise_size)
                       .to(like),
          .pixel_units = uniform("pixel units", 2 * network_draws::pixel_width).to(like),
          .color_units = uniform("color units", 2 * width).to(like),
          .geometry_units = uniform("geometry units", 2 * width).to(like),
          .color_gate = uniform("color gate", 1).select(1, 0).to(like),
          .geometry_gate = uniform("geometry gate", 1).select(1, 0).to(like),
          .dropout = options_.dropout,
          .temperature = options_.temperature};
}

ROLEWISE_INLINE augmented_batch learned_augmentation::augmented(const batch& examples,
                                                                const training_progress& progress,
                                                                seed key) const
{
  refuse_label_maps(name, examples, "shows points between pixels");
  const auto like = color_.gate_logits().options().requires_grad(false);
  augmented_batch made;
  made.view = to_device(examples, like.device());
  made.view.view = {};
  const auto dtype = like.dtype().toScalarType();
  made.plain = normalized_inputs(made.view, dtype);
  const auto pixels = unit_pixels(made.view, dtype);
  if (made.plain.size(1) != channels_)
    throw_invalid_argument(name, "want images of ", channels_, " channels, got ",
                           made.plain.sizes());
  const auto& [mean, std] = examples.normalization;
  const auto each = [&](const std::vector<double>& values, double otherwise) {
    return values.empty() ? at::full({1}, otherwise, like)
                          : detail::per_channel(values, made.plain).to(like);
  };
  const auto center = each(mean, 0.0), deviation = each(std, 1.0);
  const auto context = context_of(made.view);
  made.tinted = made.plain;
  made.view.inputs = made.plain;
  if (examples.size() == 0) return made;

  const auto drawn = draws_of(examples, progress, key);
  const auto change = color_(made.plain, context, drawn);
  const auto tinted = recolored(pixels, change.scale, change.shift, change.gate);
  made.tinted = (tinted - center) / deviation;
  const auto moved = affine_warped(tinted, geometry_(context, drawn));
  made.view.inputs = (moved - center) / deviation;
  return made;
}

ROLEWISE_INLINE torch::Tensor learned_augmentation::maps(const batch& examples,
                                                         const training_progress& progress,
                                                         seed key) const
{
  const auto home = to_device(examples, color_.gate_logits().device());
  return geometry_(context_of(home), draws_of(examples, progress, key));
}

ROLEWISE_INLINE void learned_augmentation::to(torch::Device device)
{
  for_each_tensor(*this, [&](const std::string&, torch::Tensor& t, tensor_kind) {
    if (t.defined()) t = t.detach().to(device).set_requires_grad(t.requires_grad());
  });
}

}  // namespace rolewise
