// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `AugmentationAgent` concept: makes an augmented view of a batch.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/training_progress.hpp>

#include <concepts>
#include <string_view>

namespace rolewise {

namespace agent_must {

template<typename A>
concept make_a_view_of_a_batch = requires(const A agent, const batch examples,
                                          const training_progress progress, const seed draws) {
  { agent(examples, progress, draws) } -> std::same_as<batch>;
};

template<typename A>
concept carry_a_name_for_the_report = requires {
  { A::name } -> std::convertible_to<std::string_view>;
};

}  // namespace agent_must

/// An augmentation: a function from a batch to a view of it. The seed is already split by role,
/// so an agent does not depend on roles.
///
/// Requirements beyond the syntax (`tests/laws/augmentation_agent.hpp`): equal arguments give
/// equal views; the view of an example depends on its id, the epoch and the seed, not on its
/// position in the batch or on the other examples; the batch itself is not modified; ids are
/// unchanged. `uint8` images stay `uint8`. Only an agent that declares
/// `static constexpr bool mixes = true` may read other examples. An agent whose copies must not
/// be called concurrently with the step declares `stays_in_step = true` (`IndependentAgent`).
///
/// An agent that moves the pixels of images moves their label maps (`has_label_maps`) and weights
/// for each pixel by the same map, without interpolation: a pixel of the view has the label and the
/// weight of the nearest pixel that it shows. Where it shows none (a hole), a hard label is
/// `batch::ignore_index`, soft ones and weights are 0. What changes colors or paints over pixels
/// leaves maps as they are. An agent that can't do so refuses label maps (`refuse_label_maps`).
template<typename A>
concept AugmentationAgent = std::copyable<A> && agent_must::make_a_view_of_a_batch<A> &&
                            agent_must::carry_a_name_for_the_report<A>;

}  // namespace rolewise
