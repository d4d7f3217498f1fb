// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Agents whose views may be made before their step.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/students_view.hpp>
#include <rolewise/core/state.hpp>

#include <type_traits>

namespace rolewise {

namespace detail {

/// What an agent says by `static constexpr bool stays_in_step`; false if it says nothing.
template<typename A>
[[nodiscard]] consteval bool stays_in_step()
{
  if constexpr (requires { typename std::bool_constant<A::stays_in_step>; })
    return A::stays_in_step;
  else
    return false;
}

}  // namespace detail

namespace agent_must {

/// What has state may be changed by a step, so a view that is made before is another one.
template<typename A>
concept be_unchanged_by_steps = state_must::be_denied<A> && !state_must::be_shown<A>;

template<typename A>
concept not_stay_in_the_step = !detail::stays_in_step<A>();

}  // namespace agent_must

/// An agent whose views do not depend on what the steps before have done: `fit` with `.ahead` has
/// background threads make them while the step computes.
///
/// Promised beyond the syntax: a copy may be called in another thread while the step, other copies
/// and the agent itself are at work; a thread calls one copy at a time. What copies share, such as
/// a data set of partners, is only read, or guards itself. An agent that cannot promise it, such
/// as one that asks a network, says `static constexpr bool stays_in_step = true`; agents that are
/// made of others say it if a part does.
template<typename A>
concept IndependentAgent =
    TeacherAgent<A> && agent_must::be_unchanged_by_steps<A> && agent_must::not_stay_in_the_step<A>;

}  // namespace rolewise
