// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Examples on their way through the library.

#include <rolewise/core/error.hpp>
#include <rolewise/core/tensor.hpp>

#include <cstdint>
#include <vector>

namespace rolewise {

/// Shape of one example and number of classes. Axes are called, throughout the library,
/// N examples, C channels (of images) or classes (of logits), H rows, W columns.
struct sample_shape {
  std::int64_t channels = 3;
  std::int64_t height = 32;
  std::int64_t width = 32;
  std::int64_t classes = 10;

  friend bool operator==(const sample_shape&, const sample_shape&) = default;
};

/// How `uint8` becomes floating point: `x = (v / 255 - mean) / deviation`, per channel.
///
/// The data set owns it, so training, evaluation, teacher and student cannot disagree.
struct normalisation {
  std::vector<double> mean;       ///< C values in [0, 1]; empty means 0
  std::vector<double> deviation;  ///< C values above 0; empty means 1

  friend bool operator==(const normalisation&, const normalisation&) = default;
};

/// Which of a series of views that come again a batch shows: number 0 .. count - 1 of `count`.
/// `count` 0 means that the batch belongs to no such series.
struct view_number {
  std::int64_t number = 0;
  std::int64_t count = 0;

  friend bool operator==(const view_number&, const view_number&) = default;
};

/// N examples with their labels and their places in the data set.
///
/// An agent makes new batches from old ones and never writes into the tensors of the old one.
struct batch {
  /// `[N, C, H, W]`, `uint8` until the last moment, or floating point once normalised.
  torch::Tensor inputs;
  /// `[N]` int64 in 0 .. classes - 1, or `[N, classes]` floating point (soft labels, rows sum to
  /// 1).
  torch::Tensor labels;
  /// `[N]` int64, on the CPU: the place of each example in its data set. Random draws are keyed by
  /// it.
  torch::Tensor ids;
  normalisation scaling;
  /// Set by `recurring_views`. A hint where to look, never a proof: an agent that works on such a
  /// view copies the hint along, so whoever relies on it compares the pixels as well.
  view_number view{};
  /// `[N]` int64, on the CPU: the place in the data set of what was mixed into each example;
  /// undefined where nothing was.
  torch::Tensor partners{};

  [[nodiscard]] std::int64_t size() const { return inputs.defined() ? inputs.size(0) : 0; }
};

namespace detail {

inline torch::Tensor per_channel(const std::vector<double>& values, const torch::Tensor& like)
{
  return torch::tensor(values, torch::kFloat64)
      .to(torch::TensorOptions{}.dtype(torch::kFloat32).device(like.device()))
      .view({1, -1, 1, 1});
}

}  // namespace detail

/// The inputs of a batch as a network takes them: floating point, normalised, channels last.
///
/// `uint8` is converted by `scaling`; what is floating point already is taken as normalised and
/// only cast. `inputs` of the batch stay as they are.
///
/// @return `[N, C, H, W]` in `dtype`, on the device of the inputs
/// @throws std::invalid_argument unless the inputs are `[N, C, H, W]`, `uint8` or floating point,
///         and `scaling` has C entries (or none)
[[nodiscard]] inline torch::Tensor normalised_inputs(const batch& examples,
                                                     torch::ScalarType dtype = torch::kFloat32)
{
  const auto& x = examples.inputs;
  if (!x.defined() || x.dim() != 4)
    refuse("batch", "want inputs [N, C, H, W], got ",
           x.defined() ? detail::classic_text(x.sizes()) : "an undefined tensor");
  if (x.is_floating_point()) return x.to(dtype).contiguous(torch::MemoryFormat::ChannelsLast);
  if (x.scalar_type() != torch::kByte)
    refuse("batch", "want inputs of uint8 or floating point, got ", x.scalar_type());
  const auto& [mean, deviation] = examples.scaling;
  for (const auto* values : {&mean, &deviation})
    if (!values->empty() && static_cast<std::int64_t>(values->size()) != x.size(1))
      refuse("batch", "normalisation has ", values->size(), " channels, the inputs have ",
             x.size(1));

  auto y = x.to(torch::kFloat32, false, true, torch::MemoryFormat::ChannelsLast);
  if (!mean.empty()) y.sub_(detail::per_channel(mean, x).mul_(255.0));
  if (deviation.empty())
    y.mul_(1.0 / 255.0);
  else
    y.mul_(detail::per_channel(deviation, x).mul_(255.0).reciprocal_());
  return y.to(dtype);
}

/// The batch with `normalised_inputs` in place of its inputs, so that it is converted once.
[[nodiscard]] inline batch normalised(batch examples)
{
  examples.inputs = normalised_inputs(examples);
  return examples;
}

/// The batch with inputs and labels on a device; ids stay on the CPU.
/// @param non_blocking whether to return before the copies are done, where the memory is pinned
[[nodiscard]] inline batch to_device(batch examples, torch::Device device,
                                     bool non_blocking = false)
{
  examples.inputs = examples.inputs.to(device, non_blocking);
  examples.labels = examples.labels.to(device, non_blocking);
  return examples;
}

}  // namespace rolewise
