// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Chains of networks, each taught by the one before: born-again networks and teacher assistants.

#include <rolewise/core/seed.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise::systems {

/// One network of a chain.
struct generation {
  std::int64_t number = 0;  ///< from 0; the first teacher is none of the chain
  rolewise::seed seed{0};   ///< its own, for first weights, views and the order of the examples
};

/// Options of `generations`.
struct generation_options {
  std::int64_t count = 3;  ///< networks that are trained, at least 1
  rolewise::seed seed{0};
};

/// Trains networks one after the other, each taught by the frozen network before it, and the first
/// of them by a given teacher. Returns all of them, frozen, from the first to the last.
///
///     const auto line = systems::generations(
///         frozen(pretraining.student), {.count = 3},
///         [&](const auto& teacher, const systems::generation& at) {
///           distillation training{.teacher = teacher,
///                               .student = resnet20(shape, {.seed = at.seed}),
///                               .loss = cross_entropy{} + soft_target_kl{temperature{1}}};
///           fit(training, data, {.epochs = 8, .seed = at.seed});
///           return training.evaluated();
///         });
///     const auto together = ensemble(line);   // line.back().network() is the last network
///
/// Networks of one architecture are born-again generations; each has a seed of its own, because
/// first weights like its teacher's would undo the effect. Networks that become smaller with
/// `at.number` are teacher assistants, for a student that is much smaller than the teacher.
///
/// @param train `train(teacher, generation)` returns the trained network. It is called with the
///        first teacher and then with frozen networks, so its parameter is usually generic; it
///        calls `fit` itself, with callbacks and folders of that generation, if any
/// @throws std::invalid_argument for a count below 1
/// @par Source
/// Furlanello, Lipton, Tschannen, Itti, Anandkumar: Born Again Neural Networks, 2018,
/// arXiv:1805.04770, section 3.1 (sequence of teaching selves, and their ensemble); Mirzadeh,
/// Farajtabar, Li, Levine, Matsukawa, Ghasemzadeh: Improved Knowledge Distillation via Teacher
/// Assistant, 2019, arXiv:1902.03393, section 3.
template<Teacher First, typename Train>
[[nodiscard]] auto generations(const First& first, const generation_options& options,
                               const Train& train)
{
  static_assert(std::invocable<const Train&, const First&, const generation&>,
                "generations wants train(teacher, generation), which returns a trained network");
  using network =
      std::remove_cvref_t<std::invoke_result_t<const Train&, const First&, const generation&>>;
  static_assert(Freezable<network>,
                "generations: train(teacher, generation) must return a network that frozen takes");
  using next = frozen_teacher<network>;
  static_assert(
      std::same_as<
          std::remove_cvref_t<std::invoke_result_t<const Train&, const next&, const generation&>>,
          network>,
      "generations: train must return networks of one type, whatever its teacher is");
  if (options.count < 1)
    throw_invalid_argument("generations", "want at least 1 generation, got ", options.count);
  const auto key = options.seed.split(purpose{"generation"});
  std::vector<next> all;
  all.reserve(static_cast<std::size_t>(options.count));
  for (std::int64_t n = 0; n < options.count; ++n) {
    const generation at{n, key.split(static_cast<std::uint64_t>(n))};
    all.push_back(n == 0 ? frozen(train(first, at)) : frozen(train(all.back(), at)));
  }
  return all;
}

}  // namespace rolewise::systems
