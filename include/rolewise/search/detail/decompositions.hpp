// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Decompositions of symmetric matrices in double precision on the CPU, by LibTorch's LAPACK.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/support/run_concurrently.hpp>

#include <ATen/Context.h>

#include <c10/util/Exception.h>

#include <string_view>
#include <tuple>

namespace rolewise::search::detail {

/// @throws std::runtime_error if LibTorch has no LAPACK
ROLEWISE_INLINE void require_lapack(std::string_view who, bool is_there = at::hasLAPACK());

/// Guard: this thread has one LibTorch thread while it exists. The last bits of BLAS and LAPACK
/// depend on their number. A thread whose first use of LibTorch falls into that time begins with
/// one thread too (`at::set_num_threads`).
class one_thread {
 public:
  one_thread() { one_.set_here(); }

 private:
  threads_per_trial one_{1};
};

/// The symmetric square root of a matrix and the inverse of that root. Unlike eigenvectors, they
/// depend neither on the signs nor on the order that a LAPACK chooses.
struct symmetric_roots {
  torch::Tensor root;     ///< `[n, n]`
  torch::Tensor inverse;  ///< `[n, n]`
};

/// The eigenvalues and eigenvectors of a symmetric matrix.
/// @throws std::runtime_error if the iteration does not converge
[[nodiscard]] ROLEWISE_INLINE std::tuple<torch::Tensor, torch::Tensor> eigenvectors_of(
    const torch::Tensor& matrix);

/// The roots of a symmetric matrix whose eigenvalues count as at least `least`; NaN for a matrix
/// that is not finite.
/// @param matrix `[n, n]`, float64, on the CPU
[[nodiscard]] ROLEWISE_INLINE symmetric_roots roots_of(const torch::Tensor& matrix, double least);

/// The lower Cholesky factors of symmetric matrices; NaN for one that is not positive definite.
/// @param matrices `[*, n, n]`, float64, on the CPU
[[nodiscard]] ROLEWISE_INLINE torch::Tensor cholesky_factors(const torch::Tensor& matrices);

}  // namespace rolewise::search::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/detail/implementation/decompositions.hpp>
#endif
