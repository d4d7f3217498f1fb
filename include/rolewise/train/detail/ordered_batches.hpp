// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The batches of a source in its own order, for evaluation.

#include <rolewise/core/batch.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <optional>

namespace rolewise::detail {

/// All examples of a source in batches, in its own order: parts of its memory where it shows all
/// examples (`examples()`), else the batches of epoch 0 without shuffling.
class ordered_batches {
 public:
  /// @pre the size of a batch is at least 1
  ordered_batches(const batch_source_reference& source, std::int64_t size);

  [[nodiscard]] std::int64_t steps() const { return steps_; }

  /// Returns a batch that is valid for as long as it is kept.
  [[nodiscard]] batch operator()(std::int64_t step);

 private:
  std::int64_t size_;
  std::optional<batch> all_;
  epoch_batches epoch_;
  std::int64_t steps_ = 0;
  batch_memory memory_{};
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/ordered_batches.hpp>
#endif
