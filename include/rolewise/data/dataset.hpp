// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `dataset`: labeled images in memory.
///
/// [data] -> agent -> teacher/student -> loss -> train -> report

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>

#include <bit>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// A data set of N labeled images. Copies share memory; the library never writes into it.
struct dataset {
  torch::Tensor inputs;  ///< `[N, C, H, W]`, uint8, contiguous, on the CPU
  torch::Tensor labels;  ///< `[N]`, int64, 0 .. classes - 1
  /// `[N]`, int64: the index of each image in the set it came from. Random draws are keyed by it,
  /// so they do not change with splits and subsets.
  torch::Tensor ids;
  sample_shape shape;
  rolewise::normalization normalization;
  std::vector<std::string> class_names;  ///< `shape.classes` names, or none
  std::string name;                      ///< for reports

  [[nodiscard]] std::int64_t size() const { return inputs.defined() ? inputs.size(0) : 0; }
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
[[nodiscard]] inline dataset subset(const dataset& whole, const torch::Tensor& places)
{
  auto part = whole;
  part.inputs = whole.inputs.index_select(0, places);
  part.labels = whole.labels.index_select(0, places);
  part.ids = whole.ids.index_select(0, places);
  return part;
}

/// 64-bit checksum over images, labels, ids and scaling, which identifies a set of examples.
/// Takes one pass over the images.
[[nodiscard]] inline std::uint64_t fingerprint(const dataset& examples)
{
  checksum sum;
  for (const auto* t : {&examples.inputs, &examples.labels, &examples.ids}) sum.add(*t);
  for (const auto* values : {&examples.normalization.mean, &examples.normalization.std}) {
    sum.add(std::uint64_t{values->size()});
    for (const double value : *values) sum.add(std::bit_cast<std::uint64_t>(value));
  }
  return sum.value();
}

/// Returns all examples, in order, as one batch that shares their memory.
[[nodiscard]] inline batch as_batch(const dataset& examples)
{
  return {examples.inputs, examples.labels, examples.ids, examples.normalization};
}

}  // namespace rolewise
