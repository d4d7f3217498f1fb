// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The passes of `kernel_set` for warps, for one width of vectors; included like `passes.hpp`.

#ifdef ROLEWISE_KERNEL_PASSES

/// One coordinate of so many pixels, 32.32, and how far it is to the next ones.
struct coordinate {
  ints whole;
  unsigned_ints fraction;
  ints whole_step;
  unsigned_ints fraction_step;
};

[[gnu::always_inline]] inline void advance(coordinate& at)
{
  at.fraction += at.fraction_step;
  // A comparison that holds is -1: the carry.
  at.whole += at.whole_step - reinterpret_cast<ints>(at.fraction < at.fraction_step);
}

/// Of the pixels 0 .. lanes - 1 of a row that begins at 0.
[[gnu::always_inline]] inline coordinate first_of(std::int64_t by_x)
{
  unsigned_ints count{};
  for (unsigned lane = 0; lane < lanes; ++lane) count[lane] = lane;
  const auto low = static_cast<std::uint32_t>(by_x);
  const auto high = static_cast<std::uint32_t>(by_x >> 32);
  // The upper half of a product of 32 bits, by products of 16.
  const unsigned_ints carried = (count * (low >> 16) + ((count * (low & 0xFFFFU)) >> 16)) >> 16;
  const auto step = static_cast<std::uint64_t>(by_x) * lanes;
  return {reinterpret_cast<ints>(count * high + carried), count * low,
          ints{} + static_cast<std::int32_t>(step >> 32),
          unsigned_ints{} + static_cast<std::uint32_t>(step)};
}

[[gnu::always_inline]] inline coordinate shifted(coordinate at, std::int64_t start)
{
  const unsigned_ints by = unsigned_ints{} + static_cast<std::uint32_t>(start);
  at.fraction += by;
  at.whole += static_cast<std::int32_t>(start >> 32) - reinterpret_cast<ints>(at.fraction < by);
  return at;
}

[[gnu::always_inline]] inline ints within(const ints& value, std::int32_t low, std::int32_t high)
{
  const ints least = ints{} + low, most = ints{} + high;
  const ints raised = value < least ? least : value;
  return raised > most ? most : raised;
}

/// Calls `store(at, column, row)` for each `lanes` pixels of a piece, `at` their place in it.
template<typename Store>
[[gnu::always_inline]] inline void for_places(const warp_piece& piece, Store&& store)
{
  const coordinate first_column = first_of(piece.column.by_x), first_row = first_of(piece.row.by_x);
  for (std::int32_t y = 0; y < piece.rows; ++y) {
    coordinate column = shifted(first_column, piece.column.start + y * piece.column.by_y);
    coordinate row = shifted(first_row, piece.row.start + y * piece.row.by_y);
    for (std::int32_t x = 0; x < piece.length; x += lanes) {
      store(y * piece.length + x, column, row);
      advance(column);
      advance(row);
    }
  }
}

inline void warp_places(const warp_piece& piece, std::uint32_t* places, std::uint32_t* shares)
{
  const std::int32_t w = piece.width, h = piece.height, stride = w + 2;
  const std::int32_t origin = 2 * stride + 2;
  const auto place_of = [&](const coordinate& column, const coordinate& row) -> ints {
    return within(row.whole, -2, h) * stride + within(column.whole, -2, w) + origin;
  };
  if (shares == nullptr)
    for_places(piece, [&](std::int32_t at, const coordinate& column, const coordinate& row) {
      const ints place = place_of(column, row);
      __builtin_memcpy(places + at, &place, sizeof place);
    });
  else
    for_places(piece, [&](std::int32_t at, const coordinate& column, const coordinate& row) {
      const ints place = place_of(column, row);
      const unsigned_ints share = (column.fraction >> 24) | ((row.fraction >> 24) << 16);
      __builtin_memcpy(places + at, &place, sizeof place);
      __builtin_memcpy(shares + at, &share, sizeof share);
    });
}

/// Bytes 0 and 2, or 1 and 3, of two pixels beside each other: `p (256 - x) + q x`.
[[gnu::always_inline]] inline unsigned_ints along_x(const unsigned_ints& p, const unsigned_ints& q,
                                                    const shorts& rest, const shorts& share)
{
  return reinterpret_cast<unsigned_ints>(reinterpret_cast<shorts>(p & 0x00FF00FFU) * rest +
                                         reinterpret_cast<shorts>(q & 0x00FF00FFU) * share);
}

/// The pixels at the left and at the right of so many pairs.
[[gnu::always_inline]] inline void take_apart(const std::uint32_t* pairs, unsigned_ints& left,
                                              unsigned_ints& right)
{
  unsigned_ints a, b;
  __builtin_memcpy(&a, pairs, sizeof a);
  __builtin_memcpy(&b, pairs + lanes, sizeof b);
  left = evens(a, b);
  right = odds(a, b);
}

inline void warp_mix(const std::uint32_t* upper, const std::uint32_t* lower,
                     const std::uint32_t* shares, std::size_t count, std::uint32_t* out)
{
  for (std::size_t i = 0; i < count; i += lanes) {
    unsigned_ints p[4], share;
    take_apart(upper + 2 * i, p[0], p[1]);
    take_apart(lower + 2 * i, p[2], p[3]);
    __builtin_memcpy(&share, shares + i, sizeof share);
    // Byte 3 is 255 or 0: the sign says whether all four are covered. If not, the nearest alone.
    const ints covered = reinterpret_cast<ints>(p[0] & p[1] & p[2] & p[3]) < 0;
    share = covered ? share : (share + 0x00800080U) & 0x01000100U;
    const unsigned_ints x = share & 0xFFFFU, y = share >> 16, rest_y = 256U - y;
    const unsigned_ints both_x = x | (x << 16);
    const auto share_x = reinterpret_cast<shorts>(both_x);
    const auto rest_x = reinterpret_cast<shorts>(0x01000100U - both_x);
    const unsigned_ints above = along_x(p[0], p[1], rest_x, share_x);
    const unsigned_ints below = along_x(p[2], p[3], rest_x, share_x);
    const unsigned_ints above_odd = along_x(p[0] >> 8, p[1] >> 8, rest_x, share_x);
    const unsigned_ints below_odd = along_x(p[2] >> 8, p[3] >> 8, rest_x, share_x);
    // The byte is bits 16 .. 23 of each.
    const unsigned_ints b0 = (above & 0xFFFFU) * rest_y + (below & 0xFFFFU) * y + 0x8000U;
    const unsigned_ints b1 = (above_odd & 0xFFFFU) * rest_y + (below_odd & 0xFFFFU) * y + 0x8000U;
    const unsigned_ints b2 = (above >> 16) * rest_y + (below >> 16) * y + 0x8000U;
    const unsigned_ints b3 = (above_odd >> 16) * rest_y + (below_odd >> 16) * y + 0x8000U;
    const unsigned_ints mixed =
        (b0 >> 16) | ((b1 >> 8) & 0x0000FF00U) | (b2 & 0x00FF0000U) | ((b3 << 8) & 0xFF000000U);
    __builtin_memcpy(out + i, &mixed, sizeof mixed);
  }
}

#endif
