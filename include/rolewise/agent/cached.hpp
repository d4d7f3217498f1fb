// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `cached`: wraps a teacher in a file cache of its outputs on recurring views.

#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/detail/mixes.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/same_view.hpp>
#include <rolewise/agent/views.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/cached_logits_origin.hpp>
#include <rolewise/teacher/cached_teacher.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace rolewise {

/// The agents and the seed that define a teacher's views in a step; members as in `distillation`.
template<typename TeacherAgentType = no_agent, typename StudentAgentType = no_agent,
         typename SharedAgentType = no_agent>
struct shown_views {
  static_assert(TeacherAgent<TeacherAgentType> && AugmentationAgent<StudentAgentType> &&
                    AugmentationAgent<SharedAgentType>,
                "shown_views: want agents, or same_view{} as .teacher_agent");

  TeacherAgentType teacher_agent{};
  StudentAgentType student_agent{};  ///< read only if the teacher shares the student's view
  SharedAgentType shared_agent{};
  rolewise::seed seed{0};
};

namespace detail {

/// The agent applied to the teacher's view before the shared one.
template<typename T, typename S>
using before_the_teacher = std::conditional_t<std::same_as<T, same_view>, S, T>;

/// Returns the teacher's views of examples in an epoch.
template<typename T, typename S, typename Shared>
[[nodiscard]] batch shown_in_epoch(const shown_views<T, S, Shared>& shown, const batch& examples,
                                   std::int64_t epoch)
{
  const training_progress progress{.epoch = epoch, .epochs = epoch + 1};
  if constexpr (std::same_as<T, same_view>)
    return make_views(examples, shown.teacher_agent, shown.student_agent, shown.shared_agent,
                      progress, shown.seed)
        .teacher;
  else  // skips the student's agent
    return make_views(examples, shown.teacher_agent, no_agent{}, shown.shared_agent, progress,
                      shown.seed)
        .teacher;
}

/// Returns `count` examples, evenly spaced over a data set, starting at position `first`.
[[nodiscard]] ROLEWISE_INLINE batch probed(const dataset& data, std::int64_t count,
                                           std::int64_t first);

/// Returns a checksum of sampled views. Makes each of them in two epochs to check that it recurs.
template<typename Shown>
[[nodiscard]] std::uint64_t view_sum(const Shown& shown, const dataset& data, std::int64_t views,
                                     std::int64_t probes)
{
  checksum sum;
  const auto count = std::clamp<std::int64_t>(probes / views, 1, data.size());
  for (std::int64_t view = 0; view < views; ++view) {
    const auto examples = probed(data, count, view);
    const auto first = shown_in_epoch(shown, examples, view);
    const auto again = shown_in_epoch(shown, examples, view + views);
    if (first.view != view_number{view, views} || again.view != first.view ||
        !at::equal(first.inputs, again.inputs))
      throw_invalid_argument(
          "cached", "the teacher's view of epoch ", view, " does not come again in epoch ",
          view + views,
          ": an agent outside cyclic_views changes it; wrap the shared agent as well");
    sum.add(first.inputs);
  }
  return sum.value();
}

template<typename T, typename S, typename Shared>
[[nodiscard]] std::string names_of(const shown_views<T, S, Shared>&)
{
  return std::string{std::string_view{before_the_teacher<T, S>::name}}.append(" + ").append(
      std::string_view{Shared::name});
}

/// Returns the shapes of the outputs to be stored: of logits alone those of the data set, otherwise
/// those of the teacher's outputs for one example.
template<taps Stored, typename T, typename Shown>
[[nodiscard]] output_shapes stored_shapes(const T& teacher, const Shown& shown, const dataset& data)
{
  const bool has_positions =
      data.labels.defined() && data.labels.dim() > (data.labels.is_floating_point() ? 2 : 1);
  if (Stored.empty() && !has_positions) return {{data.shape.classes}};
  const auto view = on_device_of(teacher, shown_in_epoch(shown, probed(data, 1, 0), 0));
  const auto found = delivered("cached", teacher.forward(view, Stored), Stored, 1);
  output_shapes shapes{found.logits.sizes().slice(1).vec()};
  for (const auto& [id, value] : found.features)
    shapes.features.set(id, value.sizes().slice(1).vec());
  return shapes;
}

}  // namespace detail

