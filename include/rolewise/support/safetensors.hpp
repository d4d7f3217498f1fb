// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reads and writes safetensors files, the exchange format of weights of Hugging Face
/// (https://github.com/huggingface/safetensors, section "Format"): the length of a JSON header, 8
/// bytes, little-endian; the header, a dictionary of name to dtype, shape and offsets; the bytes
/// of the tensors.

#include <rolewise/support/mapped_file.hpp>
#include <rolewise/support/safetensors_reader.hpp>
#include <rolewise/support/safetensors_writer.hpp>

#include <string>

namespace rolewise::support {

/// Reads a safetensors file. Nothing is copied where the file system permits mappings: the tensors
/// share the mapped file, keep it mapped, and may be written to, which does not change the file.
/// Such a file must not be truncated or overwritten in place meanwhile; replacing it by rename, as
/// `write_safetensors` does, is safe.
///
/// All names, dtypes, shapes and offsets are verified. The format has no checksum of the elements.
/// @throws std::runtime_error that names the file, what is wrong and the byte
[[nodiscard]] inline safetensors read_safetensors(const std::string& path)
{
  return detail::safetensors_reader{detail::mapped_file(path), path}.read();
}

/// Writes a safetensors file, by atomic rename. The buffer begins at a multiple of 64 bytes, and
/// each tensor lies aligned to its elements. Tensors on any device and of any strides are written
/// in row-major order.
/// @throws std::invalid_argument for duplicate names, text that is not UTF-8, or a tensor that is
///         undefined, not strided or of a dtype without a name in the format
/// @throws std::runtime_error that names the file if it cannot be written; an existing file is then
///         unchanged
inline void write_safetensors(const std::string& path, const safetensors& content)
{
  detail::write_safetensors_file(path, detail::safetensors_header(content), content);
}

}  // namespace rolewise::support
