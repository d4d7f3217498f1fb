// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The synthetic `composed_digits` data set, which needs no files: numbers, whose value is the
/// class, so that there are as many classes as one wants.

#include <rolewise/core/seed.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Options of `composed_digits`.
struct composed_digit_options {
  std::int64_t classes = 10;  ///< K, 2 to 10000
  std::int64_t height = 32;   ///< at least 8
  std::int64_t width = 32;    ///< at least 8
  rolewise::seed seed{0};     ///< of the images
  std::int64_t train_per_class = 100;
  std::int64_t test_per_class = 20;  ///< 0 for none
};

/// The decimal digits of each class of K: the least d with 10^d >= K.
[[nodiscard]] constexpr std::int64_t digits_for_classes(std::int64_t classes)
{
  std::int64_t digits = 1;
  for (std::int64_t reach = 10; reach < classes; reach *= 10) ++digits;
  return digits;
}

/// Draws an image of the number of each class. It has d digits, the first ones 0 where the number
/// is smaller, side by side, each of seven segments in a square of 28 x 28 pixels, light on dark,
/// shifted, scaled, slanted, thick or thin, with noise; all of it is resized with a triangle filter
/// that widens where the image shrinks.
///
/// @param classes `[N]` int64, 0 .. K - 1, on the CPU
/// @param ids `[N]` int64, on the CPU
/// @return `[N, 1, H, W]` uint8
/// @par Determinism
/// An image is a function of (key, epoch, id, class, K, shape), for any number of threads.
/// @throws std::invalid_argument unless the options are in range, and for other classes and ids
[[nodiscard]] ROLEWISE_INLINE torch::Tensor composed_digit_images(
    const composed_digit_options& options, const torch::Tensor& classes, const torch::Tensor& ids,
    seed key, std::int64_t epoch);

/// Generates images of numbers: a data set that is easy to learn, with any number of classes.
///
/// Training examples have the ids 0 .. N - 1, test examples the ids that follow. Classes
/// alternate, so both parts are balanced. `normalization` is that of the training images.
///
/// @par Determinism
/// An image is a function of (seed, id, class, K, shape), for any number of threads.
/// @par Source
/// A simple synthetic data set with as many classes as wanted teaches the teachers of Liu, Zhang,
/// Wang: Learning from a Lightweight Teacher for Efficient Knowledge Distillation, 2020,
/// arXiv:2005.09163. That it is numbers, and how its images are made, is ours.
/// @throws std::invalid_argument unless the options are in range
[[nodiscard]] ROLEWISE_INLINE dataset_splits
composed_digits(const composed_digit_options& options = {});

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/composed_digits.hpp>
#endif
