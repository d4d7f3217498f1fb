// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `cyclic_views` agent: repeats a fixed number of views per example.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/mixes.hpp>
#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>
#include <numeric>
#include <string_view>
#include <utility>

namespace rolewise {

/// Makes, in epoch e, the view that the wrapped agent makes in epoch `e mod views`. Each example
/// has no more than `views` different views, so results that were computed for one can be cached
/// and reused.
///
///     cyclic_views{.views = 8, .agent = rand_augment{}}
///
/// The agent is called with that epoch in `training_progress`, so a policy schedule only reaches
/// the policies of the epochs 0 .. views - 1: give an agent with a schedule as many views as the
/// run has epochs, or do not wrap it.
///
/// `batch::view` carries the number of the view. After another `cyclic_views`, as in a
/// sequence, both recur together after the least common multiple of their `views`. A view of an
/// agent that `mixes` has no number, because it is not a function of one id.
///
/// @par Determinism
/// That of the agent, with `e mod views` for the epoch.
/// @throws std::invalid_argument unless views >= 1
template<typename Agent = no_agent>
struct cyclic_views {
  static_assert(AugmentationAgent<Agent>,
                "cyclic_views: .agent must satisfy AugmentationAgent; no_agent{} changes nothing");
  static_assert(Stateful<Agent>,
                "cyclic_views: .agent must show its state (visit_state) or say "
                "has_state = false");

  static constexpr std::string_view name = Agent::name;
  static constexpr bool has_state = state_must::be_shown<Agent>;
  static constexpr bool mixes = detail::mixes_examples<Agent>();
  static constexpr bool stays_in_step = !IndependentAgent<Agent>;

  std::int64_t views = 1;  ///< at least 1; 1 repeats the view of epoch 0; usual 4 .. 32
  Agent agent{};

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    if (views < 1) throw_invalid_argument("cyclic_views", "views is ", views, ", want at least 1");
    auto then = progress;
    then.epoch = progress.epoch % views;
    auto view = agent(examples, then, key);
    view.view = mixes ? view_number{} : number_after(examples.view, progress.epoch);
    return view;
  }

  template<typename Archive>
    requires(has_state)
  void visit_state(Archive& archive)
  {
    agent.visit_state(archive);
  }

 private:
  [[nodiscard]] view_number number_after(const view_number& before, std::int64_t epoch) const
  {
    const auto count = before.count == 0 ? views : std::lcm(before.count, views);
    return {epoch % count, count};
  }
};

static_assert(AugmentationAgent<cyclic_views<no_agent>>);

}  // namespace rolewise
