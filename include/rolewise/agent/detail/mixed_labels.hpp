// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Soft labels of mixed examples, and pasted label maps.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/partners.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace rolewise::detail {

/// Returns the number of classes of mixed labels: `wanted` if it is set, else that of soft
/// labels, else that of the partner pool.
[[nodiscard]] ROLEWISE_INLINE std::int64_t classes_of(std::string_view who, std::int64_t wanted,
                                                      const partner_pool& partners,
                                                      const torch::Tensor& labels);

/// Returns labels as class probabilities (one-hot for class indices): `[N, classes]`, float32.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor soft_labels(std::string_view who,
                                                        const torch::Tensor& labels,
                                                        std::int64_t count, std::int64_t classes);

/// Returns the batch of mixed examples: `inputs`, and the weighted mean of the labels of examples
/// and partners.
/// @param shares `[N]` float32, on the CPU: weight of each example, the rest is its partner's
[[nodiscard]] ROLEWISE_INLINE batch mixed_batch(std::string_view who, const batch& examples,
                                                const batch& partners, torch::Tensor inputs,
                                                const torch::Tensor& shares, std::int64_t classes);

/// Returns the batch of examples with parts of their partners: inputs, label maps and weights are
/// the partner's where `pasted`.
/// @param pasted `[N, 1, H, W]` bool, on the device of the images
[[nodiscard]] ROLEWISE_INLINE batch pasted_batch(std::string_view who, const batch& examples,
                                                 const batch& partners,
                                                 const torch::Tensor& pasted);

ROLEWISE_INLINE void require_mixable(std::string_view who, const batch& examples, double alpha);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/detail/implementation/mixed_labels.hpp>
#endif
