// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Who changes the examples, for whom.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/moment.hpp>
#include <rolewise/core/seed.hpp>

#include <concepts>
#include <string_view>

namespace rolewise {

namespace agent_must {

template<typename A>
concept make_a_view_of_a_batch =
    requires(const A agent, const batch examples, const moment now, const seed draws) {
      { agent(examples, now, draws) } -> std::same_as<batch>;
    };

template<typename A>
concept carry_a_name_for_the_report = requires {
  { A::name } -> std::convertible_to<std::string_view>;
};

}  // namespace agent_must

/// Makes a view of a batch. The seed has been split by role before, so an agent knows no roles.
///
/// Promised beyond the syntax (`tests/laws/augmentation_agent.hpp`): the same arguments give the
/// same view; the view of an example depends on its id, the epoch and the seed, not on its place
/// in the batch, nor on the others; the batch itself is untouched; ids stay. `uint8` images stay
/// `uint8`. Only an agent that says `static constexpr bool mixes = true` may look at other
/// examples. One whose copies may not be called beside the step says `stays_in_step = true`
/// (`IndependentAgent`).
template<typename A>
concept AugmentationAgent = std::copyable<A> && agent_must::make_a_view_of_a_batch<A> &&
                            agent_must::carry_a_name_for_the_report<A>;

}  // namespace rolewise
