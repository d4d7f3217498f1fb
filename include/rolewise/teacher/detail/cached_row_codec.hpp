// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Encoding of a teacher's outputs, logits and features, as bytes for the teacher cache.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/teacher/detail/cached_logits_codec.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::detail {

/// Storage format of a row: the logits of each position, then the features by tap.
struct cached_row_format {
  cached_logits_format logits;            ///< of one position; its dtype is that of the features
  std::vector<std::int64_t> positions{};  ///< axes of the logits after the classes: [L], [H, W]
  feature_shapes features{};              ///< of one example

  [[nodiscard]] static std::int64_t count_of(const std::vector<std::int64_t>& sizes)
  {
    std::int64_t count = 1;
    for (const auto size : sizes) count *= size;
    return count;
  }
  /// Whether a row holds logits `[classes]` and no features.
  [[nodiscard]] bool is_plain() const { return positions.empty() && features.empty(); }
  [[nodiscard]] std::int64_t logits_bytes() const { return count_of(positions) * logits.bytes(); }
  [[nodiscard]] std::int64_t feature_bytes(const std::vector<std::int64_t>& sizes) const
  {
    return count_of(sizes) * logits.value_bytes();
  }
  [[nodiscard]] std::int64_t bytes() const
  {
    auto all = logits_bytes();
    for (const auto& [id, sizes] : features) all += feature_bytes(sizes);
    return all;
  }
  /// Sizes of the logits of `count` examples.
  [[nodiscard]] std::vector<std::int64_t> logits_sizes(std::int64_t count) const
  {
    std::vector<std::int64_t> sizes{count, logits.classes};
    sizes.insert(sizes.end(), positions.begin(), positions.end());
    return sizes;
  }
};

/// The taps with their shapes, such as `tap::stage<2> [64, 8, 8], tap::penultimate [64]`.
[[nodiscard]] inline std::string to_text(const feature_shapes& shapes)
{
  std::string text;
  for (const auto& [id, sizes] : shapes)
    text +=
        classic_text(text.empty() ? "" : ", ", tap_name{id}.view(), " ", at::IntArrayRef{sizes});
  return text;
}

/// @param found for N examples, in floating point of at most 32 bits, on the CPU
/// @return `[N, form.bytes()]` uint8
[[nodiscard]] inline torch::Tensor encoded(const outputs& found, const cached_row_format& form)
{
  const auto count = found.logits.size(0);
  auto rows = found.logits.to(torch::kFloat);
  if (!form.positions.empty())  // [N, C, positions] as rows of classes, position by position
    rows = rows.flatten(2).transpose(1, 2).reshape({-1, form.logits.classes});
  auto bytes = encoded(rows, form.logits);
  if (form.is_plain()) return bytes;
  std::vector<torch::Tensor> columns{bytes.view({count, form.logits_bytes()})};
  for (const auto& [id, sizes] : form.features) {
    auto values = found.features[id].flatten(1);
    if (form.logits.type == torch::kHalf) values = values.clamp(-65504.0, 65504.0);
    columns.push_back(as_bytes(values.to(form.logits.type)));
  }
  return at::cat(columns, 1);
}

/// @param bytes `[N, form.bytes()]` uint8
/// @return `[N, classes, positions...]` float32
[[nodiscard]] inline torch::Tensor decoded_logits(const torch::Tensor& bytes,
                                                  const cached_row_format& form)
{
  if (form.positions.empty()) return decoded(bytes, form.logits);
  const auto count = bytes.size(0);
  const auto rows = bytes.narrow(1, 0, form.logits_bytes()).reshape({-1, form.logits.bytes()});
  return decoded(rows, form.logits)
      .view({count, -1, form.logits.classes})
      .transpose(1, 2)
      .reshape(form.logits_sizes(count));
}

/// @param bytes `[N, form.bytes()]` uint8
/// @return the wanted features, float32
[[nodiscard]] inline tapped<torch::Tensor> decoded_features(const torch::Tensor& bytes,
                                                            const cached_row_format& form,
                                                            const taps& wanted)
{
  tapped<torch::Tensor> found;
  auto at = form.logits_bytes();
  for (const auto& [id, sizes] : form.features) {
    const auto size = form.feature_bytes(sizes);
    if (wanted.contains(id)) {
      auto all = sizes;
      all.insert(all.begin(), bytes.size(0));
      found.set(id, bytes.narrow(1, at, size)
                        .clone(at::MemoryFormat::Contiguous)
                        .view(form.logits.type)
                        .to(torch::kFloat)
                        .view(all));
    }
    at += size;
  }
  return found;
}

}  // namespace rolewise::detail
