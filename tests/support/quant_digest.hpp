// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A digest of the results of one set of quantizer kernels on test values; without LibTorch, so
/// that a program with any compiler flags can check it.

#include <rolewise/quant/detail/kernels/kernel_set.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::tests {

/// The digest of scalar loops; quant_kernels_test.cpp computes it.
inline constexpr std::uint32_t quant_digest = 0xC6F6C155;

/// The FNV-1a hash, continued from `before`.
inline std::uint32_t digest_of(std::uint32_t before, const void* data, std::size_t bytes)
{
  const auto* byte = static_cast<const unsigned char*>(data);
  for (std::size_t i = 0; i < bytes; ++i) before = (before ^ byte[i]) * 16777619U;
  return before;
}

/// Multiples of 1/4096 in -8 .. 8, among them midpoints between codes and the ends of ranges.
inline std::vector<float> digest_numbers(std::size_t count, std::uint32_t key)
{
  std::vector<float> numbers;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t word = (key + i) * 2654435761U;
    const auto noise = static_cast<std::int32_t>((word ^ (word >> 15)) * 2246822519U >> 16);
    // Every fourth on a coarse grid.
    numbers.push_back(static_cast<float>(i % 4 == 0 ? noise % 64 * 512 - 16384 : noise - 32768) /
                      4096.0F);
  }
  return numbers;
}

/// Code maps: with midpoints, with range ends between codes, and with an offset.
inline std::vector<detail::quant_kernels::code_map> digest_maps()
{
  return {{0.0F, 0.0F, 1.0F, 15.0F, 0},
          {0.0F, -4.0F, 3.0F, 1.0F, 4},
          {0.0F, -1.2F, 0.9F, 3.3333333F, 0},
          {-0.35F, 0.0F, 1.5F, 2.0F, 0}};
}

inline constexpr detail::quant_kernels::backward_rule digest_ways[] = {
    detail::quant_kernels::backward_rule::closed, detail::quant_kernels::backward_rule::step,
    detail::quant_kernels::backward_rule::step_and_offset,
    detail::quant_kernels::backward_rule::clip, detail::quant_kernels::backward_rule::clip_only};

inline std::uint32_t digest_of_set(const detail::quant_kernels::kernel_set& set)
{
  namespace kernels = detail::quant_kernels;
  std::uint32_t found = 2166136261U;
  for (const std::size_t count : {std::size_t{1}, std::size_t{37}, std::size_t{2500}}) {
    const auto x = digest_numbers(count, 1), g = digest_numbers(count, 77);
    std::vector<std::uint8_t> bytes(count);
    std::vector<std::int8_t> odd(count);
    std::vector<float> numbers(count), small(count);
    for (std::size_t i = 0; i < count; ++i) small[i] = x[i] / 16.0F;
    const auto take = [&](const auto& values) {
      found = digest_of(found, values.data(), count * sizeof values[0]);
    };
    const auto take_sum = [&](double sum) { found = digest_of(found, &sum, sizeof sum); };
    for (const auto& by : digest_maps()) {
      const auto largest = set.codes(x.data(), count, by, bytes.data());
      found = digest_of(found, &largest, sizeof largest);
      take(bytes);
      for (const auto how : digest_ways) {
        const auto sums = set.back(how, g.data(), x.data(), count, by, numbers.data());
        take(numbers);
        take_sum(sums.first);
        take_sum(sums.second);
      }
    }
    double sum = 0.0;
    const auto largest = set.magnitudes(x.data(), count, &sum);
    found = digest_of(found, &largest, sizeof largest);
    take_sum(sum);
    take_sum(set.signed_sum(g.data(), x.data(), count));
    (void)set.signs(x.data(), count, odd.data());
    take(odd);
    const kernels::tanh_map by{true, 16.5F};
    set.tanh_bytes(small.data(), count, by, 15, odd.data());
    take(odd);
    const bool holds = set.tanh_back(g.data(), small.data(), count, by,
                                     set.largest(small.data(), count), numbers.data(), &sum);
    found = digest_of(found, &holds, sizeof holds);
    take(numbers);
    take_sum(sum);
  }
  return found;
}

}  // namespace rolewise::tests
