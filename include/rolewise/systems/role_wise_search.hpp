// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `role_wise_search`: the two policy searches of Role-KD in one call.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/systems/policy_search.hpp>
#include <rolewise/systems/search_splits.hpp>
#include <rolewise/systems/student_search.hpp>
#include <rolewise/systems/teacher_search.hpp>

#include <utility>

namespace rolewise::systems {

/// Results of both stages of a role-wise search.
template<typename TeacherType, typename StudentType>
struct role_wise_result {
  stage_result<TeacherType> teacher;
  stage_result<StudentType> student;
};

/// Searches the teacher's policies, trains a teacher with them on all examples, searches the
/// student's policies under a teacher that was not trained on the validation part, and trains a
/// student with them under the teacher that was trained on all examples.
///
///     const auto parts = split_for_search(data.train, 4000, 2000, seed{1});
///     const auto found = role_wise_search(teacher_search{...}, student_search{...}, parts);
///
/// | stage | trains | on | supervised by | score |
/// |---|---|---|---|---|
/// | one | teachers, one per trial | `search` | labels | accuracy on `validation` |
/// | one, after the search | the teacher | `all` | labels | - |
/// | two | students, one per trial | `search` | the best trial's teacher of stage one | `reward` |
/// | two, after the search | the student | `all` | the teacher | - |
///
/// No network of a search has learned from a validation example: not in training, not through
/// copied weights, not through its teacher.
///
/// @param shared agent applied to every image after the policy of its role
/// @param callbacks of both searches, as for `run_search`
/// @par Determinism
/// A function of the arguments, wall times aside.
/// @par Source
/// Fu et al.: Role-Wise Data Augmentation for Knowledge Distillation, 2020, arXiv 2004.08861, and
/// its released code (bigaidream-projects/role-kd, 42a9362); the search is that of Ho et al.:
/// Population based augmentation, 2019, arXiv 1905.05393.
/// @par Departs
/// The code of stage one was not released; it is inferred from the names of its results. In the
/// released code the teacher of stage two, which initializes the students, is also the teacher of
/// the last training, so the reward may depend on the validation part; networks are evaluated in
/// training mode, in whole batches of 128; the best trial is chosen by hand; validation takes
/// 46 000 examples, 74 % of the passes.
template<typename TeachersStage, typename StudentsStage, AugmentationAgent Shared = pad_crop_flip,
         typename... Callbacks>
[[nodiscard]] auto role_wise_search(const TeachersStage& teachers, const StudentsStage& students,
                                    const search_splits& data, const Shared& shared = {},
                                    Callbacks&&... callbacks)
{
  auto one = teachers(data, shared, callbacks...);
  auto two = students(data, teachers_from(one), shared, callbacks...);
  return role_wise_result{std::move(one), std::move(two)};
}

}  // namespace rolewise::systems
