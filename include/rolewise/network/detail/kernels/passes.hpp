// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/// @file
/// Batch norm kernels for one vector width.
///
/// Included once per instruction set by `instruction_sets.hpp`; empty if included alone. Vector
/// lanes are channels, so the order of summation does not depend on the vector width.

#ifdef ROLEWISE_PASSES

/// Elements of a block of rows, which stays in the cache while all its channels are processed.
inline constexpr std::size_t together = 4096;

[[gnu::always_inline]] inline floats load_bytes(const std::uint8_t* at)
{
  few bytes;
  __builtin_memcpy(&bytes, at, sizeof bytes);
  return __builtin_convertvector(
      __builtin_convertvector(__builtin_convertvector(bytes, few_shorts), ints), floats);
}

/// Rows of a block.
[[gnu::always_inline]] inline std::size_t stretch_of(std::size_t channels)
{
  return together / channels + 1;
}
[[gnu::always_inline]] inline std::size_t end_of(std::size_t row, std::size_t stretch,
                                                 std::size_t rows)
{
  return rows - row < stretch ? rows : row + stretch;
}

[[gnu::always_inline]] inline void add_to(double* sums, const floats& partial)
{
  for (int lane = 0; lane < lanes; ++lane) sums[lane] += static_cast<double>(partial[lane]);
}

struct line {
  floats mean, factor, shift;

  [[gnu::always_inline]] line(const rows_of_channels& of, std::size_t channel)
      : mean{load(of.mean + channel)},
        factor{load(of.factor + channel)},
        shift{load(of.shift + channel)}
  {}
};

[[gnu::always_inline]] inline floats value_at(const rows_of_channels& of, std::size_t at,
                                              const floats& x, const line& by)
{
  floats y = x * by.factor;
  keep(y);
  y += by.shift;
  keep(y);
  if (of.beside.bytes != nullptr) {
    floats b = load_bytes(of.beside.bytes + at) - of.beside.zero;
    keep(b);
    b *= of.beside.scale;
    keep(b);
    b += of.beside.offset;
    keep(b);
    y += b;
    keep(y);
  } else if (of.beside.numbers != nullptr) {
    y += load(of.beside.numbers + at);
    keep(y);
  }
  return y;
}

inline void moments(const rows_of_channels& all, const channel_sums& to)
{
  const rows_of_channels of = all;  // a local copy: stores cannot alias it
  const std::size_t stretch = stretch_of(of.channels);
  for (std::size_t first = 0; first < of.rows; first += stretch) {
    const std::size_t end = end_of(first, stretch, of.rows);
    for (std::size_t channel = 0; channel < of.channels; channel += lanes) {
      const floats mean = load(of.mean + channel);
      floats plain{}, squares{};
      for (std::size_t row = first; row < end; ++row) {
        const floats apart = load(of.x + row * of.channels + channel) - mean;
        plain += apart;
        keep(plain);
        floats square = apart * apart;
        keep(square);
        squares += square;
        keep(squares);
      }
      add_to(to.plain + channel, plain);
      add_to(to.centered + channel, squares);
    }
  }
}

inline void values(const rows_of_channels& all, float least, float* out)
{
  const rows_of_channels of = all;  // a local copy: stores cannot alias it
  const floats floor = floats{} + least;
  const std::size_t stretch = stretch_of(of.channels);
  for (std::size_t first = 0; first < of.rows; first += stretch) {
    const std::size_t end = end_of(first, stretch, of.rows);
    for (std::size_t channel = 0; channel < of.channels; channel += lanes) {
      const line by{of, channel};
      for (std::size_t row = first; row < end; ++row) {
        const std::size_t at = row * of.channels + channel;
        const floats y = value_at(of, at, load(of.x + at), by);
        store(out + at, y < floor ? floor : y);
      }
    }
  }
}

/// A float of this magnitude has no fraction bits, so adding it rounds, half to even.
inline constexpr float rounder = 12582912.0F;

[[gnu::always_inline]] inline floats in_steps(const floats& y, const quant_kernels::code_map& map)
{
  const floats low = floats{} + map.low, high = floats{} + map.high;
  const floats up = y < low ? low : y;
  floats z = (up > high ? high : up) * map.times;
  keep(z);
  return z;
}

