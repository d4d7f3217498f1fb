// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Leading singular vectors of feature maps, for losses that compare them.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise::detail {

/// The leading eigenvectors of symmetric matrices, largest eigenvalue first. Their gradient is that
/// of an isolated eigenvalue, with g / (g^2 + e^2) in the place of 1 / g for a gap g of two
/// eigenvalues, e = 1e-6 of the largest eigenvalue: finite for equal ones, too.
/// @param matrices `[N, D, D]`
/// @return `[N, D, count]`, of length 1; the sign is any
[[nodiscard]] ROLEWISE_INLINE torch::Tensor leading_eigenvectors(const torch::Tensor& matrices,
                                                                 std::int64_t count);

/// The leading right singular vectors of each example's map, as a matrix of H*W rows and C columns,
/// largest singular value first. They do not depend on the scale of the map. A vector of singular
/// value 0 may be 0.
/// @param maps `[N, C, H, W]`, at least single precision
/// @return `[N, C, K]`, K at most `count`, of length 1; the sign is any
[[nodiscard]] ROLEWISE_INLINE torch::Tensor leading_singular_vectors(const torch::Tensor& maps,
                                                                     std::int64_t count);

/// The leading singular vector of the teacher's map of each example, and that of the student's
/// first `candidates` whose cosine with it is largest in magnitude.
struct singular_pair {
  torch::Tensor teacher;  ///< `[N, C]`, detached, with a sum of at least 0
  torch::Tensor student;  ///< `[N, C]`, with a cosine of at least 0
};

/// @param teacher, student `[N, C, H, W]`, H and W of each its own
/// @throws std::invalid_argument for other numbers of channels of the student than of the teacher
[[nodiscard]] ROLEWISE_INLINE singular_pair singular_pair_of(const torch::Tensor& teacher,
                                                             const torch::Tensor& student,
                                                             std::int64_t candidates,
                                                             std::string_view caller,
                                                             std::string_view where);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/detail/implementation/singular_vectors.hpp>
#endif
