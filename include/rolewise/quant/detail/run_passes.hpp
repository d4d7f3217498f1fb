// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Runs kernels over tensors, on several threads.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// Whether kernels can process the memory of a tensor: float32 on the CPU, dense, in any order of
/// dimensions.
[[nodiscard]] ROLEWISE_INLINE bool fits_passes(const torch::Tensor& x);

/// Whether each index of the first axis has its own contiguous part of memory, in order.
[[nodiscard]] inline bool lies_by_rows(const torch::Tensor& x, std::int64_t rows)
{
  return rows == 1 || (x.dim() > 0 && x.size(0) == rows && x.stride(0) * rows == x.numel());
}

/// Blocks of the elements of a tensor. Their bounds do not depend on the number of threads, and
/// so neither do sums that are added block by block.
struct blocks {
  static constexpr std::int64_t longest = std::int64_t{1} << 15;

  std::int64_t rows;
  std::int64_t row;  ///< elements in one

  [[nodiscard]] std::int64_t in_row() const { return (row + longest - 1) / longest; }
  [[nodiscard]] std::int64_t count() const { return rows * in_row(); }

  /// Calls `work(block, row, first element, count)` for each block.
  template<typename Work>
  void each(const Work& work) const
  {
    constexpr std::int64_t worth_a_thread = std::int64_t{1} << 17;
    const auto per_row = in_row();
    const auto together = std::max<std::int64_t>(longest / std::max<std::int64_t>(row, 1), 1);
    const int threads = rows * row < worth_a_thread ? 1 : at::get_num_threads();
    parallel_for((count() + together - 1) / together, threads, [&](std::int64_t piece) {
      const auto end = std::min((piece + 1) * together, count());
      for (auto block = piece * together; block < end; ++block) {
        const auto in = block / per_row, first = block % per_row * longest;
        work(static_cast<std::size_t>(block), in, in * row + first,
             static_cast<std::size_t>(std::min(longest, row - first)));
      }
    });
  }

  /// Sums the values of the blocks of each row.
  [[nodiscard]] std::vector<double> by_row(const std::vector<double>& parts) const;
};

[[nodiscard]] inline blocks blocks_of(const torch::Tensor& x, std::int64_t rows = 1)
{
  return {rows, x.numel() / rows};
}

/// The maximum over all blocks of `work(block, row, first, count)`, which returns the bits of a
/// magnitude.
template<typename Work>
[[nodiscard]] std::uint32_t largest_of_blocks(const blocks& all, const Work& work)
{
  std::vector<std::uint32_t> found(static_cast<std::size_t>(all.count()));
  all.each([&](std::size_t block, std::int64_t row, std::int64_t first, std::size_t count) {
    found[block] = work(block, row, first, count);
  });
  return found.empty() ? 0 : *std::ranges::max_element(found);
}

/// The gradient in the type and memory layout of x.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor laid_out_like(const torch::Tensor& x,
                                                          const torch::Tensor& g);

/// Memory for the gradient of x: that of the gradient of the values, if there is no other
/// reference to it.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor place_for_gradient(const torch::Tensor& g);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/detail/implementation/run_passes.hpp>
#endif
