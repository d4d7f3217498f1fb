// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The passes of `kernel_set` from bytes to bytes, for one vector width.
///
/// Included once for each instruction set by `variants.hpp`, in a namespace that defines `width`,
/// the bytes of a vector, and what is specific to that instruction set; empty on its own. A
/// vector operation is lowered for the target of the function that contains it, before inlining,
/// so functions shared between targets would be no faster than on the most basic of them.

#ifdef ROLEWISE_KERNEL_PASSES

[[gnu::always_inline]] inline void keep_rounded(floats& value)
{
#if defined(__x86_64__)
  asm("" : "+x"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  asm("" : "+m"(value));
#endif
}

[[gnu::always_inline]] inline ints widened(const std::uint8_t* at)
{
  few loaded;
  __builtin_memcpy(&loaded, at, sizeof loaded);
  return widen(loaded);
}

[[gnu::always_inline]] inline void store_bytes(std::uint8_t* at, const ints& values)
{
  const few stored = narrow(values);
  __builtin_memcpy(at, &stored, sizeof stored);
}

inline void blend(const std::uint8_t* d, std::uint8_t* image, std::size_t count, float factor)
{
  // At this factor every value that differs from d is already clamped to 0 or 255, and no sum
  // overflows an int.
  constexpr float most = 1048576.0F;
  factor = factor > most ? most : factor < -most ? -most : factor;
  const floats by = floats{} + factor;
  for (std::size_t i = 0; i < count; i += lanes) {
    const ints from = widened(d + i);
    floats moved = __builtin_convertvector(widened(image + i) - from, floats) * by;
    keep_rounded(moved);
    moved += __builtin_convertvector(from, floats);
    keep_rounded(moved);
    ints whole = __builtin_convertvector(moved, ints);
    whole = whole > 0 ? whole : ints{};
    whole = whole > 255 ? ints{} + 255 : whole;
    store_bytes(image + i, whole);
  }
}

inline void gray(const std::uint8_t* const* rgb, std::uint8_t* out, std::size_t count,
                 std::int32_t add)
{
  const std::uint8_t *r = rgb[0], *g = rgb[1], *b = rgb[2];
  for (std::size_t i = 0; i < count; i += lanes)
    store_bytes(
        out + i,
        (widened(r + i) * 19595 + widened(g + i) * 38470 + widened(b + i) * 7471 + add) >> 16);
}

inline std::int64_t sum(const std::uint8_t* plane, std::size_t count)
{
  constexpr std::size_t block = std::size_t{lanes} << 16;  // no lane overflows within a block
  std::int64_t total = 0;
  std::size_t i = 0;
  while (i + lanes <= count) {
    const std::size_t end = count - i < block ? count : i + block;
    ints partial{};
    for (; i + lanes <= end; i += lanes) partial += widened(plane + i);
    for (std::size_t lane = 0; lane < lanes; ++lane) total += partial[lane];
  }
  for (; i < count; ++i) total += plane[i];
  return total;
}

inline void range(const std::uint8_t* plane, std::size_t count, std::uint8_t* low,
                  std::uint8_t* high)
{
  std::uint8_t least = 255, most = 0;
  std::size_t i = 0;
  if (count >= width) {
    bytes small = bytes{} + std::uint8_t{255}, large{};
    for (; i + width <= count; i += width) {
      bytes loaded;
      __builtin_memcpy(&loaded, plane + i, width);
      small = loaded < small ? loaded : small;
      large = loaded > large ? loaded : large;
    }
    for (std::size_t lane = 0; lane < width; ++lane) {
      least = small[lane] < least ? small[lane] : least;
      most = large[lane] > most ? large[lane] : most;
    }
  }
  for (; i < count; ++i) {
    least = plane[i] < least ? plane[i] : least;
    most = plane[i] > most ? plane[i] : most;
  }
  *low = least;
  *high = most;
}

[[gnu::always_inline]] inline shorts widened_once(const std::uint8_t* at)
{
  half loaded;
  __builtin_memcpy(&loaded, at, sizeof loaded);
  return __builtin_convertvector(loaded, shorts);
}

inline void smooth(const std::uint8_t* in, std::uint8_t* out, std::size_t height,
                   std::size_t row_length)
{
  const std::size_t last = (height - 1) * row_length;
  for (std::size_t i = row_length; i < last; i += width / 2) {
    const std::size_t above = i - row_length, below = i + row_length;
    const shorts middle = widened_once(in + i);
    const shorts nine = widened_once(in + above - 1) + widened_once(in + above) +
                        widened_once(in + above + 1) + widened_once(in + i - 1) + middle +
                        widened_once(in + i + 1) + widened_once(in + below - 1) +
                        widened_once(in + below) + widened_once(in + below + 1);
    const auto doubled = reinterpret_cast<unsigned_ints>(
        (nine + middle * std::uint16_t{4}) * std::uint16_t{2} + std::uint16_t{13});
    // v / 26 = v 20165 / 2^19 for v up to 2 * 13 * 255 + 13; each 32-bit word holds two of them.
    const unsigned_ints quotients =
        (((doubled & 0xFFFFU) * 20165U) >> 19) | ((((doubled >> 16) * 20165U) >> 19) << 16);
    const half narrow = __builtin_convertvector(reinterpret_cast<shorts>(quotients), half);
    __builtin_memcpy(out + i, &narrow, sizeof narrow);
  }
  __builtin_memcpy(out, in, row_length);
  __builtin_memcpy(out + last, in + last, row_length);
  for (std::size_t i = row_length; i < last; i += row_length) {
    out[i] = in[i];
    out[i + row_length - 1] = in[i + row_length - 1];
  }
}

inline void pack(const std::uint8_t* const* planes, std::size_t count, std::uint32_t* out)
{
  for (std::size_t i = 0; i < count; i += lanes) {
    const ints packed = widened(planes[0] + i) | (widened(planes[1] + i) << 8) |
                        (widened(planes[2] + i) << 16) | (widened(planes[3] + i) << 24);
    __builtin_memcpy(out + i, &packed, sizeof packed);
  }
}

inline void unpack(const std::uint32_t* packed, std::size_t count, std::uint8_t* const* planes)
{
  for (std::size_t i = 0; i < count; i += lanes) {
    unsigned_ints pixels;
    __builtin_memcpy(&pixels, packed + i, sizeof pixels);
    for (unsigned p = 0; p < 4; ++p)
      store_bytes(planes[p] + i, reinterpret_cast<ints>((pixels >> (8 * p)) & 255U));
  }
}

inline void sources(const source_row& row, std::int64_t height, std::int64_t row_length,
                    std::uint32_t* out)
{
  ints count_up{};
  for (int lane = 0; lane < lanes; ++lane) count_up[lane] = lane;
  const auto w = static_cast<std::int32_t>(row_length), h = static_cast<std::int32_t>(height);
  const ints outside = ints{} + w * h;
  const auto right = static_cast<std::int32_t>(row.x_by),
             down = static_cast<std::int32_t>(row.y_by);
  ints x16 = count_up * right + static_cast<std::int32_t>(row.x);
  ints y16 = count_up * down + static_cast<std::int32_t>(row.y);
  for (std::int32_t x = 0; x < w; x += lanes) {
    const ints at_x = x16 >> 16, at_y = y16 >> 16;
    const ints inside = (at_x >= 0) & (at_x < w) & (at_y >= 0) & (at_y < h);
    const ints place = inside ? at_y * w + at_x : outside;
    __builtin_memcpy(out + x, &place, sizeof place);
    x16 += right * lanes;
    y16 += down * lanes;
  }
}

inline void fill(std::uint8_t* plane, const std::uint8_t* covered, std::size_t count,
                 std::uint8_t color)
{
  for (std::size_t i = 0; i < count; i += width) {
    bytes image, mask;
    __builtin_memcpy(&image, plane + i, width);
    __builtin_memcpy(&mask, covered + i, width);
    image = (image & mask) | ((bytes{} + color) & ~mask);
    __builtin_memcpy(plane + i, &image, width);
  }
}

[[gnu::always_inline]] inline void paint(std::uint8_t* out, std::int64_t from, std::int64_t to,
                                         std::uint8_t color)
{
  const bytes brush = bytes{} + color;
  for (; from < to; from += width) __builtin_memcpy(out + from, &brush, width);
}

inline void move(const std::uint8_t* in, std::uint8_t* out, std::int64_t length,
                 const row_move& how)
{
  const std::int64_t shift = how.mirrored ? -how.shift : how.shift;
  if (shift >= length || shift <= -length) {
    paint(out, 0, length, how.outside);
    return;
  }
  const std::int64_t first = shift < 0 ? -shift : 0, last = shift > 0 ? length - shift : length;
  paint(out, 0, first, how.outside);
  if (how.mirrored) {
    const std::uint8_t* from = in + (length - 1 - shift) - 7;  // column x is from[7 - x]
    for (std::int64_t x = first; x < last; x += 8) {
      std::uint64_t eight;
      __builtin_memcpy(&eight, from - x, 8);
      eight = __builtin_bswap64(eight);
      __builtin_memcpy(out + x, &eight, 8);
    }
  } else {
    for (std::int64_t x = first; x < last; x += width) {
      bytes some;
      __builtin_memcpy(&some, in + x + shift, width);
      __builtin_memcpy(out + x, &some, width);
    }
  }
  paint(out, last, length, how.outside);
}

#endif
