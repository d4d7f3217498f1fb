// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Means of metrics over an epoch.

#include <rolewise/core/error.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/train/training_step.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::detail {

/// Sums of metrics, weighted by batch size; each stays on the device of its metric until it is
/// read.
class epoch_sums {
 public:
  void add(const metrics& numbers, std::int64_t examples)
  {
    const torch::NoGradGuard without_graph;
    if (numbers.empty())
      throw_invalid_argument("fit", "the step gave no metrics; the first must be the loss");
    if (names_.empty()) {
      for (const auto& [name, value] : numbers) {
        names_.push_back(name);
        const auto wide = value.device().is_mps() ? torch::kFloat32 : torch::kFloat64;
        sums_.push_back(torch::zeros({}, value.options().dtype(wide).requires_grad(false)));
      }
      each_.resize(numbers.size());
    }
    if (numbers.size() != names_.size())
      throw_invalid_argument("fit", "the step gave ", names_.size(), " metrics, then ",
                             numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto& [name, value] = numbers[i];
      if (name != names_[i])
        throw_invalid_argument("fit", "the step gave the metric '", names_[i], "', then '", name,
                               "' in its place");
      sums_[i].add_(value, examples);
      each_[i].push_back(value);
    }
    count_ += examples;
  }

  /// Returns the mean of each metric; synchronizes with the device.
  /// @throws diverged that names the epoch, the first step and the metric if a number is not finite
  [[nodiscard]] std::vector<named_number> means(std::int64_t epoch) const
  {
    std::vector<named_number> found;
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const double sum = sums_[i].item<double>();
      if (!std::isfinite(sum)) fail_at(i, epoch, sum);
      found.push_back({names_[i], sum / static_cast<double>(count_)});
    }
    return found;
  }

 private:
  [[noreturn]] void fail_at(std::size_t metric, std::int64_t epoch, double sum) const
  {
    for (std::size_t step = 0; step < each_[metric].size(); ++step) {
      const double value = each_[metric][step].item<double>();
      if (!std::isfinite(value))
        diverge("fit", "'", names_[metric], "' is ", without_sign_of_nan(value), " in epoch ",
                epoch, ", step ", step);
    }
    diverge("fit", "'", names_[metric], "' adds up to ", without_sign_of_nan(sum), " in epoch ",
            epoch);
  }

  std::vector<std::string> names_;
  std::vector<torch::Tensor> sums_;
  std::vector<std::vector<torch::Tensor>> each_;  // 0-dimensional: a few hundred bytes a step
  std::int64_t count_ = 0;
};

}  // namespace rolewise::detail
