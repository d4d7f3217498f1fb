// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `sample_tuples`: batches of tuples of examples, out of a pool of distinct ones.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/gathered_batches.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <string>

namespace rolewise {

/// Options of `sample_tuples`.
struct tuple_options {
  std::int64_t size = 2;        ///< examples of a tuple, k: 2 or 3
  std::int64_t pool = 100'000;  ///< distinct tuples, at least 1; all of them if there are fewer
  std::int64_t of_epoch = 0;    ///< tuples of an epoch; 0: as many as examples
  rolewise::seed seed{0};       ///< of the pool
};

/// Batches of tuples of k different examples, for losses that compare groups (`on_groups`): a pair
/// of one and one, or a triple of two, whose order does not count, and one.
///
///     fit(training, sample_tuples{data.train}, {.batch_size = 2 * 64});  // 64 pairs
///
/// The rows of a tuple follow each other, so a batch is `[tuples, k, ...]` by a `view`. The pool is
/// drawn once, without repetition, from all n (n - 1) pairs or n (n - 1) (n - 2) / 2 triples.
/// Epochs take the tuples of the pool in turn, in another order each time that it begins anew. The
/// example of an id occurs many times in an epoch: `fresh_views` makes a view of its own each time.
///
/// @par Determinism
/// A function of the data, of the seeds of pool and epoch, of the epoch and the size of a batch.
class sample_tuples {
 public:
  /// @throws std::invalid_argument unless tuples are of 2 or 3, the pool has at least one, and the
  ///         data set at least as many examples as a tuple (and fewer than 2^20)
  explicit sample_tuples(dataset data, const tuple_options& options = {});

  /// Examples of an epoch: those of its tuples.
  [[nodiscard]] std::int64_t size() const { return tuples_of_epoch() * options_.size; }
  [[nodiscard]] std::string name() const { return data_.name; }
  [[nodiscard]] sample_shape shape() const { return data_.shape; }
  [[nodiscard]] std::uint64_t fingerprint() const;

  /// @throws std::invalid_argument unless the size of a batch is a multiple of that of a tuple
  [[nodiscard]] gathered_batches epoch(const batch_options& options) const;

  /// Number of distinct tuples of the pool.
  [[nodiscard]] std::int64_t pool_size() const { return pool_size_; }
  /// The places of the examples of a tuple of the pool in the data set, the single one last; of a
  /// pair the first two.
  /// @pre 0 <= number < `pool_size()`
  [[nodiscard]] std::array<std::int64_t, 3> tuple(std::int64_t number) const;

 private:
  [[nodiscard]] std::int64_t tuples_of_epoch() const
  {
    return options_.of_epoch > 0 ? options_.of_epoch : data_.size();
  }

  dataset data_;
  tuple_options options_;
  std::int64_t all_ = 0;  // tuples that there are
  std::int64_t pool_size_ = 0;
};

static_assert(BatchSource<sample_tuples>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/sample_tuples.hpp>
#endif
