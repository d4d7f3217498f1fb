// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Which levels a quantized tensor uses, with their counts.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise::report {

/// A level and the number of values on it.
struct level_use {
  double at = 0.0;
  std::int64_t count = 0;

  friend bool operator==(const level_use&, const level_use&) = default;
};

namespace detail {

struct levels_found {
  std::vector<level_use> levels;  ///< ascending; at least one
  std::int64_t used = 0;
  std::int64_t possible = 0;
  bool is_complete = false;  ///< whether `levels` lists all that are possible
};

/// Distance between integer levels, 0 if unknown: 1 if the range of the quantizer holds 2^b or
/// fewer integers; k if every k-th one is a level (DoReFa's odd codes). It is unknown for sums of
/// powers of two.
[[nodiscard]] ROLEWISE_INLINE std::int64_t stride_of(const quantized& q, std::int64_t possible);

/// Distinct numbers of a tensor, ascending, with their counts.
[[nodiscard]] ROLEWISE_INLINE std::vector<level_use> distinct_in(const torch::Tensor& numbers);

/// The same for integers in a narrow range, without sorting.
[[nodiscard]] ROLEWISE_INLINE std::vector<level_use> distinct_integers_in(
    const torch::Tensor& numbers);

/// Adds the levels of a range that no value uses.
ROLEWISE_INLINE void add_unused(std::vector<level_use>& levels, const level_range& range,
                                std::int64_t stride);

/// The levels of a quantized tensor: as values, or in steps if each channel has its own scale;
/// both times a factor.
[[nodiscard]] ROLEWISE_INLINE levels_found levels_in(const quantized& q, bit_width bits,
                                                     bool in_steps, double factor);

}  // namespace detail

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/detail/implementation/levels_found.hpp>
#endif
