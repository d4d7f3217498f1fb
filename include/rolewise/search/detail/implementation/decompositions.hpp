// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/search/detail/decompositions.hpp>.

#include <rolewise/search/detail/decompositions.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/full_like.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/linalg_eigh.h>

#include <limits>

namespace rolewise::search::detail {

ROLEWISE_INLINE void require_lapack(std::string_view who, bool is_there)
{
  if (!is_there)
    throw_runtime_error(who, "this LibTorch is built without LAPACK, which the search strategy ",
                        "needs to decompose matrices; want one that is built with it");
}

ROLEWISE_INLINE std::tuple<torch::Tensor, torch::Tensor> eigenvectors_of(
    const torch::Tensor& matrix)
{
  try {
    return at::linalg_eigh(matrix);
  } catch (const c10::Error& error) {
    throw_runtime_error("a search strategy",
                        "its matrix cannot be decomposed: ", error.what_without_backtrace());
  }
}

ROLEWISE_INLINE symmetric_roots roots_of(const torch::Tensor& matrix, double least)
{
  if (!matrix.isfinite().all().item<bool>()) {
    const auto unknown = at::full_like(matrix, std::numeric_limits<double>::quiet_NaN());
    return {unknown, unknown.clone()};
  }
  const one_thread guard;
  const auto [values, vectors] = eigenvectors_of(matrix);
  const auto deviations = values.clamp_min(least).sqrt();
  return {(vectors * deviations).mm(vectors.t()), (vectors / deviations).mm(vectors.t())};
}

ROLEWISE_INLINE torch::Tensor cholesky_factors(const torch::Tensor& matrices)
{
  const one_thread guard;
  const auto [factors, failed] = at::linalg_cholesky_ex(matrices);
  if (failed.eq(0).all().item<bool>()) return factors;
  return factors.masked_fill(failed.ne(0).unsqueeze(-1).unsqueeze(-1),
                             std::numeric_limits<double>::quiet_NaN());
}

}  // namespace rolewise::search::detail
