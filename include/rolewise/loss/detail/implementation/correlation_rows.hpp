// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/correlation_rows.hpp>.

#include <rolewise/loss/detail/correlation_rows.hpp>

#include <rolewise/loss/detail/class_probabilities.hpp>

#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor by_tensors(const correlation_weights& loss,
                                         const torch::Tensor& teacher, const torch::Tensor& student,
                                         const targets& targets)
{
  const auto rows = rows_of(teacher, student, loss.temperature, targets, "dist");
  const auto& weights = rows.weights;
  const auto weighted = [&](const torch::Tensor& p, std::int64_t along) {
    return along == 0 && weights.defined() ? p * weights.sqrt() : p;
  };
  const auto centered = [&](const torch::Tensor& p, std::int64_t along) {
    if (along == 1 || !weights.defined()) return p - p.mean(along, true);
    return weighted(p - (p * weights).sum(0, true) / rows.count.clamp_min(1.0), along);
  };
  const auto correlation = [&](std::int64_t along) {
    const auto length = [&](const torch::Tensor& of) {
      return at::linalg_vector_norm(of, 2, along);
    };
    const auto a = centered(rows.student, along), b = centered(rows.teacher, along);
    const auto found = (a * b).sum(along) / (length(a) * length(b) + correlation_weights::least);
    const auto flat =
        length(a.detach())
            .le(length(weighted(rows.student.detach(), along)) * correlation_weights::rounding);
    return found.masked_fill(flat, 0.0);
  };
  const auto of_examples = correlation(1), of_classes = correlation(0);
  auto inter = 1.0 - of_examples, intra = 1.0 - of_classes.mean();
  if (weights.defined()) {
    inter = (inter * weights.squeeze(1)).sum() / rows.count.clamp_min(1.0);
    intra = intra * rows.count.clamp_max(1.0);
  } else {
    inter = inter.mean();
  }
  return inter * loss.inter + intra * loss.intra;
}

ROLEWISE_INLINE correlation_rows::correlation::correlation(double aa, double bb, double ab,
                                                           double mean_square)
{
  constexpr double rounding = correlation_weights::rounding;
  if (aa <= (aa + mean_square) * (rounding * rounding)) return;
  const double a = std::sqrt(aa), b = std::sqrt(bb), whole = a * b + correlation_weights::least;
  value = ab / whole;
  teacher = 1.0 / whole;
  student = ab * b / (a * whole * whole);
}

ROLEWISE_INLINE std::size_t correlation_rows::block() const
{
  constexpr std::size_t elements = std::size_t{1} << 14, lanes = 16;  // of the second-level cache
  return std::clamp(elements / rows_ / lanes * lanes, lanes, elements);
}

ROLEWISE_INLINE loss_kernels::paired_rows correlation_rows::paired(
    const torch::Tensor& student, const torch::Tensor& teacher) const
{
  return {.student = student.const_data_ptr<float>(),
          .teacher = teacher.const_data_ptr<float>(),
          .rows = rows_,
          .classes = classes_,
          .rate = rate_of(loss_.temperature),
          .student_largest = student_largest_.data(),
          .teacher_largest = teacher_largest_.data(),
          .student_inverse = student_inverse_.data(),
          .teacher_inverse = teacher_inverse_.data()};
}

ROLEWISE_INLINE loss_kernels::columns correlation_rows::columns_from(std::size_t first) const
{
  auto* const kept = columns_.data() + first;
  return {.student_mean = kept,
          .teacher_mean = kept + classes_,
          .teacher_factor = kept + 2 * classes_,
          .student_factor = kept + 3 * classes_};
}

ROLEWISE_INLINE void correlation_rows::measure_rows(const torch::Tensor& student,
                                                    const torch::Tensor& teacher)
{
  for (auto* each : {&student_largest_, &teacher_largest_, &student_inverse_, &teacher_inverse_})
    each->resize(rows_);
  const rows_in_memory of_student{student}, of_teacher{teacher};
  const float rate = rate_of(loss_.temperature);
  const auto& passes = loss_kernels::best();
  each_row(student.size(0), student.size(1), [&](std::int64_t row) {
    const auto n = static_cast<std::size_t>(row);
    const auto measure = [&](const float* x, float& largest, float& inverse) {
      largest = passes.largest(x, classes_);
      inverse = static_cast<float>(1.0 / passes.exponentials(x, classes_, {largest, rate}));
    };
    measure(of_student[n], student_largest_[n], student_inverse_[n]);
    measure(of_teacher[n], teacher_largest_[n], teacher_inverse_[n]);
  });
}

