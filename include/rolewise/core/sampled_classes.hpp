// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Classes drawn from the distributions of logits: hard pseudo labels.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// One class for each example, drawn from softmax(logits): a function of logits, seed, epoch and
/// id, whatever the other examples are.
/// @param logits `[N, C]`, floating point; their graph ends here
/// @param ids `[N]`, int64
/// @return `[N]`, int64, on the device of the logits
/// @throws std::invalid_argument for other shapes and types
/// @pre Every logit is finite. Unchecked, as a check would synchronize with the device; an example
///      with one that is not gets some class.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor sampled_classes(const torch::Tensor& logits, seed key,
                                                            std::int64_t epoch,
                                                            const torch::Tensor& ids);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/sampled_classes.hpp>
#endif
