// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/support/safetensors_reader.hpp>.

#include <rolewise/support/safetensors_reader.hpp>

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_set>

namespace rolewise::detail {

ROLEWISE_INLINE std::string_view other_format_of(std::string_view bytes)
{
  using namespace std::string_view_literals;
  if (bytes.starts_with("PK\x03\x04"sv)) return "a zip archive, as torch.save writes";
  if (bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= '\x02' && bytes[1] <= '\x05')
    return "a pickle of Python, as torch.save wrote";
  if (bytes.starts_with("\x93NUMPY"sv)) return "an array of NumPy";
  if (bytes.starts_with("\x89HDF\r\n"sv)) return "an HDF5 file";
  return {};
}

ROLEWISE_INLINE safetensors_reader::safetensors_reader(owned_bytes file, std::string_view path)
    : file_{std::move(file)}, path_{path}
{
  const auto bytes = file_.view();
  std::uint64_t length = 0;
  if (bytes.size() > sizeof length) std::memcpy(&length, bytes.data(), sizeof length);
  if (bytes.size() <= sizeof length || length > longest_safetensors_header ||
      length > bytes.size() - sizeof length || bytes[sizeof length] != '{')
    refuse(length);
  buffer_at_ = sizeof length + length;
}

ROLEWISE_INLINE support::safetensors safetensors_reader::read()
{
  support::safetensors content;
  const auto whole = parsed_header();
  bool has_metadata = false;
  for (const auto& [name, x] : whole.members()) {
    if (name == safetensors_metadata) {
      if (std::exchange(has_metadata, true))
        complain("has metadata twice, the second at byte ", text_at + x.byte());
      read_metadata(x, content);
    } else
      places_.push_back(read_description(name, x));
  }
  require_names_once();
  require_no_holes();
  for (const auto& place : places_) content.tensors.emplace_back(place.name, tensor_at(place));
  return content;
}

ROLEWISE_INLINE void safetensors_reader::refuse(std::uint64_t length) const
{
  const auto bytes = file_.view();
  const bool looks_right =
      bytes.size() > text_at && bytes[text_at] == '{' && length <= longest_safetensors_header;
  if (const auto other = other_format_of(bytes); !other.empty() && !looks_right)
    complain("is ", other, ", want a safetensors file");
  if (bytes.size() <= text_at)
    complain("is truncated: it has ", bytes.size(), " bytes, want the length of a header, ",
             text_at, " bytes, and that header");
  if (length > longest_safetensors_header) {
    const auto swapped = __builtin_bswap64(length);
    if (swapped < bytes.size())
      complain("has a big-endian length of its header at byte 0, want a little-endian one");
    complain("has a header of ", length, " bytes by the length at byte 0, want at most ",
             longest_safetensors_header, ": it may be no safetensors file");
  }
  if (bytes[text_at] != '{')
    complain("is no safetensors file: its header has no '{' at byte ", text_at);
  complain("is truncated: it has ", bytes.size(), " bytes, its header alone ", text_at + length);
}

ROLEWISE_INLINE json safetensors_reader::parsed_header() const
{
  const auto text = header().substr(text_at);
  if (!is_utf8(text)) complain("has a header, at byte ", text_at, ", that is not in UTF-8");
  try {
    return json_reader{text}.read();
  } catch (const json_error& error) {
    complain("has a header that is no JSON: at byte ", text_at + error.byte, ": ", error.what);
  }
}

ROLEWISE_INLINE void safetensors_reader::read_metadata(const json& all,
                                                       support::safetensors& content) const
{
  std::unordered_set<std::string_view> seen;
  try {
    for (const auto& [name, text] : all.members()) {
      if (!seen.insert(name).second) throw json_error{0, "has '" + name + "' twice"};
      content.metadata.emplace_back(name, text.text());
    }
  } catch (const json_error& error) {
    complain("has metadata, at byte ", text_at + all.byte(), ", that ", error.what,
             ", want an object of strings");
  }
}

ROLEWISE_INLINE safetensors_reader::description safetensors_reader::read_description(
    const std::string& name, const json& x) const
{
  description found{.name = name, .sizes = {}};
  const auto where = where_of(name, x.byte());
  try {
    if (x.members().size() != 3)
      throw json_error{0, "has other members than dtype, shape and data_offsets"};
    const auto& dtype = x.at("dtype").text();
    const auto known = std::ranges::find(safetensors_dtypes, dtype, &safetensors_dtype::name);
    if (known == safetensors_dtypes.end()) complain(where, "has the unknown dtype '", dtype, "'");
    found.type = known->type;
    const auto& shape = x.at("shape").elements();
    if (shape.size() > most_dimensions)
      complain(where, "has ", shape.size(), " dimensions, want at most ", most_dimensions);
    for (const auto& size : shape) found.sizes.push_back(size.number<std::int64_t>());
    const auto& offsets = x.at("data_offsets").elements();
    if (offsets.size() != 2) throw json_error{0, "has other data_offsets than two"};
    found.begin = offsets[0].number<std::uint64_t>();
    found.end = offsets[1].number<std::uint64_t>();
  } catch (const json_error& error) {
    complain(where, error.what);
  }
  require_size(found, where);
  return found;
}

ROLEWISE_INLINE void safetensors_reader::require_size(const description& found,
                                                      const std::string& where) const
{
  const auto there = file_.size - buffer_at_;
  if (found.begin > found.end)
    complain(where, "begins at byte ", found.begin, " of the buffer and ends at ", found.end);
  if (found.end > there)
    complain("is truncated: ", where, "ends at byte ", found.end, " of the buffer, which has ",
             there);
  // The product is bounded at each step, so that corrupt sizes neither overflow nor allocate.
  // `extent` counts a size of 0 as 1, because LibTorch computes strides from the other sizes.
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  std::uint64_t length = torch::elementSize(found.type), extent = length;
  for (const auto size : found.sizes) {
    const auto times = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
    if (size < 0 || extent > most / times) complain(where, "has sizes that no tensor has");
    length *= static_cast<std::uint64_t>(size);
    extent *= times;
  }
  if (length != found.end - found.begin)
    complain(where, "has ", found.end - found.begin, " bytes, its sizes want ", length);
}

ROLEWISE_INLINE void safetensors_reader::require_names_once() const
{
  std::unordered_set<std::string_view> seen;
  for (const auto& each : places_)
    if (!seen.insert(each.name).second)
      complain("has the tensor '", each.name, "' twice, at byte ", byte_in_file(each),
               " too, want it once");
}

ROLEWISE_INLINE void safetensors_reader::require_no_holes() const
{
  std::vector<const description*> order;
  for (const auto& each : places_) order.push_back(&each);
  std::ranges::sort(order, {}, [](const description* p) { return std::pair{p->begin, p->end}; });
  std::uint64_t at = 0;
  for (const auto* each : order) {
    if (each->begin != at)
      complain("the tensor '", each->name, "' begins at byte ", byte_in_file(*each),
               each->begin < at ? ", in another tensor, want byte " : ", after a hole, want byte ",
               buffer_at_ + at);
    at = each->end;
  }
  if (buffer_at_ + at != file_.size)
    complain("has ", file_.size - buffer_at_ - at, " bytes after its last tensor, at byte ",
             buffer_at_ + at);
}

ROLEWISE_INLINE torch::Tensor safetensors_reader::tensor_at(const description& of) const
{
  const auto options = torch::TensorOptions{}.dtype(of.type);
  if (of.begin == of.end) return at::empty(of.sizes, options);
  auto* const at = file_.data + byte_in_file(of);
  if (of.type == torch::kBool)
    for (auto i = of.begin; i < of.end; ++i)
      if (static_cast<unsigned char>(file_.data[buffer_at_ + i]) > 1)
        complain("the tensor '", of.name, "' has a boolean other than 0 and 1, at byte ",
                 buffer_at_ + i);
  if (reinterpret_cast<std::uintptr_t>(at) % torch::elementSize(of.type) == 0)
    return at::from_blob(at, of.sizes, [owner = file_.owner](void*) {}, options);
  auto t = at::empty(of.sizes, options);
  std::memcpy(t.mutable_data_ptr(), at, of.end - of.begin);
  return t;
}

}  // namespace rolewise::detail
