// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `color_jitter` agent: random brightness, contrast, saturation and hue, in random order.

#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace rolewise {

/// Color jitter: scales brightness, contrast and saturation of each image by a random factor
/// each, uniform in `[max(0, 1 - j), 1 + j]` for a jitter j, and rotates its hues by a fraction
/// of the circle, uniform in `[-hue, hue]`. Components with a jitter above 0 are applied one
/// after the other, in random order.
///
/// Results are bit-equal to Pillow's enhancers (`brightness`, `contrast` and `color` of
/// `agent/operations_color.hpp`) and to a shift of Pillow's hue bytes that wraps around
/// (`operations::hue`). Saturation and hue do not change gray images.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3; views keep shape and dtype. N = 0 is allowed.
///
/// @par Determinism
/// A function of seed, epoch and id of an image.
/// @throws std::invalid_argument on other inputs (`require_images`), for a jitter that is
///         negative or not finite, and a hue beyond 1/2
/// @par Source
/// torchvision's `ColorJitter` on PIL images; after Krizhevsky, Sutskever, Hinton: ImageNet
/// classification with deep convolutional neural networks, 2012, and Howard: Some improvements on
/// deep convolutional neural network based image classification, 2013, arXiv 1312.5402.
struct color_jitter {
  static constexpr std::string_view name = "color-jitter";
  static constexpr bool has_state = false;

  double brightness = 0.0;  ///< 0 or more; typically 0.4
  double contrast = 0.0;    ///< likewise
  double saturation = 0.0;  ///< likewise
  double hue = 0.0;         ///< fraction of the circle, 0 .. 1/2; typically 0.1

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const;

  /// Plans, for each position in the order, a layer of operations, and one of hues if `hue` > 0.
  /// If only `hue` is, there is just the layer of hues.
  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const;

 private:
  static constexpr std::size_t kinds = 4, hues = 3;

  [[nodiscard]] double jitter(std::size_t kind) const
  {
    return std::array{brightness, contrast, saturation, hue}[kind];
  }

  [[nodiscard]] static operation what(std::size_t kind)
  {
    return std::array{operation::brightness, operation::contrast, operation::color}[kind];
  }

  static void require_jitter(std::string_view what, double jitter);

  // Draws 0 .. 3: the factors. Draws 4 .. 6: the order.
  [[nodiscard]] double factor(std::size_t kind, const draws& of_image) const
  {
    return of_image.uniform(kind, std::max(0.0, 1.0 - jitter(kind)), 1.0 + jitter(kind));
  }

  [[nodiscard]] std::uint8_t turn(const draws& of_image) const;

  /// Returns the first `count` kinds in random order.
  [[nodiscard]] static std::array<std::size_t, kinds> in_order(std::array<std::size_t, kinds> all,
                                                               std::size_t count,
                                                               const draws& of_image);
};

static_assert(PlannedAgent<color_jitter>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/color_jitter.hpp>
#endif
