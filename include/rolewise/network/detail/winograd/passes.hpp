// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// Winograd convolution kernels for one vector width.
///
/// Included once per instruction set by `instruction_sets.hpp`; empty if included alone. Vector
/// lanes are input channels in transforms of inputs and output channels in products. In templates
/// m is the number of outputs on each side of a tile, and n = m + 2.

#ifdef ROLEWISE_PASSES

// Sums stay in registers only if loops over them are unrolled before other optimizations.
#if defined(__clang__)
#define ROLEWISE_UNROLLED _Pragma("unroll")
// Under sanitizers some bodies are too long to be unrolled: slower, and right.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"
#else
#define ROLEWISE_UNROLLED _Pragma("GCC unroll 16")
#endif

inline constexpr std::size_t vector = lanes;

#include <rolewise/network/detail/winograd/transform_passes.hpp>
// The transforms come first.
#include <rolewise/network/detail/winograd/filter_passes.hpp>

/// The position of a tile.
template<std::size_t m>
struct place {
  std::size_t image, row, column;  ///< of its first output

  [[gnu::always_inline]] inline explicit place(const tile_range& tiles)
      : image{tiles.first / tiles.of_image()},
        row{tiles.first % tiles.of_image() / tiles.columns() * m},
        column{tiles.first % tiles.columns() * m}
  {}

  [[gnu::always_inline]] inline void advance(const tile_range& tiles)
  {
    column += m;
    if (column < tiles.width) return;
    column = 0;
    row += m;
    if (row < tiles.height) return;
    row = 0;
    ++image;
  }
  /// The pixel index of its first output.
  [[gnu::always_inline]] inline std::size_t pixel(const tile_range& tiles) const
  {
    return (image * tiles.height + row) * tiles.width + column;
  }
  /// Whether all its outputs lie in the maps.
  [[gnu::always_inline]] inline bool is_whole(const tile_range& tiles) const
  {
    return row + m <= tiles.height && column + m <= tiles.width;
  }
};

[[gnu::always_inline]] inline floats load(const std::uint8_t* at)
{
  few bytes;
  __builtin_memcpy(&bytes, at, sizeof bytes);
  return __builtin_convertvector(
      __builtin_convertvector(__builtin_convertvector(bytes, few_shorts), ints), floats);
}

/// Input pixels of a tile that lies inside the maps with its margin.
template<typename Number>
struct inner_pixels {
  const Number* first;
  std::size_t line, pixel;

  [[gnu::always_inline]] inline floats at(std::size_t i, std::size_t k, std::size_t channel) const
  {
    return load(first + i * line + k * pixel + channel);
  }
};

/// Input pixels of any tile; 0 outside the maps.
template<std::size_t n, typename Number>
struct edge_pixels {
  const Number* first;
  std::size_t line, pixel;
  bool has_row[n], has_column[n];

  [[gnu::always_inline]] inline edge_pixels(const inner_pixels<Number>& all,
                                            const tile_range& tiles, const place<n - 2>& at)
      : first{all.first}, line{all.line}, pixel{all.pixel}
  {
    for (std::size_t i = 0; i < n; ++i) {
      has_row[i] = at.row + i - 1 < tiles.height;  // wraps around for row -1
      has_column[i] = at.column + i - 1 < tiles.width;
    }
  }
  [[gnu::always_inline]] inline floats at(std::size_t i, std::size_t k, std::size_t channel) const
  {
    alignas(64) static constexpr Number nothing[channels_together]{};
    const Number* const there = first + i * line + k * pixel + channel;
    return load((has_row[i] & has_column[k]) != 0 ? there : nothing);  // branch-free
  }
};

