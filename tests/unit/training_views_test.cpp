// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/supervised.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

using namespace rolewise;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_student;

namespace {

/// An agent without the `plan` of the agent that it wraps.
template<typename A>
struct unplanned {
  static constexpr std::string_view name = A::name;
  static constexpr bool has_state = false;
  A agent;
  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    return agent(examples, progress, key);
  }
};
static_assert(AugmentationAgent<unplanned<rand_augment>> && !PlannedAgent<unplanned<rand_augment>>);

const sample_shape shape{.channels = 3, .height = 9, .width = 8, .classes = 4};

batch some_images()
{
  torch::manual_seed(4);
  return {torch::randint(0, 256, {12, 3, 9, 8}, torch::kLong).to(torch::kByte),
          torch::arange(12) % 4,
          torch::arange(12) * 3,
          {{0.49, 0.48, 0.44}, {0.25, 0.24, 0.26}}};
}

template<typename Step>
void three_steps(Step& step)
{
  const auto images = some_images();
  for (std::int64_t i = 0; i < 3; ++i) (void)step(images, {.epoch = i, .epochs = 3});
}

}  // namespace

TEST_CASE("a student learns the same bits whether its agent is planned or not")
{
  supervised planned{.student = tiny_student{shape}, .agent = rand_augment{}};
  supervised by_hand{.student = tiny_student{shape}, .agent = unplanned<rand_augment>{}};
  three_steps(planned);
  three_steps(by_hand);
  CHECK(same_tensors(planned.student, by_hand.student));
  CHECK(planned.learner_state.buffers().made() == 1);
  CHECK(by_hand.learner_state.buffers().made() == 0);

  supervised other{.student = tiny_student{shape}, .agent = trivial_augment{}};
  three_steps(other);
  CHECK_FALSE(same_tensors(planned.student, other.student));
}

TEST_CASE("a distilled student learns the same bits whether its agents are planned or not")
{
  const auto with = [](auto teachers, auto students, auto shared) {
    distillation training{.teacher = frozen(tiny_student{shape, seed{9}}),
                          .student = tiny_student{shape},
                          .teacher_agent = std::move(teachers),
                          .student_agent = std::move(students),
                          .shared_agent = std::move(shared),
                          .loss = 0.5 * cross_entropy{} + 0.5 * soft_target_kl{temperature{2}}};
    three_steps(training);
    return training;
  };
  const pad_crop_flip crop{.padding = 2};
  auto planned = with(trivial_augment{}, rand_augment{}, crop);
  CHECK(planned.learner_state.buffers().made() == 2);
  auto by_hand =
      with(unplanned<trivial_augment>{}, unplanned<rand_augment>{}, unplanned<pad_crop_flip>{crop});
  auto mixed = with(unplanned<trivial_augment>{}, rand_augment{}, crop);
  CHECK(same_tensors(planned.student, by_hand.student));
  CHECK(same_tensors(planned.student, mixed.student));
}

TEST_CASE("a copy of a step has memory of its own for its views")
{
  supervised pretraining{.student = tiny_student{shape}, .agent = rand_augment{}};
  three_steps(pretraining);
  auto copy = pretraining;
  CHECK(copy.learner_state.buffers().made() == 0);
  three_steps(copy);
  three_steps(pretraining);
  CHECK(copy.learner_state.buffers().made() == 1);
  CHECK(same_tensors(copy.student, pretraining.student));
}
