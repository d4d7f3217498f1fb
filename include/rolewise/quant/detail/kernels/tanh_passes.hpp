// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The tanh kernels of `kernel_set`, and the kernel set itself.
///
/// Included after the other kernels, once per instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

/// One Horner step, `p x + c`, each operation rounded.
[[gnu::always_inline]] inline floats horner(const floats& p, const floats& x, float c)
{
  floats product = p * x;
  keep(product);
  return product + c;
}

/// tanh and its derivative.
struct tanh_value {
  floats value, slope;
};

/// tanh for magnitudes up to `small_tanh`: x + x^3 P(x^2), P of degree 4 fitted for the least
/// relative error, 4.4e-9 before rounding. At most 2 ulp off.
[[gnu::always_inline]] inline tanh_value small_tanh_of(const floats& x)
{
  floats square = x * x;
  keep(square);
  floats p = floats{} - 0.005704978480935097F;
  p = horner(p, square, 0.020639078691601753F);
  p = horner(p, square, -0.05373971164226532F);
  p = horner(p, square, 0.13331441581249237F);
  p = horner(p, square, -0.3333328068256378F);
  p *= square;
  keep(p);
  p *= x;
  keep(p);
  floats value = x + p;
  keep(value);
  floats of_square = value * value;
  keep(of_square);
  floats slope = 1.0F - of_square;
  keep(slope);
  return {value, slope};
}

/// tanh for all magnitudes. Beyond `small_tanh`, with E = exp(2 |x|) and q = 1 / (E + 1), it is 1
/// - 2 q and its derivative is 4 q (1 - q), which is free of cancellation.
[[gnu::always_inline]] inline tanh_value tanh_of(const floats& x)
{
  const auto near = small_tanh_of(x);
  const floats size = reinterpret_cast<floats>(magnitude_bits(x));
  const floats most = floats{} + 43.0F;  // beyond, 2^k below would leave the range of float
  const floats twice = (size > most ? most : size) * 2.0F;
  floats k = twice * 1.4426950408889634F;
  keep(k);
  k += rounder;
  keep(k);
  const ints power = (reinterpret_cast<ints>(k) << 23) + (127 << 23);
  k -= rounder;
  keep(k);
  floats r = k * 0.693359375F;  // Cody-Waite: log 2 in two parts, the first of few bits
  keep(r);
  r = twice - r;
  floats rest = k * -2.12194440e-4F;
  keep(rest);
  r -= rest;
  keep(r);
  floats p = floats{} + 1.0F / 720.0F;
  p = horner(p, r, 1.0F / 120.0F);
  p = horner(p, r, 1.0F / 24.0F);
  p = horner(p, r, 1.0F / 6.0F);
  p = horner(p, r, 0.5F);
  p = horner(p, r, 1.0F);
  p = horner(p, r, 1.0F);
  const floats q = 1.0F / (p * reinterpret_cast<floats>(power) + 1.0F);
  const floats far = 1.0F - 2.0F * q;
  const ints sign = reinterpret_cast<ints>(x) & static_cast<std::int32_t>(0x80000000U);
  const floats with_sign = reinterpret_cast<floats>(reinterpret_cast<ints>(far) | sign);
  floats others = 1.0F - q;
  keep(others);
  floats slope = 4.0F * q * others;
  keep(slope);
  return {size > small_tanh ? with_sign : near.value, size > small_tanh ? slope : near.slope};
}

template<bool small>
[[gnu::always_inline]] inline tanh_value tanh_by(const floats& x)
{
  if constexpr (small)
    return small_tanh_of(x);
  else
    return tanh_of(x);
}

[[gnu::always_inline]] inline void store_odd(std::int8_t* at, const ints& codes)
{
  store_bytes(at, codes);
}
[[gnu::always_inline]] inline void store_odd(float* at, const ints& codes)
{
  store(at, __builtin_convertvector(codes, floats));
}

template<bool small, typename Code>
[[gnu::always_inline]] inline void odd_group(const float* x, const floats& times, std::int32_t n,
                                             Code* out)
{
  for (int p = 0; p < parts; ++p) {
    floats z = tanh_by<small>(load(x + p * lanes)).value * times;
    keep(z);
    z += static_cast<float>(n) * 0.5F;
    keep(z);
    z += rounder;
    keep(z);
    const ints code = (reinterpret_cast<ints>(z) & 0x3FFFFF) * 2 - n;
    store_odd(out + p * lanes, code);
  }
}

