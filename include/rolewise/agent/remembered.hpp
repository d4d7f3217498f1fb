// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `remembered`: asks a teacher once about each example of a data set.

#include <rolewise/agent/cached.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/batch_parts.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/remembered_teacher.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <vector>

namespace rolewise {

namespace detail {

/// Outputs of successive batches as one.
[[nodiscard]] ROLEWISE_INLINE outputs joined_outputs(const std::vector<outputs>& parts);

/// @throws std::invalid_argument unless the views of two epochs are the same
ROLEWISE_INLINE void require_one_view(const batch& of_one_epoch, const batch& of_another);

}  // namespace detail

/// Asks a teacher once about each example of a data set, and remembers its outputs.
///
///     distillation training{
///         .teacher = remembered(frozen(large), data,
///                               shown_views{.teacher_agent = cyclic_views{.agent =
///                               pad_crop_flip{}}}),
///         .student = ...,
///         .student_agent = pad_crop_flip{}, ...};
///
/// The view that the teacher is asked about is that of `shown`: by default the example itself, or
/// the one view of `cyclic_views{.views = 1}` around an agent. Afterwards the teacher's agent of
/// the step is of no account, and may be left out. The features of taps are remembered, too, if
/// they are given as template arguments.
///
/// @param batch_size examples of a forward pass of the teacher
/// @throws std::invalid_argument if the view of `shown` is another one in another epoch or step, so
///         that a stored answer would not be the teacher's; for an empty data set, for ids that
///         occur twice, and for a batch size below 1
template<tap_id... Stored, Teacher T, typename TeacherAgentType, typename StudentAgentType,
         typename SharedAgentType>
[[nodiscard]] remembered_teacher<taps{Stored...}> remembered(
    const T& teacher, const dataset& data,
    const shown_views<TeacherAgentType, StudentAgentType, SharedAgentType>& shown,
    std::int64_t batch_size = 128)
{
  if (batch_size < 1 || data.size() < 1)
    throw_invalid_argument("remembered", "want examples and batches of at least 1, got ",
                           data.size(), " and ", batch_size);
  const torch::NoGradGuard without_graph;
  std::vector<outputs> parts;
  const auto all = data.examples();
  for (std::int64_t begin = 0; begin < data.size(); begin += batch_size) {
    const auto examples = examples_between(all, begin, std::min(batch_size, data.size() - begin));
    const auto view = detail::shown_in_epoch(shown, examples, 0);
    detail::require_one_view(view, detail::shown_in_epoch(shown, examples, 1));
    constexpr taps wanted{Stored...};
    parts.push_back(detail::delivered("remembered",
                                      teacher.forward(detail::on_device_of(teacher, view), wanted),
                                      wanted, examples.size()));
  }
  return {data.ids, detail::joined_outputs(parts)};
}
/// The same of the examples as they are in the data set.
template<tap_id... Stored, Teacher T>
[[nodiscard]] remembered_teacher<taps{Stored...}> remembered(const T& teacher, const dataset& data,
                                                             std::int64_t batch_size = 128)
{
  return remembered<Stored...>(teacher, data, shown_views<>{}, batch_size);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/remembered.hpp>
#endif
