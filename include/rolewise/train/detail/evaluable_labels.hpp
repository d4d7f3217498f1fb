// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks of the labels that a network is evaluated on, of a whole source at once or of a batch.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/class_labels.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise::detail {

/// @throws std::invalid_argument unless there are as many labels as examples
ROLEWISE_INLINE void require_labels_there(std::string_view who, const batch& examples);

/// @throws std::invalid_argument unless labels are hard, `[N, ...]` int64, or soft, `[N, classes,
///         ...]` floating point
ROLEWISE_INLINE void require_hard_or_soft_labels(std::string_view who, const batch& examples,
                                                 std::int64_t classes);

/// @throws std::invalid_argument that names the first hard label that is neither a class nor the
///         ignore index
ROLEWISE_INLINE void require_class_range(std::string_view who, const batch& examples,
                                         std::int64_t classes, std::string_view of_what);

/// What labels an evaluation wants.
enum class wanted_labels {
  classes,  ///< hard or soft classes
  any       ///< also values to regress to
};

ROLEWISE_INLINE void require_labels(std::string_view who, wanted_labels kind, const batch& examples,
                                    std::int64_t classes);

/// Checks all labels of a source that shows all its examples; of any other, none.
ROLEWISE_INLINE void require_evaluable(std::string_view who, wanted_labels kind,
                                       const batch_source_reference& source);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/evaluable_labels.hpp>
#endif