inline std::uint32_t codes(const rows_of_channels& all, const quant_kernels::code_map& map,
                           std::uint8_t* out)
{
  const rows_of_channels of = all;  // a local copy: stores cannot alias it
  ints most{};
  const floats rounding = floats{} + (rounder + static_cast<float>(map.zero_point));
  const std::size_t stretch = stretch_of(of.channels);
  for (std::size_t first = 0; first < of.rows; first += stretch) {
    const std::size_t end = end_of(first, stretch, of.rows);
    for (std::size_t channel = 0; channel < of.channels; channel += lanes) {
      const line by{of, channel};
      for (std::size_t row = first; row < end; ++row) {
        const std::size_t at = row * of.channels + channel;
        floats y = value_at(of, at, load(of.x + at), by);
        const ints bits = reinterpret_cast<ints>(y) & 0x7FFFFFFF;
        most = bits > most ? bits : most;
        floats z = in_steps(y, map) + rounding;
        keep(z);
        const few stored = narrow(reinterpret_cast<ints>(z));
        __builtin_memcpy(out + at, &stored, sizeof stored);
      }
    }
  }
  std::int32_t largest = 0;
  for (int lane = 0; lane < lanes; ++lane) largest = most[lane] > largest ? most[lane] : largest;
  return static_cast<std::uint32_t>(largest);
}

/// The gradient where `low <= y <= high`, else 0.
[[gnu::always_inline]] inline floats passed_of(const floats& gradient, const floats& y,
                                               const gradient_pass& by)
{
  const floats zero{};
  return y >= floats{} + by.low ? (y <= floats{} + by.high ? gradient : zero) : zero;
}

inline void sums(const rows_of_channels& all, const gradient_pass& by, const channel_sums& to)
{
  const rows_of_channels of = all;  // a local copy: stores cannot alias it
  const std::size_t stretch = stretch_of(of.channels);
  for (std::size_t first = 0; first < of.rows; first += stretch) {
    const std::size_t end = end_of(first, stretch, of.rows);
    for (std::size_t channel = 0; channel < of.channels; channel += lanes) {
      const line along{of, channel};
      floats plain{}, centered{}, of_error{};
      for (std::size_t row = first; row < end; ++row) {
        const std::size_t at = row * of.channels + channel;
        const floats x = load(of.x + at), gradient = load(by.gradient + at);
        const floats y = value_at(of, at, x, along);
        const floats passed = passed_of(gradient, y, by);
        if (by.passed != nullptr) store(by.passed + at, passed);
        plain += passed;
        keep(plain);
        floats product = passed * (x - along.mean);
        keep(product);
        centered += product;
        keep(centered);
        if (by.of_codes) {
          const floats z = in_steps(y, by.map);
          floats code = z + rounder;
          keep(code);
          code -= rounder;
          keep(code);
          floats part = gradient * (code - passed_of(z, y, by));
          keep(part);
          of_error += part;
          keep(of_error);
        }
      }
      add_to(to.plain + channel, plain);
      add_to(to.centered + channel, centered);
      if (by.of_codes) add_to(to.of_error + channel, of_error);
    }
  }
}

inline void back(const rows_of_channels& all, const gradient_pass& by, const float* slope,
                 const float* level, float* out)
{
  const rows_of_channels of = all;  // a local copy: stores cannot alias it
  const std::size_t stretch = stretch_of(of.channels);
  for (std::size_t first = 0; first < of.rows; first += stretch) {
    const std::size_t end = end_of(first, stretch, of.rows);
    for (std::size_t channel = 0; channel < of.channels; channel += lanes) {
      const line along{of, channel};
      const floats incline = load(slope + channel), start = load(level + channel);
      for (std::size_t row = first; row < end; ++row) {
        const std::size_t at = row * of.channels + channel;
        const floats x = load(of.x + at);
        const floats y = value_at(of, at, x, along);
        floats passed = passed_of(load(by.gradient + at), y, by) * along.factor;
        keep(passed);
        floats change = (x - along.mean) * incline;
        keep(change);
        change += start;
        keep(change);
        store(out + at, passed + change);
      }
    }
  }
}

inline constexpr kernel_set passes{variant, &moments, &values, &codes, &sums, &back};

#endif
