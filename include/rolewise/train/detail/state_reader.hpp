// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checkpoint decoder: safetensors files to snapshots, every byte verified
/// (docs/checkpoint_format.md).

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/mapped_file.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/train/detail/state_text.hpp>
#include <rolewise/train/detail/state_writer.hpp>
#include <rolewise/train/snapshot.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace rolewise::detail {

/// Decodes a whole file and verifies every byte of it. The tensors share its memory.
class state_reader {
 public:
  /// @param path for error messages
  state_reader(owned_bytes file, std::string_view path)
      : path_{path}, in_{refused_if_older(std::move(file), path), path}
  {}

  /// @throws std::runtime_error
  [[nodiscard]] snapshot read();

 private:
  [[nodiscard]] static owned_bytes refused_if_older(owned_bytes file, std::string_view path);

  void verify_header();

  /// Throws what is wrong with a header that begins otherwise.
  [[noreturn]] void refuse_header();

  [[nodiscard]] state_entry entry_of(std::string_view name, std::string_view text);

  /// @param text `[channels_last] [complex128] <checksum>`, or `undefined`
  [[nodiscard]] torch::Tensor tensor_of(const std::string& name, std::string_view text);

  std::string_view path_;
  safetensors_reader in_;
  support::safetensors content_;
  std::unordered_map<std::string_view, std::size_t> places_;  // of tensors that are still to come
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/state_reader.hpp>
#endif
