// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Metrics of an epoch.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/train/training_step.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::detail {

/// Metrics of an epoch: means weighted by batch size, or the values of summed sums
/// (`metric::sums`). All stay on the device of the metric until they are read.
class epoch_sums {
 public:
  void add(const metrics& numbers, std::int64_t examples);

  /// Returns the number of each metric; synchronizes with the device.
  /// @throws diverged that names the epoch, the first step and the metric if a number is not finite
  [[nodiscard]] std::vector<named_number> means(std::int64_t epoch) const;

 private:
  void add_sums(metric& total, const metric& given) const;

  [[nodiscard]] bool counts_each_example(const metric& total, const torch::Tensor& all) const
  {
    return total.is_mean_over_examples && all[1].item<double>() == static_cast<double>(count_);
  }

  [[noreturn]] void fail_at(std::size_t metric, std::int64_t epoch, double sum) const;

  std::vector<std::string> names_;
  std::vector<torch::Tensor> sums_;               // of values times batch sizes
  std::vector<metric> totals_;                    // with `metric::sums` of all batches
  std::vector<std::vector<torch::Tensor>> each_;  // 0-dimensional: a few hundred bytes a step
  std::int64_t count_ = 0;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/epoch_sums.hpp>
#endif