/// The transform B' d B of an input tile.
template<std::size_t n, typename Pixels>
[[gnu::always_inline]] inline void spread_tile(const Pixels& pixels, std::size_t channels,
                                               std::size_t step, float* to)
{
  for (std::size_t channel = 0; channel < channels; channel += vector, to += vector) {
    line<n> rows[n];
    ROLEWISE_UNROLLED
    for (std::size_t i = 0; i < n; ++i)
      rows[i] = spread_inputs(line_of<n>([&](std::size_t k) { return pixels.at(i, k, channel); }));
    ROLEWISE_UNROLLED
    for (std::size_t k = 0; k < n; ++k)
      spread_inputs(line_of<n>([&](std::size_t i) {
        return rows[i].at[k];
      })).write(to + k * n * step, step);
  }
}

/// Transforms inputs to `[column, row, tile, channel]`, with `apart` floats between tiles.
template<std::size_t m, typename Number>
inline void spread_tiles(const tile_range& tiles, const Number* x, std::size_t channels, float* to)
{
  constexpr std::size_t n = m + 2;
  const std::size_t line = tiles.width * channels, step = tiles_together * apart(channels);
  place<m> at{tiles};
  for (std::size_t tile = tiles.first; tile < tiles.end; ++tile, at.advance(tiles)) {
    const Number* const first = x + at.pixel(tiles) * channels;
    // Prefetches what the tile below reads beyond this one's rows, which are too short for the
    // hardware prefetcher.
    for (std::size_t channel = 0; channel < m * channels; channel += 64 / sizeof(Number))
      for (std::size_t i = m + 1; i <= 2 * m; ++i) __builtin_prefetch(first + i * line + channel);
    const inner_pixels<Number> pixels{first - line - channels, line, channels};
    if (at.row > 0 && at.column > 0 && at.row + m < tiles.height && at.column + m < tiles.width)
      spread_tile<n>(pixels, channels, step, to);
    else
      spread_tile<n>(edge_pixels<n, Number>{pixels, tiles, at}, channels, step, to);
    to += apart(channels);
  }
}

/// Transforms sums over rows, `[column, output row, tile, lane]`, to outputs.
template<std::size_t m>
inline void gather_tiles(const tile_range& tiles, const float* from, std::size_t channels, float* y)
{
  constexpr std::size_t n = m + 2, half = tiles_together * vector, step = m * half;
  const std::size_t line = tiles.width * channels;
  place<m> at{tiles};
  for (std::size_t tile = tiles.first; tile < tiles.end; ++tile, at.advance(tiles)) {
    float* const to = y + at.pixel(tiles) * channels;
    for (std::size_t i = m; i < 2 * m; ++i)  // of the tile below
      for (std::size_t k = 0; k < m; ++k) __builtin_prefetch(to + i * line + k * channels, 1);
    const auto outputs = [&](std::size_t i) {
      return gather_outputs(
          line_of<n>([&](std::size_t k) { return load(from + k * step + i * half); }));
    };
    if (at.is_whole(tiles)) {
      ROLEWISE_UNROLLED
      for (std::size_t i = 0; i < m; ++i) outputs(i).write(to + i * line, channels);
    } else {
      for (std::size_t i = 0; i < m && at.row + i < tiles.height; ++i) {
        const auto found = outputs(i);
        for (std::size_t k = 0; k < m && at.column + k < tiles.width; ++k)
          store(to + i * line + k * channels, found.at[k]);
      }
    }
    from += vector;
  }
}

