// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A patient and consistent teacher: distillation as function matching, and the modes that it is
/// compared with.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/cached.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/cyclic_mixup.hpp>
#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/random_resized_crop.hpp>
#include <rolewise/agent/same_view.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <cstdint>
#include <utility>

namespace rolewise::systems {

/// What teacher and student see of an image x: views v(x; r) with random keys r.
enum class input_mode {
  fixed_teacher,        ///< one view of x, always the same; v(x; r)
  independent_noise,    ///< v(x; r_t); v(x; r_s)
  consistent_teaching,  ///< v(x; r); the same pixels
  function_matching     ///< v(x; r) mixed with the view of another image; the same pixels
};

/// A heavy (inception) crop and a flip: an area of `least` to 1, with an aspect of 3/4 to 4/3. The
/// source has 0.05 for images of 224 pixels; 0.25 for images of 32 is ours.
[[nodiscard]] inline auto heavy_view(double least = 0.05)
{
  return compose{random_resized_crop{.scale = {least, 1.0}, .ratio = {0.75, 1.33}},
                 horizontal_flip{}};
}

/// The views of a mode. `fixed` is what the teacher of `fixed_teacher` sees: x itself, or the first
/// view of an agent. `classes` is for the labels of mixed images, which only metrics read.
template<AugmentationAgent View, AugmentationAgent Fixed = no_agent>
struct matching_views {
  View view;
  Fixed fixed{};
  std::int64_t classes = 0;
  rolewise::seed seed{0};  ///< that of the step
};

/// The agents of both roles in a mode, to be given to a step: distillation without labels, in which
/// the student shall be the same function as its teacher, wherever inputs fall.
///
///     for x of the data:
///       u = v(x; r)                                              heavy_view()
///       u = lambda u + (1 - lambda) roll(u)                      cyclic_mixup
///       descend T^2 KL(softmax(teacher(u) / T) || softmax(student(u) / T))
///
///     const auto seen = systems::views_of<systems::input_mode::function_matching>(
///         systems::matching_views{.view = systems::heavy_view(0.25), .classes = 10});
///     distillation training{.teacher = frozen(large), .student = small,
///                           .teacher_agent = seen.teacher_agent,
///                           .student_agent = seen.student_agent,
///                           .loss = systems::matching_loss(temperature{2}),
///                           .optimizer = decoupled_adamw{.learning_rate = 0.003},
///                           .lr_schedule = warm_up_steps{.steps = 1500},
///                           .clipping = clip_gradients{1.0}, .seed = seen.seed};
///
/// Answers can be stored in the mode `fixed_teacher` alone, `.teacher = remembered(frozen(large),
/// data, seen)`; `remembered` and `cached` refuse the others. Be patient: the source trains 300 to
/// 1200 epochs on ImageNet and up to 1 000 000 on a thousand images, and saw no over-fitting but in
/// the mode with a fixed view, which leads early.
///
/// @par Gradients
/// To the student alone.
/// @par Source
/// Beyer, Zhai, Royer, Markeeva, Anil, Kolesnikov: Knowledge distillation: A good teacher is
/// patient and consistent, 2021, arXiv:2106.05237; google-research/big_vision, proj/distill,
/// 0127fb6.
/// @par Departs
/// The code bounds the teacher's probabilities by 1e-8 where it takes their logarithm; here the
/// logarithm of the softmax is computed at once. Adam's first moment is in single precision.
template<input_mode Mode, AugmentationAgent View, AugmentationAgent Fixed>
[[nodiscard]] auto views_of(const matching_views<View, Fixed>& of)
{
  if constexpr (Mode == input_mode::fixed_teacher)
    return shown_views{.teacher_agent = cyclic_views{.views = 1, .agent = of.fixed},
                       .student_agent = of.view,
                       .seed = of.seed};
  else if constexpr (Mode == input_mode::independent_noise)
    return shown_views{.teacher_agent = of.view, .student_agent = of.view, .seed = of.seed};
  else if constexpr (Mode == input_mode::consistent_teaching)
    return shown_views{.teacher_agent = same_view{}, .student_agent = of.view, .seed = of.seed};
  else
    return shown_views{.teacher_agent = same_view{},
                       .student_agent = compose{of.view, cyclic_mixup{.classes = of.classes}},
                       .seed = of.seed};
}

/// The loss: the sum over teachers of T^2 KL(teacher || student); no labels.
///
/// Several teachers are an `ensemble` by `mean_probabilities_at(T)`. The sum over them has the
/// gradient of their number times the divergence from their mean, which is what is computed; its
/// value is by a constant of the student, how far the teachers are from their mean, lower.
/// @param teachers the number of members of the ensemble
[[nodiscard]] inline auto matching_loss(temperature t = temperature{1.0}, std::int64_t teachers = 1)
{
  return static_cast<double>(teachers) * soft_target_kl{.temperature = t};
}

}  // namespace rolewise::systems
