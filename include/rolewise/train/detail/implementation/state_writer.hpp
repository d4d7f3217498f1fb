// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/state_writer.hpp>.

#include <rolewise/train/detail/state_writer.hpp>

#include <ATen/ops/view_as_real.h>

#include <variant>

namespace rolewise::detail {

ROLEWISE_INLINE std::string added_tensor(const state_entry& entry, const torch::Tensor& t,
                                         support::safetensors& content)
{
  std::string text = entry.learned ? "parameter" : "buffer";
  if (!t.defined()) return text + " undefined";
  if (is_channels_last(t)) text += " channels_last";
  auto stored = t;
  if (t.layout() == torch::kStrided &&
      t.scalar_type() == at::kComplexDouble) {  // the format has no dtype for it
    text += " complex128";
    stored = at::view_as_real(row_major(t));
  }
  (void)dtype_of(entry.name, stored);
  text += " " + sum_of(bytes_of(row_major(stored)));
  content.tensors.emplace_back(entry.name, std::move(stored));
  return text;
}

ROLEWISE_INLINE std::pair<std::string, support::safetensors> encoded_state(const snapshot& entries)
{
  support::safetensors content;
  content.metadata = {{std::string{version_of_checkpoint}, std::string{checkpoint_version}},
                      {"rolewise.checksum", std::string(sum_digits, '0')},
                      {"format", "pt"}};
  for (const auto& entry : entries) {
    const auto* t = std::get_if<torch::Tensor>(&entry.value);
    content.metadata.emplace_back(
        std::string{state_prefix} + entry.name,
        t != nullptr ? added_tensor(entry, *t, content) : text_of_value(entry.value));
  }
  auto header = safetensors_header(content);
  header.replace(header_sum_at, sum_digits, sum_of_header(header));
  return {std::move(header), std::move(content)};
}

ROLEWISE_INLINE std::string encode(const snapshot& entries)
{
  const auto [header, content] = encoded_state(entries);
  return safetensors_bytes(header, content);
}

}  // namespace rolewise::detail
