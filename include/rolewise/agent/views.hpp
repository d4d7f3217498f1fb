// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `make_views` functions: the views of one batch for teacher and student.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/agent/same_view.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/buffer_pool.hpp>

#include <concepts>
#include <utility>

namespace rolewise {

/// The views of one batch for both roles; the examples and their order are the same.
struct view_pair {
  batch teacher;
  batch student;
  /// True if both are one view and share their tensors: what is done to one (conversion, device
  /// transfer) need not be repeated for the other.
  bool same = false;
};

namespace detail {

/// Applies a role's own agent and then the shared one, in a form; in one pass over each image if
/// both are planned agents.
template<AugmentationAgent Own, AugmentationAgent Shared>
[[nodiscard]] batch view_of_both(const Own& own, seed own_key, const Shared& shared,
                                 seed shared_key, const batch& examples,
                                 const training_progress& progress, const view_form& form,
                                 buffer_pool& buffers)
{
  if constexpr (PlannedAgent<Own> && PlannedAgent<Shared>) {
    if (kernels_make(examples, form))
      return view_by_plan(
          [&](const image_subjects& subjects, image_program& program) {
            own.plan(subjects, progress, own_key, program);
            shared.plan(subjects_after(program, subjects), progress, shared_key, program);
          },
          examples, form, buffers);
  }
  return view_of(shared, own(examples, progress, own_key), progress, shared_key, form, buffers);
}

}  // namespace detail

/// Makes the views of a batch for both roles.
///
/// First applies each role's own agent, with `key.split(role::teacher)` and
/// `key.split(role::student)`; then the shared agent to both, with the same
/// `key.split(role::both)`: one crop for two views.
///
/// The views are the `same` if the teacher's agent is `same_view` or neither role has an
/// agent (`no_agent`); then each agent is called once.
template<TeacherAgent T, AugmentationAgent S, AugmentationAgent Shared>
[[nodiscard]] view_pair make_views(const batch& examples, const T& teacher_agent,
                                   const S& student_agent, const Shared& shared_agent,
                                   const training_progress& progress, seed key)
{
  const auto share = [&](const batch& view) {
    return shared_agent(view, progress, key.split(role::both));
  };
  auto student = share(student_agent(examples, progress, key.split(role::student)));
  if constexpr (std::same_as<T, same_view> ||
                (std::same_as<T, no_agent> && std::same_as<S, no_agent>))
    return {student, student, true};
  else
    return {share(teacher_agent(examples, progress, key.split(role::teacher))), std::move(student),
            false};
}

/// As above, in the input format of a network and in memory of a pool (`view_of`): bitwise equal
/// to `normalized_inputs` of the views above.
template<TeacherAgent T, AugmentationAgent S, AugmentationAgent Shared>
[[nodiscard]] view_pair make_views(const batch& examples, const T& teacher_agent,
                                   const S& student_agent, const Shared& shared_agent,
                                   const training_progress& progress, seed key,
                                   const view_form& form, buffer_pool& buffers)
{
  const auto seen_by = [&](const auto& own, role who) {
    return detail::view_of_both(own, key.split(who), shared_agent, key.split(role::both), examples,
                                progress, form, buffers);
  };
  auto student = seen_by(student_agent, role::student);
  if constexpr (std::same_as<T, same_view> ||
                (std::same_as<T, no_agent> && std::same_as<S, no_agent>))
    return {student, student, true};
  else
    return {seen_by(teacher_agent, role::teacher), std::move(student), false};
}

}  // namespace rolewise