/// Wraps a teacher in a cache: its outputs for each recurring view of a data set are computed
/// once, stored in a file and read from it afterwards.
///
///     const cyclic_views shown{.views = 8, .agent = rand_augment{}};
///     distillation training{
///         .teacher = cached(frozen(pretraining.student), data,
///                           shown_views{.teacher_agent = shown},
///                           {.path = "answers.cache"}),
///         .student = ...,
///         .teacher_agent = shown, ...};
///
/// The features of taps are stored beside the logits if they are given as template arguments, one
/// by one or as a set, `cached<teacher_taps<loss_type>()>(...)`; the cached teacher offers these
/// taps:
///
///     cached<tap::stage<3>, tap::penultimate>(frozen(...), data, shown_views{...}, {...})
///
/// Pass `shown_views` the agents and the seed of the step. If the step uses others, or other
/// data, outputs are still the teacher's, but every lookup is a cache miss
/// (`cached_teacher::tally`).
///
/// The file is valid for these data, views, options and this teacher, and rejected for others.
/// Agents are compared by a checksum of about `options.probes` of the views they make.
///
/// @throws std::invalid_argument if the teacher's view does not recur, the data set is empty, the
///         options are invalid, or the file was made for something else; the message states what
///         differs
/// @throws std::runtime_error if the file cannot be created or read (`cached_teacher`)
template<taps Stored, FingerprintedTeacher T, typename TeacherAgentType, typename StudentAgentType,
         typename SharedAgentType>
[[nodiscard]] cached_teacher<T, Stored> cached(
    T teacher, const dataset& data,
    const shown_views<TeacherAgentType, StudentAgentType, SharedAgentType>& shown,
    const cache_options& options)
{
  using first = detail::before_the_teacher<TeacherAgentType, StudentAgentType>;
  static_assert(
      !detail::mixes_examples<first>() && !detail::mixes_examples<SharedAgentType>(),
      "cached: an agent that mixes makes views that are not functions of one id, so their "
      "answers cannot be kept by id");
  static_assert(!state_must::be_shown<first> && !state_must::be_shown<SharedAgentType>,
                "cached: the views of an agent with state do not recur, so their answers cannot be "
                "kept");
  if (data.size() < 1) throw_invalid_argument("cached", "'", data.name, "' has no examples");
  if (!data.ids.defined() || data.ids.scalar_type() != torch::kLong || data.ids.dim() != 1 ||
      data.ids.size(0) != data.size())
    throw_invalid_argument("cached", "want ids of int64 [", data.size(), "]");
  if (options.probes < 1)
    throw_invalid_argument("cached", "probes is ", options.probes, ", want at least 1");
  const auto views = detail::shown_in_epoch(shown, detail::probed(data, 1, 0), 0).view.count;
  if (views < 1)
    throw_invalid_argument("cached",
                           "the teacher's view does not recur; wrap its agent in cyclic_views");
  const auto ids = data.ids.cpu().contiguous();
  const auto* const id = ids.const_data_ptr<std::int64_t>();
  const auto shapes = detail::stored_shapes<Stored>(teacher, shown, data);
  return cached_teacher<T, Stored>{
      std::move(teacher), options,
      cached_logits_origin{.agents = detail::names_of(shown),
                           .seed = shown.seed.value,
                           .views = views,
                           .view_sum = detail::view_sum(shown, data, views, options.probes),
                           .data = data.name,
                           .data_sum = data.fingerprint(),
                           .teacher_sum = 0,
                           .ids = {id, id + data.size()}},
      shapes};
}
/// The same, with the taps to store one by one; without any, logits alone are stored.
template<tap_id... Stored, FingerprintedTeacher T, typename TeacherAgentType,
         typename StudentAgentType, typename SharedAgentType>
[[nodiscard]] cached_teacher<T, taps{Stored...}> cached(
    T teacher, const dataset& data,
    const shown_views<TeacherAgentType, StudentAgentType, SharedAgentType>& shown,
    const cache_options& options)
{
  return cached<taps{Stored...}>(std::move(teacher), data, shown, options);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/cached.hpp>
#endif
