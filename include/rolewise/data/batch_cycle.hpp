// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `batch_cycle`: batches of a second data set beside those of a run, by its step.
///
/// [data] -> agent -> teacher/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batch_options.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>

namespace rolewise {

/// A batch of a second source of data for each step of a run: held-out examples, or labeled ones
/// beside a run on unlabeled ones. A value that a training step holds.
///
///     const auto parts = stratified_split(data.train, fraction{0.1}, seed{1});
///     const batch_cycle exam{.data = parts.validation, .size = 64};
///     const batch examples = exam(progress);
///
/// The source is gone through again and again, each time in another order, and only in whole
/// batches. The batch is a function of source, size, seed and the number of the step in its run,
/// so there is no position to keep: a resumed run continues with the same batches.
template<typename Source = dataset>
struct batch_cycle {
  static_assert(BatchSource<Source>, "batch_cycle: .data must satisfy BatchSource");
  static constexpr bool has_state = false;

  Source data;
  std::int64_t size = 128;  ///< examples per batch; fewer if the source has no more
  rolewise::seed seed{0};   ///< of the orders

  /// @throws std::invalid_argument for a source without examples or a size below 1
  [[nodiscard]] batch operator()(const training_progress& progress) const
  {
    const auto count = static_cast<std::int64_t>(data.size());
    if (count < 1 || size < 1)
      throw_invalid_argument("batch_cycle", "want examples and a size >= 1, got ", count,
                             " examples of '", detail::name_of(data), "' and size ", size);
    batch_options options{.size = size, .seed = seed, .drop_last = count >= size};
    const auto batches = batch_count(data, options);
    if (batches < 1)
      throw_invalid_argument("batch_cycle", "'", detail::name_of(data), "' has no batch of ", size,
                             " in ", count, " examples");
    options.epoch = progress.global_step() / batches;
    batch_memory memory;
    return data.epoch(options)(progress.global_step() % batches, memory);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("data", detail::name_of(data));
    archive.show("fingerprint", data.fingerprint());
    archive.show("size", size);
    archive.show("seed", seed);
  }
};

template<typename Source>
batch_cycle(Source, std::int64_t = 128, seed = {}) -> batch_cycle<Source>;

}  // namespace rolewise
