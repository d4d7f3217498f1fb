// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Temperatures that change over a training run: schedules, and losses under one.

#include <rolewise/core/state.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/value_schedule.hpp>

#include <concepts>
#include <string_view>

namespace rolewise {

/// A schedule of temperatures, with a value for each `training_progress`.
template<typename S>
concept TemperatureSchedule = ValueSchedule<S, temperature>;

/// A loss without state whose temperature is a member `temperature`.
template<typename L>
concept SoftenedLoss = LossFunction<L> && state_must::be_denied<L> && requires(L loss) {
  { loss.temperature } -> std::same_as<temperature&>;
};

using linear_temperature = linear_schedule<temperature>;
using cosine_temperature = cosine_schedule<temperature>;

static_assert(TemperatureSchedule<linear_temperature> && TemperatureSchedule<cosine_temperature>);

/// A loss whose temperature follows a schedule over the run.
///
///     scheduled_temperature{.loss = soft_target_kl{},
///                           .schedule = cosine_temperature{.from = temperature{8},
///                                                          .to = temperature{2}}}
///
/// The temperature in the loss itself is not used. Everything else is that of the loss, its name
/// too. With `standardized`, the schedule stands inside.
///
/// @par Source
/// The shapes are those of learning rate schedules. The temperature that Li, Li, Yang, Zhao, Song,
/// Luo, Li, Yang: Curriculum Temperature for Knowledge Distillation, 2022, arXiv:2211.16231, learn
/// under a cosine or linear schedule of its gradient is `curriculum_temperature`.
template<SoftenedLoss Loss, TemperatureSchedule Schedule>
struct scheduled_temperature {
  static constexpr std::string_view name = Loss::name;
  static constexpr taps teacher_taps = rolewise::teacher_taps<Loss>();
  static constexpr taps student_taps = rolewise::student_taps<Loss>();
  static constexpr bool has_state = false;
  static constexpr bool reads_teacher = rolewise::reads_teacher<Loss>();
  static constexpr bool reaches_teacher = rolewise::reaches_teacher<Loss>();
  static constexpr bool wants_class_labels = rolewise::wants_class_labels<Loss>();
  static constexpr bool minimum_at_teacher = rolewise::minimum_at_teacher<Loss>();
  static constexpr rolewise::invariances invariances = invariances_of<Loss>();

  Loss loss;
  Schedule schedule;

  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    auto now = loss;
    now.temperature = schedule(targets.progress);
    return evaluate_loss(now, pair, targets);
  }
};

}  // namespace rolewise
