// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/checked_labels.hpp>.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/train/detail/checked_labels.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE epoch_batches checked_labels::epoch(const batch_options& options) const
{
  return [inner = source_.epoch(options), name = name(), classes = shape().classes,
          number = options.epoch](std::int64_t step, batch_memory& memory) {
    auto examples = inner(step, memory);
    const auto& labels = examples.labels;
    if (labels.defined() && labels.is_cpu() && labels.scalar_type() == torch::kLong)
      require_classes("fit", labels, classes,
                      detail::classic_text("epoch ", number, ", step ", step, " of '", name, "'"),
                      examples.ignore_index);
    return examples;
  };
}

}  // namespace rolewise::detail
