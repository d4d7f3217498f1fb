// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/detail/teach_augment_parts.hpp>.

#include <rolewise/systems/detail/teach_augment_parts.hpp>

#include <rolewise/core/batch_parts.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::systems::detail {

ROLEWISE_INLINE void require_sound(const teach_augment_options& options)
{
  const auto at_least = [](std::string_view what, std::int64_t found, std::int64_t wanted) {
    if (found < wanted)
      throw_invalid_argument("teach_augment", what, " is ", found, ", want at least ", wanted);
  };
  at_least("student_steps", options.student_steps, 1);
  at_least("directions", options.directions, 1);
  at_least("group_size", options.group_size, 1);
  at_least("store_every", options.store_every, 1);
  at_least("cutout_size", options.cutout_size, 0);
}

ROLEWISE_INLINE void add_means(metrics& numbers, const adversarial_terms& terms,
                               std::int64_t examples)
{
  const auto add = [&](std::string_view name, const torch::Tensor& term) {
    const auto value =
        term.defined() ? term.detach() : at::zeros({}, numbers.front().value.options());
    const auto count = at::full_like(value, term.defined() ? static_cast<double>(examples) : 0.0);
    numbers.push_back(
        {.name = std::string{name},
         .value = value,
         .sums = at::stack({value * count, count}).to(torch::kDouble),
         .value_of = [](const torch::Tensor& sums) { return sums[0] / sums[1].clamp_min(1.0); }});
  };
  add("adversarial", terms.student);
  add("teacher-cross-entropy", terms.teacher);
  add("color-distance", terms.color);
}

/// Sets a box of each normalized image to 0, as `cutout` does with the mean color.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor without_boxes(const torch::Tensor& images,
                                                          const torch::Tensor& ids,
                                                          std::int64_t size, std::int64_t epoch,
                                                          seed key)
{
  if (size < 2) return images;
  const auto drawn = uniform_draws(key.split(purpose{"cutout"}), epoch, ids, 2).to(torch::kDouble);
  const auto inside = [&](std::int64_t axis, std::int64_t length) {  // [N, length]
    const auto center = (drawn.narrow(1, axis, 1) * static_cast<double>(length)).floor();
    const auto from_center = at::arange(length, torch::kDouble) - center;
    return from_center.ge(static_cast<double>(-(size / 2)))
        .logical_and(from_center.lt(static_cast<double>(size / 2)));
  };
  const auto box =
      inside(0, images.size(2)).unsqueeze(2).logical_and(inside(1, images.size(3)).unsqueeze(1));
  return images.masked_fill(box.unsqueeze(1).to(images.device()), 0.0);
}

ROLEWISE_INLINE batch replayed_view(const batch& shown, const learned_augmentation& agent,
                                    const agent_replay& replay,
                                    const teach_augment_options& options,
                                    const training_progress& progress, seed key)
{
  const torch::NoGradGuard without_graph;
  const auto of_views = key.split(role::student);
  const draws of_groups{key.split(purpose{"replay"}), progress.epoch, progress.step};
  std::vector<torch::Tensor> made;
  std::optional<learned_augmentation> earlier;  // one copy, whose values are those of `loaded`
  auto loaded = replay.size();
  for (std::int64_t first = 0; first < shown.size(); first += options.group_size) {
    const auto group =
        examples_between(shown, first, std::min(options.group_size, shown.size() - first));
    const auto place = replay.place_of(of_groups.uniform(made.size()));
    if (place == replay.size()) {
      made.push_back(agent(group, progress, of_views).inputs);
    } else {
      if (!earlier) earlier.emplace(agent);
      if (place != loaded) replay.load(loaded = place, *earlier);
      made.push_back((*earlier)(group, progress, of_views).inputs);
    }
  }
  if (made.empty()) return agent(shown, progress, of_views);
  auto view = to_device(shown, made.front().device());
  view.view = {};
  view.inputs =
      without_boxes(at::cat(made), shown.ids, options.cutout_size, progress.epoch, of_views);
  return view;
}

}  // namespace rolewise::systems::detail
