// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `composed_warps` agent wrapper: composes geometric operations into one resampling, with a
/// choice of interpolation.

#include <rolewise/agent/detail/compose_warps.hpp>
#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/interpolation.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/state.hpp>

#include <string_view>

namespace rolewise {

/// Runs an agent with composed warps: the operations, levels, signs and windows that the agent
/// itself draws, with as few resamplings of each image as possible.
///
///     composed_warps{compose{rand_augment{}, pad_crop_flip{}}, interpolation::bilinear}
///
/// Unwrapped agents have the fidelity `pillow`: each operation is applied separately, bit-equal
/// to Pillow with nearest-neighbor resampling. The differences:
///
/// - **Composition.** Consecutive rotations, translations and shears of an image, with only
///   identities in between, become one affine map with one resampling; so does a window of
///   `pad_crop_flip` after them if it follows the fill that ends an agent's part. Content that
///   one of them shifts out of the image and a later one shifts back is therefore kept, not a
///   hole. To include the window, wrap the sequence, not its parts; a shared agent is not
///   composed with those of the roles.
/// - **Interpolation.** `nearest` or `bilinear`, as `warp` defines them; the `pillow` fidelity
///   has only nearest.
/// - **Fill.** As at `pillow`: pixels from outside the image are holes until a fill paints them
///   in the mean color; later operations compute with them as black. Bilinear pixels that touch a
///   hole or the outside use only the nearest pixel; no pixel is partly covered.
/// - **Rounding.** Coordinates are exact to 2^-32 of a pixel, Pillow's to 2^-16, so a single
///   operation at `nearest` takes another neighbor in fewer than two pixels of a thousand, up to
///   224 x 224.
///
/// Operations on values are bit-equal to `pillow`; an image with no other operations has the same
/// view both ways.
///
/// Label maps move by the same warps, with `nearest`. With bilinear pixels, holes of the map and of
/// the image differ only within 1/512 of a pixel of a border (`warp`).
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; views are uint8 too. N = 0 is allowed.
///
/// @par Determinism
/// That of the agent; integer arithmetic after the matrices are composed.
/// @throws std::invalid_argument on other inputs (`require_images`), and as the agent does
template<typename Agent = no_agent>
struct composed_warps {
  static_assert(
      PlannedAgent<Agent>,
      "composed_warps: .agent must satisfy PlannedAgent; what is not planned can't be composed");
  static_assert(
      Stateful<Agent>,
      "composed_warps: .agent must show its state (visit_state) or say has_state = false");

  static constexpr std::string_view name = Agent::name;
  static constexpr bool has_state = state_must::be_shown<Agent>;

  Agent agent{};
  interpolation between = interpolation::nearest;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    require_images(name, examples);
    return detail::planned_view(
        [&](const image_subjects& subjects, image_program& program) {
          plan(subjects, progress, key, program);
        },
        examples);
  }

  /// Plans the layers of the agent and composes their geometric operations.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const
  {
    const auto first = program.layers().size();
    agent.plan(subjects, progress, key, program);
    detail::compose_warps(program, first, subjects.height, subjects.width, between);
  }

  template<typename Archive>
    requires(has_state)
  void visit_state(Archive& archive)
  {
    agent.visit_state(archive);
  }
};

static_assert(PlannedAgent<composed_warps<no_agent>>);

}  // namespace rolewise
