// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Loss weights that change over a training run: schedules, and losses under one.

#include <rolewise/core/state.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/loss/detail/warm_up.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/value_schedule.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

/// A schedule of the weight of a loss, with a value for each `training_progress`.
template<typename S>
concept WeightSchedule = ValueSchedule<S, weight>;

using linear_weight = linear_schedule<weight>;
using cosine_weight = cosine_schedule<weight>;

/// Warm-up: epoch by epoch from 0 to 1, as the released codes of DKD and ReviewKD do it.
///
///     w = min(e / epochs, 1),  e the epoch, from 0
struct warm_up_weight {
  std::int64_t epochs = 20;  ///< 0: the weight is always 1

  [[nodiscard]] weight operator()(const training_progress& progress) const
  {
    return weight{detail::warm_up(progress, epochs)};
  }
};

static_assert(WeightSchedule<linear_weight> && WeightSchedule<cosine_weight> &&
              WeightSchedule<warm_up_weight>);

/// A loss, or a sum of losses, times a weight that follows a schedule over the run.
///
///     cross_entropy{} +
///         0.9 * scheduled_weight{.loss = soft_target_kl{},
///                                .schedule = linear_weight{.from = weight{1}, .to = weight{0}}}
///
/// Everything else is that of the loss, its name too. In reports its value is after this weight;
/// a sum inside is one term. A loss of weight 0 is evaluated, as in a `weighted_sum`.
///
/// @par Gradients
/// Those of the loss, times the weight.
template<LossFunction Loss, WeightSchedule Schedule>
struct scheduled_weight {
  static constexpr std::string_view name = Loss::name;
  static constexpr taps teacher_taps = rolewise::teacher_taps<Loss>();
  static constexpr taps student_taps = rolewise::student_taps<Loss>();
  static constexpr bool has_state = !state_must::be_denied<Loss>;
  static constexpr bool reads_teacher = rolewise::reads_teacher<Loss>();
  static constexpr bool reaches_teacher = rolewise::reaches_teacher<Loss>();
  static constexpr bool wants_class_labels = rolewise::wants_class_labels<Loss>();
  static constexpr bool minimum_at_teacher = rolewise::minimum_at_teacher<Loss>();
  static constexpr rolewise::invariances invariances = invariances_of<Loss>();

  Loss loss;
  Schedule schedule;

  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return evaluate_loss(loss, pair, targets) * schedule(targets.progress).value();
  }

  void configure(const feature_shapes& teacher, const feature_shapes& student)
    requires(wants_configuration<Loss>())
  {
    configure_loss(loss, teacher, student);
  }
  void after_step(const paired_outputs& pair, const targets& targets)
    requires(moves_after_step<Loss>())
  {
    loss_after_step(loss, pair, targets);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
    requires(state_must::be_shown<Loss>)
  {
    archive.part("loss", loss);
  }
};

}  // namespace rolewise
