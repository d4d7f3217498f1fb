// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Range observers: min-max, moving average, percentile and least squared error.

#include <rolewise/quant/detail/affine_quantized.hpp>
#include <rolewise/quant/range_observer.hpp>
#include <rolewise/support/inline.hpp>

#include <ATen/ops/aminmax.h>
#include <ATen/ops/minimum.h>

#include <cstdint>

namespace rolewise {

/// Min-max observer: from the smallest to the largest value of all batches.
struct min_max_range {
  [[nodiscard]] value_range newest(const torch::Tensor& rows, const affine_codes&) const
  {
    const auto [lowest, highest] = at::aminmax(rows, 1);
    return {lowest, highest};
  }
  [[nodiscard]] value_range joined(const value_range& before, const value_range& newest) const
  {
    return {at::minimum(before.lowest, newest.lowest), at::maximum(before.highest, newest.highest)};
  }
};

namespace detail {

/// Interpolates each end: before + weight (newest - before).
[[nodiscard]] ROLEWISE_INLINE value_range moved(const value_range& before,
                                                const value_range& newest, double weight);

}  // namespace detail

/// Moving average of the extremes of each batch. The first batch initializes the range, then
/// r <- r + weight (newest - r).
struct moving_average_range {
  double weight = 0.01;

  [[nodiscard]] value_range newest(const torch::Tensor& rows, const affine_codes& codes) const
  {
    return min_max_range{}.newest(rows, codes);
  }
  [[nodiscard]] value_range joined(const value_range& before, const value_range& newest) const
  {
    return detail::moved(before, newest, weight);
  }
};

/// Percentile observer: from the k-th largest to the k-th smallest value of each batch, averaged
/// over batches as in `moving_average_range`. Of n values k = round(n percent / 100), half to even,
/// at least 1.
///
/// @par Source
/// Yao, Dong, Zheng, Gholami, Yu, Tan, Wang, Huang, Wang, Mahoney, Keutzer: HAWQ-V3: Dyadic Neural
/// Network Quantization, 2020, arXiv:2011.10680; code Zhen-Dong/HAWQ.
struct percentile_range {
  double percent = 99.9;  ///< in (50, 100]; 100 gives the extremes
  double weight = 0.01;   ///< of the newest batch

  [[nodiscard]] value_range newest(const torch::Tensor& rows, const affine_codes&) const;
  [[nodiscard]] value_range joined(const value_range& before, const value_range& newest) const
  {
    return detail::moved(before, newest, weight);
  }
};

/// Least-squared-error observer: for each batch, the shrunk min-max range whose codes have the
/// least squared error, averaged over batches as in `moving_average_range`.
///
/// Tries min-max times 1, 1 - step, 1 - 2 step, ... and takes the best per row, the widest of
/// equals. Reads the values once per try: for calibration rather than for every training step.
///
/// @par Source
/// Li, Shen, Ma, Ren, Zhao, Zhang, Gong, Yu, Yan: MQBench: Toward Reproducible and Deployable
/// Model Quantization Benchmark, 2021, arXiv:2111.03759; code ModelTC/MQBench, `EMAMSEObserver`.
struct squared_error_range {
  std::int64_t tries = 95;
  double step = 0.01;
  double weight = 0.01;  ///< of the newest batch

  [[nodiscard]] value_range newest(const torch::Tensor& rows, const affine_codes& codes) const;
  [[nodiscard]] value_range joined(const value_range& before, const value_range& newest) const
  {
    return detail::moved(before, newest, weight);
  }
};

static_assert(RangeObserver<min_max_range>);
static_assert(RangeObserver<moving_average_range>);
static_assert(RangeObserver<percentile_range>);
static_assert(RangeObserver<squared_error_range>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/range_observers.hpp>
#endif
