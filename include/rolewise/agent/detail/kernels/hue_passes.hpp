// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The hue rotation pass of `kernel_set`.
///
/// Included after `passes.hpp`, once for each instruction set; empty on its own.

#ifdef ROLEWISE_KERNEL_PASSES

inline constexpr int wide_lanes = width / 8;
typedef double doubles __attribute__((vector_size(width)));
typedef float half_floats __attribute__((vector_size(width / 2)));
typedef std::int32_t half_ints __attribute__((vector_size(width / 2)));

[[gnu::always_inline]] inline void keep_rounded(doubles& value)
{
#if defined(__x86_64__)
  asm("" : "+x"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  asm("" : "+m"(value));
#endif
}

[[gnu::always_inline]] inline doubles wide(const std::int32_t* at)
{
  half_ints loaded;
  __builtin_memcpy(&loaded, at, sizeof loaded);
  return __builtin_convertvector(loaded, doubles);
}

[[gnu::always_inline]] inline void store_whole(std::int32_t* at, const doubles& value)
{
  const half_ints whole = __builtin_convertvector(value, half_ints);
  __builtin_memcpy(at, &whole, sizeof whole);
}

/// Rounds to float32.
[[gnu::always_inline]] inline doubles single(const doubles& value)
{
  return __builtin_convertvector(__builtin_convertvector(value, half_floats), doubles);
}

/// Intermediate values of a block of pixels: at first the integers of the hue, then the values of
/// the two channels that are not the greatest.
struct hue_block {
  static constexpr std::size_t most = 256;

  std::size_t size;  ///< a multiple of `lanes`
  std::int32_t greatest[most], range[most], from_middle[most], base[most], sign[most];
  std::int32_t sector[most], least_value[most], middle_value[most];
};

/// Decomposes colors: the hue is `(base + sign * (greatest - middle) / range) / 6` of the circle.
inline void split_hue(const std::uint8_t* const* rgb, std::size_t start, hue_block& block)
{
  for (std::size_t i = 0; i < block.size; i += lanes) {
    const ints r = widened(rgb[0] + start + i), g = widened(rgb[1] + start + i),
               b = widened(rgb[2] + start + i);
    const ints high = r > g ? r : g, low = r > g ? g : r;
    const ints greatest = high > b ? high : b, least = low < b ? low : b;
    const ints middle = r + g + b - greatest - least;
    const ints range = greatest - least, from_middle = greatest - middle;
    const ints is_r = r == greatest, is_g = ~is_r & (g == greatest), is_b = ~is_r & ~is_g;
    const ints falls = (is_r & (b == least)) | (is_g & (r == least)) | (is_b & (g == least));
    // With q = (greatest - middle) / range, six times the hue is 1 - q or q - 1 where red is
    // greatest; 3 - q or 1 + q (green); 5 - q or 3 + q (blue).
    const ints base = (is_g & 2) + (is_b & 4) + (falls ? ints{} + 1 : ints{} - 1);
    const ints sign = falls ? ints{} - 1 : ints{} + 1;
    __builtin_memcpy(block.greatest + i, &greatest, sizeof greatest);
    __builtin_memcpy(block.range + i, &range, sizeof range);
    __builtin_memcpy(block.from_middle + i, &from_middle, sizeof from_middle);
    __builtin_memcpy(block.base + i, &base, sizeof base);
    __builtin_memcpy(block.sign + i, &sign, sizeof sign);
  }
}

/// Computes hue and saturation as bytes, in place of `base` and `range`. Multiplies by 1/6, and
/// below by 1/255, where Pillow divides: the bytes are the same for all colors.
inline void hue_and_saturation(hue_block& block)
{
  doubles sixth = doubles{} + 1.0 / 6.0, one = doubles{} + 1.0;
  for (std::size_t i = 0; i < block.size; i += wide_lanes) {
    keep_rounded(sixth);
    keep_rounded(one);
    const doubles range = wide(block.range + i), greatest = wide(block.greatest + i);
    const doubles some_range = range > 0.0 ? range : one;
    const doubles some_greatest = greatest > 0.0 ? greatest : one;
    doubles hue = single(wide(block.from_middle + i) / some_range);
    hue = single(wide(block.base + i) + wide(block.sign + i) * hue) * sixth;
    keep_rounded(hue);
    hue += one;
    keep_rounded(hue);
    hue = single(hue >= 1.0 ? hue - one : hue) * 255.0;
    store_whole(block.base + i, hue);
    store_whole(block.range + i, single(range / some_greatest) * 255.0);
  }
}

/// Computes the values of the other two channels, after the rotation.
inline void other_channels(hue_block& block, std::int32_t by)
{
  doubles part = doubles{} + 1.0 / 255.0, one = doubles{} + 1.0;
  for (std::size_t i = 0; i < block.size; i += lanes) {
    ints hue;
    __builtin_memcpy(&hue, block.base + i, sizeof hue);
    hue = (hue + by) & 255;
    __builtin_memcpy(block.base + i, &hue, sizeof hue);
  }
  for (std::size_t i = 0; i < block.size; i += wide_lanes) {
    keep_rounded(part);
    keep_rounded(one);
    doubles turned = wide(block.base + i) * 6.0;
    keep_rounded(turned);
    turned *= part;
    keep_rounded(turned);
    store_whole(block.sector + i, turned);
    const doubles sector = wide(block.sector + i);
    const doubles inside = single(turned - sector);
    const doubles saturation = single(wide(block.range + i) * part);
    doubles rest = one - inside;
    keep_rounded(rest);
    doubles rising = saturation * rest;
    keep_rounded(rising);
    const doubles falling = single(saturation * inside);
    half_ints odd;
    __builtin_memcpy(&odd, block.sector + i, sizeof odd);
    const doubles is_odd = __builtin_convertvector(odd & 1, doubles);
    const doubles lost = is_odd > 0.0 ? falling : rising;
    doubles middle = one - lost, least = one - saturation;
    keep_rounded(middle);
    keep_rounded(least);
    const doubles value = wide(block.greatest + i);
    store_whole(block.middle_value + i, value * middle + 0.5);
    store_whole(block.least_value + i, value * least + 0.5);
  }
}

inline void join_hue(const hue_block& block, std::uint8_t* const* rgb, std::size_t start)
{
  for (std::size_t i = 0; i < block.size; i += lanes) {
    ints sector, greatest, middle, least;
    __builtin_memcpy(&sector, block.sector + i, sizeof sector);
    __builtin_memcpy(&greatest, block.greatest + i, sizeof greatest);
    __builtin_memcpy(&middle, block.middle_value + i, sizeof middle);
    __builtin_memcpy(&least, block.least_value + i, sizeof least);
    sector = sector == 6 ? ints{} : sector;
    store_bytes(rgb[0] + start + i, ((sector == 0) | (sector == 5))   ? greatest
                                    : ((sector == 1) | (sector == 4)) ? middle
                                                                      : least);
    store_bytes(rgb[1] + start + i, ((sector == 1) | (sector == 2))   ? greatest
                                    : ((sector == 0) | (sector == 3)) ? middle
                                                                      : least);
    store_bytes(rgb[2] + start + i, ((sector == 3) | (sector == 4))   ? greatest
                                    : ((sector == 2) | (sector == 5)) ? middle
                                                                      : least);
  }
}

inline void turn_hue(std::uint8_t* const* rgb, std::size_t count, std::int32_t by)
{
  hue_block block;
  for (std::size_t start = 0; start < count; start += hue_block::most) {
    const auto left = (count - start + lanes - 1) / lanes * lanes;
    block.size = left < hue_block::most ? left : hue_block::most;
    split_hue(rgb, start, block);
    hue_and_saturation(block);
    other_channels(block, by);
    join_hue(block, rgb, start);
  }
}

#endif
