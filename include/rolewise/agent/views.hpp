// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What teacher and student are shown of one batch.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/students_view.hpp>

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

}  // namespace rolewise
