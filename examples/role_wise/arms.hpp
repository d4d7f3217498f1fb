// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The arms of the experiment: the students to compare, and how they differ.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace role_wise {

/// One way to train a student: {no agent, teacher's, student's, both} x {cross-entropy,
/// distillation} x {same view, own views}. Cells that would be the same student are left out: a
/// teacher's agent without a teacher, own views where no role has an agent.
struct arm {
  std::string_view name;
  std::string_view words;
  bool is_distilled;
  bool has_teacher_agent;  ///< the teacher was trained under its agent
  bool has_student_agent;
  bool has_own_view;  ///< the teacher receives a view from its own agent, not the student's view
};

inline constexpr std::array all_arms{
    arm{"a", "alone", false, false, false, false},
    arm{"a-agent", "alone, student's agent", false, false, true, false},
    arm{"b", "distilled, no agent", true, false, false, false},
    arm{"c", "distilled, student's agent", true, false, true, false},
    arm{"t", "distilled, teacher's agent", true, true, false, false},
    arm{"d", "distilled, both agents", true, true, true, false},
    arm{"c-own", "as c, own views", true, false, true, true},
    arm{"t-own", "as t, own views", true, true, false, true},
    arm{"d-own", "as d, own views", true, true, true, true}};

/// @param name one of `all_arms`
[[nodiscard]] inline const arm& arm_named(std::string_view name)
{
  return *std::find_if(all_arms.begin(), all_arms.end(),
                       [&](const arm& each) { return each.name == name; });
}

[[nodiscard]] inline std::vector<std::string> names_of_arms()
{
  std::vector<std::string> names;
  for (const auto& each : all_arms) names.emplace_back(each.name);
  return names;
}

/// A pair of arms to compare by their difference, `first - second`.
struct arm_pair {
  std::string_view first, second;
};

inline constexpr std::array compared_arms{
    arm_pair{"a-agent", "a"}, arm_pair{"b", "a"},       arm_pair{"a-agent", "b"},
    arm_pair{"c", "b"},       arm_pair{"t", "b"},       arm_pair{"d", "b"},
    arm_pair{"c-own", "b"},   arm_pair{"d", "a-agent"}, arm_pair{"d", "c"},
    arm_pair{"d", "t"},       arm_pair{"c-own", "c"},   arm_pair{"t-own", "t"},
    arm_pair{"d-own", "d"},   arm_pair{"d", "c-own"}};

}  // namespace role_wise
