// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks that hard labels are class indices, for a whole source at once or for a batch.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

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
[[nodiscard]] inline std::optional<std::int64_t> first_beyond(
    const torch::Tensor& labels, std::int64_t classes,
    std::optional<std::int64_t> ignored = std::nullopt)
{
  if (labels.numel() == 0) return std::nullopt;
  const auto [least, most] = labels.aminmax();
  if (least.item<std::int64_t>() >= 0 && most.item<std::int64_t>() < classes) return std::nullopt;
  auto beyond = labels.lt(0).logical_or(labels.ge(classes));
  if (ignored) beyond = beyond.logical_and(labels.ne(*ignored));
  const auto places = beyond.flatten().nonzero();
  if (places.numel() == 0) return std::nullopt;
  return places[0].item<std::int64_t>();
}

/// @param ignored as in `first_beyond`
/// @throws std::invalid_argument that names the first label outside 0 .. classes - 1
inline void require_classes(std::string_view who, const torch::Tensor& labels, std::int64_t classes,
                            std::string_view of_what,
                            std::optional<std::int64_t> ignored = std::nullopt)
{
  if (const auto place = first_beyond(labels, classes, ignored))
    throw_invalid_argument(who, "want labels in 0 .. ", classes - 1, ", got ",
                           labels.flatten()[*place].item<std::int64_t>(), " for example ",
                           *place / (labels.numel() / labels.size(0)), " of ", of_what);
}

/// @throws std::invalid_argument unless there is a hard label for each example
inline void require_hard_labels(std::string_view who, const batch& examples)
{
  const auto& labels = examples.labels;
  if (!are_hard(labels) || labels.size(0) != examples.size())
    throw_invalid_argument(who, "want labels [", examples.size(), "] of Long, got ",
                           labels.defined()
                               ? detail::classic_text(labels.sizes(), " of ", labels.scalar_type())
                               : "an undefined tensor");
}

/// Checks all labels of a source that shows all its examples; of any other, none.
/// @throws std::invalid_argument unless there is a hard label for each example
inline void require_hard_labels(std::string_view who, const batch_source_reference& source)
{
  if (const auto all = source.examples()) require_hard_labels(who, *all);
}

/// Likewise.
/// @throws std::invalid_argument unless each example has a hard label in 0 .. classes - 1
inline void require_class_labels(std::string_view who, const batch_source_reference& source)
{
  const auto all = source.examples();
  if (!all) return;
  require_hard_labels(who, *all);
  require_classes(who, all->labels, source.shape().classes,
                  detail::classic_text("'", source.name(), "'"));
}

}  // namespace rolewise::detail
