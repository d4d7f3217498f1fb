// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// Winograd convolution kernels for one vector width.
///
/// Included once per instruction set by `instruction_sets.hpp`; empty if included alone. Vector
/// lanes are input channels in transforms of inputs and output channels in products.

#ifdef ROLEWISE_PASSES

// Sums stay in registers only if loops over them are unrolled before other optimizations.
#if defined(__clang__)
#define ROLEWISE_UNROLLED _Pragma("unroll")
#else
#define ROLEWISE_UNROLLED _Pragma("GCC unroll 16")
#endif

inline constexpr std::size_t vector = lanes;

/// The position of a tile.
struct place {
  std::size_t image, row, column;  ///< of its first output

  [[gnu::always_inline]] inline explicit place(const tile_range& tiles)
      : image{tiles.first / tiles.of_image()},
        row{tiles.first % tiles.of_image() / tiles.columns() * 2},
        column{tiles.first % tiles.columns() * 2}
  {}

  [[gnu::always_inline]] inline void advance(const tile_range& tiles)
  {
    column += 2;
    if (column < tiles.width) return;
    column = 0;
    row += 2;
    if (row < tiles.height) return;
    row = 0;
    ++image;
  }
  /// The pixel index of its first output.
  [[gnu::always_inline]] inline std::size_t pixel(const tile_range& tiles) const
  {
    return (image * tiles.height + row) * tiles.width + column;
  }
};

/// A row or a column of a tile.
struct four {
  floats a, b, c, d;

  [[gnu::always_inline]] inline void write(float* to, std::size_t step) const
  {
    store(to, a);
    store(to + step, b);
    store(to + 2 * step, c);
    store(to + 3 * step, d);
  }
};

/// B' times a row or a column.
[[gnu::always_inline]] inline four spread(const four& x)
{
  return {x.a - x.c, x.b + x.c, x.c - x.b, x.b - x.d};
}

/// Input pixels of a tile that lies inside the maps with its margin.
struct inner_pixels {
  const float* first;
  std::size_t line, pixel;

  [[gnu::always_inline]] inline four row(std::size_t i, std::size_t channel) const
  {
    const float* const at = first + i * line + channel;
    return {load(at), load(at + pixel), load(at + 2 * pixel), load(at + 3 * pixel)};
  }
};

/// Input pixels of any tile; 0 outside the maps.
struct edge_pixels {
  const float* first;
  std::size_t line, pixel;
  bool has_row[4], has_column[4];

  [[gnu::always_inline]] inline edge_pixels(const inner_pixels& all, const tile_range& tiles,
                                            const place& at)
      : first{all.first}, line{all.line}, pixel{all.pixel}
  {
    for (std::size_t i = 0; i < 4; ++i) {
      has_row[i] = at.row + i - 1 < tiles.height;  // wraps around for row -1
      has_column[i] = at.column + i - 1 < tiles.width;
    }
  }
  [[gnu::always_inline]] inline floats at(std::size_t i, std::size_t k, std::size_t channel) const
  {
    alignas(64) static constexpr float nothing[channels_together]{};
    const float* const there = first + i * line + k * pixel + channel;
    return load((has_row[i] & has_column[k]) != 0 ? there : nothing);  // branch-free
  }
  [[gnu::always_inline]] inline four row(std::size_t i, std::size_t channel) const
  {
    return {at(i, 0, channel), at(i, 1, channel), at(i, 2, channel), at(i, 3, channel)};
  }
};

/// The transform B' d B of an input tile.
template<typename Pixels>
[[gnu::always_inline]] inline void spread_tile(const Pixels& pixels, std::size_t channels,
                                               std::size_t step, float* to)
{
  for (std::size_t channel = 0; channel < channels; channel += vector, to += vector) {
    const four first = spread(pixels.row(0, channel)), second = spread(pixels.row(1, channel)),
               third = spread(pixels.row(2, channel)), fourth = spread(pixels.row(3, channel));
    spread(four{first.a, second.a, third.a, fourth.a}).write(to, step);
    spread(four{first.b, second.b, third.b, fourth.b}).write(to + 4 * step, step);
    spread(four{first.c, second.c, third.c, fourth.c}).write(to + 8 * step, step);
    spread(four{first.d, second.d, third.d, fourth.d}).write(to + 12 * step, step);
  }
}

