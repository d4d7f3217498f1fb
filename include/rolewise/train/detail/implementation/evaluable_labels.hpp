// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/evaluable_labels.hpp>.

#include <rolewise/train/detail/evaluable_labels.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE void require_labels_there(std::string_view who, const batch& examples)
{
  const auto& labels = examples.labels;
  if (!labels.defined() || labels.dim() < 1 || labels.size(0) != examples.size())
    throw_invalid_argument(who, "want labels [", examples.size(), ", ...], got ",
                           labels.defined() ? classic_text(labels.sizes()) : "an undefined tensor");
}

ROLEWISE_INLINE void require_hard_or_soft_labels(std::string_view who, const batch& examples,
                                                 std::int64_t classes)
{
  const auto& labels = examples.labels;
  const bool each = labels.defined() && labels.dim() > 0 && labels.size(0) == examples.size();
  const bool soft =
      each && labels.is_floating_point() && labels.dim() > 1 && labels.size(1) == classes;
  const bool hard = each && labels.scalar_type() == torch::kLong;
  if (!hard && !soft) require_hard_labels(who, examples);
}

ROLEWISE_INLINE void require_class_range(std::string_view who, const batch& examples,
                                         std::int64_t classes, std::string_view of_what)
{
  if (!examples.labels.is_floating_point())
    require_classes(who, examples.labels, classes, of_what, examples.ignore_index);
}

ROLEWISE_INLINE void require_labels(std::string_view who, wanted_labels kind, const batch& examples,
                                    std::int64_t classes)
{
  if (kind == wanted_labels::classes)
    require_hard_or_soft_labels(who, examples, classes);
  else
    require_labels_there(who, examples);
}

ROLEWISE_INLINE void require_evaluable(std::string_view who, wanted_labels kind,
                                       const batch_source_reference& source)
{
  const auto all = source.examples();
  if (!all) return;
  const auto classes = source.shape().classes;
  require_labels(who, kind, *all, classes);
  require_class_range(who, *all, classes, classic_text("'", source.name(), "'"));
}

}  // namespace rolewise::detail
