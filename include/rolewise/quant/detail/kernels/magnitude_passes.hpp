// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// The magnitude and sign kernels of `kernel_set`.
///
/// Included after `passes.hpp`, once per instruction set; empty if included alone.

#ifdef ROLEWISE_PASSES

/// Adds the magnitudes of 16 elements to partial sums and updates the largest.
[[gnu::always_inline]] inline void add_magnitudes(const float* x, floats* partial, ints& most)
{
  for (int p = 0; p < parts; ++p) {
    const ints bits = magnitude_bits(load(x + p * lanes));
    most = bits > most ? bits : most;
    partial[p] += reinterpret_cast<floats>(bits);
  }
}

inline std::uint32_t magnitudes(const float* x, std::size_t count, double* sum)
{
  wide_sums total;
  ints most{};
  std::size_t i = 0;
  while (i < count) {
    const std::size_t end = count - i < stretch ? count : i + stretch;
    floats partial[parts]{};
    for (; i + group <= end; i += group) add_magnitudes(x + i, partial, most);
    if (i < end) {
      float rest[group]{};
      __builtin_memcpy(rest, x + i, (end - i) * sizeof(float));
      add_magnitudes(rest, partial, most);
      i = end;
    }
    total.take(partial);
  }
  *sum = total.total();
  return largest_of(most);
}

inline std::uint32_t largest(const float* x, std::size_t count)
{
  ints one{}, two{}, three{}, four{};
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const ints a = magnitude_bits(load(x + i)), b = magnitude_bits(load(x + i + lanes));
    const ints c = magnitude_bits(load(x + i + 2 * lanes)),
               d = magnitude_bits(load(x + i + 3 * lanes));
    one = a > one ? a : one;
    two = b > two ? b : two;
    three = c > three ? c : three;
    four = d > four ? d : four;
  }
  float rest[4 * lanes]{};
  __builtin_memcpy(rest, x + i, (count - i) * sizeof(float));
  for (int p = 0; p < 4; ++p) {
    const ints bits = magnitude_bits(load(rest + p * lanes));
    one = bits > one ? bits : one;
  }
  two = one > two ? one : two;
  four = three > four ? three : four;
  return largest_of(two > four ? two : four);
}

[[gnu::always_inline]] inline std::uint32_t sign_group(const float* x, std::int8_t* out)
{
  ints most{};
  for (int p = 0; p < parts; ++p) {
    const floats value = load(x + p * lanes);
    const ints bits = magnitude_bits(value);
    most = bits > most ? bits : most;
    store_bytes(out + p * lanes, value < 0.0F ? ints{} - 1 : ints{} + 1);
  }
  return largest_of(most);
}

inline std::uint32_t signs(const float* x, std::size_t count, std::int8_t* out)
{
  std::uint32_t most = 0;
  std::size_t i = 0;
  for (; i + group <= count; i += group) {
    const auto here = sign_group(x + i, out + i);
    most = here > most ? here : most;
  }
  if (i < count) {
    float rest[group]{};
    std::int8_t made[group];
    __builtin_memcpy(rest, x + i, (count - i) * sizeof(float));
    const auto here = sign_group(rest, made);
    most = here > most ? here : most;
    __builtin_memcpy(out + i, made, count - i);
  }
  return most;
}

[[gnu::always_inline]] inline void add_signed(const float* g, const float* x, floats* partial)
{
  for (int p = 0; p < parts; ++p) {
    const floats gradient = load(g + p * lanes);
    partial[p] += load(x + p * lanes) < 0.0F ? -gradient : gradient;
  }
}

inline double signed_sum(const float* g, const float* x, std::size_t count)
{
  wide_sums total;
  std::size_t i = 0;
  while (i < count) {
    const std::size_t end = count - i < stretch ? count : i + stretch;
    floats partial[parts]{};
    for (; i + group <= end; i += group) add_signed(g + i, x + i, partial);
    if (i < end) {
      float rest_g[group]{}, rest_x[group]{};
      __builtin_memcpy(rest_g, g + i, (end - i) * sizeof(float));
      __builtin_memcpy(rest_x, x + i, (end - i) * sizeof(float));
      add_signed(rest_g, rest_x, partial);
      i = end;
    }
    total.take(partial);
  }
  return total.total();
}

#endif
