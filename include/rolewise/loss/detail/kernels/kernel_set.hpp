// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `kernel_set`: the kernels of losses over float32, implemented once per instruction set.

#include <cstddef>
#include <cstdint>

namespace rolewise::detail::loss_kernels {

/// The exponentials of a row of logits: `e = 2^((x - largest) rate)`.
struct exponent {
  float largest = 0.0F;
  float rate = 0.0F;  ///< log2(e) / T
};

/// Sums over classes; `student` and `teacher` are exponentials at a temperature.
struct row_sums {
  double student = 0.0;
  double teacher = 0.0;
  double apart = 0.0;  ///< of teacher ((x_t - largest_t) - (x_s - largest_s)), x the logits
  double plain = 0.0;  ///< exponentials of the student at temperature 1, if they are wanted
};

/// The gradient of a row: `student e_s - teacher e_t + plain e_1 + constant`, e_1 being the
/// student's exponentials at temperature 1. Without a teacher's row only the last two are there.
struct row_gradient {
  float student = 0.0F;
  float teacher = 0.0F;
  float plain = 0.0F;
  float constant = 0.0F;
};

/// Rows of logits [rows, classes] of student and teacher, with the exponents of each row and the
/// inverses of its sums.
struct paired_rows {
  const float* student;
  const float* teacher;
  std::size_t rows, classes;
  float rate;
  const float* student_largest;
  const float* teacher_largest;
  const float* student_inverse;
  const float* teacher_inverse;
};

/// The sums of a row over some classes, of probabilities q (student) and p (teacher) minus 1 / C.
struct centered_sums {
  double student = 0.0;  ///< of squares
  double teacher = 0.0;  ///< of squares
  double both = 0.0;     ///< of products
};

/// Means of columns of probabilities, and the coefficients of the gradient of their correlation,
/// `teacher_factor (p - mean) - student_factor (q - mean)`.
struct columns {
  float* student_mean;
  float* teacher_mean;
  float* teacher_factor;
  float* student_factor;
};

/// Sums over columns of products of what is apart from the means, and memory for as many sums of
/// some rows.
struct column_sums {
  double *student, *teacher, *both;
  float *some_student, *some_teacher, *some_both;
};

/// Coefficients of the gradient of DIST with respect to the probabilities of a row: `in_classes
/// (gradient of the columns) + teacher (p - 1 / C) - student (q - 1 / C) - shift`, times
/// `factor q`.
struct correlation_row {
  float teacher, student, shift, factor;
};

/// Distances and inverse distances of one network, `[N, N]`, for the angles of RKD.
struct lengths {
  const float* square;
  const float* inverse;
};

/// One implementation of every kernel. Results depend on the instruction set in the last places.
struct kernel_set {
  const char* name;

  /// The largest element; minus infinity of none.
  float (*largest)(const float* x, std::size_t count);
  /// The sum of x - from.
  double (*sum)(const float* x, std::size_t count, float from);
  /// The sum of exponentials.
  double (*exponentials)(const float* x, std::size_t count, const exponent& of);
  row_sums (*pair)(const float* student, const float* teacher, std::size_t count,
                   const exponent& of_student, const exponent& of_teacher, bool with_plain);
  void (*gradient)(const float* student, const float* teacher, std::size_t count,
                   const exponent& of_student, const exponent& of_teacher, const row_gradient& by,
                   float* out);

  /// Probabilities of the columns `first` .. `first + count`, `[rows, count]`, in `q` and `p`, and
  /// the means and sums of these columns. Of equal probabilities the sums are 0.
  void (*probabilities)(const paired_rows& of, std::size_t first, std::size_t count, float* q,
                        float* p, const columns& to, const column_sums& sums);
  /// The sums of a row of `count` probabilities.
  centered_sums (*row_products)(const float* q, const float* p, std::size_t count, float mean);
  /// The sum over columns of `q (teacher_factor (p - mean) - student_factor (q - mean))`.
  double (*column_product)(const float* q, const float* p, std::size_t count, const columns& of);
  void (*correlation_gradient)(const paired_rows& of, std::size_t first, std::size_t count,
                               const columns& by, const correlation_row* rows, float in_classes,
                               float* out);

  /// Distances of row i of x, `[n, width]`, to every row.
  void (*distances)(const float* x, std::size_t n, std::size_t width, std::size_t i, float* out);
  /// The sum over rows j of `by[j] (x_i - x_j)`.
  void (*pull)(const float* x, std::size_t n, std::size_t width, std::size_t i, const float* by,
               float* out);
  /// For one side j of the angles at all anchors i, with the other side k: the sum of Huber losses
  /// of cosines, and its gradients: `by_side[i]`, the sum over k of slope / (sides); `by_opposite
  /// [k]`, the same over i; `by_inverse[i]`, the sum over k of slope * cosine. A slope counts
  /// weight[i] weight[j] weight[k]; without weights, 1.
  double (*angles)(const lengths& student, const lengths& teacher, const float* weight,
                   std::size_t n, std::size_t j, float* by_side, float* by_opposite,
                   float* by_inverse);
};

}  // namespace rolewise::detail::loss_kernels
