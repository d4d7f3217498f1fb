// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `fresh_views` agent: another view of an example each time that it occurs in an epoch.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/mixes.hpp>
#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/support/inline.hpp>

#include <string_view>

namespace rolewise {

namespace detail {

/// The ids of a batch in which one that occurred before has 2^40 more for each time. Ids that are
/// not int64 `[N]` are left as they are, for the agent to refuse.
/// @throws std::invalid_argument for an id that occurs again and is not in 0 .. 2^40 - 1
[[nodiscard]] ROLEWISE_INLINE torch::Tensor ids_of_occurrences(const torch::Tensor& ids);

}  // namespace detail

/// Draws the views of an agent anew each time that an example occurs: in each step, and in each row
/// of a batch. For sources that show an example many times in an epoch, such as `sample_tuples`;
/// any other agent makes the same view of an example throughout an epoch.
///
///     fresh_views{pad_crop_flip{}}
///
/// @par Determinism
/// That of the agent, with the step in its seed; the view of an example that occurs for the m-th
/// time in a batch depends on m as well.
/// @throws std::invalid_argument as the agent does, and for an id of 2^40 or more, or below 0, that
///         occurs again in a batch
template<typename Agent = no_agent>
struct fresh_views {
  static_assert(AugmentationAgent<Agent>,
                "fresh_views: .agent must satisfy AugmentationAgent; no_agent{} changes nothing");
  static_assert(Stateful<Agent>,
                "fresh_views: .agent must show its state (visit_state) or say has_state = false");
  static_assert(!detail::mixes_examples<Agent>(),
                "fresh_views: .agent mixes, so it needs the ids of the data set, which this agent "
                "replaces while it draws");

  static constexpr std::string_view name = Agent::name;
  static constexpr bool has_state = state_must::be_shown<Agent>;
  static constexpr bool stays_in_step = !IndependentAgent<Agent>;

  Agent agent{};

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    auto renamed = examples;
    renamed.ids = detail::ids_of_occurrences(examples.ids);
    auto view = agent(renamed, progress, key.split(static_cast<std::uint64_t>(progress.step)));
    view.ids = examples.ids;
    view.view = {};
    return view;
  }

  template<typename Archive>
    requires(has_state)
  void visit_state(Archive& archive)
  {
    agent.visit_state(archive);
  }
};

static_assert(AugmentationAgent<fresh_views<no_agent>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/fresh_views.hpp>
#endif
