// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/detail/cached_row_codec.hpp>.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/teacher/detail/cached_row_codec.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::int64_t cached_row_format::bytes() const
{
  auto all = logits_bytes();
  for (const auto& [id, sizes] : features) all += feature_bytes(sizes);
  return all;
}

ROLEWISE_INLINE std::vector<std::int64_t> cached_row_format::logits_sizes(std::int64_t count) const
{
  std::vector<std::int64_t> sizes{count, logits.classes};
  sizes.insert(sizes.end(), positions.begin(), positions.end());
  return sizes;
}

ROLEWISE_INLINE std::string to_text(const feature_shapes& shapes)
{
  std::string text;
  for (const auto& [id, sizes] : shapes)
    text +=
        classic_text(text.empty() ? "" : ", ", tap_name{id}.view(), " ", at::IntArrayRef{sizes});
  return text;
}

ROLEWISE_INLINE torch::Tensor encoded(const outputs& found, const cached_row_format& form)
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

ROLEWISE_INLINE torch::Tensor decoded_logits(const torch::Tensor& bytes,
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

ROLEWISE_INLINE tapped<torch::Tensor> decoded_features(const torch::Tensor& bytes,
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