/// Transforms the gradients of a part of the outputs to `[column, row, tile, channel of the part]`.
template<std::size_t m>
inline void spread_gradients(const tile_range& tiles, const float* gradient, std::size_t channels,
                             const channel_range& part, float* to)
{
  constexpr std::size_t n = m + 2;
  const std::size_t line_step = tiles.width * channels,
                    step = tiles_together * (part.end - part.first);
  place<m> at{tiles};
  for (std::size_t tile = tiles.first; tile < tiles.end; ++tile, at.advance(tiles)) {
    const float* const first = gradient + at.pixel(tiles) * channels;
    const auto spread = [&](const auto& read) {
      for (std::size_t channel = part.first; channel < part.end; channel += vector, to += vector) {
        line<n> rows[m];
        ROLEWISE_UNROLLED
        for (std::size_t i = 0; i < m; ++i)
          rows[i] = spread_gradient(line_of<m>(
              [&](std::size_t k) { return read(i, k, first + i * line_step + channel); }));
        ROLEWISE_UNROLLED
        for (std::size_t k = 0; k < n; ++k)
          spread_gradient(line_of<m>([&](std::size_t i) {
            return rows[i].at[k];
          })).write(to + k * n * step, step);
      }
    };
    for (std::size_t i = m; i < 2 * m; ++i)  // of the tile below
      for (std::size_t channel = 0; channel < m * channels; channel += channels_together)
        __builtin_prefetch(first + i * line_step + channel);
    if (at.is_whole(tiles))
      spread(
          [&](std::size_t, std::size_t k, const float* row) { return load(row + k * channels); });
    else
      spread([&](std::size_t i, std::size_t k, const float* row) {
        return at.row + i < tiles.height && at.column + k < tiles.width ? load(row + k * channels)
                                                                        : floats{};
      });
  }
}

/// The products of one column of positions and one vector of outputs for `count` tiles, summed
/// over inputs and then over rows.
template<std::size_t m, std::size_t count>
[[gnu::always_inline]] inline void multiply(const float* x, std::size_t in, const float* weights,
                                            float* to)
{
  constexpr std::size_t n = m + 2;
  const std::size_t next = apart(in), step = tiles_together * next;
  floats sums[n][count] = {};
  for (std::size_t k = 0; k < in; ++k) {
    ROLEWISE_UNROLLED
    for (std::size_t i = 0; i < n; ++i) {
      const floats w = load(weights + (i * in + k) * channels_together);
      ROLEWISE_UNROLLED
      for (std::size_t t = 0; t < count; ++t) sums[i][t] += x[i * step + t * next + k] * w;
    }
  }
  ROLEWISE_UNROLLED
  for (std::size_t t = 0; t < count; ++t)
    gather_outputs(line_of<n>([&](std::size_t i) {
      return sums[i][t];
    })).write(to + t * vector, tiles_together * vector);
}

template<std::size_t m>
inline void product_of(const tile_range& all, const float* x, std::size_t in, const float* weights,
                       std::size_t out, const channel_range& part, float* y, float* scratch)
{
  constexpr std::size_t n = m + 2;
  constexpr std::size_t at_once = (lanes == 16 ? 24 : 12) / n;  // by the number of registers
  float* const sums = scratch + tiles_together * n * n * apart(in);
  for (std::size_t first = all.first; first < all.end; first += tiles_together) {
    const tile_range tiles = all.next(first);
    spread_tiles<m>(tiles, x, in, scratch);
    for (std::size_t channel = part.first; channel < part.end; channel += vector) {
      const float* w = weights + begin_of(channel, in, n * n);
      const float* from = scratch;
      float* to = sums;
      for (std::size_t column = 0; column < n; ++column) {
        for (std::size_t t = 0; t < tiles.count(); t += at_once)
          multiply<m, at_once>(from + t * apart(in), in, w, to + t * vector);
        from += n * tiles_together * apart(in);
        w += n * in * channels_together;
        to += m * tiles_together * vector;
      }
      gather_tiles<m>(tiles, sums, out, y + channel);
    }
  }
}

inline void product(const tile_range& all, const float* x, std::size_t in, const float* weights,
                    std::size_t out, const channel_range& part, float* y, float* scratch)
{
  const auto of_size = all.size.outputs == 2 ? product_of<2> : product_of<4>;
  of_size(all, x, in, weights, out, part, y, scratch);
}