/// Transforms inputs to `[column, row, tile, channel]`, with `apart` floats between tiles.
inline void spread_inputs(const tile_range& tiles, const float* x, std::size_t channels, float* to)
{
  const std::size_t line = tiles.width * channels, step = tiles_together * apart(channels);
  place at{tiles};
  for (std::size_t tile = tiles.first; tile < tiles.end; ++tile, at.advance(tiles)) {
    const float* const first = x + at.pixel(tiles) * channels;
    // Prefetches what the tile below reads beyond this one's rows, which are too short for the
    // hardware prefetcher.
    for (std::size_t channel = 0; channel < channels; channel += channels_together)
      for (std::size_t i = 3; i < 5; ++i) {
        __builtin_prefetch(first + i * line + channel);
        __builtin_prefetch(first + i * line + channels + channel);
      }
    const inner_pixels pixels{first - line - channels, line, channels};
    if (at.row > 0 && at.column > 0 && at.row + 2 < tiles.height && at.column + 2 < tiles.width)
      spread_tile(pixels, channels, step, to);
    else
      spread_tile(edge_pixels{pixels, tiles, at}, channels, step, to);
    to += apart(channels);
  }
}

/// Transforms sums over rows, `[column, upper or lower, tile, lane]`, to outputs.
inline void gather_outputs(const tile_range& tiles, const float* from, std::size_t channels,
                           float* y)
{
  const std::size_t line = tiles.width * channels, half = tiles_together * vector, step = 2 * half;
  place at{tiles};
  for (std::size_t tile = tiles.first; tile < tiles.end; ++tile, at.advance(tiles)) {
    float* const to = y + at.pixel(tiles) * channels;
    for (std::size_t i = 2; i < 4; ++i) {  // of the tile below
      __builtin_prefetch(to + i * line, 1);
      __builtin_prefetch(to + i * line + channels, 1);
    }
    const bool has_beside = at.column + 1 < tiles.width;
    const std::size_t rows = at.row + 1 < tiles.height ? 2 : 1;
    for (std::size_t i = 0; i < rows; ++i) {
      const float* const m = from + i * half;
      const floats b = load(m + step), c = load(m + 2 * step);
      store(to + i * line, load(m) + b + c);
      if (has_beside) store(to + i * line + channels, b - c - load(m + 3 * step));
    }
    from += vector;
  }
}

/// Transforms the gradients of a part of the outputs to
/// `[column, upper or lower, tile, channel of the part]`.
inline void spread_gradients(const tile_range& tiles, const float* gradient, std::size_t channels,
                             const channel_range& part, float* to)
{
  const std::size_t line = tiles.width * channels, half = tiles_together * (part.end - part.first),
                    step = 2 * half;
  place at{tiles};
  for (std::size_t tile = tiles.first; tile < tiles.end; ++tile, at.advance(tiles)) {
    const float* const first = gradient + at.pixel(tiles) * channels;
    const bool has_beside = at.column + 1 < tiles.width, has_below = at.row + 1 < tiles.height;
    for (std::size_t channel = part.first; channel < part.end; channel += vector, to += vector) {
      for (std::size_t i = 0; i < 2; ++i) {
        const float* const g = first + i * line + channel;
        __builtin_prefetch(g + 2 * line);  // of the tile below
        __builtin_prefetch(g + 2 * line + channels);
        const bool is_there = i == 0 || has_below;
        const floats a = is_there ? load(g) : floats{},
                     b = is_there && has_beside ? load(g + channels) : floats{};
        four{a, a + b, a - b, -b}.write(to + i * half, step);
      }
    }
  }
}

/// The products of one column of positions and one vector of outputs for `count` tiles, summed
/// over inputs and then over rows.
template<std::size_t count>
[[gnu::always_inline]] inline void multiply(const float* x, std::size_t in, const float* weights,
                                            float* upper, float* lower)
{
  const std::size_t line = apart(in), step = tiles_together * line;
  floats sums[4][count] = {};
  for (std::size_t k = 0; k < in; ++k) {
    ROLEWISE_UNROLLED
    for (std::size_t i = 0; i < 4; ++i) {
      const floats w = load(weights + (i * in + k) * channels_together);
      ROLEWISE_UNROLLED
      for (std::size_t t = 0; t < count; ++t) sums[i][t] += x[i * step + t * line + k] * w;
    }
  }
  ROLEWISE_UNROLLED
  for (std::size_t t = 0; t < count; ++t) {
    store(upper + t * vector, sums[0][t] + sums[1][t] + sums[2][t]);
    store(lower + t * vector, sums[1][t] - sums[2][t] - sums[3][t]);
  }
}

