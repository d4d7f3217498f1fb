// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// DIST by kernels: correlations of probabilities within rows and within columns.
///
/// Only function bodies include it.

#include <rolewise/loss/detail/fused_loss.hpp>
#include <rolewise/loss/detail/softmax_rows.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// The members of `dist` that its value depends on; the weights times T^2, if it applies.
struct correlation_weights {
  static constexpr double least = 1e-8, rounding = 4e-7;

  double temperature, inter, intra;
};

/// The reference, in plain tensor operations.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor by_tensors(const correlation_weights& loss,
                                                       const torch::Tensor& teacher,
                                                       const torch::Tensor& student,
                                                       const targets& targets);

/// The work of `dist`. Probabilities are computed a block of columns at a time, for its statistics
/// and again for the gradient, so that none are kept.
class correlation_rows : public fused_loss {
 public:
  correlation_rows(const correlation_weights& loss, const logit_rows& rows)
      : loss_{loss},
        rows_{static_cast<std::size_t>(rows.student.size(0))},
        classes_{static_cast<std::size_t>(rows.student.size(1))}
  {}

  // Inline already here: else the class's virtual table and all that it calls are compiled in every
  // unit of a header-only program.
  [[nodiscard]] ROLEWISE_INLINE double forward(const torch::Tensor& student,
                                               const torch::Tensor& teacher) override;
  ROLEWISE_INLINE void backward(const torch::Tensor& student, const torch::Tensor& teacher,
                                double upstream, const torch::Tensor& to) const override;
  [[nodiscard]] torch::Tensor by_tensors(const torch::Tensor& student,
                                         const torch::Tensor& teacher) const override
  {
    return detail::by_tensors(loss_, teacher, student, {});
  }

 private:
  /// Sums of a row over the columns of a block.
  struct row_part {
    loss_kernels::centered_sums sums;
    double in_columns = 0.0;  ///< of the probabilities times the gradient of their columns
  };
  /// A correlation of a (student) and b (teacher), `r = ab / D`, and its gradient
  /// `teacher b - student a` with respect to a.
  struct correlation {
    double value = 0.0, teacher = 0.0, student = 0.0;

    /// @param mean_square the sum of squares of the means, which decides what is flat
    correlation(double aa, double bb, double ab, double mean_square);
  };

  void measure_rows(const torch::Tensor& student, const torch::Tensor& teacher);
  /// @return the sum of the correlations of the columns
  double measure_block(const loss_kernels::paired_rows& of, std::size_t first, std::size_t count,
                       row_part* parts);
  [[nodiscard]] loss_kernels::paired_rows paired(const torch::Tensor& student,
                                                 const torch::Tensor& teacher) const;
  [[nodiscard]] loss_kernels::columns columns_from(std::size_t first) const;
  [[nodiscard]] std::size_t block() const;

  correlation_weights loss_;
  std::size_t rows_, classes_;
  std::vector<float> student_largest_, teacher_largest_, student_inverse_, teacher_inverse_;
  /// Means and factors of the columns, four of each `classes_`. Mutable, as kernels that only read
  /// them take the same pointers as those that write them.
  mutable std::vector<float> columns_;
  std::vector<loss_kernels::correlation_row> slopes_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/correlation_rows.hpp>
#endif
