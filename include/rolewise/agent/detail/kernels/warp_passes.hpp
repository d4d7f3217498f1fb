// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The warp passes of `kernel_set`, for one vector width; included like `passes.hpp`.

#ifdef ROLEWISE_KERNEL_PASSES

typedef std::uint64_t longs __attribute__((vector_size(width)));

/// One coordinate of `lanes` pixels, in 32.32 fixed point, and the step to the next ones.
struct coordinate {
  longs first, second, step;
};

/// Returns the coordinates of the first pixels of a row that begins at `start`.
[[gnu::always_inline]] inline coordinate row_of(std::int64_t start, std::int64_t by_x)
{
  constexpr int half_lanes = lanes / 2;
  longs count{};
  for (int lane = 0; lane < half_lanes; ++lane) count[lane] = static_cast<std::uint64_t>(lane);
  const auto by = static_cast<std::uint64_t>(by_x);
  const longs first = count * by + static_cast<std::uint64_t>(start);
  return {first, first + by * half_lanes, longs{} + by * lanes};
}

[[gnu::always_inline]] inline void advance(coordinate& at)
{
  at.first += at.step;
  at.second += at.step;
}

[[gnu::always_inline]] inline unsigned_ints wholes(const coordinate& at)
{
  return odds(reinterpret_cast<unsigned_ints>(at.first),
              reinterpret_cast<unsigned_ints>(at.second));
}

/// Returns the fractions in 256ths.
[[gnu::always_inline]] inline unsigned_ints shares_of(const coordinate& at)
{
  return evens(reinterpret_cast<unsigned_ints>(at.first),
               reinterpret_cast<unsigned_ints>(at.second)) >>
         24;
}

inline void warp_places(const warp_piece& piece, std::uint32_t* places, std::uint32_t* shares)
{
  // Counted from the start of the padding. Negative positions wrap to large unsigned numbers and
  // are clamped to the padding after the image, which is zero as well.
  constexpr std::int64_t origin = 2 * warp::pixel;
  const auto stride = static_cast<std::uint32_t>(piece.width + 2);
  const unsigned_ints wide = unsigned_ints{} + static_cast<std::uint32_t>(piece.width + 2);
  const unsigned_ints tall = unsigned_ints{} + static_cast<std::uint32_t>(piece.height + 2);
  for (std::int32_t y = 0; y < piece.rows; ++y) {
    const std::int64_t from_x = piece.column.start + y * piece.column.by_y + origin;
    const std::int64_t from_y = piece.row.start + y * piece.row.by_y + origin;
    coordinate column = row_of(from_x, piece.column.by_x), row = row_of(from_y, piece.row.by_x);
    for (std::int32_t x = 0; x < piece.length; x += lanes) {
      unsigned_ints at_x = wholes(column), at_y = wholes(row);
      at_x = at_x < wide ? at_x : wide;
      at_y = at_y < tall ? at_y : tall;
      const unsigned_ints place = at_y * stride + at_x;
      __builtin_memcpy(places + y * piece.length + x, &place, sizeof place);
      if (shares != nullptr) {
        const unsigned_ints share = shares_of(column) | (shares_of(row) << 16);
        __builtin_memcpy(shares + y * piece.length + x, &share, sizeof share);
      }
      advance(column);
      advance(row);
    }
  }
}

/// Interpolates bytes 0 and 2, or 1 and 3, of two adjacent pixels: `p (256 - x) + q x`.
[[gnu::always_inline]] inline unsigned_ints along_x(const unsigned_ints& p, const unsigned_ints& q,
                                                    const shorts& rest, const shorts& share)
{
  return reinterpret_cast<unsigned_ints>(reinterpret_cast<shorts>(p & 0x00FF00FFU) * rest +
                                         reinterpret_cast<shorts>(q & 0x00FF00FFU) * share);
}

/// Splits pairs into their left and right pixels.
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
    // Byte 3 is 255 or 0, so the sign tells whether all four are covered. If not, rounding the
    // shares selects the nearest pixel alone.
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
    // The result is in bits 16 .. 23 of each.
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
