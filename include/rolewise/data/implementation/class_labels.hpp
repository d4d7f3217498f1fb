// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/class_labels.hpp>.

#include <rolewise/data/class_labels.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::optional<std::int64_t> first_beyond(const torch::Tensor& labels,
                                                         std::int64_t classes,
                                                         std::optional<std::int64_t> ignored)
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

ROLEWISE_INLINE void require_classes(std::string_view who, const torch::Tensor& labels,
                                     std::int64_t classes, std::string_view of_what,
                                     std::optional<std::int64_t> ignored)
{
  if (const auto place = first_beyond(labels, classes, ignored))
    throw_invalid_argument(who, "want labels in 0 .. ", classes - 1, ", got ",
                           labels.flatten()[*place].item<std::int64_t>(), " for example ",
                           *place / (labels.numel() / labels.size(0)), " of ", of_what);
}

ROLEWISE_INLINE void require_hard_labels(std::string_view who, const batch& examples)
{
  const auto& labels = examples.labels;
  if (!are_hard(labels) || labels.size(0) != examples.size())
    throw_invalid_argument(who, "want labels [", examples.size(), "] of Long, got ",
                           labels.defined()
                               ? detail::classic_text(labels.sizes(), " of ", labels.scalar_type())
                               : "an undefined tensor");
}

ROLEWISE_INLINE void require_class_labels(std::string_view who,
                                          const batch_source_reference& source)
{
  const auto all = source.examples();
  if (!all) return;
  require_hard_labels(who, *all);
  require_classes(who, all->labels, source.shape().classes,
                  detail::classic_text("'", source.name(), "'"));
}

}  // namespace rolewise::detail
