// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The teacher that judges what the student saw, and what may stand for a teacher's agent.

#include <rolewise/agent/augmentation_agent.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace rolewise {

/// In the place of the teacher's agent: the teacher is shown the very view of the student.
///
/// It makes no view, so it is no AugmentationAgent, and stands nowhere else.
struct students_view {
  static constexpr std::string_view name = "students-view";
  static constexpr bool has_state = false;

  friend bool operator==(const students_view&, const students_view&) = default;
};

/// What the teacher sees: a view of its own, or the student's.
template<typename A>
concept TeacherAgent = AugmentationAgent<A> || std::same_as<A, students_view>;

static_assert(TeacherAgent<students_view> && !AugmentationAgent<students_view>);

}  // namespace rolewise
