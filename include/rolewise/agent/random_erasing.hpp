// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Random erasing: a rectangle of some images is painted over.

#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/detail/require_setting.hpp>
#include <rolewise/agent/image_layers.hpp>
#include <rolewise/agent/images.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/draws.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace rolewise {

/// Paints a rectangle of an image over, with a probability.
///
/// Up to ten times an area is drawn uniformly from `scale`, a share of the image's, and an aspect
/// height / width from `ratio`, uniformly in its logarithm; the sides are rounded to pixels, and
/// the first rectangle that is smaller than the image in both directions, and not empty, is laid
/// uniformly where it fits. If none is, the image stays.
///
///     rw::random_erasing{.with = rw::image_paint::kind::colour, .colour = {0, 0, 0}}
///
/// The area is that of the paper, 0.02 .. 0.4, whose results are what one wants to repeat;
/// torchvision's `RandomErasing` says 0.02 .. 0.33. So is noise: of what the paper fills with, it
/// did best.
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so; a batch of N = 0 passes.
///
/// @par Determinism
/// A function of seed, epoch and id of an image; a byte of noise, of its place in the image too.
/// @throws std::invalid_argument on other inputs (`require_images`), a probability out of range,
/// and
///         where `scale` or `ratio` is no range
/// @par Source
/// Zhong, Zheng, Kang, Li, Yang: Random erasing data augmentation, 2017, arXiv 1708.04896.
/// @par Departs
/// From the paper in how it draws, which is torchvision's way: the paper's aspects are uniform, so
/// that most rectangles are high ones, and it tries until one fits. Torchvision's noise is normal,
/// on numbers that are normalised already; here it is the paper's, uniform over bytes.
struct random_erasing {
  static constexpr std::string_view name = "random-erasing";
  static constexpr bool has_state = false;

  double probability = 0.5;                     ///< 0 .. 1; 0 erases nothing
  std::array<double, 2> scale{0.02, 0.4};       ///< of the area that is erased, above 0 .. 1
  std::array<double, 2> ratio{0.3, 1.0 / 0.3};  ///< height / width of the rectangle, above 0
  image_paint::kind with = image_paint::kind::noise;
  std::array<std::uint8_t, 3> colour{};  ///< if `with` says so; grey images take the first

  [[nodiscard]] batch operator()(const batch& examples, const moment& now, seed key) const
  {
    require_images(name, examples);
    return detail::planned_view([&](const image_subjects& subjects,
                                    image_program& program) { plan(subjects, now, key, program); },
                                examples);
  }

  /// A layer of rectangles.
  void plan(const image_subjects& subjects, const moment& now, seed key,
            image_program& program) const
  {
    detail::require_probability(name, probability);
    detail::require_scale(name, scale);
    detail::require_ratio(name, ratio);
    if (probability == 0.0) return;
    const auto own = key.split(purpose{"random-erasing"});
    const auto rectangles =
        program.add_rectangles({with, colour, own.split(purpose{"noise"}), now.epoch});
    for (std::size_t n = 0; n < subjects.size(); ++n) {
      const draws of_image{own, now.epoch, subjects.ids[n]};
      if (of_image.uniform(0) >= probability) continue;
      rectangles[n] = rectangle(of_image, subjects.height, subjects.width);
      rectangles[n].id = subjects.ids[n];
    }
  }

 private:
  // Draw 0: whether. Draws 4 i .. 4 i + 3 of try i = 1 .. 10: area, aspect, top, left.
  [[nodiscard]] image_rectangle rectangle(const draws& of_image, std::int64_t rows,
                                          std::int64_t columns) const
  {
    constexpr std::uint64_t tries = 10;
    const double area = static_cast<double>(rows) * static_cast<double>(columns);
    const double low = std::log(ratio[0]), high = std::log(ratio[1]);
    for (std::uint64_t i = 1; i <= tries; ++i) {
      const double erased = area * of_image.uniform(4 * i, scale[0], scale[1]);
      const double aspect = std::exp(of_image.uniform(4 * i + 1, low, high));
      const double h = std::nearbyint(std::sqrt(erased * aspect));
      const double w = std::nearbyint(std::sqrt(erased / aspect));
      if (!(w >= 1.0 && w < static_cast<double>(columns) && h >= 1.0 &&
            h < static_cast<double>(rows)))
        continue;
      const auto down = static_cast<std::int64_t>(h), across = static_cast<std::int64_t>(w);
      return {of_image.below(4 * i + 2, rows - down + 1),
              of_image.below(4 * i + 3, columns - across + 1), down, across};
    }
    return {};
  }
};

static_assert(PlannedAgent<random_erasing>);

}  // namespace rolewise
