// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/detail/file_bytes.hpp>.

#include <rolewise/data/detail/file_bytes.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<std::uint8_t> raw_bytes(const std::string& path, std::uint64_t limit)
{
  // O_NONBLOCK: opening a FIFO without a writer would block forever
  const descriptor in{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (!in.is_open()) throw_runtime_error(path, "cannot be read: ", reason_of(errno));
  struct stat about{};
  if (::fstat(in.number(), &about) != 0)
    throw_runtime_error(path, "cannot be read: ", reason_of(errno));
  if (S_ISDIR(about.st_mode)) throw_runtime_error(path, "is a folder, want a file");
  if (!S_ISREG(about.st_mode)) throw_runtime_error(path, "is not a plain file");
  const auto size = static_cast<std::uint64_t>(about.st_size);
  if (size > limit) throw_runtime_error(path, "has ", size, " bytes, the limit is ", limit);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto count = ::read(in.number(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_runtime_error(path, "byte ", done, ": cannot be read: ", reason_of(errno));
    if (count == 0)
      throw_runtime_error(path, "byte ", done, ": ends here, it had ", size, " bytes before");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

ROLEWISE_INLINE inflation::inflation(const std::string& path)
{
  if (::inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
    throw_runtime_error(path, "zlib cannot start");
}

ROLEWISE_INLINE std::vector<std::uint8_t> unpacked(const std::string& path,
                                                   std::vector<std::uint8_t> packed,
                                                   std::uint64_t limit)
{
  inflation work{path};
  auto& stream = work.stream;
  std::vector<std::uint8_t> result;
  std::uint64_t read = 0, written = 0;
  for (;;) {
    if (written == result.size())
      result.resize(static_cast<std::size_t>(std::min<std::uint64_t>(
          limit + 1, std::max<std::uint64_t>({written * 2, packed.size() * 2, 4096}))));
    constexpr std::uint64_t most = std::uint64_t{1} << 30;  // zlib counts in 32 bits
    const auto offered = std::min<std::uint64_t>(most, packed.size() - read);
    const auto room = std::min<std::uint64_t>(most, result.size() - written);
    stream.next_in = packed.data() + read;
    stream.avail_in = static_cast<uInt>(offered);
    stream.next_out = result.data() + written;
    stream.avail_out = static_cast<uInt>(room);
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    read += offered - stream.avail_in;
    written += room - stream.avail_out;
    if (written > limit)
      throw_runtime_error(path, "unpacks to more than the limit of ", limit, " bytes");
    if (status == Z_STREAM_END) {
      const auto rest = packed.begin() + static_cast<std::ptrdiff_t>(read);
      const auto next = std::find_if(rest, packed.end(), [](auto byte) { return byte != 0; });
      if (next == packed.end()) break;
      if (next != rest || packed.size() - read < 2 || packed[read] != 0x1F ||
          packed[read + 1] != 0x8B)
        throw_runtime_error(path, "byte ", next - packed.begin(), ": ", packed.end() - next,
                            " bytes follow the gzip data");
      if (::inflateReset(&stream) != Z_OK)
        throw_runtime_error(path, "byte ", read, ": zlib cannot go on");
    } else if (status == Z_MEM_ERROR) {
      throw_runtime_error(path, "byte ", read, ": zlib has no memory left");
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      throw_runtime_error(path, "byte ", read, ": corrupt gzip data: ",
                          stream.msg != nullptr ? stream.msg : "unknown reason");
    } else if (read == packed.size() && stream.avail_out != 0) {
      throw_runtime_error(path, "byte ", read,
                          ": truncated gzip data, the file ends before the stream does");
    }
  }
  result.resize(static_cast<std::size_t>(written));
  return result;
}

ROLEWISE_INLINE file_contents read_file(const std::string& path, std::uint64_t limit)
{
  file_contents result{path, raw_bytes(path, limit), false};
  if (is_gzip(result.bytes)) {
    result.bytes = unpacked(path, std::move(result.bytes), limit);
    result.was_packed = true;
  }
  return result;
}

ROLEWISE_INLINE void require_folder(const std::string& folder)
{
  struct stat about{};
  if (::stat(folder.c_str(), &about) != 0)
    throw_runtime_error(folder, "cannot be opened as a folder of data: ", reason_of(errno));
  if (!S_ISDIR(about.st_mode)) throw_runtime_error(folder, "is not a folder");
}

ROLEWISE_INLINE std::optional<std::string> find_file(const std::string& folder,
                                                     const std::string& name)
{
  for (const char* ending : {"", ".gz"}) {
    auto path = folder + "/" + name + ending;
    struct stat about{};
    if (::stat(path.c_str(), &about) == 0 && !S_ISDIR(about.st_mode)) return path;
  }
  return std::nullopt;
}

ROLEWISE_INLINE std::string wanted_file(const std::string& folder, const std::string& name)
{
  require_folder(folder);
  const auto path = find_file(folder, name);
  if (!path) throw_runtime_error(folder, "has neither ", name, " nor ", name, ".gz");
  return *path;
}

ROLEWISE_INLINE std::vector<std::string> read_lines(const std::string& path)
{
  const auto file = read_file(path, std::uint64_t{1} << 20);
  std::string_view text{reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()};
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF"))
    fail_at(file, 0, "is UTF-16 by its byte order mark, want UTF-8");
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string> result{""};
  for (const char byte : text) {
    if (byte == '\n')
      result.emplace_back();
    else if (byte != '\r')
      result.back().push_back(byte);
  }
  std::erase_if(result, [](const std::string& line) {
    return line.find_first_not_of(" \t") == std::string::npos;
  });
  return result;
}

}  // namespace rolewise::detail
