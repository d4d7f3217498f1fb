// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `search_run_options`: the options of a search.

#include <rolewise/core/seed.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// Options of `run_search`.
struct search_run_options {
  std::int64_t trials = 4;               ///< at least 1
  std::int64_t epochs = 1;               ///< of each trial; at least 1
  std::int64_t evaluation_interval = 1;  ///< between two calls of the strategy; at least 1
  std::int64_t batch_size = 128;
  rolewise::seed seed{0};  ///< of the strategy; trial seeds are split from it by trial number
  /// The order in which the trials of a round are trained, a permutation of their numbers. It
  /// does not affect the results. Empty: 0, 1, 2, ...
  std::vector<std::int64_t> order{};
  /// Number of trials trained concurrently; at least 1. It affects only the time, not the
  /// results. `metric` is then called by several threads at once, the factory and the strategy by
  /// one.
  std::int64_t max_concurrent_trials = 1;
  /// LibTorch's threads within each trial, whatever `max_concurrent_trials`. As in any training,
  /// the bits of the results depend on it. 0: as many as the calling thread has.
  std::int64_t threads_per_trial = 0;
  /// A checksum of whatever affects the scores and is not an argument of `run_search`, such as the
  /// teacher and the validation set. A search in a folder resumes only with the same value.
  std::uint64_t conditions = 0;
  /// The folder that stores the search: `history.jsonl`, event by event, and a checkpoint of each
  /// trial after each round (docs/run_search.md). It must exist. A search that it already holds
  /// is resumed and ends with the same bits as an uninterrupted one; trials that were in training
  /// when it was interrupted repeat that round. Empty: nothing is stored.
  std::string folder{};
};

namespace detail {

ROLEWISE_INLINE void require_sound(const search_run_options& o, const search::search_space& space);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/search_run_options.hpp>
#endif
