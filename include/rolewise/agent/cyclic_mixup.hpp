// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `cyclic_mixup` agent: blends a batch with itself, one place further, by one share.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise {

namespace detail {

/// `share` of each row and the rest of the row before it; the row before the first is the last.
/// Bytes are rounded to nearest, ties to even.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor blended_with_previous(const torch::Tensor& rows,
                                                                  double share);

/// The larger of a and 1 - a: an example keeps at least half of itself.
[[nodiscard]] constexpr double larger_share(double a) { return a < 0.5 ? 1.0 - a : a; }

}  // namespace detail

/// Mixup by one share for the whole batch, as in function matching:
///
///     a ~ Beta(alpha, alpha),  lambda = max(a, 1 - a)
///     image[n] = lambda image[n] + (1 - lambda) image[n - 1],  n - 1 cyclic
///     label likewise
///
/// An image is then the larger part of its view, and one draw decides how far the batch is from the
/// data. Inputs are images `[N, C, H, W]`, uint8, or floating point where they are normalized;
/// views keep shape and dtype. Labels become `[N, classes]` float32; undefined ones stay so.
/// `batch::partners` has the ids of the previous examples. A batch of one is mixed with itself.
///
///     compose{random_resized_crop{.scale = {0.25, 1.0}}, cyclic_mixup{.classes = 10}}
///
/// @par Determinism
/// a is a function of the seed, the epoch and the id of the first example of the batch; partners
/// follow from the order of the batch.
/// @throws std::invalid_argument for an invalid alpha, other inputs, ids or labels, hard labels
///         without `classes`, label maps, or a batch that is already mixed
/// @par Source
/// Beyer, Zhai, Royer, Markeeva, Anil, Kolesnikov: Knowledge distillation: A good teacher is
/// patient and consistent, 2021, arXiv:2106.05237, by its code, google-research/big_vision,
/// 0127fb6.
/// @par Departs
/// There, images are mixed in floating point; here bytes are, with an error of at most half a gray
/// level.
struct cyclic_mixup {
  static constexpr std::string_view name = "cyclic-mixup";
  static constexpr bool has_state = false;
  static constexpr bool mixes = true;

  double alpha = 1.0;        ///< above 0, finite; 1: lambda is uniform in 1/2 .. 1
  std::int64_t classes = 0;  ///< 0: taken from soft labels

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;
};

static_assert(AugmentationAgent<cyclic_mixup>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/cyclic_mixup.hpp>
#endif
