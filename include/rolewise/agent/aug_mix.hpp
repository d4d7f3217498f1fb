// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `aug_mix` agent (AugMix): blends each image with chains of augmentations of it.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/beta_draw.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise {

/// Returns the parameter for an AugMix level L in [0, 10] as `operation_parameters::value`,
/// before a sign is drawn: rotate trunc(3 L) degrees, shear 0.03 L, translate trunc(L / 30 side)
/// pixels, posterize to 4 - trunc(0.4 L) bits, solarize from 256 - trunc(25.6 L), enhancers 0.1 +
/// 0.18 L.
[[nodiscard]] ROLEWISE_INLINE double aug_mix_parameter(operation what, double level,
                                                       std::int64_t height, std::int64_t width);

/// AugMix agent: blends each image with `width` chains of operations on it:
///
///     w ~ Dirichlet(alpha, ..., alpha),  m ~ Beta(alpha, alpha)
///     image = (1 - m) image + m (w_1 chain_1(image) + ... + w_width chain_width(image))
///
/// A chain applies `depth` operations, drawn uniformly with replacement from 9: autocontrast,
/// equalize, posterize, rotate, solarize, shear x, shear y, translate x, translate y. Levels are
/// uniform in [0.1, severity) (`aug_mix_parameter`), signs are fair coin flips. Holes are filled
/// with the mean color of the data set before the chains are blended. The paper's consistency
/// loss over three views of an image is not part of the agent.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; views keep shape and dtype. Sums are computed in
/// float32 and rounded to nearest, ties to even. Labels are unchanged. N = 0 is allowed.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`), label maps, or members out of
///         range
/// @par Source
/// Hendrycks, Mu, Cubuk, Zoph, Gilmer, Lakshminarayanan: AugMix: a simple data processing method to
/// improve robustness and uncertainty, 2020, arXiv 1912.02781, and the published code
/// (google-research/augmix).
/// @par Departs
/// The published code resamples bilinearly and leaves holes black; here the nearest pixel is
/// taken. It blends after normalization; here images are blended before it, with an error of at
/// most half a gray level.
struct aug_mix {
  static constexpr std::string_view name = "aug-mix";
  static constexpr bool has_state = false;

  std::int64_t width = 3;       ///< chains, 1 .. 1024
  std::int64_t depth = -1;      ///< operations per chain, at least 1; -1 draws 1, 2 or 3 for each
  std::int64_t severity = 3;    ///< upper bound of the levels, 1 .. 10
  double alpha = 1.0;           ///< above 0; 1 makes all weights equally likely
  bool all_operations = false;  ///< also use brightness, color, contrast and sharpness

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Plans chain number `chain`, 0 .. width - 1: layers of operations, then a fill.
  void plan_chain(std::int64_t chain, const image_subjects& subjects,
                  const training_progress& progress, seed key, image_program& program) const;

  /// Returns the blend weights of each image and of its chains.
  /// @return `[N, 1 + width]`, float32, on the CPU; rows sum to 1
  [[nodiscard]] torch::Tensor shares_of(const batch& examples, const training_progress& progress,
                                        seed key) const;

 private:
  // The last four are used only with `all_operations`.
  static constexpr std::array known{
      operation::autocontrast, operation::equalize, operation::posterize, operation::rotate,
      operation::solarize,     operation::shear_x,  operation::shear_y,   operation::translate_x,
      operation::translate_y,  operation::color,    operation::contrast,  operation::brightness,
      operation::sharpness};

  /// Number of images to blend at a time: on a CPU few enough that the sums stay in cache.
  [[nodiscard]] static std::int64_t pieces_of(const torch::Tensor& inputs);

  /// Blends the images of `part`. Reads only its inputs, ids and scaling; its labels may be of
  /// another size.
  [[nodiscard]] torch::Tensor blended(const batch& part, const torch::Tensor& shares,
                                      const training_progress& progress, seed key) const;

  // Draws first .. first + 2 select the operation, its level and its sign.
  [[nodiscard]] image_step drawn(const draws& of_image, std::uint64_t first,
                                 const image_subjects& subjects) const;

  void require_settings() const;
};

static_assert(AugmentationAgent<aug_mix>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/aug_mix.hpp>
#endif
