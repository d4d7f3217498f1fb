// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The kernels of distances and angles between examples of `kernel_set`.
///
/// Included after `correlation_passes.hpp`, once per instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

/// Squared distances of x to `many` rows from `others` on.
template<std::size_t many>
[[gnu::always_inline]] inline void squared_distances(const float* x, const float* others,
                                                     std::size_t width, double* to)
{
  for (std::size_t j = 0; j < many; ++j) to[j] = 0.0;
  for (std::size_t start = 0; start < width; start += stretch) {
    const std::size_t count = width - start < stretch ? width - start : stretch;
    floats sums[many]{};
    each_vector(count, [&](const auto& loaded, const auto&) {
      const floats here = loaded(x + start, 0.0F);
      for (std::size_t j = 0; j < many; ++j) {
        const floats apart = here - loaded(others + j * width + start, 0.0F);
        sums[j] += apart * apart;
      }
    });
    for (std::size_t j = 0; j < many; ++j) to[j] += total(sums[j]);
  }
}

inline void distances(const float* x, std::size_t n, std::size_t width, std::size_t i, float* out)
{
  const float* const here = x + i * width;
  double found[4];
  std::size_t j = 0;
  for (; j + 4 <= n; j += 4) {
    squared_distances<4>(here, x + j * width, width, found);
    for (std::size_t each = 0; each < 4; ++each)
      out[j + each] = static_cast<float>(std::sqrt(found[each]));
  }
  for (; j < n; ++j) {
    squared_distances<1>(here, x + j * width, width, found);
    out[j] = static_cast<float>(std::sqrt(found[0]));
  }
}

inline void pull(const float* x, std::size_t n, std::size_t width, std::size_t i, const float* by,
                 float* out)
{
  const float* const here = x + i * width;
  each_vector(width, [&](const auto& loaded, const auto& stored) {
    const floats own = loaded(here, 0.0F);
    floats even{}, odd{};
    std::size_t j = 0;
    for (; j + 2 <= n; j += 2) {
      even += (own - loaded(x + j * width, 0.0F)) * by[j];
      odd += (own - loaded(x + (j + 1) * width, 0.0F)) * by[j + 1];
    }
    if (j < n) even += (own - loaded(x + j * width, 0.0F)) * by[j];
    stored(out, even + odd);
  });
}

inline double angles(const lengths& student, const lengths& teacher, const float* weight,
                     std::size_t n, std::size_t j, float* by_side, float* by_opposite,
                     float* by_inverse)
{
  double all = 0.0;
  const float* const opposite_s = student.square + j * n;
  const float* const opposite_t = teacher.square + j * n;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t row = i * n;
    const float inverse_s = student.inverse[row + j], inverse_t = teacher.inverse[row + j];
    const float square_s = student.square[row + j], square_t = teacher.square[row + j];
    const float times = weight == nullptr ? 1.0F : weight[i] * weight[j];
    floats values{}, of_sides{}, of_inverse{};
    each_vector(n, [&](const auto& loaded, const auto& stored) {
      const floats sides_s = loaded(student.inverse + row, 0.0F) * inverse_s;
      const floats sides_t = loaded(teacher.inverse + row, 0.0F) * inverse_t;
      const floats cosine =
          (loaded(student.square + row, 0.0F) + square_s - loaded(opposite_s, 0.0F)) * sides_s *
          0.5F;
      floats other = (loaded(teacher.square + row, 0.0F) + square_t - loaded(opposite_t, 0.0F)) *
                     sides_t * 0.5F;
      keep(other);  // not fused into the difference: equal angles have none
      const floats apart = cosine - other;
      floats slope = apart > 1.0F ? floats{} + 1.0F : apart;
      slope = slope < -1.0F ? floats{} - 1.0F : slope;
      floats value = (apart - slope * 0.5F) * slope;
      if (weight != nullptr) {
        const floats count = loaded(weight, 0.0F) * times;
        value *= count;
        slope *= count;
      }
      values += value;
      const floats by = slope * sides_s;
      of_sides += by;
      stored(by_opposite, loaded(by_opposite, 0.0F) + by);
      of_inverse += slope * cosine;
    });
    all += total(values);
    by_side[i] = static_cast<float>(total(of_sides));
    by_inverse[i] = static_cast<float>(total(of_inverse));
  }
  return all;
}

#endif
