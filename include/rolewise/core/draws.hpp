// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Counter-based random draws: functions of (seed, epoch, sample id, draw number).

#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// The random draws of one sample in one epoch under one seed; draw `i` always has the same
/// value. Role and purpose are part of the seed (`seed::split`).
///
/// The counter of Philox is (draw number / 4, epoch, id), its key the seed; at most 2^34 draws
/// and 2^32 epochs.
class draws {
 public:
  constexpr draws(seed key, std::int64_t epoch, std::int64_t id)
      : key_{static_cast<std::uint32_t>(key.value), static_cast<std::uint32_t>(key.value >> 32)},
        epoch_{static_cast<std::uint32_t>(epoch)},
        id_{static_cast<std::uint64_t>(id)}
  {}

  /// 32 random bits.
  [[nodiscard]] constexpr std::uint32_t bits(std::uint64_t i) const { return words(i)[i % 4]; }

  /// Uniform in [0, 1), a multiple of 2^-24, so exact in `float` as well.
  [[nodiscard]] constexpr double uniform(std::uint64_t i) const
  {
    return in_unit_interval(bits(i));
  }

  /// Uniform in [low, high).
  [[nodiscard]] constexpr double uniform(std::uint64_t i, double low, double high) const
  {
    return low + (high - low) * uniform(i);
  }

  /// Uniform among 0 .. count - 1; count below 2^32. The bias is below count / 2^32.
  [[nodiscard]] constexpr std::int64_t below(std::uint64_t i, std::int64_t count) const
  {
    return scaled(bits(i), count);
  }

  /// The draws 0 .. to.size() - 1: four of them cost as much as one.
  constexpr void below(std::int64_t count, std::span<std::int64_t> to) const
  {
    each_of_first(to.size(),
                  [&](std::size_t i, std::uint32_t bits) { to[i] = scaled(bits, count); });
  }

  /// The draws 0 .. to.size() - 1 in [0, 1): four of them cost as much as one.
  constexpr void uniform(std::span<float> to) const
  {
    each_of_first(to.size(), [&](std::size_t i, std::uint32_t bits) {
      to[i] = static_cast<float>(in_unit_interval(bits));
    });
  }

  /// True with probability 1/2.
  [[nodiscard]] constexpr bool coin(std::uint64_t i) const { return (bits(i) & 1U) != 0; }

  /// Standard normal; uses the two uniform draws 2i and 2i + 1 (Box-Muller).
  [[nodiscard]] double normal(std::uint64_t i) const
  {
    const auto four = words(2 * i);  // both draws are in the same block
    const double radius = std::sqrt(-2.0 * std::log(1.0 - in_unit_interval(four[2 * i % 4])));
    return radius * std::cos(2.0 * std::numbers::pi * in_unit_interval(four[2 * i % 4 + 1]));
  }

 private:
  /// Calls `use(i, bits)` for the draws 0 .. count - 1; a block of four is computed once.
  template<typename Use>
  constexpr void each_of_first(std::size_t count, const Use& use) const
  {
    std::array<std::uint32_t, 4> four{};
    for (std::size_t i = 0; i < count; ++i) {
      if (i % 4 == 0) four = words(i);
      use(i, four[i % 4]);
    }
  }

  /// The Philox block of four words that contains draw i.
  [[nodiscard]] constexpr std::array<std::uint32_t, 4> words(std::uint64_t i) const
  {
    return philox({static_cast<std::uint32_t>(i / 4), epoch_, static_cast<std::uint32_t>(id_),
                   static_cast<std::uint32_t>(id_ >> 32)},
                  key_);
  }

  [[nodiscard]] static constexpr std::int64_t scaled(std::uint32_t bits, std::int64_t count)
  {
    return static_cast<std::int64_t>((std::uint64_t{bits} * static_cast<std::uint64_t>(count)) >>
                                     32);
  }

  [[nodiscard]] static constexpr double in_unit_interval(std::uint32_t bits)
  {
    return static_cast<double>(bits >> 8) * 0x1p-24;
  }

  std::array<std::uint32_t, 2> key_;
  std::uint32_t epoch_;
  std::uint64_t id_;
};

namespace detail {

/// Rows of `count` numbers, one for each id, which `draw(draws of the id, row)` writes.
template<typename Draw>
[[nodiscard]] torch::Tensor rows_of_draws(std::string_view who, seed key, std::int64_t epoch,
                                          const torch::Tensor& ids, std::int64_t count,
                                          const Draw& draw)
{
  if (!ids.defined() || ids.dim() != 1 || ids.scalar_type() != torch::kLong)
    throw_invalid_argument(who, "want ids [N] of int64");
  const auto on_cpu = ids.cpu().contiguous();
  const auto result = at::empty({ids.size(0), count}, torch::kFloat);
  const auto* id = on_cpu.const_data_ptr<std::int64_t>();
  auto* out = result.mutable_data_ptr<float>();
  for (std::int64_t n = 0; n < ids.size(0); ++n)
    draw(draws{key, epoch, id[n]}, std::span{out + n * count, static_cast<std::size_t>(count)});
  return result;
}

}  // namespace detail

/// Uniform draws for a whole batch: row n has the draws 0 .. count - 1 of sample `ids[n]`.
/// @param ids `[N]`, int64, any device
/// @return `[N, count]`, float32, on the CPU
[[nodiscard]] inline torch::Tensor uniform_draws(seed key, std::int64_t epoch,
                                                 const torch::Tensor& ids, std::int64_t count)
{
  return detail::rows_of_draws("uniform_draws", key, epoch, ids, count,
                               [](const draws& of, std::span<float> row) { of.uniform(row); });
}

/// The same of standard normal draws.
[[nodiscard]] inline torch::Tensor normal_draws(seed key, std::int64_t epoch,
                                                const torch::Tensor& ids, std::int64_t count)
{
  return detail::rows_of_draws("normal_draws", key, epoch, ids, count,
                               [](const draws& of, std::span<float> row) {
                                 for (std::size_t i = 0; i < row.size(); ++i)
                                   row[i] = static_cast<float>(of.normal(i));
                               });
}

/// A permutation of 0 .. count - 1 that is a function of (seed, epoch) alone (Fisher-Yates).
[[nodiscard]] inline std::vector<std::int64_t> permutation(seed key, std::int64_t epoch,
                                                           std::int64_t count)
{
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::int64_t left = count - 1; left > 0; --left) {
    const auto other = draws{key, epoch, left}.below(0, left + 1);
    std::swap(order[static_cast<std::size_t>(left)], order[static_cast<std::size_t>(other)]);
  }
  return order;
}

}  // namespace rolewise
