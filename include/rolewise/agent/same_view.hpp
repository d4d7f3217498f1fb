// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `same_view` (the teacher gets the student's view) and the `TeacherAgent` concept.

#include <rolewise/agent/augmentation_agent.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace rolewise {

/// Tag type in place of the teacher's agent: the teacher gets the student's view.
///
/// It makes no view, so it is no `AugmentationAgent` and is accepted only as the teacher's agent.
struct same_view {
  static constexpr std::string_view name = "same-view";
  static constexpr bool has_state = false;

  friend bool operator==(const same_view&, const same_view&) = default;
};

/// The agent of a teacher: an `AugmentationAgent` for a view of its own, or `same_view`.
template<typename A>
concept TeacherAgent = AugmentationAgent<A> || std::same_as<A, same_view>;

static_assert(TeacherAgent<same_view> && !AugmentationAgent<same_view>);

}  // namespace rolewise
