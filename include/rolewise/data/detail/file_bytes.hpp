// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reading of whole files into memory, with gzip decompression.

#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <zlib.h>

namespace rolewise {

/// Size limit of a file in bytes, decompressed: 2 GiB. A small file that decompresses to more is
/// more likely an attack or an accident than a set of images.
inline constexpr std::uint64_t file_size_limit = std::uint64_t{1} << 31;

namespace detail {

struct file_contents {
  std::string path;
  std::vector<std::uint8_t> bytes;  ///< decompressed
  bool was_packed = false;
};

/// Throws `std::runtime_error`: `rolewise: <path>: byte <offset>: <words>`; `unpacked byte` if
/// the file was compressed.
template<typename... Words>
[[noreturn]] void fail_at(const file_contents& file, std::uint64_t offset, const Words&... words)
{
  throw_runtime_error(file.path, file.was_packed ? "unpacked byte " : "byte ", offset, ": ",
                      words...);
}

/// Reads the bytes of a file as they are.
/// @throws std::runtime_error that names the file; does not block on a file that is not regular
[[nodiscard]] ROLEWISE_INLINE std::vector<std::uint8_t> raw_bytes(const std::string& path,
                                                                  std::uint64_t limit);

[[nodiscard]] inline bool is_gzip(const std::vector<std::uint8_t>& bytes)
{
  return bytes.size() >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
}

/// Owns a zlib inflate stream.
class inflation {
 public:
  explicit inflation(const std::string& path);
  inflation(const inflation&) = delete;
  inflation& operator=(const inflation&) = delete;
  ~inflation() { ::inflateEnd(&stream); }

  z_stream stream{};
};

/// Decompresses gzip data of one or several members. Zeros after the last one are padding, as on
/// tapes and block devices, and ignored. Offsets in errors refer to the compressed file.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::uint8_t> unpacked(const std::string& path,
                                                                 std::vector<std::uint8_t> packed,
                                                                 std::uint64_t limit);

/// Reads a whole file; content that begins with 1f 8b (gzip) is decompressed, whatever its name.
/// @param limit in bytes, of the file and of its decompressed content
/// @throws std::runtime_error that names the file, and the byte where there is one
[[nodiscard]] ROLEWISE_INLINE file_contents read_file(const std::string& path,
                                                      std::uint64_t limit = file_size_limit);

/// Requires an existing folder.
/// @throws std::runtime_error if there is none
ROLEWISE_INLINE void require_folder(const std::string& folder);

/// Returns the path of `name` or `name.gz` in a folder, whichever exists; `name` if both do.
[[nodiscard]] ROLEWISE_INLINE std::optional<std::string> find_file(const std::string& folder,
                                                                   const std::string& name);

/// As `find_file`, but throws `std::runtime_error` if there is no such file.
[[nodiscard]] ROLEWISE_INLINE std::string wanted_file(const std::string& folder,
                                                      const std::string& name);

/// Returns the lines of a UTF-8 text file that are not blank, without line ends and byte order
/// mark.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> read_lines(const std::string& path);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/data/detail/implementation/file_bytes.hpp>
#endif
