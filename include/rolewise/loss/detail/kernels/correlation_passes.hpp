// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The kernels of correlations of probabilities of `kernel_set`.
///
/// Included after `softmax_passes.hpp`, once per instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

/// Calls `work(loaded, stored)` for each vector of `count` elements; `loaded(x, rest)` is the
/// vector of x there with `rest` beyond the end, `stored(x, value)` writes it.
template<typename Work>
[[gnu::always_inline]] inline void each_vector(std::size_t count, const Work& work)
{
  std::size_t i = 0;
  for (; i + step <= count; i += step)
    work([i](const float* x, float) { return load(x + i); },
         [i](float* x, const floats& value) { store(x + i, value); });
  if (i < count)
    work([i, count](const float* x, float rest) { return load_some(x + i, count - i, rest); },
         [i, count](float* x, const floats& value) { store_some(x + i, count - i, value); });
}

/// Rows between two transfers of float32 sums of columns to double.
inline constexpr std::size_t some_rows = 64;

inline void transfer(float* from, double* to, std::size_t count)
{
  for (std::size_t c = 0; c < count; ++c) {
    to[c] += static_cast<double>(from[c]);
    from[c] = 0.0F;
  }
}

/// Calls `work(n)` for each row and `transferred()` after some, and at the end.
template<typename Work, typename Transferred>
[[gnu::always_inline]] inline void each_row_of(std::size_t rows, const Work& work,
                                               const Transferred& transferred)
{
  for (std::size_t n = 0; n < rows; ++n) {
    work(n);
    if ((n + 1) % some_rows == 0 || n + 1 == rows) transferred();
  }
}

inline void probabilities(const paired_rows& of, std::size_t first, std::size_t count, float* q,
                          float* p, const columns& to, const column_sums& sums)
{
  const floats rate = floats{} + of.rate;
  for (auto* each : {sums.some_student, sums.some_teacher, sums.some_both})
    for (std::size_t c = 0; c < count; ++c) each[c] = 0.0F;
  for (auto* each : {sums.student, sums.teacher, sums.both})
    for (std::size_t c = 0; c < count; ++c) each[c] = 0.0;
  // Of what is apart from the first row: nothing, where all are equal.
  each_row_of(
      of.rows,
      [&](std::size_t n) __attribute__((always_inline)) {
        const float* const s = of.student + n * of.classes + first;
        const float* const t = of.teacher + n * of.classes + first;
        const floats student_most = floats{} + of.student_largest[n],
                     teacher_most = floats{} + of.teacher_largest[n];
        each_vector(count, [&](const auto& loaded, const auto& stored) {
          floats one = power(loaded(s, 0.0F), student_most, rate) * of.student_inverse[n];
          floats other = power(loaded(t, 0.0F), teacher_most, rate) * of.teacher_inverse[n];
          keep(one);  // rounded, as the first row is
          keep(other);
          stored(q + n * count, one);
          stored(p + n * count, other);
          stored(sums.some_student, loaded(sums.some_student, 0.0F) + (one - loaded(q, 0.0F)));
          stored(sums.some_teacher, loaded(sums.some_teacher, 0.0F) + (other - loaded(p, 0.0F)));
        });
      },
      [&] {
        transfer(sums.some_student, sums.student, count);
        transfer(sums.some_teacher, sums.teacher, count);
      });
  const double share = 1.0 / static_cast<double>(of.rows);
  for (std::size_t c = 0; c < count; ++c) {
    to.student_mean[c] = static_cast<float>(static_cast<double>(q[c]) + sums.student[c] * share);
    to.teacher_mean[c] = static_cast<float>(static_cast<double>(p[c]) + sums.teacher[c] * share);
    sums.student[c] = sums.teacher[c] = 0.0;
  }
  each_row_of(
      of.rows,
      [&](std::size_t n) __attribute__((always_inline)) {
        each_vector(count, [&](const auto& loaded, const auto& stored) {
          const floats one = loaded(q + n * count, 0.0F) - loaded(to.student_mean, 0.0F);
          const floats other = loaded(p + n * count, 0.0F) - loaded(to.teacher_mean, 0.0F);
          stored(sums.some_student, loaded(sums.some_student, 0.0F) + one * one);
          stored(sums.some_teacher, loaded(sums.some_teacher, 0.0F) + other * other);
          stored(sums.some_both, loaded(sums.some_both, 0.0F) + one * other);
        });
      },
      [&] {
        transfer(sums.some_student, sums.student, count);
        transfer(sums.some_teacher, sums.teacher, count);
        transfer(sums.some_both, sums.both, count);
      });
}

inline centered_sums row_products(const float* q, const float* p, std::size_t count, float mean)
{
  floats student{}, teacher{}, both{};
  each_vector(count, [&](const auto& loaded, const auto&) {
    const floats one = loaded(q, mean) - mean, other = loaded(p, mean) - mean;
    student += one * one;
    teacher += other * other;
    both += one * other;
  });
  return {total(student), total(teacher), total(both)};
}

inline double column_product(const float* q, const float* p, std::size_t count, const columns& of)
{
  floats sum{};
  each_vector(count, [&](const auto& loaded, const auto&) {
    const floats one = loaded(q, 0.0F), other = loaded(p, 0.0F);
    sum += one * ((other - loaded(of.teacher_mean, 0.0F)) * loaded(of.teacher_factor, 0.0F) -
                  (one - loaded(of.student_mean, 0.0F)) * loaded(of.student_factor, 0.0F));
  });
  return total(sum);
}

inline void correlation_gradient(const paired_rows& of, std::size_t first, std::size_t count,
                                 const columns& by, const correlation_row* rows, float in_classes,
                                 float* out)
{
  const floats rate = floats{} + of.rate;
  const float mean = 1.0F / static_cast<float>(of.classes);
  for (std::size_t n = 0; n < of.rows; ++n) {
    const float* const s = of.student + n * of.classes + first;
    const float* const t = of.teacher + n * of.classes + first;
    float* const to = out + n * of.classes + first;
    const floats student_most = floats{} + of.student_largest[n],
                 teacher_most = floats{} + of.teacher_largest[n];
    const auto& row = rows[n];
    each_vector(count, [&](const auto& loaded, const auto& stored) {
      const floats q = power(loaded(s, 0.0F), student_most, rate) * of.student_inverse[n];
      const floats p = power(loaded(t, 0.0F), teacher_most, rate) * of.teacher_inverse[n];
      const floats in_column =
          (p - loaded(by.teacher_mean, 0.0F)) * loaded(by.teacher_factor, 0.0F) -
          (q - loaded(by.student_mean, 0.0F)) * loaded(by.student_factor, 0.0F);
      const floats slope =
          in_column * in_classes + (p - mean) * row.teacher - (q - mean) * row.student - row.shift;
      stored(to, slope * q * row.factor);
    });
  }
}

#endif
