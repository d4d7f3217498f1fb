// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The passes of convolutions by minimal filtering, for one width of vectors.
///
/// Included once for each instruction set by `instruction_sets.hpp`; alone it is empty. Lanes are
/// channels, of inputs while they are transformed and of outputs while they are multiplied.

#ifdef ROLEWISE_PASSES

// Sums stay in registers only if loops over them are unrolled before anything else is done.
#if defined(__clang__)
#define ROLEWISE_UNROLLED _Pragma("unroll")
#else
#define ROLEWISE_UNROLLED _Pragma("GCC unroll 16")
#endif

inline constexpr std::size_t vector = lanes;

/// Where a tile is.
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
  /// Of its first output.
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

/// B' times it.
[[gnu::always_inline]] inline four spread(const four& x)
{
  return {x.a - x.c, x.b + x.c, x.c - x.b, x.b - x.d};
}

/// Pixels of a tile that lies inside the maps with its margin.
struct inner_pixels {
  const float* first;
  std::size_t line, pixel;

  [[gnu::always_inline]] inline four row(std::size_t i, std::size_t channel) const
  {
    const float* const at = first + i * line + channel;
    return {load(at), load(at + pixel), load(at + 2 * pixel), load(at + 3 * pixel)};
  }
};

/// Pixels of any tile; there are zeros around the maps.
struct edge_pixels {
  const float* first;
  std::size_t line, pixel;
  bool has_row[4], has_column[4];

  [[gnu::always_inline]] inline edge_pixels(const inner_pixels& all, const tile_range& tiles,
                                            const place& at)
      : first{all.first}, line{all.line}, pixel{all.pixel}
  {
    for (std::size_t i = 0; i < 4; ++i) {
      has_row[i] = at.row + i - 1 < tiles.height;  // wraps around above the first one
      has_column[i] = at.column + i - 1 < tiles.width;
    }
  }
  [[gnu::always_inline]] inline floats at(std::size_t i, std::size_t k, std::size_t channel) const
  {
    alignas(64) static constexpr float nothing[channels_together]{};
    const float* const there = first + i * line + k * pixel + channel;
    return load((has_row[i] & has_column[k]) != 0 ? there : nothing);  // without a branch
  }
  [[gnu::always_inline]] inline four row(std::size_t i, std::size_t channel) const
  {
    return {at(i, 0, channel), at(i, 1, channel), at(i, 2, channel), at(i, 3, channel)};
  }
};

/// B' d B of a tile.
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

/// Inputs to `[column, row, tile, channel]`.
inline void spread_inputs(const tile_range& tiles, const float* x, std::size_t channels, float* to)
{
  const std::size_t line = tiles.width * channels, step = tiles_together * channels;
  place at{tiles};
  for (std::size_t tile = tiles.first; tile < tiles.end; ++tile, at.advance(tiles)) {
    const float* const first = x + at.pixel(tiles) * channels;
    // What the tile below reads beside this one's: rows are too short for the processor to guess.
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
    to += channels;
  }
}

/// Sums over rows, `[column, upper or lower, tile, lane]`, to outputs.
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

/// Gradients of outputs to `[column, upper or lower, tile, channel]`.
inline void spread_gradients(const tile_range& tiles, const float* gradient, std::size_t channels,
                             float* to)
{
  const std::size_t line = tiles.width * channels, half = tiles_together * channels,
                    step = 2 * half;
  place at{tiles};
  for (std::size_t tile = tiles.first; tile < tiles.end; ++tile, at.advance(tiles)) {
    const float* const first = gradient + at.pixel(tiles) * channels;
    const bool has_beside = at.column + 1 < tiles.width, has_below = at.row + 1 < tiles.height;
    for (std::size_t channel = 0; channel < channels; channel += vector, to += vector) {
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

/// Products of one column of positions and one vector of outputs with `count` tiles, summed over
/// inputs and then over rows.
template<std::size_t count>
[[gnu::always_inline]] inline void multiply(const float* x, std::size_t in, const float* weights,
                                            float* upper, float* lower)
{
  const std::size_t step = tiles_together * in;
  floats sums[4][count] = {};
  for (std::size_t k = 0; k < in; ++k) {
    ROLEWISE_UNROLLED
    for (std::size_t i = 0; i < 4; ++i) {
      const floats w = load(weights + (i * in + k) * channels_together);
      ROLEWISE_UNROLLED
      for (std::size_t t = 0; t < count; ++t) sums[i][t] += x[i * step + t * in + k] * w;
    }
  }
  ROLEWISE_UNROLLED
  for (std::size_t t = 0; t < count; ++t) {
    store(upper + t * vector, sums[0][t] + sums[1][t] + sums[2][t]);
    store(lower + t * vector, sums[1][t] - sums[2][t] - sums[3][t]);
  }
}

/// Where the lanes of outputs from `channel` on begin among transformed filters.
[[gnu::always_inline]] inline std::size_t begin_of(std::size_t channel, std::size_t in)
{
  return channel / channels_together * channels_together * positions * in +
         channel % channels_together;
}

inline void product(const tile_range& all, const float* x, std::size_t in, const float* weights,
                    std::size_t out, float* y, float* scratch)
{
  constexpr std::size_t at_once = lanes == 16 ? 6 : 3;  // for the registers that there are
  float* const sums = scratch + tiles_together * positions * in;
  for (std::size_t first = all.first; first < all.end; first += tiles_together) {
    const tile_range tiles = all.next(first);
    spread_inputs(tiles, x, in, scratch);
    for (std::size_t channel = 0; channel < out; channel += vector) {
      const float* w = weights + begin_of(channel, in);
      const float* from = scratch;
      float* to = sums;
      for (int column = 0; column < 4; ++column) {
        for (std::size_t t = 0; t < tiles.size(); t += at_once)
          multiply<at_once>(from + t * in, in, w, to + t * vector,
                            to + (tiles_together + t) * vector);
        from += 4 * tiles_together * in;
        w += 4 * in * channels_together;
        to += 2 * tiles_together * vector;
      }
      gather_outputs(tiles, sums, out, y + channel);
    }
  }
}

/// Adds to the sums of one column of positions, `count` inputs and one vector of outputs.
template<std::size_t count>
[[gnu::always_inline]] inline void add_products(const float* x, std::size_t in, const float* upper,
                                                const float* lower, std::size_t out,
                                                std::size_t tiles, float* to)
{
  const std::size_t step = tiles_together * in;
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
      for (std::size_t k = 0; k < count; ++k) sums[i][k] += x[i * step + t * in + k] * g[i];
    }
  }
  ROLEWISE_UNROLLED
  for (std::size_t i = 0; i < 4; ++i) {
    ROLEWISE_UNROLLED
    for (std::size_t k = 0; k < count; ++k)
      store(to + (i * in + k) * channels_together, sums[i][k]);
  }
}

/// Adds the products of at most `tiles_together` tiles that have been spread.
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
      from += 4 * tiles_together * in;
      g += 2 * tiles_together * out;
      to += 4 * in * channels_together;
    }
  }
}

