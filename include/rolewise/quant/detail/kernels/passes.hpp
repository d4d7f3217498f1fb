// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The clip-and-round kernels of `kernel_set`, for one vector width.
///
/// Included once per instruction set by `instruction_sets.hpp`; empty if included alone.
///
/// Elements are processed 16 at a time, in as many vectors as that needs, so that sums have the
/// same order everywhere.

#ifdef ROLEWISE_PASSES

inline constexpr std::size_t group = 16;
inline constexpr int parts = static_cast<int>(group) / lanes;
/// Elements between two transfers of float32 sums to double.
inline constexpr std::size_t stretch = 1024;

[[gnu::always_inline]] inline void keep(double& value)
{
#if defined(__x86_64__)
  asm("" : "+x"(value));
#elif defined(__aarch64__)
  asm("" : "+w"(value));
#else
  asm("" : "+m"(value));
#endif
}

[[gnu::always_inline]] inline void store_bytes(void* at, const ints& values)
{
  const few stored = narrow(values);
  __builtin_memcpy(at, &stored, sizeof stored);
}
[[gnu::always_inline]] inline ints magnitude_bits(const floats& value)
{
  return reinterpret_cast<ints>(value) & 0x7FFFFFFF;
}

/// Sums of 16 lanes, in double.
struct wide_sums {
  double lane[group]{};

  [[gnu::always_inline]] void take(const floats* partial)
  {
    for (std::size_t i = 0; i < group; ++i) {
      lane[i] += static_cast<double>(partial[i / lanes][i % lanes]);
      keep(lane[i]);
    }
  }
  [[nodiscard]] double total() const
  {
    double sum = 0.0;
    for (const double each : lane) {
      sum += each;
      keep(sum);
    }
    return sum;
  }
};

[[gnu::always_inline]] inline std::uint32_t largest_of(const ints& bits)
{
  std::int32_t most = 0;
  for (int lane = 0; lane < lanes; ++lane) most = bits[lane] > most ? bits[lane] : most;
  return static_cast<std::uint32_t>(most);
}

/// A float of this magnitude has no fraction bits left, so adding it rounds half to even.
inline constexpr float rounder = 12582912.0F;

struct map_lanes {
  floats shift, low, high, times, rounding;

  [[gnu::always_inline]] explicit map_lanes(const code_map& by)
      : shift{floats{} + by.shift},
        low{floats{} + by.low},
        high{floats{} + by.high},
        times{floats{} + by.times},
        rounding{floats{} + (rounder + static_cast<float>(by.zero_point))}
  {}
};

[[gnu::always_inline]] inline floats clipped(const floats& y, const map_lanes& by)
{
  const floats up = y < by.low ? by.low : y;
  return up > by.high ? by.high : up;
}

[[gnu::always_inline]] inline void code_part(const float* x, const map_lanes& by, std::uint8_t* out,
                                             ints& most)
{
  const floats value = load(x);
  const ints bits = magnitude_bits(value);
  most = bits > most ? bits : most;
  floats z = clipped(value - by.shift, by) * by.times;
  keep(z);
  z += by.rounding;
  keep(z);
  store_bytes(out, reinterpret_cast<ints>(z));
}

[[gnu::always_inline]] inline void code_group(const float* x, const map_lanes& by,
                                              std::uint8_t* out, ints& most)
{
  code_part(x, by, out, most);
  if constexpr (parts > 1) code_part(x + lanes, by, out + lanes, most);
  if constexpr (parts > 2) {
    code_part(x + 2 * lanes, by, out + 2 * lanes, most);
    code_part(x + 3 * lanes, by, out + 3 * lanes, most);
  }
}

inline std::uint32_t codes(const float* x, std::size_t count, const code_map& map,
                           std::uint8_t* out)
{
  const map_lanes by{map};
  ints most{};
  std::size_t i = 0;
  for (; i + group <= count; i += group) code_group(x + i, by, out + i, most);
  if (i < count) {
    float rest[group]{};
    std::uint8_t made[group];
    __builtin_memcpy(rest, x + i, (count - i) * sizeof(float));
    code_group(rest, by, made, most);
    __builtin_memcpy(out + i, made, count - i);
  }
  return largest_of(most);
}

