// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `fit_operation_encoders`: fits encoders to the image operations that they imitate.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/agent/operation_encoders.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/adamw.hpp>

#include <cstdint>

namespace rolewise {

struct encoder_fit_options {
  std::int64_t color_epochs = 20;
  std::int64_t affine_epochs = 10;
  std::int64_t batch_size = 64;
  /// The decay of 0 is the source's for colors, and ours for the geometric ones.
  adamw optimizer{.learning_rate = 1e-3, .weight_decay = 0.0};
  double rate_decay = 0.999;  ///< of the learning rate in each step, in [0, 1]
  rolewise::seed seed{0};     ///< of magnitudes, signs, noise, first values and order
};

namespace detail {

[[nodiscard]] ROLEWISE_INLINE operation_encoders
fitted_encoders(const batch_source_reference& data, const encoder_fit_options& options);

}  // namespace detail

/// Fits an encoder to each of `encoded_operations` on the images of a data set, once, before they
/// are used: they are frozen in what it returns.
///
///     r uniform in [0, 1) for each image, of signed operations with a sign at random
///     loss = mean ((encoder(x, r) - at_magnitude(operation, x, r)) / std)^2
///
/// where std is that of the normalization, so that errors count as networks see them.
///
/// @par Determinism
/// Equal data and options give equal bits, for the same number of threads.
/// @throws std::invalid_argument unless the images are uint8 `[N, C, H, W]`, C = 1 or 3, and for
///         epochs below 0
/// @throws std::runtime_error if an encoder diverges
/// @par Source
/// Stage I of Shao et al.: Teaching What You Should Teach: A Data-Based Distillation Method, 2022,
/// arXiv:2212.05422; code shaoshitong/TST, f9616a2.
/// @par Departs
/// Holes that geometric operations leave have the mean color, which is 0 once normalized.
template<BatchSource Source>
[[nodiscard]] operation_encoders fit_operation_encoders(const Source& data,
                                                        const encoder_fit_options& options = {})
{
  return detail::fitted_encoders(batch_source_reference{data}, options);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/fit_operation_encoders.hpp>
#endif
