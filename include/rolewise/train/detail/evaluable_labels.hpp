// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks of the labels that a network is evaluated on, of a whole source at once or of a batch.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/class_labels.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise::detail {

/// @throws std::invalid_argument unless there are as many labels as examples
inline void require_labels_there(std::string_view who, const batch& examples)
{
  const auto& labels = examples.labels;
  if (!labels.defined() || labels.dim() < 1 || labels.size(0) != examples.size())
    throw_invalid_argument(who, "want labels [", examples.size(), ", ...], got ",
                           labels.defined() ? classic_text(labels.sizes()) : "an undefined tensor");
}

/// @throws std::invalid_argument unless labels are hard, `[N, ...]` int64, or soft, `[N, classes,
///         ...]` floating point
inline void require_hard_or_soft_labels(std::string_view who, const batch& examples,
                                        std::int64_t classes)
{
  const auto& labels = examples.labels;
  const bool each = labels.defined() && labels.dim() > 0 && labels.size(0) == examples.size();
  const bool soft =
      each && labels.is_floating_point() && labels.dim() > 1 && labels.size(1) == classes;
  const bool hard = each && labels.scalar_type() == torch::kLong;
  if (!hard && !soft) require_hard_labels(who, examples);
}

/// @throws std::invalid_argument that names the first hard label that is neither a class nor the
///         ignore index
inline void require_class_range(std::string_view who, const batch& examples, std::int64_t classes,
                                std::string_view of_what)
{
  if (!examples.labels.is_floating_point())
    require_classes(who, examples.labels, classes, of_what, examples.ignore_index);
}

/// What labels an evaluation wants.
enum class wanted_labels {
  classes,  ///< hard or soft classes
  any       ///< also values to regress to
};

inline void require_labels(std::string_view who, wanted_labels kind, const batch& examples,
                           std::int64_t classes)
{
  if (kind == wanted_labels::classes)
    require_hard_or_soft_labels(who, examples, classes);
  else
    require_labels_there(who, examples);
}

/// Checks all labels of a source that shows all its examples; of any other, none.
inline void require_evaluable(std::string_view who, wanted_labels kind,
                              const batch_source_reference& source)
{
  const auto all = source.examples();
  if (!all) return;
  const auto classes = source.shape().classes;
  require_labels(who, kind, *all, classes);
  require_class_range(who, *all, classes, classic_text("'", source.name(), "'"));
}

}  // namespace rolewise::detail
