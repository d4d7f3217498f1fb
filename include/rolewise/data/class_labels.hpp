// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks that hard labels are class indices, for a whole source at once or for a batch.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace rolewise::detail {

[[nodiscard]] inline bool are_hard(const torch::Tensor& labels)
{
  return labels.defined() && labels.scalar_type() == torch::kLong && labels.dim() == 1;
}

/// Index, in logical order, of the first hard label outside 0 .. classes - 1. Takes one pass if all
/// are valid, and synchronizes with the device of the labels.
/// @param ignored a value that is valid too
[[nodiscard]] ROLEWISE_INLINE std::optional<std::int64_t> first_beyond(
    const torch::Tensor& labels, std::int64_t classes,
    std::optional<std::int64_t> ignored = std::nullopt);

/// @param ignored as in `first_beyond`
/// @throws std::invalid_argument that names the first label outside 0 .. classes - 1
ROLEWISE_INLINE void require_classes(std::string_view who, const torch::Tensor& labels,
                                     std::int64_t classes, std::string_view of_what,
                                     std::optional<std::int64_t> ignored = std::nullopt);

/// @throws std::invalid_argument unless there is a hard label for each example
ROLEWISE_INLINE void require_hard_labels(std::string_view who, const batch& examples);

/// Checks all labels of a source that shows all its examples; of any other, none.
/// @throws std::invalid_argument unless there is a hard label for each example
inline void require_hard_labels(std::string_view who, const batch_source_reference& source)
{
  if (const auto all = source.examples()) require_hard_labels(who, *all);
}

/// Likewise.
/// @throws std::invalid_argument unless each example has a hard label in 0 .. classes - 1
ROLEWISE_INLINE void require_class_labels(std::string_view who,
                                          const batch_source_reference& source);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/class_labels.hpp>
#endif