ROLEWISE_INLINE double correlation_rows::measure_block(const loss_kernels::paired_rows& of,
                                                       std::size_t first, std::size_t count,
                                                       row_part* parts)
{
  const auto& passes = loss_kernels::best();
  const auto memory = std::make_unique_for_overwrite<float[]>((2 * rows_ + 3) * count);
  auto *const q = memory.get(), *const p = q + rows_ * count, *const some = p + rows_ * count;
  const auto wide = std::make_unique_for_overwrite<double[]>(3 * count);
  const loss_kernels::column_sums sums{wide.get(), wide.get() + count, wide.get() + 2 * count,
                                       some,       some + count,       some + 2 * count};
  const auto columns = columns_from(first);
  passes.probabilities(of, first, count, q, p, columns, sums);
  double sum = 0.0;
  for (std::size_t c = 0; c < count; ++c) {
    const double mean = columns.student_mean[c];
    const correlation found{sums.student[c], sums.teacher[c], sums.both[c],
                            static_cast<double>(rows_) * mean * mean};
    columns.teacher_factor[c] = static_cast<float>(found.teacher);
    columns.student_factor[c] = static_cast<float>(found.student);
    sum += found.value;
  }
  const float mean = 1.0F / static_cast<float>(classes_);
  for (std::size_t n = 0; n < rows_; ++n)
    parts[n] = {passes.row_products(q + n * count, p + n * count, count, mean),
                passes.column_product(q + n * count, p + n * count, count, columns)};
  return sum;
}

ROLEWISE_INLINE double correlation_rows::forward(const torch::Tensor& student,
                                                 const torch::Tensor& teacher)
{
  measure_rows(student, teacher);
  columns_.resize(4 * classes_);
  const auto width = block(), blocks = (classes_ + width - 1) / width;
  std::vector<row_part> parts(blocks * rows_);
  std::vector<double> of_columns(blocks);
  const auto of = paired(student, teacher);
  each_row(static_cast<std::int64_t>(blocks), static_cast<std::int64_t>(width * rows_),
           [&](std::int64_t at) {
             const auto each = static_cast<std::size_t>(at);
             of_columns[each] =
                 measure_block(of, each * width, std::min(width, classes_ - each * width),
                               parts.data() + each * rows_);
           });
  double in_columns = 0.0, in_rows = 0.0;
  for (const double each : of_columns) in_columns += each;

  const auto rows = static_cast<double>(rows_), classes = static_cast<double>(classes_);
  const double by_row = -loss_.inter / rows, by_column = -loss_.intra / classes;
  slopes_.resize(rows_);
  for (std::size_t n = 0; n < rows_; ++n) {
    row_part all;
    for (std::size_t each = 0; each < blocks; ++each) {
      const auto& part = parts[each * rows_ + n];
      all.sums.student += part.sums.student;
      all.sums.teacher += part.sums.teacher;
      all.sums.both += part.sums.both;
      all.in_columns += part.in_columns;
    }
    const correlation found{all.sums.student, all.sums.teacher, all.sums.both, 1.0 / classes};
    in_rows += found.value;
    const double inside = found.teacher * all.sums.both - found.student * all.sums.student;
    slopes_[n] = {.teacher = static_cast<float>(by_row * found.teacher),
                  .student = static_cast<float>(by_row * found.student),
                  .shift = static_cast<float>(by_row * inside + by_column * all.in_columns),
                  .factor = 1.0F};
  }
  return loss_.inter * (1.0 - in_rows / rows) + loss_.intra * (1.0 - in_columns / classes);
}

ROLEWISE_INLINE void correlation_rows::backward(const torch::Tensor& student,
                                                const torch::Tensor& teacher, double upstream,
                                                const torch::Tensor& to) const
{
  auto slopes = slopes_;
  for (auto& each : slopes) each.factor = static_cast<float>(upstream / loss_.temperature);
  const auto of = paired(student, teacher);
  const auto width = block(), blocks = (classes_ + width - 1) / width;
  const auto in_classes = static_cast<float>(-loss_.intra / static_cast<double>(classes_));
  auto* const out = to.mutable_data_ptr<float>();
  each_row(static_cast<std::int64_t>(blocks), static_cast<std::int64_t>(width * rows_),
           [&](std::int64_t at) {
             const auto first = static_cast<std::size_t>(at) * width;
             loss_kernels::best().correlation_gradient(of, first, std::min(width, classes_ - first),
                                                       columns_from(first), slopes.data(),
                                                       in_classes, out);
           });
}

}  // namespace rolewise::detail
