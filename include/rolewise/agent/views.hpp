// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What teacher and student are shown of one batch.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/agent/students_view.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/buffer_pool.hpp>

#include <concepts>
#include <utility>

namespace rolewise {

/// The batch as each role sees it; the examples and their order are the same.
struct view_pair {
  batch teacher;
  batch student;
  /// The two are one view and share their tensors: what is done to one (converting, responding)
  /// need not be done to the other.
  bool same = false;
};

namespace detail {

/// What a role's own agent and then the shared one make of a batch, in a form; in one pass over
/// each image if both plan.
template<AugmentationAgent Own, AugmentationAgent Shared>
[[nodiscard]] batch view_of_both(const Own& own, seed own_key, const Shared& shared,
                                 seed shared_key, const batch& examples, const moment& now,
                                 const view_form& form, buffer_pool& buffers)
{
  if constexpr (PlannedAgent<Own> && PlannedAgent<Shared>) {
    if (fits_kernels(examples) && kernels_write(form))
      return view_by_plan(
          [&](const image_subjects& subjects, image_program& program) {
            own.plan(subjects, now, own_key, program);
            shared.plan(subjects_after(program, subjects), now, shared_key, program);
          },
          examples, form, buffers);
  }
  return view_of(shared, own(examples, now, own_key), now, shared_key, form, buffers);
}

}  // namespace detail

/// Shows a batch to both roles.
///
/// First each role's own agent, under `key.split(role::teacher)` and `key.split(role::student)`;
/// then the shared one on both, under the same `key.split(role::both)`: one crop for two views.
///
/// The views are the `same` if the teacher sees the student's (`students_view`) or neither role has
/// an agent (`no_agent`); then every agent works once.
template<TeacherAgent T, AugmentationAgent S, AugmentationAgent Shared>
[[nodiscard]] view_pair make_views(const batch& examples, const T& teacher_agent,
                                   const S& student_agent, const Shared& shared_agent,
                                   const moment& now, seed key)
{
  const auto share = [&](const batch& view) {
    return shared_agent(view, now, key.split(role::both));
  };
  auto student = share(student_agent(examples, now, key.split(role::student)));
  if constexpr (std::same_as<T, students_view> ||
                (std::same_as<T, no_agent> && std::same_as<S, no_agent>))
    return {student, student, true};
  else
    return {share(teacher_agent(examples, now, key.split(role::teacher))), std::move(student),
            false};
}

/// The same in the form that a network takes, in memory of a pool (`view_of`): what
/// `normalised_inputs` makes of the views above, bit for bit.
template<TeacherAgent T, AugmentationAgent S, AugmentationAgent Shared>
[[nodiscard]] view_pair make_views(const batch& examples, const T& teacher_agent,
                                   const S& student_agent, const Shared& shared_agent,
                                   const moment& now, seed key, const view_form& form,
                                   buffer_pool& buffers)
{
  const auto seen_by = [&](const auto& own, role who) {
    return detail::view_of_both(own, key.split(who), shared_agent, key.split(role::both), examples,
                                now, form, buffers);
  };
  auto student = seen_by(student_agent, role::student);
  if constexpr (std::same_as<T, students_view> ||
                (std::same_as<T, no_agent> && std::same_as<S, no_agent>))
    return {student, student, true};
  else
    return {seen_by(teacher_agent, role::teacher), std::move(student), false};
}

}  // namespace rolewise
