// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks that hard labels are class indices, for a whole data set at once.

#include <rolewise/core/classic_text.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/dataset.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace rolewise::detail {

[[nodiscard]] inline bool are_hard(const torch::Tensor& labels)
{
  return labels.defined() && labels.scalar_type() == torch::kLong && labels.dim() == 1;
}

/// Index of the first of the hard labels `[N]` outside 0 .. classes - 1. Takes one pass if all are
/// valid, and synchronizes with the device of the labels.
[[nodiscard]] inline std::optional<std::int64_t> first_beyond(const torch::Tensor& labels,
                                                              std::int64_t classes)
{
  if (labels.numel() == 0) return std::nullopt;
  const auto [least, most] = labels.aminmax();
  if (least.item<std::int64_t>() >= 0 && most.item<std::int64_t>() < classes) return std::nullopt;
  return labels.lt(0).logical_or(labels.ge(classes)).nonzero()[0].item<std::int64_t>();
}

/// @throws std::invalid_argument that names the first label outside 0 .. classes - 1
inline void require_classes(std::string_view who, const torch::Tensor& labels, std::int64_t classes,
                            std::string_view of_what)
{
  if (const auto place = first_beyond(labels, classes))
    throw_invalid_argument(who, "want labels in 0 .. ", classes - 1, ", got ",
                           labels[*place].item<std::int64_t>(), " for example ", *place, " of ",
                           of_what);
}

/// @throws std::invalid_argument unless there is a hard label for each example
inline void require_hard_labels(std::string_view who, const dataset& examples)
{
  const auto& labels = examples.labels;
  if (!are_hard(labels) || labels.size(0) != examples.size())
    throw_invalid_argument(who, "want labels [", examples.size(), "] of Long, got ",
                           labels.defined()
                               ? detail::classic_text(labels.sizes(), " of ", labels.scalar_type())
                               : "an undefined tensor");
}

/// @throws std::invalid_argument unless each example has a hard label in 0 .. classes - 1
inline void require_class_labels(std::string_view who, const dataset& examples)
{
  require_hard_labels(who, examples);
  require_classes(who, examples.labels, examples.shape.classes,
                  detail::classic_text("'", examples.name, "'"));
}

}  // namespace rolewise::detail
