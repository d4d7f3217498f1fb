// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Passes over rows of logits, and the statistics of single rows, by the kernels of losses.
///
/// Only function bodies include it.

#include <rolewise/loss/detail/kernels/variants.hpp>
#include <rolewise/loss/detail/logit_rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

namespace rolewise::detail {

/// log2(e) / T.
[[nodiscard]] inline float rate_of(double t) { return static_cast<float>(std::numbers::log2e / t); }

/// Rows of logits in memory.
class rows_in_memory {
 public:
  /// @param rows `[M, C]`, contiguous float32 on the CPU, or undefined
  explicit rows_in_memory(const torch::Tensor& rows)
      : first_{rows.defined() ? rows.const_data_ptr<float>() : nullptr},
        classes_{rows.defined() ? static_cast<std::size_t>(rows.size(1)) : 0}
  {}

  [[nodiscard]] const float* operator[](std::size_t n) const { return first_ + n * classes_; }

 private:
  const float* first_;
  std::size_t classes_;
};

/// The sum of `value(n)` over rows with a share; others are not read.
template<typename Value>
[[nodiscard]] double sum_over_rows(std::int64_t classes, const std::vector<double>& shares,
                                   const Value& value)
{
  std::vector<double> found(shares.size());
  each_row(static_cast<std::int64_t>(shares.size()), classes, [&](std::int64_t row) {
    const auto n = static_cast<std::size_t>(row);
    if (shares[n] != 0.0) found[n] = value(n);
  });
  double sum = 0.0;
  for (const double each : found) sum += each;
  return sum;
}

/// Calls `write(n, memory of the row's gradient)` for rows with a share; that of others is 0.
template<typename Write>
void write_rows(const torch::Tensor& to, const std::vector<double>& shares, const Write& write)
{
  const auto classes = to.size(1);
  auto* const memory = to.mutable_data_ptr<float>();
  each_row(to.size(0), classes, [&](std::int64_t row) {
    const auto n = static_cast<std::size_t>(row);
    auto* const out = memory + row * classes;
    if (shares[n] != 0.0)
      write(n, out);
    else
      std::fill_n(out, classes, 0.0F);
  });
}

/// A row of student and teacher, softened by one temperature, and of the student at temperature 1.
struct softened_pair {
  loss_kernels::exponent student, teacher;
  loss_kernels::row_sums sums;

  /// 1 / T, as the exponentials have it.
  [[nodiscard]] double inverse_temperature() const
  {
    return static_cast<double>(student.rate) * std::numbers::ln2;
  }

  /// KL(p || q).
  [[nodiscard]] double divergence() const
  {
    return sums.apart * inverse_temperature() / sums.teacher -
           (std::log(sums.teacher) - std::log(sums.student));
  }
};

}  // namespace rolewise::detail
