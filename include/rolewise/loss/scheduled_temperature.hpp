// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Temperatures that change over a training run: schedules, and losses under one.

#include <rolewise/core/fraction.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/loss/detail/schedule_shares.hpp>
#include <rolewise/loss/loss_function.hpp>

#include <concepts>
#include <string_view>

namespace rolewise {

/// A temperature schedule: maps training progress to a temperature. It is stateless: the same
/// progress always gets the same temperature.
template<typename S>
concept TemperatureSchedule =
    std::copyable<S> && requires(const S schedule, const training_progress progress) {
      { schedule(progress) } -> std::same_as<temperature>;
    };

/// A loss without state whose temperature is a member `temperature`.
template<typename L>
concept SoftenedLoss = LossFunction<L> && state_must::be_denied<L> && requires(L loss) {
  { loss.temperature } -> std::same_as<temperature&>;
};

/// Linear schedule: from one temperature to another in equal steps, step by step.
///
///     T = from + (to - from) * s,  s = min(share of the run that is done / until, 1)
struct linear_temperature {
  temperature from, to;
  fraction until{1.0};  ///< share of the run after which it stays at `to`

  [[nodiscard]] temperature operator()(const training_progress& progress) const
  {
    const double share = detail::share_of_schedule(progress, until.value());
    return temperature{detail::linear_between(from.value(), to.value(), share)};
  }
};

/// Cosine schedule: from one temperature to another along half a cosine, step by step.
///
///     T = to + (from - to) * (1 + cos(pi * s)) / 2,  s as in `linear_temperature`
struct cosine_temperature {
  temperature from, to;
  fraction until{1.0};  ///< share of the run after which it stays at `to`

  [[nodiscard]] temperature operator()(const training_progress& progress) const
  {
    const double share = detail::share_of_schedule(progress, until.value());
    return temperature{detail::cosine_between(from.value(), to.value(), share)};
  }
};

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
