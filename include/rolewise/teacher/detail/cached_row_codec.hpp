// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Encoding of a teacher's outputs, logits and features, as bytes for the teacher cache.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/detail/cached_logits_codec.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::detail {

/// Storage format of a row: the logits of each position, then the features by tap.
struct cached_row_format {
  cached_logits_format logits;            ///< of one position; its dtype is that of the features
  std::vector<std::int64_t> positions{};  ///< axes of the logits after the classes: [L], [H, W]
  feature_shapes features{};              ///< of one example

  [[nodiscard]] static std::int64_t count_of(const std::vector<std::int64_t>& sizes)
  {
    std::int64_t count = 1;
    for (const auto size : sizes) count *= size;
    return count;
  }
  /// Whether a row holds logits `[classes]` and no features.
  [[nodiscard]] bool is_plain() const { return positions.empty() && features.empty(); }
  [[nodiscard]] std::int64_t logits_bytes() const { return count_of(positions) * logits.bytes(); }
  [[nodiscard]] std::int64_t feature_bytes(const std::vector<std::int64_t>& sizes) const
  {
    return count_of(sizes) * logits.value_bytes();
  }
  [[nodiscard]] std::int64_t bytes() const;
  /// Sizes of the logits of `count` examples.
  [[nodiscard]] std::vector<std::int64_t> logits_sizes(std::int64_t count) const;
};

/// The taps with their shapes, such as `tap::stage<2> [64, 8, 8], tap::penultimate [64]`.
[[nodiscard]] ROLEWISE_INLINE std::string to_text(const feature_shapes& shapes);

/// @param found for N examples, in floating point of at most 32 bits, on the CPU
/// @return `[N, form.bytes()]` uint8
[[nodiscard]] ROLEWISE_INLINE torch::Tensor encoded(const outputs& found,
                                                    const cached_row_format& form);

/// @param bytes `[N, form.bytes()]` uint8
/// @return `[N, classes, positions...]` float32
[[nodiscard]] ROLEWISE_INLINE torch::Tensor decoded_logits(const torch::Tensor& bytes,
                                                           const cached_row_format& form);

/// @param bytes `[N, form.bytes()]` uint8
/// @return the wanted features, float32
[[nodiscard]] ROLEWISE_INLINE tapped<torch::Tensor> decoded_features(const torch::Tensor& bytes,
                                                                     const cached_row_format& form,
                                                                     const taps& wanted);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/detail/implementation/cached_row_codec.hpp>
#endif
