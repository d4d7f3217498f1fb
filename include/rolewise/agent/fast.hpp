// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The second fidelity: geometric operations composed, and a choice of interpolation.

#include <rolewise/agent/detail/compose_warps.hpp>
#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/interpolation.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/state.hpp>

#include <string_view>

namespace rolewise {

/// An agent at the `fast` fidelity: it draws the operations, levels, signs and windows that the
/// agent alone draws, and resamples each image as rarely as that allows.
///
///     fast{sequence{rand_augment{}, pad_crop_flip{}}, interpolation::bilinear}
///
/// Without it an agent has the fidelity `pillow`: every operation by itself, bit-equal to Pillow's
/// with the nearest pixel. What is different here:
///
/// - **Composition.** Rotations, translations and shears of an image that follow each other, with
///   nothing but identities between them, are one affine map with one resampling; so is the window
///   of `pad_crop_flip` after them if it follows the fill that ends an agent's part. What one of
///   them would push out of the image and a later one bring back is therefore still there, not a
///   hole. To take in the window, wrap the sequence, not its parts; an agent that the roles share
///   is not composed with theirs.
/// - **Interpolation.** `nearest` or `bilinear`, as `warp` defines them; Pillow's paths have
///   nearest alone.
/// - **Fill.** As at `pillow`: what comes from outside is a hole until a fill paints it in the mean
///   colour, and later operations meet it black. Bilinear pixels that touch a hole or the outside
///   take the nearest pixel alone; no pixel is partly covered.
/// - **Rounding.** Places are exact to 2^-32 of a pixel, Pillow's to 2^-16, so that a single
///   operation at `nearest` takes another neighbour in fewer than two pixels of a thousand, up to
///   224 x 224.
///
/// Operations on values are those of `pillow`, bit for bit, and an image whose operations are all
/// of that kind has the same view at both fidelities.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// That of the agent; integer arithmetic from the composed matrix on.
/// @throws std::invalid_argument on other inputs (`require_images`), and as the agent does
template<typename Agent = no_agent>
struct fast {
  static_assert(PlannedAgent<Agent>,
                "fast: .agent must satisfy PlannedAgent; what is not planned can't be composed");
  static_assert(Stateful<Agent>,
                "fast: .agent must show its state (visit_state) or say has_state = false");

  static constexpr std::string_view name = Agent::name;
  static constexpr bool has_state = state_must::be_shown<Agent>;

  Agent agent{};
  interpolation between = interpolation::nearest;

  [[nodiscard]] batch operator()(const batch& examples, const moment& now, seed key) const
  {
    require_images(name, examples);
    return detail::planned_view([&](const image_subjects& subjects,
                                    image_program& program) { plan(subjects, now, key, program); },
                                examples);
  }

  /// The layers of the agent, rewritten.
  void plan(const image_subjects& subjects, const moment& now, seed key,
            image_program& program) const
  {
    const auto first = program.layers().size();
    agent.plan(subjects, now, key, program);
    detail::compose_warps(program, first, subjects.height, subjects.width, between);
  }

  template<typename Archive>
    requires(has_state)
  void visit_state(Archive& archive)
  {
    agent.visit_state(archive);
  }
};

static_assert(PlannedAgent<fast<no_agent>>);

}  // namespace rolewise