/// The offset of the outputs from `channel` on in the transformed filters.
[[gnu::always_inline]] inline std::size_t begin_of(std::size_t channel, std::size_t in)
{
  return channel / channels_together * channels_together * positions * in +
         channel % channels_together;
}

inline void product(const tile_range& all, const float* x, std::size_t in, const float* weights,
                    std::size_t out, const channel_range& part, float* y, float* scratch)
{
  constexpr std::size_t at_once = lanes == 16 ? 6 : 3;  // by the number of registers
  float* const sums = scratch + tiles_together * positions * apart(in);
  for (std::size_t first = all.first; first < all.end; first += tiles_together) {
    const tile_range tiles = all.next(first);
    spread_inputs(tiles, x, in, scratch);
    for (std::size_t channel = part.first; channel < part.end; channel += vector) {
      const float* w = weights + begin_of(channel, in);
      const float* from = scratch;
      float* to = sums;
      for (int column = 0; column < 4; ++column) {
        for (std::size_t t = 0; t < tiles.size(); t += at_once)
          multiply<at_once>(from + t * apart(in), in, w, to + t * vector,
                            to + (tiles_together + t) * vector);
        from += 4 * tiles_together * apart(in);
        w += 4 * in * channels_together;
        to += 2 * tiles_together * vector;
      }
      gather_outputs(tiles, sums, out, y + channel);
    }
  }
}

/// Adds products to the sums of one column of positions, `count` inputs and one vector of
/// outputs.
template<std::size_t count>
[[gnu::always_inline]] inline void add_products(const float* x, std::size_t in, const float* upper,
                                                const float* lower, std::size_t out,
                                                std::size_t tiles, float* to)
{
  const std::size_t line = apart(in), step = tiles_together * line;
  floats sums[4][count];
  ROLEWISE_UNROLLED
  for (std::size_t i = 0; i < 4; ++i) {
    ROLEWISE_UNROLLED
    for (std::size_t k = 0; k < count; ++k)
      sums[i][k] = load(to + (i * in + k) * channels_together);
  }
  for (std::size_t t = 0; t < tiles; ++t) {
    const floats a = load(upper + t * out), b = load(lower + t * out);
    const floats g[4] = {a, a + b, a - b, -b};
    ROLEWISE_UNROLLED
    for (std::size_t i = 0; i < 4; ++i) {
      ROLEWISE_UNROLLED
      for (std::size_t k = 0; k < count; ++k) sums[i][k] += x[i * step + t * line + k] * g[i];
    }
  }
  ROLEWISE_UNROLLED
  for (std::size_t i = 0; i < 4; ++i) {
    ROLEWISE_UNROLLED
    for (std::size_t k = 0; k < count; ++k)
      store(to + (i * in + k) * channels_together, sums[i][k]);
  }
}

/// Adds the products of at most `tiles_together` transformed tiles.
inline void add_tiles(std::size_t tiles, const float* inputs, std::size_t in,
                      const float* gradients, std::size_t out, float* sums)
{
  constexpr std::size_t at_once = lanes == 16 ? 4 : 2;
  for (std::size_t channel = 0; channel < out; channel += vector) {
    float* to = sums + begin_of(channel, in);
    const float* from = inputs;
    const float* g = gradients + channel;
    for (int column = 0; column < 4; ++column) {
      for (std::size_t k = 0; k < in; k += at_once)
        add_products<at_once>(from + k, in, g, g + tiles_together * out, out, tiles,
                              to + k * channels_together);
      from += 4 * tiles_together * apart(in);
      g += 2 * tiles_together * out;
      to += 4 * in * channels_together;
    }
  }
}

