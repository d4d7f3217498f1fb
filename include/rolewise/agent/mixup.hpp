// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `mixup` agent (mixup): blends each image and its label with those of another image.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/mixed_labels.hpp>
#include <rolewise/agent/partners.hpp>
#include <rolewise/core/beta_draw.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Mixup agent: blends each image with another one (the partner), and its label likewise:
///
///     lambda ~ Beta(alpha, alpha)
///     image = lambda image + (1 - lambda) partner
///     label = lambda onehot(label) + (1 - lambda) onehot(partner's label)
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; views keep shape and dtype. Sums are computed in
/// float32 and rounded to nearest, ties to even. Labels become `[N, classes]` float32;
/// `batch::partners` has the ids of the partners. N = 0 is allowed.
///
///     mixup{.alpha = 0.2, .partners = data.train}
///
/// With other agents: place it before them if partners come from a data set, otherwise after
/// them. To distill on mixed images, give it to the student and `same_view{}` to the teacher;
/// two roles with a `mixup` each mix differently.
///
/// @par Determinism
/// lambda is a function of seed, epoch and id; for the partner see `partner_pool`.
/// @throws std::invalid_argument on other inputs (`require_images`) or labels, label maps, an
///         invalid alpha or number of classes, a batch that is already mixed, and as `partner_pool`
///         does
/// @par Source
/// Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond empirical risk minimization, 2018, arXiv
/// 1710.09412.
/// @par Departs
/// The published code draws one lambda and any permutation per batch, after normalization; here
/// each example has its own lambda, no example is its own partner, and images are mixed before
/// normalization, with an error of at most half a gray level.
struct mixup {
  static constexpr std::string_view name = "mixup";
  static constexpr bool has_state = false;
  static constexpr bool mixes = true;

  double alpha = 1.0;        ///< above 0; small values hardly mix most images; typically 0.1 .. 1
  partner_pool partners{};   ///< a data set; if empty, the batch itself
  std::int64_t classes = 0;  ///< 0: taken from soft labels or the data set

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

 private:
  [[nodiscard]] static batch unmixed(const batch& none, std::int64_t all)
  {
    return detail::mixed_batch(name, none, none, none.inputs, at::zeros({0}, torch::kFloat), all);
  }
};

static_assert(AugmentationAgent<mixup>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/mixup.hpp>
#endif