inline void weight_sums(const tile_range& all, const float* x, std::size_t in,
                        const float* gradient, std::size_t out, float* sums, float* scratch)
{
  const std::size_t numbers = positions * in * out;
  float* const gradients = scratch + tiles_together * positions * in;
  float* const some = gradients + tiles_together * positions * out;
  for (std::size_t begin = all.first; begin < all.end; begin += tiles_summed) {
    const std::size_t end = all.end - begin < tiles_summed ? all.end : begin + tiles_summed;
    __builtin_memset(some, 0, numbers * sizeof(float));
    for (std::size_t first = begin; first < end; first += tiles_together) {
      const tile_range tiles = all.next(first);
      spread_inputs(tiles, x, in, scratch);
      spread_gradients(tiles, gradient, out, gradients);
      add_tiles(tiles.size(), scratch, in, gradients, out, some);
    }
    for (std::size_t i = 0; i < numbers; i += vector)
      store(sums + i, load(sums + i) + load(some + i));
  }
}

/// G times a row or a column of a filter.
[[gnu::always_inline]] inline four spread(const floats& a, const floats& b, const floats& c)
{
  const floats ends = a + c;
  return {a, 0.5F * (ends + b), 0.5F * (ends - b), c};
}

inline void spread_filters(const filters<const float>& from, float* to)
{
  const std::size_t step = from.in * channels_together;
  for (std::size_t out = 0; out < from.out; out += vector)
    for (std::size_t in = 0; in < from.in; ++in) {
      const float* const first = from.first + static_cast<std::ptrdiff_t>(out) * from.next_out +
                                 static_cast<std::ptrdiff_t>(in) * from.next_in;
      floats g[3][3];
      for (std::ptrdiff_t i = 0; i < 3; ++i)
        for (std::ptrdiff_t k = 0; k < 3; ++k)
          for (std::ptrdiff_t lane = 0; lane < lanes; ++lane)
            g[i][k][lane] = first[i * from.next_row + k * from.next_column + lane * from.next_out];
      const four left = spread(g[0][0], g[1][0], g[2][0]),
                 middle = spread(g[0][1], g[1][1], g[2][1]),
                 right = spread(g[0][2], g[1][2], g[2][2]);
      const four rows[4] = {spread(left.a, middle.a, right.a), spread(left.b, middle.b, right.b),
                            spread(left.c, middle.c, right.c), spread(left.d, middle.d, right.d)};
      float* const at = to + begin_of(out, from.in) + in * channels_together;
      for (std::size_t i = 0; i < 4; ++i) rows[i].write(at + i * step, 4 * step);
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

inline void gather_gradient(const float* from, const filters<float>& to)
{
  const std::size_t step = to.in * channels_together;
  for (std::size_t out = 0; out < to.out; out += vector)
    for (std::size_t in = 0; in < to.in; ++in) {
      const float* const at = from + begin_of(out, to.in) + in * channels_together;
      const auto column = [&](std::size_t k) {
        const float* const m = at + 4 * k * step;
        return four{load(m), load(m + step), load(m + 2 * step), load(m + 3 * step)};
      };
      const three first{column(0)}, second{column(1)}, third{column(2)}, fourth{column(3)};
      const three rows[3] = {three{four{first.a, second.a, third.a, fourth.a}},
                             three{four{first.b, second.b, third.b, fourth.b}},
                             three{four{first.c, second.c, third.c, fourth.c}}};
      float* const begin = to.first + static_cast<std::ptrdiff_t>(out) * to.next_out +
                           static_cast<std::ptrdiff_t>(in) * to.next_in;
      for (std::ptrdiff_t i = 0; i < 3; ++i)
        for (std::ptrdiff_t lane = 0; lane < lanes; ++lane) {
          float* const row = begin + i * to.next_row + lane * to.next_out;
          row[0] = rows[i].a[lane];
          row[to.next_column] = rows[i].b[lane];
          row[2 * to.next_column] = rows[i].c[lane];
        }
    }
}

inline constexpr kernel_set passes{variant, spread_filters, gather_gradient, product, weight_sums};

#undef ROLEWISE_UNROLLED

#endif