inline void weight_sums(const tile_range& all, const float* x, std::size_t in,
                        const float* gradient, std::size_t out, const channel_range& part,
                        float* sums, float* scratch)
{
  const std::size_t wide = part.end - part.first, numbers = positions * in * wide;
  float* const gradients = scratch + tiles_together * positions * apart(in);
  float* const some = gradients + tiles_together * positions * wide;
  float* const whole = sums + begin_of(part.first, in);
  for (std::size_t begin = all.first; begin < all.end; begin += tiles_summed) {
    const std::size_t end = all.end - begin < tiles_summed ? all.end : begin + tiles_summed;
    __builtin_memset(some, 0, numbers * sizeof(float));
    for (std::size_t first = begin; first < end; first += tiles_together) {
      const tile_range tiles = all.next(first);
      spread_inputs(tiles, x, in, scratch);
      spread_gradients(tiles, gradient, out, part, gradients);
      add_tiles(tiles.size(), scratch, in, gradients, wide, some);
    }
    for (std::size_t i = 0; i < numbers; i += vector)
      store(whole + i, load(whole + i) + load(some + i));
  }
}

/// G times a row or a column of a filter.
[[gnu::always_inline]] inline four spread(const floats& a, const floats& b, const floats& c)
{
  const floats ends = a + c;
  return {a, 0.5F * (ends + b), 0.5F * (ends - b), c};
}

/// Transforms a vector of filters; position (row i, column k) is stored at
/// `to[i * row + k * column]`.
[[gnu::always_inline]] inline void spread_vector(const floats (&g)[9], float* to, std::size_t row,
                                                 std::size_t column)
{
  const four left = spread(g[0], g[3], g[6]), middle = spread(g[1], g[4], g[7]),
             right = spread(g[2], g[5], g[8]);
  spread(left.a, middle.a, right.a).write(to, column);
  spread(left.b, middle.b, right.b).write(to + row, column);
  spread(left.c, middle.c, right.c).write(to + 2 * row, column);
  spread(left.d, middle.d, right.d).write(to + 3 * row, column);
}

/// Loads a vector of floats that are `step` apart.
[[gnu::always_inline]] inline floats load_apart(const float* at, std::ptrdiff_t step)
{
  if (step == 1) return load(at);
  floats found;
  for (int lane = 0; lane < lanes; ++lane) found[lane] = at[lane * step];
  return found;
}

inline void spread_filters(const filters<const float>& from, const channel_range& part, float* to)
{
  constexpr std::size_t side = channels_together;
  const std::size_t row = from.in * side, column = 4 * row;
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
        spread_vector(g, to + begin_of(out, from.in) + in * side, row, column);
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
          spread_vector(g, &square[0][k][i], side * side, 4 * side * side);
        }
      for (std::size_t p = 0; p < positions; ++p) {
        float* const at = to + begin_of(out, from.in) + p * row + in * side;
        for (std::size_t i = 0; i < side; ++i)
          for (std::size_t k = 0; k < side; ++k) at[i * side + k] = square[p][k][i];
      }
    }
}

/// G' times a row or a column of a tile.
struct three {
  floats a, b, c;

  [[gnu::always_inline]] inline explicit three(const four& x)
  {
    const floats sum = 0.5F * (x.b + x.c);
    a = x.a + sum;
    b = 0.5F * (x.b - x.c);
    c = sum + x.d;
  }
};

[[gnu::always_inline]] inline four load_four(const float* at, std::size_t step)
{
  return {load(at), load(at + step), load(at + 2 * step), load(at + 3 * step)};
}

inline void gather_gradient(const float* from, const filters<float>& to, const channel_range& part)
{
  constexpr std::size_t side = channels_together;
  const std::size_t row = to.in * side;
  float square[9][side][side];  // of inputs and outputs
  for (std::size_t out = part.first; out < part.end; out += side)
    for (std::size_t in = 0; in < to.in; in += side) {
      for (std::size_t i = 0; i < side; ++i)
        for (std::size_t k = 0; k < side; k += vector) {
          const float* const at = from + begin_of(out, to.in) + (in + i) * side + k;
          const three first{load_four(at, row)}, second{load_four(at + 4 * row, row)},
              third{load_four(at + 8 * row, row)}, fourth{load_four(at + 12 * row, row)};
          const three rows[3] = {three{four{first.a, second.a, third.a, fourth.a}},
                                 three{four{first.b, second.b, third.b, fourth.b}},
                                 three{four{first.c, second.c, third.c, fourth.c}}};
          for (std::size_t r = 0; r < 3; ++r) {
            store(&square[3 * r][i][k], rows[r].a);
            store(&square[3 * r + 1][i][k], rows[r].b);
            store(&square[3 * r + 2][i][k], rows[r].c);
          }
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

inline constexpr kernel_set passes{variant, spread_filters, gather_gradient, product, weight_sums};

#undef ROLEWISE_UNROLLED

#endif
