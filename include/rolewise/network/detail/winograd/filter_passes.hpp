// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// Kernels that transform the filters of Winograd convolutions, and gradients back.
///
/// Included by `passes.hpp`, once per instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

/// The offset of the outputs from `channel` on in the transformed filters.
[[gnu::always_inline]] inline std::size_t begin_of(std::size_t channel, std::size_t in,
                                                   std::size_t positions)
{
  return channel / channels_together * channels_together * positions * in +
         channel % channels_together;
}

/// Transforms a vector of filters; position (row i, column k) is stored at
/// `to[i * row + k * column]`.
template<std::size_t n>
[[gnu::always_inline]] inline void spread_vector(const floats (&g)[9], float* to, std::size_t row,
                                                 std::size_t column)
{
  line<n> columns[3];
  ROLEWISE_UNROLLED
  for (std::size_t k = 0; k < 3; ++k) spread_filter({{g[k], g[3 + k], g[6 + k]}}, columns[k]);
  ROLEWISE_UNROLLED
  for (std::size_t i = 0; i < n; ++i) {
    line<n> positions;
    spread_filter({{columns[0].at[i], columns[1].at[i], columns[2].at[i]}}, positions);
    positions.write(to + i * row, column);
  }
}

/// Loads a vector of floats that are `step` apart.
[[gnu::always_inline]] inline floats load_apart(const float* at, std::ptrdiff_t step)
{
  if (step == 1) return load(at);
  floats found;
  for (int lane = 0; lane < lanes; ++lane) found[lane] = at[lane * step];
  return found;
}

template<std::size_t n>
inline void spread_filters_of(const filters<const float>& from, const channel_range& part,
                              float* to)
{
  constexpr std::size_t side = channels_together, positions = n * n;
  const std::size_t row = from.in * side, column = n * row;
  floats g[9];
  const auto read = [&](std::size_t out, std::size_t in, std::ptrdiff_t step) {
    const float* const first = from.first + static_cast<std::ptrdiff_t>(out) * from.next_out +
                               static_cast<std::ptrdiff_t>(in) * from.next_in;
    for (std::ptrdiff_t i = 0; i < 9; ++i)
      g[i] = load_apart(first + i / 3 * from.next_row + i % 3 * from.next_column, step);
  };
  if (from.next_out == 1) {
    for (std::size_t out = part.first; out < part.end; out += vector)
      for (std::size_t in = 0; in < from.in; ++in) {
        read(out, in, 1);
        spread_vector<n>(g, to + begin_of(out, from.in, positions) + in * side, row, column);
      }
    return;
  }
  // Filters of one output are contiguous: lanes are inputs first, then blocks of both are
  // transposed.
  float square[positions][side][side];
  for (std::size_t out = part.first; out < part.end; out += side)
    for (std::size_t in = 0; in < from.in; in += side) {
      for (std::size_t k = 0; k < side; ++k)
        for (std::size_t i = 0; i < side; i += vector) {
          read(out + k, in + i, from.next_in);
          spread_vector<n>(g, &square[0][k][i], side * side, n * side * side);
        }
      for (std::size_t p = 0; p < positions; ++p) {
        float* const at = to + begin_of(out, from.in, positions) + p * row + in * side;
        for (std::size_t i = 0; i < side; ++i)
          for (std::size_t k = 0; k < side; ++k) at[i * side + k] = square[p][k][i];
      }
    }
}

inline void spread_filters(const tile_size& size, const filters<const float>& from,
                           const channel_range& part, float* to)
{
  size.outputs == 2 ? spread_filters_of<4>(from, part, to) : spread_filters_of<6>(from, part, to);
}

template<std::size_t n>
inline void gather_gradient_of(const float* from, std::size_t stretches, const filters<float>& to,
                               const channel_range& part)
{
  constexpr std::size_t side = channels_together;
  const std::size_t row = to.in * side, numbers = n * n * to.in * to.out;
  const auto whole = [&](const float* at) {
    floats sum = load(at);
    for (std::size_t i = 1; i < stretches; ++i) sum += load(at + i * numbers);
    return sum;
  };
  float square[9][side][side];  // of inputs and outputs
  for (std::size_t out = part.first; out < part.end; out += side)
    for (std::size_t in = 0; in < to.in; in += side) {
      for (std::size_t i = 0; i < side; ++i)
        for (std::size_t k = 0; k < side; k += vector) {
          const float* const at = from + begin_of(out, to.in, n * n) + (in + i) * side + k;
          line<3> columns[n];
          ROLEWISE_UNROLLED
          for (std::size_t c = 0; c < n; ++c)
            columns[c] = gather_filter(
                line_of<n>([&](std::size_t r) { return whole(at + (c * n + r) * row); }));
          ROLEWISE_UNROLLED
          for (std::size_t r = 0; r < 3; ++r)
            gather_filter(line_of<n>([&](std::size_t c) {
              return columns[c].at[r];
            })).write(&square[3 * r][i][k], side * side);
        }
      float* const begin = to.first + static_cast<std::ptrdiff_t>(out) * to.next_out +
                           static_cast<std::ptrdiff_t>(in) * to.next_in;
      for (std::ptrdiff_t k = 0; k < static_cast<std::ptrdiff_t>(side); ++k)
        for (std::ptrdiff_t p = 0; p < 9; ++p) {
          float* const at = begin + k * to.next_out + p / 3 * to.next_row + p % 3 * to.next_column;
          for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(side); ++i)
            at[i * to.next_in] = square[p][i][k];
        }
    }
}

inline void gather_gradient(const tile_size& size, const float* from, std::size_t stretches,
                            const filters<float>& to, const channel_range& part)
{
  size.outputs == 2 ? gather_gradient_of<4>(from, stretches, to, part)
                    : gather_gradient_of<6>(from, stretches, to, part);
}

#endif
