// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/learned_sub_policies.hpp>.

#include <rolewise/agent/learned_sub_policies.hpp>

#include <rolewise/agent/detail/in_places.hpp>
#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/sub_policy_step.hpp>
#include <rolewise/agent/differentiable_transforms.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/agent/straight_through.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string_view>
#include <utility>

namespace rolewise {

ROLEWISE_INLINE std::vector<operation_pair> all_operation_pairs()
{
  std::vector<operation_pair> all;
  for (std::int64_t i = 0; i < policy_operations; ++i)
    for (std::int64_t k = i + 1; k < policy_operations; ++k)
      all.push_back({static_cast<operation>(i), static_cast<operation>(k)});
  return all;
}

ROLEWISE_INLINE learned_sub_policies::learned_sub_policies(std::vector<operation_pair> pairs)
    : pairs_{std::move(pairs)}
{
  if (pairs_.empty())
    throw_invalid_argument("learned_sub_policies", "want pairs of operations, got none");
  const auto count = static_cast<std::int64_t>(pairs_.size());
  weights_ = owned_tensor{at::zeros({count}).set_requires_grad(true)};
  probabilities_ = owned_tensor{at::zeros({count, 2}).set_requires_grad(true)};
  magnitudes_ = owned_tensor{at::zeros({count, 2}).set_requires_grad(true)};
}

ROLEWISE_INLINE torch::Tensor learned_sub_policies::pixels_of(
    const batch& bytes, const torch::Tensor& of_images, const torch::Tensor& choice,
    const std::array<torch::Tensor, 2>& applied, const training_progress& progress, seed key) const
{
  const auto ids = of_images.to(torch::kCPU).contiguous();
  const auto strengths =
      magnitudes_->detach().sigmoid().to(torch::kCPU, torch::kDouble).contiguous();
  const auto chosen = choice.to(torch::kCPU).contiguous();
  const std::array on{applied[0].to(torch::kCPU).contiguous(),
                      applied[1].to(torch::kCPU).contiguous()};
  const auto step_of = [&](std::int64_t n, std::size_t slot) -> sub_policy::step {
    const auto s = chosen.const_data_ptr<std::int64_t>()[n];
    const bool is_on = on[slot].const_data_ptr<std::int64_t>()[n] == 1;
    const auto share = strengths.const_data_ptr<double>()[2 * s + static_cast<std::int64_t>(slot)];
    return {pairs_[static_cast<std::size_t>(s)][slot], is_on ? 10 : 0,
            nearest_magnitude_level(share)};
  };
  const auto view = detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        const auto steps = program.add_operations(2);
        for (std::size_t i = 0; i < subjects.size(); ++i) {
          const auto n = subjects.ids[i];  // its place
          const draws of_image{key, progress.epoch, ids.const_data_ptr<std::int64_t>()[n]};
          for (std::size_t slot = 0; slot < 2; ++slot)
            steps[slot * subjects.size() + i] = detail::carried_out(
                step_of(n, slot), auto_augment_scale::even, of_image, 4 * slot, subjects);
        }
        program.add_fill();
      },
      bytes);
  return view.inputs.to(magnitudes_->options().requires_grad(false)) / 255.0;
}

ROLEWISE_INLINE sub_policy_draw learned_sub_policies::operator()(const batch& examples,
                                                                 const training_progress& progress,
                                                                 seed key) const
{
  constexpr std::string_view who = "learned_sub_policies";
  refuse_label_maps(who, examples, "it learns of whole images");
  const auto bytes = detail::in_places(who, examples);
  require_images(who, bytes);
  const auto like = weights_->options().requires_grad(false);
  const auto uniform = [&](std::string_view why, std::int64_t each) {
    return uniform_draws(key.split(purpose{why}), progress.epoch, examples.ids, each)
        .to(like.device());
  };
  const auto count = examples.size(), all = weights_->size(0);
  sub_policy_draw drawn;
  drawn.pair = draw_categorical(weights_->unsqueeze(0).expand({count, all}),
                                uniform("sub-policy", all), uniform("sub-policy again", all));
  const auto logits = probabilities_->index_select(0, drawn.pair.choice);
  const auto first = uniform("gates", 4), again = uniform("gates again", 4);
  std::array<torch::Tensor, 2> applied;
  for (std::int64_t slot = 0; slot < 2; ++slot) {
    const auto own = logits.select(1, slot);
    auto& gate = drawn.gates[static_cast<std::size_t>(slot)];
    gate = draw_categorical(at::stack({at::zeros_like(own), own}, 1), first.narrow(1, 2 * slot, 2),
                            again.narrow(1, 2 * slot, 2));
    applied[static_cast<std::size_t>(slot)] = gate.choice;
  }

  auto pixels = pixels_of(bytes, examples.ids, drawn.pair.choice, applied, progress,
                          key.split(purpose{"operations"}));
  // Which magnitudes an image was made by.
  auto has = at::empty({all, 2}, torch::kFloat);
  for (std::int64_t s = 0; s < all; ++s)
    for (std::size_t slot = 0; slot < 2; ++slot)
      has.mutable_data_ptr<float>()[2 * s + static_cast<std::int64_t>(slot)] =
          has_magnitude(pairs_[static_cast<std::size_t>(s)][slot]) ? 1.0F : 0.0F;
  const auto fired = at::stack({applied[0], applied[1]}, 1).to(like) *
                     has.to(like).index_select(0, drawn.pair.choice);
  const auto of_images = (magnitudes_->sigmoid().index_select(0, drawn.pair.choice) * fired).sum(1);
  drawn.view = with_unit_pixels(examples, with_unit_slope(pixels, of_images));
  return drawn;
}

ROLEWISE_INLINE std::vector<sub_policy> learned_sub_policies::best(std::int64_t count) const
{
  if (count < 0)
    throw_invalid_argument("learned_sub_policies", "want a count of at least 0, got ", count);
  const auto in_order = weights_->detach().to(torch::kCPU).argsort(/*stable=*/true, 0, true);
  const auto on = probabilities_->detach().sigmoid().to(torch::kCPU, torch::kDouble).contiguous();
  const auto strong = magnitudes_->detach().sigmoid().to(torch::kCPU, torch::kDouble).contiguous();
  std::vector<sub_policy> found;
  for (std::int64_t i = 0; i < std::min(count, in_order.size(0)); ++i) {
    const auto s = in_order[i].item<std::int64_t>();
    const auto step = [&](std::int64_t slot) -> sub_policy::step {
      return {pairs_[static_cast<std::size_t>(s)][static_cast<std::size_t>(slot)],
              nearest_probability_level(on.const_data_ptr<double>()[2 * s + slot]),
              nearest_magnitude_level(strong.const_data_ptr<double>()[2 * s + slot])};
    };
    found.push_back({step(0), step(1)});
  }
  return found;
}

}  // namespace rolewise
