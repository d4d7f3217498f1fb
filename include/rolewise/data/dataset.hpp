// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `dataset`: labeled examples in memory.
///
/// [data] -> agent -> teacher/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/gathered_batches.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// The `ignore_index` of a batch that ignores no label.
inline constexpr std::int64_t ignore_nothing = std::numeric_limits<std::int64_t>::min();

/// A data set of N labeled examples on the CPU: images, token sequences or vectors. Copies share
/// memory; the library never writes into it.
struct dataset {
  /// As in a batch: images `[N, C, H, W]` uint8, or floating point if they are normalized; token
  /// indices `[N, L]` int64; vectors `[N, D]` floating point.
  torch::Tensor inputs;
  /// `[N]` int64, 0 .. classes - 1, or any other labels of a batch: soft ones `[N, classes]`, of
  /// pixels `[N, H, W]`, of tokens `[N, L]`.
  torch::Tensor labels;
  /// `[N]`, int64: the index of each example in the set it came from. Random draws are keyed by
  /// it, so they do not change with splits and subsets.
  torch::Tensor ids;
  sample_shape shape{};
  rolewise::normalization normalization{};
  std::vector<std::string> class_names{};  ///< `shape.classes` names, or none
  std::string name{};                      ///< for reports
  torch::Tensor mask{};     ///< `[N, L]` bool, true for a token; undefined if all are
  torch::Tensor weights{};  ///< of the labels, as in a batch; undefined means 1
  /// Hard labels of this value count in no loss and no metric. Without it every label counts, and
  /// one that is no class is an error.
  std::optional<std::int64_t> ignore_index{};

  [[nodiscard]] std::int64_t size() const { return inputs.defined() ? inputs.size(0) : 0; }

  /// 64-bit checksum over inputs, labels, ids and normalization, and over mask, weights and
  /// `ignore_index` where one of them is set; identifies a set of examples. Takes one pass over
  /// them.
  [[nodiscard]] std::uint64_t fingerprint() const;

  /// All examples, in order, as one batch that shares their memory.
  [[nodiscard]] batch examples() const;

  /// The batches of an epoch: every example once, in an order that is a function of (seed, epoch)
  /// and of N, or in that of the data set.
  /// @throws std::invalid_argument as `gathered_batches`
  [[nodiscard]] gathered_batches epoch(const batch_options& options) const;
};

/// A training and a test set, as read from a data source.
struct dataset_splits {
  dataset train;
  dataset test;
  sample_shape shape;  ///< of both
  /// Notes to the user about the source that are not errors, one sentence each: images that were
  /// left out, parts that are missing.
  std::vector<std::string> notes{};
};

/// Returns the examples at the given places, in that order.
/// @param places `[M]`, int64, 0 .. N - 1
[[nodiscard]] ROLEWISE_INLINE dataset subset(const dataset& whole, const torch::Tensor& places);

static_assert(BatchSource<dataset>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/implementation/dataset.hpp>
#endif
