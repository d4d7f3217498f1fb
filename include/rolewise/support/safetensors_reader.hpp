// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The parser of safetensors files: every name, dtype, shape and offset is verified before a
/// tensor is made.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/mapped_file.hpp>
#include <rolewise/support/safetensors_writer.hpp>
#include <rolewise/support/utf8.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Returns the name of another format that a file begins like, or nothing.
[[nodiscard]] ROLEWISE_INLINE std::string_view other_format_of(std::string_view bytes);

/// Parser of one file, or of the same bytes from elsewhere.
class safetensors_reader {
 public:
  /// @param path for messages
  /// @throws std::runtime_error for a file without a whole header
  safetensors_reader(owned_bytes file, std::string_view path);

  /// Everything before the buffer: the length, the JSON and its padding.
  [[nodiscard]] std::string_view header() const { return file_.view().substr(0, buffer_at_); }

  /// Parses the file. The tensors share its memory, except those that lie unaligned in it.
  /// @throws std::runtime_error that names the file and the byte
  [[nodiscard]] support::safetensors read();

  /// Offset in the file of tensor number `i` of what `read` has returned.
  [[nodiscard]] std::uint64_t byte_of(std::size_t i) const { return buffer_at_ + places_[i].begin; }

 private:
  static constexpr std::size_t text_at = sizeof(std::uint64_t);
  static constexpr std::size_t most_dimensions = 64;  // of LibTorch's operations

  struct description {
    std::string name;
    torch::ScalarType type = torch::kFloat;
    std::vector<std::int64_t> sizes;
    std::uint64_t begin = 0, end = 0;  // in the buffer
  };

  template<typename... Words>
  [[noreturn]] void complain(const Words&... words) const
  {
    throw_runtime_error(path_, words...);
  }
  [[noreturn]] void refuse(std::uint64_t length) const;

  [[nodiscard]] json parsed_header() const;

  void read_metadata(const json& all, support::safetensors& content) const;

  [[nodiscard]] description read_description(const std::string& name, const json& x) const;

  [[nodiscard]] static std::string where_of(const std::string& name, std::size_t byte)
  {
    return classic_text("the tensor '", name, "', described at byte ", text_at + byte, ", ");
  }

  void require_size(const description& found, const std::string& where) const;

  void require_names_once() const;

  void require_no_holes() const;

  [[nodiscard]] std::uint64_t byte_in_file(const description& of) const
  {
    return buffer_at_ + of.begin;
  }

  [[nodiscard]] torch::Tensor tensor_at(const description& of) const;

  owned_bytes file_;
  std::string_view path_;
  std::size_t buffer_at_ = 0;
  std::vector<description> places_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/support/implementation/safetensors_reader.hpp>
#endif
