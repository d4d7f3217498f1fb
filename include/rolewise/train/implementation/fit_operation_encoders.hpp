// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/fit_operation_encoders.hpp>.

#include <rolewise/train/fit_operation_encoders.hpp>

#include <rolewise/agent/differentiable_transforms.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// One step of one encoder.
/// @param encode (r, noise) to images in [0, 1]
template<typename Learner, typename Encode>
void fit_encoder(Learner& each, std::size_t k, const batch& examples,
                 const training_progress& progress, seed key, const Encode& encode)
{
  const auto what = encoded_operations[k];
  const auto own = key.split(static_cast<std::uint64_t>(k));
  const auto two = uniform_draws(own, progress.epoch, examples.ids, 2);
  auto r = two.select(1, 0);
  if (has_signed_magnitude(what)) r = r * (two.select(1, 1).lt(0.5).to(torch::kFloat) * 2.0 - 1.0);
  const auto noise = normal_draws(own.split(purpose{"noise"}), progress.epoch, examples.ids,
                                  color_encoder::features);
  const auto home = examples.inputs.device();
  const auto truth =
      at_magnitude(what, examples.inputs, r, examples.normalization).to(torch::kFloat) / 255.0;
  auto apart = encode(each.model, r.to(home), noise.to(home)) - truth;
  if (const auto& std = examples.normalization.std; !std.empty())
    apart = apart / per_channel(std, apart);
  each.minimize(apart.square().mean(), progress);
}

ROLEWISE_INLINE operation_encoders fitted_encoders(const batch_source_reference& data,
                                                   const encoder_fit_options& options)
{
  constexpr auto who = "fit_operation_encoders";
  if (options.color_epochs < 0 || options.affine_epochs < 0)
    throw_invalid_argument(who, "want epochs >= 0, got ", options.color_epochs, " for colors and ",
                           options.affine_epochs, " for the geometric ones");
  const auto key = options.seed.split(purpose{"operation-encoders"});
  const auto begun = operation_encoders::untrained(data.shape().channels, key);
  const auto training_of = [&](const auto& encoder) {
    return learner{.model = encoder,
                   .optimizer = options.optimizer,
                   .lr_schedule = exponential_lr{options.rate_decay}};
  };
  std::vector<decltype(training_of(begun.color.front()))> colors;
  std::vector<decltype(training_of(begun.affine.front()))> affines;
  for (const auto& each : begun.color) colors.push_back(training_of(each));
  for (const auto& each : begun.affine) affines.push_back(training_of(each));

  const auto epochs = std::max(options.color_epochs, options.affine_epochs);
  for (std::int64_t epoch = 0; epoch < epochs; ++epoch) {
    const batch_options order{
        .size = options.batch_size, .seed = key.split(purpose{"order"}), .epoch = epoch};
    training_progress progress{
        .epoch = epoch, .step = 0, .epochs = epochs, .steps_per_epoch = data.batch_count(order)};
    for (const batch& examples : batches(data, order)) {
      require_images(who, examples);
      const auto x = unit_pixels(examples);
      const auto fill = at::tensor(mean_color(examples.normalization, x.size(1)), torch::kFloat)
                            .view({1, -1, 1, 1})
                            .to(x.device()) /
                        255.0;
      if (epoch < options.color_epochs)
        for (std::size_t k = 0; k < color_encoders; ++k)
          fit_encoder(colors[k], k, examples, progress, key,
                      [&](const color_encoder& encoder, const torch::Tensor& r,
                          const torch::Tensor& noise) { return encoder(x, r, noise); });
      if (epoch < options.affine_epochs)
        for (auto k = color_encoders; k < encoded_operations.size(); ++k)
          fit_encoder(affines[k - color_encoders], k, examples, progress, key,
                      [&](const affine_encoder& encoder, const torch::Tensor& r,
                          const torch::Tensor&) { return encoder(x, r, fill); });
      ++progress.step;
    }
  }

  operation_encoders fitted;
  for (auto& each : colors) fitted.color.push_back(std::move(each.model));
  for (auto& each : affines) fitted.affine.push_back(std::move(each.model));
  for_each_tensor(fitted, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    if (!t.isfinite().all().item<bool>())
      throw_runtime_error(who, "'", name, "' is not finite; want a lower learning rate than ",
                          options.optimizer.learning_rate);
  });
  fitted.set_requires_grad(false);
  return fitted;
}

}  // namespace rolewise::detail
