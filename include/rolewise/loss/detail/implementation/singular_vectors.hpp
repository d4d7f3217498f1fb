// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/singular_vectors.hpp>.

#include <rolewise/loss/detail/singular_vectors.hpp>

#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/linalg_eigh.h>

#include <algorithm>
#include <limits>
#include <tuple>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor leading_eigenvectors(const torch::Tensor& matrices,
                                                   std::int64_t count)
{
  constexpr double least_gap = 1e-6;
  const auto n = matrices.size(-1), k = std::min(count, n);
  const auto [values, vectors] = at::linalg_eigh(matrices.detach());  // ascending
  const auto leading = vectors.narrow(2, n - k, k).flip(2);
  if (!matrices.requires_grad()) return leading;
  const auto largest = values.abs().amax(1, true).unsqueeze(2);
  const auto gaps = values.narrow(1, n - k, k).flip(1).unsqueeze(1) - values.unsqueeze(2);
  const auto floor = (largest * least_gap).square() +
                     double{std::numeric_limits<float>::min()};  // of a matrix of zeros
  // 0, whose derivative is that of the matrices: so the result has the value of the vectors and
  // the derivative of perturbation theory.
  const auto change = matrices - matrices.detach();
  const auto along = vectors.transpose(1, 2).bmm(change).bmm(leading);
  return leading + vectors.bmm(along * (gaps / (gaps.square() + floor)));
}

ROLEWISE_INLINE torch::Tensor leading_singular_vectors(const torch::Tensor& maps,
                                                       std::int64_t count)
{
  const auto columns = maps.flatten(2);  // [N, C, H W], the matrix transposed
  const auto scale = columns.detach().abs().amax({1, 2}, true);
  const auto f = columns / scale.masked_fill(scale.eq(0), 1.0);
  if (f.size(1) <= f.size(2)) return leading_eigenvectors(f.bmm(f.transpose(1, 2)), count);
  const auto left = leading_eigenvectors(f.transpose(1, 2).bmm(f), count);
  return directions(f.bmm(left), 1);
}

ROLEWISE_INLINE singular_pair singular_pair_of(const torch::Tensor& teacher,
                                               const torch::Tensor& student,
                                               std::int64_t candidates, std::string_view caller,
                                               std::string_view where)
{
  if (teacher.size(1) != student.size(1))
    throw_invalid_argument(caller, "want as many channels of the student as of the teacher at ",
                           where, ", got ", student.size(1), " and ", teacher.size(1));
  if (candidates < 1) throw_invalid_argument(caller, "want at least 1 candidate, got ", candidates);
  auto first = leading_singular_vectors(wide_enough(teacher.detach()), 1).squeeze(2);
  first = first * at::where(first.sum(1, true) < 0, -1.0, 1.0).to(first.scalar_type());
  const auto all = leading_singular_vectors(wide_enough(student), candidates);
  const auto cosines = all.detach().transpose(1, 2).bmm(first.unsqueeze(2)).squeeze(2);
  const auto which = cosines.abs().argmax(1, true);
  const auto sign = at::where(cosines.gather(1, which) < 0, -1.0, 1.0).to(first.scalar_type());
  const auto chosen = at::zeros_like(cosines).scatter(1, which, sign);
  return {first, all.bmm(chosen.unsqueeze(2)).squeeze(2)};
}

}  // namespace rolewise::detail
