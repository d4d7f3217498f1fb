// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks of the labels of a data set that a network is evaluated on.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/classic_text.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/train/detail/class_labels.hpp>

#include <cstdint>
#include <string_view>

namespace rolewise::detail {

/// @throws std::invalid_argument unless there are as many labels as examples
inline void require_labels_there(std::string_view who, const dataset& examples)
{
  const auto& labels = examples.labels;
  if (!labels.defined() || labels.dim() < 1 || labels.size(0) != examples.size())
    throw_invalid_argument(who, "want labels [", examples.size(), ", ...], got ",
                           labels.defined() ? classic_text(labels.sizes()) : "an undefined tensor");
}

/// @throws std::invalid_argument unless labels are hard, `[N, ...]` int64, or soft, `[N, classes,
///         ...]` floating point
inline void require_hard_or_soft_labels(std::string_view who, const dataset& examples)
{
  const auto& labels = examples.labels;
  const bool each = labels.defined() && labels.dim() > 0 && labels.size(0) == examples.size();
  const bool soft = each && labels.is_floating_point() && labels.dim() > 1 &&
                    labels.size(1) == examples.shape.classes;
  const bool hard = each && labels.scalar_type() == torch::kLong;
  if (!hard && !soft) require_hard_labels(who, examples);
}

/// Checks hard labels: those of examples must be classes; those of pixels or tokens may be ignored
/// (`batch::ignore_index`) instead.
/// @throws std::invalid_argument that names the first label that is wrong
inline void require_class_range(std::string_view who, const dataset& examples)
{
  auto labels = examples.labels;
  if (labels.is_floating_point()) return;
  const auto classes = examples.shape.classes;
  const auto of_what = classic_text("'", examples.name, "'");
  if (labels.dim() == 1) return require_classes(who, labels, classes, of_what);
  labels = labels.flatten();
  if (!first_beyond(labels, classes)) return;
  const auto ignored = batch{}.ignore_index;
  if (const auto place = first_beyond(labels.masked_fill(labels.eq(ignored), 0), classes))
    throw_invalid_argument(who, "want labels in 0 .. ", classes - 1, " or ", ignored,
                           " (ignored), got ", labels[*place].item<std::int64_t>(), " in example ",
                           *place / (labels.numel() / examples.size()), " of ", of_what);
}

}  // namespace rolewise::detail
