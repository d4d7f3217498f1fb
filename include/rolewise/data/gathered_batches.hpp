// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `gathered_batches`: the batches of an epoch, gathered from examples in memory.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

[[nodiscard]] inline std::string shape_words(const torch::Tensor& t)
{
  return t.defined() ? detail::classic_text(t.sizes()) : "undefined";
}

}  // namespace detail

/// The batches of an epoch whose examples lie in memory: what `epoch` of a `BatchSource` returns
/// that chooses the order of examples and leaves the copying to this type.
///
/// Batch k has the examples at the places `order[k * size]` to `order[k * size + size - 1]`, the
/// last one what is left. A place may occur more than once, or not at all.
class gathered_batches {
 public:
  gathered_batches() = default;

  /// @param examples all examples, on the CPU; their memory is shared where it is contiguous
  /// @param order places among the examples, 0 .. N - 1
  /// @param size of a batch, at least 1
  /// @throws std::invalid_argument unless there are N inputs, labels and ids on the CPU, mask and
  ///         weights are of N examples too or undefined, and each place is one of the N
  gathered_batches(batch examples, std::vector<std::int64_t> order, std::int64_t size);

  /// Returns the batch of one step, gathered into `memory`.
  /// @pre the step is one of the epoch
  [[nodiscard]] batch operator()(std::int64_t step, batch_memory& memory) const;

 private:
  void require(torch::Tensor& part) const;

  [[nodiscard]] torch::Tensor rows(const torch::Tensor& from, std::int64_t begin, std::int64_t end,
                                   buffer_pool& pool) const;

  batch examples_;
  std::shared_ptr<const std::vector<std::int64_t>> order_;
  std::int64_t size_ = 1;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/gathered_batches.hpp>
#endif