/// Partial sums in float32 of the 16 lanes.
struct tally {
  floats first[parts]{};
  floats second[parts]{};
};

template<backward_rule how>
[[gnu::always_inline]] inline void back_part(const float* g, const float* x, const map_lanes& by,
                                             float* out, floats& first, floats& second)
{
  const floats gradient = load(g);
  const floats y = load(x) - by.shift;
  const floats zero{};
  floats passed;
  if constexpr (how == backward_rule::closed)
    passed = y < by.low ? zero : (y > by.high ? zero : gradient);
  else if constexpr (how == backward_rule::step || how == backward_rule::step_and_offset)
    passed = y > by.low ? (y < by.high ? gradient : zero) : zero;
  else
    passed = y < by.low ? zero : (y < by.high ? gradient : zero);
  store(out, passed);
  if constexpr (how == backward_rule::clip_only) {
    first += y >= by.high ? gradient : zero;
  } else if constexpr (how != backward_rule::closed) {
    floats z = clipped(y, by) * by.times;
    keep(z);
    floats code = z + rounder;
    keep(code);
    code -= rounder;
    keep(code);
    // At an excluded end of the range z differs from its code by rounding errors only, but e is
    // the code.
    const floats left = how == backward_rule::clip ? (y < by.low ? zero : (y < by.high ? z : zero))
                                                   : (y > by.low ? (y < by.high ? z : zero) : zero);
    floats part = gradient * (code - left);
    keep(part);
    first += part;
    if constexpr (how == backward_rule::step_and_offset)
      second += y > by.low ? (y < by.high ? zero : gradient) : gradient;
  }
}

template<backward_rule how>
[[gnu::always_inline]] inline void back_group(const float* g, const float* x, const map_lanes& by,
                                              float* out, tally& to)
{
  back_part<how>(g, x, by, out, to.first[0], to.second[0]);
  if constexpr (parts > 1)
    back_part<how>(g + lanes, x + lanes, by, out + lanes, to.first[1], to.second[1]);
  if constexpr (parts > 2) {
    back_part<how>(g + 2 * lanes, x + 2 * lanes, by, out + 2 * lanes, to.first[2], to.second[2]);
    back_part<how>(g + 3 * lanes, x + 3 * lanes, by, out + 3 * lanes, to.first[3], to.second[3]);
  }
}

template<backward_rule how>
inline sums back_by(const float* g, const float* x, std::size_t count, const code_map& map,
                    float* out)
{
  const map_lanes by{map};
  wide_sums first, second;
  std::size_t i = 0;
  while (i < count) {
    const std::size_t end = count - i < stretch ? count : i + stretch;
    tally partial;
    for (; i + group <= end; i += group) back_group<how>(g + i, x + i, by, out + i, partial);
    if (i < end) {
      float rest_g[group]{}, rest_x[group]{}, made[group];
      __builtin_memcpy(rest_g, g + i, (end - i) * sizeof(float));
      __builtin_memcpy(rest_x, x + i, (end - i) * sizeof(float));
      back_group<how>(rest_g, rest_x, by, made, partial);
      __builtin_memcpy(out + i, made, (end - i) * sizeof(float));
      i = end;
    }
    if constexpr (how != backward_rule::closed) first.take(partial.first);
    if constexpr (how == backward_rule::step_and_offset) second.take(partial.second);
  }
  return {first.total(), second.total()};
}

inline sums back(backward_rule how, const float* g, const float* x, std::size_t count,
                 const code_map& by, float* out)
{
  switch (how) {
    case backward_rule::closed:
      return back_by<backward_rule::closed>(g, x, count, by, out);
    case backward_rule::step:
      return back_by<backward_rule::step>(g, x, count, by, out);
    case backward_rule::step_and_offset:
      return back_by<backward_rule::step_and_offset>(g, x, count, by, out);
    case backward_rule::clip:
      return back_by<backward_rule::clip>(g, x, count, by, out);
    case backward_rule::clip_only:
      return back_by<backward_rule::clip_only>(g, x, count, by, out);
  }
  return {};
}

#endif