/// Adds products to the sums of one column of positions, `count` inputs and one vector of
/// outputs, or starts them.
template<std::size_t m, std::size_t count>
[[gnu::always_inline]] inline void add_products(const float* x, std::size_t in,
                                                const float* gradients, std::size_t out,
                                                std::size_t tiles, bool starts, float* to)
{
  constexpr std::size_t n = m + 2;
  const std::size_t next = apart(in), step = tiles_together * next;
  floats sums[n][count] = {};
  if (!starts) {
    ROLEWISE_UNROLLED
    for (std::size_t i = 0; i < n; ++i) {
      ROLEWISE_UNROLLED
      for (std::size_t k = 0; k < count; ++k)
        sums[i][k] = load(to + (i * in + k) * channels_together);
    }
  }
  for (std::size_t t = 0; t < tiles; ++t) {
    ROLEWISE_UNROLLED
    for (std::size_t i = 0; i < n; ++i) {
      const floats g = load(gradients + (i * tiles_together + t) * out);
      ROLEWISE_UNROLLED
      for (std::size_t k = 0; k < count; ++k) sums[i][k] += x[i * step + t * next + k] * g;
    }
  }
  ROLEWISE_UNROLLED
  for (std::size_t i = 0; i < n; ++i) {
    ROLEWISE_UNROLLED
    for (std::size_t k = 0; k < count; ++k)
      store(to + (i * in + k) * channels_together, sums[i][k]);
  }
}

/// Adds the products of at most `tiles_together` transformed tiles to sums, or starts them.
template<std::size_t m>
inline void add_tiles(std::size_t tiles, const float* inputs, std::size_t in,
                      const float* gradients, std::size_t out, bool starts, float* sums)
{
  constexpr std::size_t n = m + 2;
  constexpr std::size_t at_once = lanes == 16 ? 4 : 2;
  for (std::size_t channel = 0; channel < out; channel += vector) {
    float* to = sums + begin_of(channel, in, n * n);
    const float* from = inputs;
    const float* g = gradients + channel;
    for (std::size_t column = 0; column < n; ++column) {
      for (std::size_t k = 0; k < in; k += at_once)
        add_products<m, at_once>(from + k, in, g, out, tiles, starts, to + k * channels_together);
      from += n * tiles_together * apart(in);
      g += n * tiles_together * out;
      to += n * in * channels_together;
    }
  }
}

template<std::size_t m, typename Number>
inline void weight_sums_in(const tile_range& all, const Number* x, std::size_t in,
                           const float* gradient, std::size_t out, const channel_range& part,
                           float* sums, float* scratch)
{
  constexpr tile_size size{m};
  constexpr std::size_t positions = size.positions();
  const std::size_t wide = part.end - part.first, numbers = positions * in * wide;
  float* const gradients = scratch + tiles_together * positions * apart(in);
  float* const some = gradients + tiles_together * positions * wide;
  float* const whole = sums + begin_of(part.first, in, positions);
  for (std::size_t begin = all.first; begin < all.end; begin += tiles_summed) {
    const std::size_t end = all.end - begin < tiles_summed ? all.end : begin + tiles_summed;
    float* const to = begin == all.first ? whole : some;
    for (std::size_t first = begin; first < end; first += tiles_together) {
      const tile_range tiles = all.next(first);
      spread_tiles<m>(tiles, x, in, scratch);
      spread_gradients<m>(tiles, gradient, out, part, gradients);
      add_tiles<m>(tiles.count(), scratch, in, gradients, wide, first == begin, to);
    }
    if (begin == all.first) continue;
    for (std::size_t i = 0; i < numbers; i += vector)
      store(whole + i, load(whole + i) + load(some + i));
  }
}

template<typename Number>
inline void weight_sums(const tile_range& all, const Number* x, std::size_t in,
                        const float* gradient, std::size_t out, const channel_range& part,
                        float* sums, float* scratch)
{
  const auto of_size =
      all.size.outputs == 2 ? weight_sums_in<2, Number> : weight_sums_in<4, Number>;
  of_size(all, x, in, gradient, out, part, sums, scratch);
}

inline constexpr kernel_set passes{variant, spread_filters,     gather_gradient,
                                   product, weight_sums<float>, weight_sums<std::uint8_t>};

#undef ROLEWISE_UNROLLED
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

#endif
