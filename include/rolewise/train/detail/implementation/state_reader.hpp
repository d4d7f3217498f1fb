// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/state_reader.hpp>.

#include <rolewise/train/detail/state_reader.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/view_as_complex.h>

namespace rolewise::detail {

ROLEWISE_INLINE snapshot state_reader::read()
{
  verify_header();
  content_ = in_.read();
  for (std::size_t i = 0; i < content_.tensors.size(); ++i)
    places_.emplace(content_.tensors[i].first, i);
  snapshot entries;
  for (const auto& [name, text] : content_.metadata)
    if (name.starts_with(state_prefix)) entries.push_back(entry_of(name, text));
  if (!places_.empty())
    throw_runtime_error(path_, "is damaged: the tensor '", places_.begin()->first,
                        "' belongs to no entry");
  return entries;
}

ROLEWISE_INLINE owned_bytes state_reader::refused_if_older(owned_bytes file, std::string_view path)
{
  if (file.view().starts_with("\x89rwck"))
    throw_runtime_error(path, "has the format version 1, this library reads ", checkpoint_version,
                        ": safetensors files");
  return file;
}

ROLEWISE_INLINE void state_reader::verify_header()
{
  const auto header = in_.header();
  if (!header.substr(sizeof(std::uint64_t)).starts_with(checkpoint_begin)) refuse_header();
  if (header.substr(header_sum_at, sum_digits) != sum_of_header(std::string{header}))
    throw_runtime_error(path_, "is damaged: header, bytes 0 to ", header.size() - 1);
}

ROLEWISE_INLINE void state_reader::refuse_header()
{
  content_ = in_.read();
  for (const auto& [name, text] : content_.metadata)
    if (name == version_of_checkpoint && text != checkpoint_version)
      throw_runtime_error(path_, "has the format version ", text, ", this library reads ",
                          checkpoint_version);
    else if (name == version_of_checkpoint)
      throw_runtime_error(path_, "is damaged or was rewritten: header, at byte ",
                          sizeof(std::uint64_t));
  throw_runtime_error(path_, "is no checkpoint of rolewise: it has no '", version_of_checkpoint,
                      "' in the metadata of its header, at byte ", sizeof(std::uint64_t));
}

ROLEWISE_INLINE state_entry state_reader::entry_of(std::string_view name, std::string_view text)
{
  state_entry entry{.name = std::string{name.substr(state_prefix.size())}, .value = {}};
  entry.learned = text.starts_with("parameter ");
  try {
    if (entry.learned || text.starts_with("buffer "))
      entry.value = tensor_of(entry.name, text.substr(text.find(' ') + 1));
    else
      entry.value = value_of_text(text);
  } catch (const json_error& error) {
    throw_runtime_error(path_, "is damaged: '", entry.name, "' ", error.what);
  }
  return entry;
}

ROLEWISE_INLINE torch::Tensor state_reader::tensor_of(const std::string& name,
                                                      std::string_view text)
{
  const auto take = [&](std::string_view word) {
    const bool is_there = text.starts_with(word);
    if (is_there) text.remove_prefix(word.size());
    return is_there;
  };
  if (text == "undefined") return {};
  const bool is_channels_last = take("channels_last "), is_complex = take("complex128 ");
  const auto place = places_.find(name);
  if (place == places_.end()) throw json_error{0, "has no tensor"};
  const auto number = place->second;
  places_.erase(place);
  auto t = content_.tensors[number].second;
  if (sum_of(bytes_of(t)) != text)
    throw_runtime_error(path_, "is damaged: '", name, "' at byte ", in_.byte_of(number));
  if (is_complex && (t.scalar_type() != torch::kDouble || t.dim() == 0 || t.size(-1) != 2))
    throw json_error{0, "is no tensor of real and imaginary parts"};
  if (is_complex) t = at::view_as_complex(t);
  return is_channels_last && t.dim() == 4 ? t.contiguous(torch::MemoryFormat::ChannelsLast) : t;
}

}  // namespace rolewise::detail
