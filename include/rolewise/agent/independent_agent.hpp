// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `IndependentAgent` concept: agents whose views may be made ahead of the step.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/same_view.hpp>
#include <rolewise/core/state.hpp>

#include <type_traits>

namespace rolewise {

namespace detail {

/// Returns `A::stays_in_step`; false if the agent does not declare it.
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

/// A step may change an agent's state, so a view made before it would differ.
template<typename A>
concept be_unchanged_by_steps = state_must::be_denied<A> && !state_must::be_shown<A>;

template<typename A>
concept not_stay_in_the_step = !detail::stays_in_step<A>();

}  // namespace agent_must

/// An agent whose views do not depend on earlier steps: `fit` with `.prefetch` makes them in
/// background threads while the step computes.
///
/// Requirements beyond the syntax: a copy may be called in another thread while the step, other
/// copies and the agent itself run; a thread calls one copy at a time. Data that copies share,
/// such as a data set of partners, is read-only or synchronized. An agent that cannot guarantee
/// this, such as one that evaluates a network, declares
/// `static constexpr bool stays_in_step = true`; composite agents declare it if a part does.
template<typename A>
concept IndependentAgent =
    TeacherAgent<A> && agent_must::be_unchanged_by_steps<A> && agent_must::not_stay_in_the_step<A>;

}  // namespace rolewise
