// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The batches of a source in its own order, for evaluation.

#include <rolewise/core/batch.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source_reference.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace rolewise::detail {

/// All examples of a source in batches, in its own order: parts of its memory where it shows all
/// examples (`examples()`), else the batches of epoch 0 without shuffling.
class ordered_batches {
 public:
  /// @pre the size of a batch is at least 1
  ordered_batches(const batch_source_reference& source, std::int64_t size)
      : size_{size}, all_{source.examples()}
  {
    const batch_options in_order{.size = size, .shuffle = false};
    if (all_) {
      steps_ = rolewise::batch_count(all_->size(), in_order);
    } else {
      steps_ = source.batch_count(in_order);
      epoch_ = source.epoch(in_order);
    }
  }

  [[nodiscard]] std::int64_t steps() const { return steps_; }

  /// Returns a batch that is valid for as long as it is kept.
  [[nodiscard]] batch operator()(std::int64_t step)
  {
    if (!all_) return epoch_(step, memory_);
    auto part = *all_;
    const auto begin = step * size_;
    const auto size = std::min(size_, all_->size() - begin);
    for (auto* each : {&part.inputs, &part.labels, &part.ids, &part.mask, &part.weights})
      if (each->defined()) *each = each->narrow(0, begin, size);
    return part;
  }

 private:
  std::int64_t size_;
  std::optional<batch> all_;
  epoch_batches epoch_;
  std::int64_t steps_ = 0;
  batch_memory memory_{};
};

}  // namespace rolewise::detail
