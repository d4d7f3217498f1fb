// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `lq_basis`: levels that are sums over a basis, and the least-squares fit of that basis.

#include <rolewise/core/tensor.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/detail/level_grid.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

/// The basis in use, the stored one that was fitted with it, and the number of fits in its
/// average. Granules, each with a basis of its own, are the rows of `[G, N]`.
class lq_basis {
 public:
  /// @param corrected whether the average is divided by the sum of its weights
  lq_basis(bool is_signed, bool corrected, double epsilon)
      : is_signed_{is_signed}, corrected_{corrected}, epsilon_{epsilon}
  {}

  /// Takes the stored basis into use, or `first` if its shape does not fit, and fits a new one to
  /// the rows.
  void observe(const torch::Tensor& rows, const torch::Tensor& first);

  /// The levels of rows under the basis in use, or under `first` if its shape does not fit; and
  /// the largest level.
  [[nodiscard]] std::pair<torch::Tensor, torch::Tensor> levels_of(const torch::Tensor& rows,
                                                                  const torch::Tensor& first) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("in_use", in_use_);
    archive.buffer("stored", stored_);
    archive.value("fits", fits_);
  }

 private:
  [[nodiscard]] static bool fits(const torch::Tensor& basis, const torch::Tensor& first)
  {
    return basis.defined() && basis.sizes() == first.sizes();
  }

  /// All codes, `[2^K, K]`.
  [[nodiscard]] torch::Tensor codes(const torch::Tensor& basis) const;

  /// Ascending levels `[G, 2^K]` and their codes `[G, 2^K, K]`.
  [[nodiscard]] std::pair<torch::Tensor, torch::Tensor> sorted_levels(
      const torch::Tensor& basis) const;

  /// The level index of each x: the number of thresholds below it.
  [[nodiscard]] static torch::Tensor places(const torch::Tensor& rows, const torch::Tensor& levels);

  /// The least-squares basis. It is computed from counts and sums per level, so it costs two
  /// passes over x, whatever the bit width.
  [[nodiscard]] torch::Tensor fit(const torch::Tensor& rows) const;

  bool is_signed_, corrected_;
  double epsilon_;
  torch::Tensor in_use_, stored_;
  std::int64_t fits_ = 0;
};

/// The first basis, `[granules, bits]`, with rows `unit`, `2 unit`, `4 unit`, ...
[[nodiscard]] ROLEWISE_INLINE torch::Tensor first_basis(const torch::Tensor& like,
                                                        std::int64_t granules, bit_width bits,
                                                        double unit);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/detail/implementation/lq_basis.hpp>
#endif
