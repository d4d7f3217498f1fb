// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The passes of `kernel_set` that convert bytes to floating point, and the set itself.
///
/// Included after the other passes, once for each instruction set; empty on its own.

#ifdef ROLEWISE_KERNEL_PASSES

[[gnu::always_inline]] inline floats scaled(const std::uint8_t* at, const floats& minus,
                                            const floats& times)
{
  floats value = __builtin_convertvector(widened(at), floats) - minus;
  keep_rounded(value);
  value *= times;
  keep_rounded(value);
  return value;
}

[[gnu::always_inline]] inline void store(float* at, const floats& value)
{
  __builtin_memcpy(at, &value, sizeof value);
}

[[gnu::always_inline]] inline void store(std::uint16_t* at, const floats& value)
{
  unsigned_ints bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  bits = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const few_shorts upper = __builtin_convertvector(bits, few_shorts);
  __builtin_memcpy(at, &upper, sizeof upper);
}

template<typename Number>
inline void to_planes(const std::uint8_t* plane, std::size_t count, float minus, float times,
                      Number* out)
{
  const floats less = floats{} + minus, by = floats{} + times;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) store(out + i, scaled(plane + i, less, by));
  if (i == count) return;
  Number rest[lanes];
  store(rest, scaled(plane + i, less, by));
  __builtin_memcpy(out + i, rest, (count - i) * sizeof(Number));
}

template<typename Number>
[[gnu::always_inline]] inline void store_pixels(const std::uint8_t* const* planes, std::size_t i,
                                                const floats* minus, const floats* times,
                                                Number* out)
{
  floats pixels[3];
  interleave(scaled(planes[0] + i, minus[0], times[0]), scaled(planes[1] + i, minus[1], times[1]),
             scaled(planes[2] + i, minus[2], times[2]), pixels);
  store(out, pixels[0]);
  store(out + lanes, pixels[1]);
  store(out + 2 * lanes, pixels[2]);
}

/// As `to_pixels`, with stores that bypass the caches.
inline void stream_pixels(const std::uint8_t* const* planes, std::size_t count, const scale& by,
                          float* out)
{
  const floats minus[3] = {floats{} + by.minus[0], floats{} + by.minus[1], floats{} + by.minus[2]};
  const floats times[3] = {floats{} + by.times[0], floats{} + by.times[1], floats{} + by.times[2]};
  for (std::size_t i = 0; i + lanes <= count; i += lanes) {
    floats pixels[3];
    interleave(scaled(planes[0] + i, minus[0], times[0]), scaled(planes[1] + i, minus[1], times[1]),
               scaled(planes[2] + i, minus[2], times[2]), pixels);
    for (int part = 0; part < 3; ++part) stream(out + 3 * i + part * lanes, pixels[part]);
  }
  end_of_stream();
}

template<typename Number>
inline void to_pixels(const std::uint8_t* const* planes, std::size_t count, const scale& by,
                      Number* out)
{
  const floats minus[3] = {floats{} + by.minus[0], floats{} + by.minus[1], floats{} + by.minus[2]};
  const floats times[3] = {floats{} + by.times[0], floats{} + by.times[1], floats{} + by.times[2]};
  const std::uint8_t* const rgb[3] = {planes[0], planes[1], planes[2]};
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) store_pixels(rgb, i, minus, times, out + 3 * i);
  if (i == count) return;
  Number rest[3 * lanes];
  store_pixels(rgb, i, minus, times, rest);
  __builtin_memcpy(out + 3 * i, rest, 3 * (count - i) * sizeof(Number));
}

template<typename Number>
inline void converted(const std::uint8_t* const* planes, std::size_t channels, std::size_t count,
                      const scale& by, layout to, Number* out)
{
  if (channels == 3 && to == layout::channels_last) {
    to_pixels(planes, count, by, out);
    return;
  }
  for (std::size_t c = 0; c < channels; ++c)
    to_planes(planes[c], count, by.minus[c], by.times[c], out + c * count);
}

inline void to_float(const std::uint8_t* const* planes, std::size_t channels, std::size_t count,
                     const scale& by, layout to, float* out)
{
  // Output larger than the caches of a core would only evict other data from them.
  constexpr std::size_t large = std::size_t{1} << 15;
  if (channels == 3 && to == layout::channels_last && count % lanes == 0 && count >= large &&
      reinterpret_cast<std::uintptr_t>(out) % width == 0)
    stream_pixels(planes, count, by, out);
  else
    converted(planes, channels, count, by, to, out);
}

inline void to_bfloat16(const std::uint8_t* const* planes, std::size_t channels, std::size_t count,
                        const scale& by, layout to, std::uint16_t* out)
{
  converted(planes, channels, count, by, to, out);
}

inline constexpr kernel_set passes{variant,      &look_up,    &blend,        &gray,    &sum,
                                   &range,       &smooth,     &pack,         &unpack,  &sources,
                                   &warp_places, &warp_mix,   &fill,         &move,    &to_float,
                                   &to_bfloat16, &weigh_rows, weigh_columns, &turn_hue};

#endif
