// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Encoding of logits as bytes for the teacher cache, and decoding.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <vector>

namespace rolewise::detail {

/// Storage format of a row of logits.
struct cached_logits_format {
  std::int64_t classes = 0;
  std::int64_t kept = 0;  ///< highest logits stored per row; `classes`: all
  torch::ScalarType type = torch::kFloat;
  double temperature = 1.0;  ///< at which the mass of the others is preserved

  [[nodiscard]] bool is_whole() const { return kept == classes; }
  /// Whether logits are stored unchanged; otherwise as distances from the row's maximum.
  [[nodiscard]] bool is_exact() const { return type == torch::kFloat; }
  [[nodiscard]] std::int64_t value_bytes() const { return type == torch::kFloat ? 4 : 2; }
  [[nodiscard]] std::int64_t place_bytes() const { return classes <= 32768 ? 2 : 4; }
  /// Bytes per row: the maximum unless exact; the values; in top-k rows the classes and the mass
  /// of the rest.
  [[nodiscard]] std::int64_t bytes() const;
};

ROLEWISE_INLINE void require_form(const cached_logits_format& form);

[[nodiscard]] inline torch::Tensor as_bytes(const torch::Tensor& rows)
{
  return rows.contiguous().view(torch::kByte);
}

/// @param logits `[N, classes]` float32, on the CPU
/// @return `[N, form.bytes()]` uint8
[[nodiscard]] ROLEWISE_INLINE torch::Tensor encoded(const torch::Tensor& logits,
                                                    const cached_logits_format& form);

/// @param bytes `[N, form.bytes()]` uint8
/// @return `[N, classes]` float32
[[nodiscard]] ROLEWISE_INLINE torch::Tensor decoded(const torch::Tensor& bytes,
                                                    const cached_logits_format& form);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/detail/implementation/cached_logits_codec.hpp>
#endif
