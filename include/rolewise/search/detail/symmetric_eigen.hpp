// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Eigenvalues and eigenvectors of small symmetric matrices.

#include <cmath>
#include <cstddef>
#include <vector>

namespace rolewise::search::detail {

/// A square matrix in row-major order; initially the identity.
struct square_matrix {
  std::size_t size = 0;
  std::vector<double> values;

  explicit square_matrix(std::size_t n) : size{n}, values(n * n, 0.0)
  {
    for (std::size_t i = 0; i < n; ++i) (*this)(i, i) = 1.0;
  }
  [[nodiscard]] double& operator()(std::size_t row, std::size_t column)
  {
    return values[row * size + column];
  }
  [[nodiscard]] double operator()(std::size_t row, std::size_t column) const
  {
    return values[row * size + column];
  }
};

struct symmetric_eigen {
  std::vector<double> values;  ///< unordered
  square_matrix vectors;       ///< column j belongs to value j
};

/// One Jacobi rotation: zeroes the entry (p, q).
inline void rotate(square_matrix& a, square_matrix& v, std::size_t p, std::size_t q)
{
  const double theta = (a(q, q) - a(p, p)) / (2.0 * a(p, q));
  const double t = (theta < 0.0 ? -1.0 : 1.0) / (std::abs(theta) + std::sqrt(theta * theta + 1.0));
  const double c = 1.0 / std::sqrt(t * t + 1.0), s = t * c;
  for (std::size_t k = 0; k < a.size; ++k) {
    const double kp = a(k, p), kq = a(k, q);
    a(k, p) = c * kp - s * kq;
    a(k, q) = s * kp + c * kq;
  }
  for (std::size_t k = 0; k < a.size; ++k) {
    const double pk = a(p, k), qk = a(q, k);
    a(p, k) = c * pk - s * qk;
    a(q, k) = s * pk + c * qk;
    const double kp = v(k, p), kq = v(k, q);
    v(k, p) = c * kp - s * kq;
    v(k, q) = s * kp + c * kq;
  }
}

/// Eigendecomposition by Jacobi's cyclic method. Sums run in a fixed order, so equal matrices
/// give equal bits.
/// @pre finite and symmetric; unchecked
[[nodiscard]] inline symmetric_eigen eigen_of(square_matrix a)
{
  symmetric_eigen found{{}, square_matrix{a.size}};
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0.0, all = 0.0;
    for (std::size_t i = 0; i < a.size; ++i)
      for (std::size_t j = 0; j < a.size; ++j) {
        all += a(i, j) * a(i, j);
        off += i == j ? 0.0 : a(i, j) * a(i, j);
      }
    if (off <= 1e-30 * all) break;
    for (std::size_t p = 0; p < a.size; ++p)
      for (std::size_t q = p + 1; q < a.size; ++q)
        if (a(p, q) != 0.0) rotate(a, found.vectors, p, q);
  }
  for (std::size_t i = 0; i < a.size; ++i) found.values.push_back(a(i, i));
  return found;
}

}  // namespace rolewise::search::detail
