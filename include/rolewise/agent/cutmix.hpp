// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `cutmix` agent (CutMix): replaces a box of each image by that of another image.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/partners.hpp>
#include <rolewise/core/beta_draw.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// The box that `cutmix` replaces: rows `top .. bottom - 1`, columns `left .. right - 1`, clipped
/// to the image; empty if it lies outside.
struct cut_box {
  std::int64_t top = 0, bottom = 0, left = 0, right = 0;

  [[nodiscard]] constexpr std::int64_t area() const { return (bottom - top) * (right - left); }
  friend bool operator==(const cut_box&, const cut_box&) = default;
};

/// Returns the box around a center with sides `floor(side sqrt(1 - share))`, each half of a side
/// rounded down, clipped to the image.
[[nodiscard]] ROLEWISE_INLINE cut_box cut_box_around(std::int64_t row, std::int64_t column,
                                                     double share, std::int64_t height,
                                                     std::int64_t width);

/// CutMix agent: pastes a box of another image (the partner) into each image and mixes the labels
/// by area:
///
/// - lambda ~ Beta(alpha, alpha): the box has sqrt(1 - lambda) of each side of the image;
/// - its center is uniform over the pixels, and the part outside the image is clipped;
/// - share = 1 - area of the box / area of the image;
/// - label = share onehot(label) + (1 - share) onehot(partner's label).
///
/// Label maps are pasted as the pixels are, with their weights, and nothing is mixed: a pixel has
/// the label of the image that it comes from.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; views keep shape and dtype. Labels become
/// `[N, classes]` float32, label maps keep shape and dtype; `batch::partners` has the ids of the
/// partners. N = 0 is allowed. For its position among other agents, and use in a distillation, see
/// `mixup`.
///
///     cutmix{.alpha = 1.0, .partners = data.train}
///
/// @par Determinism
/// The share and the box are functions of seed, epoch and id; for the partner see `partner_pool`.
/// @throws std::invalid_argument as `mixup` does, but for label maps, unless those of the partners
///         have the same sizes and dtype
/// @par Source
/// Yun, Han, Oh, Chun, Choe, Yoo: CutMix: Regularization strategy to train strong classifiers with
/// localizable features, 2019, arXiv 1905.04899, section 3 and appendix A.
/// @par Departs
/// The published code draws one lambda and one box per batch, pairs examples by any permutation
/// of it, and mixes only every second batch; here each example has its own box, no example is its
/// own partner, and every example is mixed (see `random_choice` to mix fewer).
struct cutmix {
  static constexpr std::string_view name = "cutmix";
  static constexpr bool has_state = false;
  static constexpr bool mixes = true;

  double alpha = 1.0;        ///< above 0; at 1 lambda is uniform
  partner_pool partners{};   ///< a data set; if empty, the batch itself
  std::int64_t classes = 0;  ///< 0: taken from soft labels or the data set

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

 private:
  /// Returns the mask of the boxes, `[N, 1, H, W]`, bool.
  [[nodiscard]] static torch::Tensor inside(const torch::Tensor& boxes, std::int64_t height,
                                            std::int64_t width);
};

static_assert(AugmentationAgent<cutmix>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/cutmix.hpp>
#endif
