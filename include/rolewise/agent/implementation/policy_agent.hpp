// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/policy_agent.hpp>.

#include <rolewise/agent/policy_agent.hpp>

#include <rolewise/agent/detail/planned_view.hpp>

#include <numeric>

namespace rolewise {

ROLEWISE_INLINE batch policy_agent::operator()(const batch& examples,
                                               const training_progress& progress, seed key) const
{
  require_images(name, examples);
  return detail::planned_view(
      [&](const image_subjects& subjects, image_program& program) {
        plan(subjects, progress, key, program);
      },
      examples);
}

ROLEWISE_INLINE void policy_agent::plan(const image_subjects& subjects,
                                        const training_progress& progress, seed key,
                                        image_program& program) const
{
  const auto& followed = policy.at(progress.epoch);
  const auto own = key.split(purpose{"policy"});
  const auto steps = program.add_operations(most, gray);
  for (std::size_t n = 0; n < subjects.size(); ++n) {
    const auto chosen = choose(draws{own, progress.epoch, subjects.ids[n]}, followed, subjects);
    for (std::size_t step = 0; step < most; ++step)
      steps[step * subjects.size() + n] = chosen[step];
  }
  program.add_fill();
}

ROLEWISE_INLINE std::array<image_step, policy_agent::most> policy_agent::choose(
    const draws& of_image, const augmentation_policy& followed, const image_subjects& subjects)
{
  constexpr auto pairs = static_cast<std::size_t>(augmentation_policy::pairs);
  std::array<image_step, most> chosen{};
  const double u = of_image.uniform(0);
  const std::size_t count = u < 0.2 ? 0 : u < 0.5 ? 1 : 2;
  std::array<std::int64_t, pairs> order{};
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::size_t fired = 0;
  for (std::size_t i = 0; i < pairs && fired < count; ++i) {
    const auto left = static_cast<std::int64_t>(pairs - i);
    std::swap(order[i], order[i + static_cast<std::size_t>(of_image.below(1 + 3 * i, left))]);
    const auto pair = order[i];
    const auto probability = static_cast<double>(followed.probability(pair)) / 10.0;
    if (of_image.uniform(2 + 3 * i) >= probability) continue;
    const auto what = augmentation_policy::operation_of(pair);
    const auto value = policy_parameter(what, followed.magnitude(pair));
    const bool turned = has_sign(what) && of_image.coin(3 + 3 * i);
    const auto where = 1 + 3 * pairs + 2 * fired;
    chosen[fired] = {what, turned ? -value : value, of_image.below(where, subjects.height),
                     of_image.below(where + 1, subjects.width)};
    ++fired;
  }
  return chosen;
}

}  // namespace rolewise
