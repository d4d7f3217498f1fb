// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `PlannedAgent` concept: agents that write their view as an `image_program`.
///
/// data -> [agent] -> teacher/student -> loss -> train -> report

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <span>

namespace rolewise {

/// The input of a plan: ids and shape of the images, but not their pixels.
struct image_subjects {
  std::span<const std::int64_t> ids;
  std::int64_t channels = 3;
  std::int64_t height = 32;
  std::int64_t width = 32;

  [[nodiscard]] std::size_t size() const noexcept { return ids.size(); }
};

/// The subjects with the image size after all layers of a program so far: the input for the next
/// part of a composition.
[[nodiscard]] ROLEWISE_INLINE image_subjects subjects_after(const image_program& program,
                                                            const image_subjects& subjects);

namespace agent_must {

template<typename A>
concept write_a_program =
    requires(const A agent, const image_subjects& subjects, const training_progress& progress,
             seed key, image_program& program) { agent.plan(subjects, progress, key, program); };

}  // namespace agent_must

/// An agent that adds layers to a program for images `uint8 [N, C, H, W]`, C = 1 or 3.
///
/// Semantic requirements: the program, executed on such a batch, gives the view that the agent
/// returns; ids and labels stay, but for label maps, which move by the program; the size of the
/// view is a function of the agent and of the size of the images, not of ids. Several planned
/// agents can therefore be executed as one, image by image, directly into the input format of a
/// network (`view_of`).
template<typename A>
concept PlannedAgent = AugmentationAgent<A> && agent_must::write_a_program<A>;

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/planned_agent.hpp>
#endif
