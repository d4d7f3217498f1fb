// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `batch` type: examples with labels and ids, their normalization and the move to a device.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <vector>

namespace rolewise {

/// What one example is.
enum class sample_kind {
  image,   ///< `[C, H, W]`, `uint8`, or floating point once normalized
  tokens,  ///< `[L]` int64, indices into a vocabulary
  vector   ///< `[D]` floating point
};

/// Shape of one example and number of classes. Axis names throughout the library: N examples, C
/// channels (of images) or classes (of logits), H rows, W columns, L tokens, D features.
struct sample_shape {
  std::int64_t channels = 3;
  std::int64_t height = 32;
  std::int64_t width = 32;
  std::int64_t classes = 10;
  sample_kind kind = sample_kind::image;

  /// A sequence of `length` tokens, which is its `width`.
  [[nodiscard]] static constexpr sample_shape tokens(std::int64_t length, std::int64_t classes)
  {
    return {1, 1, length, classes, sample_kind::tokens};
  }
  /// A vector of `size` values, which are its `channels`.
  [[nodiscard]] static constexpr sample_shape vector(std::int64_t size, std::int64_t classes)
  {
    return {size, 1, 1, classes, sample_kind::vector};
  }

  /// Sizes of the tensor of one example: `[C, H, W]`, `[L]` or `[D]`.
  [[nodiscard]] std::vector<std::int64_t> sizes() const;

  friend bool operator==(const sample_shape&, const sample_shape&) = default;
};

/// Per-channel normalization of `uint8` inputs: `x = (v / 255 - mean) / std`.
///
/// Stored in the data set, so that training, evaluation, teacher and student use the same one.
struct normalization {
  std::vector<double> mean;  ///< C values in [0, 1]; empty means 0
  std::vector<double> std;   ///< C values above 0; empty means 1

  friend bool operator==(const normalization&, const normalization&) = default;
};

/// Number of a recurring view: 0 .. count - 1 in a cycle of `count` views. `count` 0 means that
/// the batch belongs to no such cycle.
struct view_number {
  std::int64_t number = 0;
  std::int64_t count = 0;

  friend bool operator==(const view_number&, const view_number&) = default;
};

/// N examples with their labels and their ids in the data set: images, token sequences of L
/// tokens, or vectors.
///
/// An agent returns a new batch and never writes into the tensors of its input.
struct batch {
  /// Images `[N, C, H, W]`, `uint8` until just before the forward pass, or floating point once
  /// normalized; token indices `[N, L]` int64, or embeddings `[N, L, D]` floating point where a
  /// network reads them; vectors `[N, D]` floating point.
  torch::Tensor inputs;
  /// One label for each example, `[N]` int64 in 0 .. classes - 1 or `[N, classes]` floating point
  /// (soft labels, which sum to 1 over the classes); for each pixel, `[N, H, W]` or
  /// `[N, classes, H, W]`; for each token, `[N, L]` or `[N, classes, L]`.
  torch::Tensor labels;
  /// `[N]` int64, on the CPU: the id of each example in its data set; random draws are keyed by
  /// it.
  torch::Tensor ids;
  rolewise::normalization normalization{};
  /// Set by `cyclic_views`. A lookup hint, not a guarantee: an agent that changes such a view
  /// copies the number along, so a cache must compare the pixels as well.
  view_number view{};
  /// `[N]` int64, on the CPU: the id of the example that was mixed into each example; undefined
  /// if none was.
  torch::Tensor partners{};
  /// `[N, L]` bool: true for a token, false for padding; undefined if all are tokens.
  torch::Tensor mask{};
  /// Weights of the labels in losses and metrics, floating point, at least 0: `[N]`, or one for
  /// each pixel or token as the labels have them; undefined means 1.
  torch::Tensor weights{};
  /// A hard label of this value counts in no loss on labels and in no metric.
  std::int64_t ignore_index = -100;

  [[nodiscard]] std::int64_t size() const { return inputs.defined() ? inputs.size(0) : 0; }
};

namespace detail {

ROLEWISE_INLINE torch::Tensor per_channel(const std::vector<double>& values,
                                          const torch::Tensor& like);

}  // namespace detail

/// Returns the inputs of a batch as networks expect them: floating point, normalized, channels
/// last.
///
/// `uint8` inputs are converted by `normalization`; floating-point inputs count as normalized and
/// are only cast. The batch is not modified.
///
/// @return `[N, C, H, W]` in `dtype`, on the device of the inputs
/// @throws std::invalid_argument unless the inputs are `[N, C, H, W]`, `uint8` or floating point,
///         and `normalization` has C entries (or none)
[[nodiscard]] ROLEWISE_INLINE torch::Tensor normalized_inputs(
    const batch& examples, torch::ScalarType dtype = torch::kFloat);

/// Returns the batch with `normalized_inputs` as its inputs, so that they are converted only
/// once.
[[nodiscard]] inline batch normalized(batch examples)
{
  examples.inputs = normalized_inputs(examples);
  return examples;
}

/// Returns the batch with inputs, labels, mask and weights on a device; ids stay on the CPU.
/// @param non_blocking whether to return before the copies are done, where the memory is pinned
[[nodiscard]] ROLEWISE_INLINE batch to_device(batch examples, torch::Device device,
                                              bool non_blocking = false);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/batch.hpp>
#endif
