// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A row of compare_systems: a published system that trains the student, with as many updates as
/// plain knowledge distillation.
///
/// A system has a file of its own with a function that returns its rows; systems.hpp lists these
/// functions.

#include <rolewise/rolewise.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace compare_systems {

namespace rw = rolewise;

using teacher_network = decltype(rw::resnet20(std::declval<rw::sample_shape>()));

/// What all rows have in common: the loss of plain distillation, the views and the optimizer.
inline auto usual_loss()
{
  return 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}};
}
inline constexpr rw::pad_crop_flip usual_agent{.padding = 4};
inline constexpr rw::sgd usual_optimizer{.learning_rate = 0.05};
using usual_schedule = rw::cosine_annealing;

/// One training: what a row is given.
struct run {
  const rw::dataset_splits& data;
  const teacher_network& teacher;  ///< trained
  std::int64_t epochs;
  std::int64_t batch_size;
  rw::seed seed;
  std::string folder;  ///< of this run alone

  /// Trains a step for the run's epochs, or for others, and goes on where a killed program was.
  /// @param part a name within the run, if it trains several networks
  template<typename Step>
  void train(Step& step, std::string_view part = "student", std::int64_t instead = 0) const
  {
    train_on(data.train, batch_size, step, part, instead);
  }

  /// The same on other examples, or in batches of another size.
  template<typename Source, typename Step>
  void train_on(const Source& examples, std::int64_t size, Step& step,
                std::string_view part = "student", std::int64_t instead = 0) const
  {
    const auto checkpoints = folder + "/" + std::string{part};
    std::filesystem::create_directories(checkpoints);
    rw::fit(step, examples,
            {.epochs = instead > 0 ? instead : epochs,
             .batch_size = size,
             .seed = seed,
             .resume = true},
            rw::checkpoints{.folder = checkpoints});
  }
};

/// A row: how to train the student, and with which result.
struct row {
  std::string name;
  std::function<double(const run&)> at_32_bits, at_2_bits;  ///< the test accuracy
};

/// The row of `train(run, untrained)`, which returns the trained student; `untrained(seed)` makes
/// an untrained one.
template<typename Train>
[[nodiscard]] row row_of(std::string name, const Train& train)
{
  const auto accuracy_with = [train](const run& at, const auto& untrained) {
    return rw::accuracy(train(at, untrained), at.data.test);
  };
  return {
      std::move(name),
      [accuracy_with](const run& at) {
        return accuracy_with(
            at, [&](rw::seed seed) { return rw::resnet8(at.data.train.shape, {.seed = seed}); });
      },
      [accuracy_with](const run& at) {
        return accuracy_with(at, [&](rw::seed seed) {
          return rw::resnet8(at.data.train.shape, rw::dorefa{}, rw::inner_bits<2>, {.seed = seed});
        });
      }};
}

/// A network that learns from labels alone, for the run's epochs or for others.
template<rw::Student Network>
[[nodiscard]] Network trained_alone(const run& at, const Network& untrained, rw::seed seed,
                                    std::string_view part = "student", std::int64_t epochs = 0)
{
  rw::supervised step{.student = untrained,
                      .agent = usual_agent,
                      .optimizer = usual_optimizer,
                      .lr_schedule = usual_schedule{},
                      .seed = seed};
  at.train(step, part, epochs);
  return step.evaluated();
}

/// A student that is distilled from a teacher: by the usual loss and views, if no others are given.
template<rw::Teacher Teacher, rw::Student Student, typename Loss = decltype(usual_loss()),
         rw::AugmentationAgent Agent = rw::pad_crop_flip>
[[nodiscard]] Student distilled(const run& at, const Teacher& teacher, const Student& student,
                                std::string_view part = "student", std::int64_t epochs = 0,
                                const Loss& loss = usual_loss(), const Agent& agent = usual_agent)
{
  rw::distillation step{.teacher = teacher,
                        .student = student,
                        .shared_agent = agent,
                        .loss = loss,
                        .optimizer = usual_optimizer,
                        .lr_schedule = usual_schedule{},
                        .seed = at.seed};
  at.train(step, part, epochs);
  return step.evaluated();
}

/// The row of an augmentation policy: of plain distillation with `agent_of(run, untrained)` after
/// the usual views.
template<typename AgentOf>
[[nodiscard]] row row_of_policy(std::string name, const AgentOf& agent_of)
{
  return row_of(std::move(name), [agent_of](const run& at, const auto& untrained) {
    return distilled(at, rw::frozen(at.teacher), untrained(at.seed), "student", 0, usual_loss(),
                     rw::compose{usual_agent, agent_of(at, untrained)});
  });
}

}  // namespace compare_systems