template<bool small, typename Code>
inline void odd_codes(const float* x, std::size_t count, float by, std::int32_t n, Code* out)
{
  const floats times = floats{} + by;
  std::size_t i = 0;
  for (; i + group <= count; i += group) odd_group<small>(x + i, times, n, out + i);
  if (i == count) return;
  float rest[group]{};
  Code made[group];
  __builtin_memcpy(rest, x + i, (count - i) * sizeof(float));
  odd_group<small>(rest, times, n, made);
  __builtin_memcpy(out + i, made, (count - i) * sizeof(Code));
}

inline void tanh_bytes(const float* x, std::size_t count, const tanh_map& by, std::int32_t n,
                       std::int8_t* out)
{
  if (by.small)
    odd_codes<true>(x, count, by.times, n, out);
  else
    odd_codes<false>(x, count, by.times, n, out);
}

inline void tanh_floats(const float* x, std::size_t count, const tanh_map& by, std::int32_t n,
                        float* out)
{
  if (by.small)
    odd_codes<true>(x, count, by.times, n, out);
  else
    odd_codes<false>(x, count, by.times, n, out);
}

template<bool small>
[[gnu::always_inline]] inline void tanh_back_part(const float* g, const float* x,
                                                  const floats& times, const ints& largest_bits,
                                                  float* out, floats& partial, ints& found)
{
  const floats value = load(x), gradient = load(g);
  const auto t = tanh_by<small>(value);
  floats scaled = gradient * t.slope;
  keep(scaled);
  store(out, scaled * times);
  floats product = gradient * t.value;
  keep(product);
  partial += product;
  found |= magnitude_bits(value) == largest_bits;
}

template<bool small>
[[gnu::always_inline]] inline void tanh_back_group(const float* g, const float* x,
                                                   const floats& times, const ints& largest_bits,
                                                   float* out, floats* partial, ints& found)
{
  tanh_back_part<small>(g, x, times, largest_bits, out, partial[0], found);
  if constexpr (parts > 1)
    tanh_back_part<small>(g + lanes, x + lanes, times, largest_bits, out + lanes, partial[1],
                          found);
  if constexpr (parts > 2) {
    tanh_back_part<small>(g + 2 * lanes, x + 2 * lanes, times, largest_bits, out + 2 * lanes,
                          partial[2], found);
    tanh_back_part<small>(g + 3 * lanes, x + 3 * lanes, times, largest_bits, out + 3 * lanes,
                          partial[3], found);
  }
}

template<bool small>
inline bool tanh_back_by(const float* g, const float* x, std::size_t count, float by,
                         std::uint32_t largest_bits, float* out, double* sum)
{
  const floats times = floats{} + by;
  const ints looked_for = ints{} + static_cast<std::int32_t>(largest_bits);
  wide_sums total;
  ints found{};
  std::size_t i = 0;
  while (i < count) {
    const std::size_t end = count - i < stretch ? count : i + stretch;
    floats partial[parts]{};
    for (; i + group <= end; i += group)
      tanh_back_group<small>(g + i, x + i, times, looked_for, out + i, partial, found);
    if (i < end) {
      float rest_g[group]{}, rest_x[group]{}, made[group];
      __builtin_memcpy(rest_g, g + i, (end - i) * sizeof(float));
      __builtin_memcpy(rest_x, x + i, (end - i) * sizeof(float));
      tanh_back_group<small>(rest_g, rest_x, times, looked_for, made, partial, found);
      __builtin_memcpy(out + i, made, (end - i) * sizeof(float));
      i = end;
    }
    total.take(partial);
  }
  *sum = total.total();
  bool any = false;
  for (int lane = 0; lane < lanes; ++lane) any |= found[lane] != 0;
  return any;
}

inline bool tanh_back(const float* g, const float* x, std::size_t count, const tanh_map& by,
                      std::uint32_t largest_bits, float* out, double* sum)
{
  return by.small ? tanh_back_by<true>(g, x, count, by.times, largest_bits, out, sum)
                  : tanh_back_by<false>(g, x, count, by.times, largest_bits, out, sum);
}

inline constexpr kernel_set passes{variant,     &codes,       &back,      &largest, &magnitudes,
                                   &tanh_bytes, &tanh_floats, &tanh_back, &signs,   &signed_sum};

#endif
