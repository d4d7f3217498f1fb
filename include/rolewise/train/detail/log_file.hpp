// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A file that a run adds lines to, and that a resumed run continues where the kept one was.

#include <rolewise/core/error.hpp>
#include <rolewise/core/file.hpp>
#include <rolewise/train/detail/read_whole.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

namespace rolewise::detail {

/// The shortest text that reads back as the same number; `null` if it is not finite.
[[nodiscard]] inline std::string text_of(double x)
{
  if (!(x - x == 0.0)) return "null";
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}

/// Lines are added to what the file holds. Its length is part of the checkpoint, so what a killed
/// run wrote after its last checkpoint is taken away again, and written anew.
class log_file {
 public:
  /// @throws std::runtime_error if the file cannot be written, or lost lines that the run has
  ///         written
  void begin(const std::string& path, bool is_resumed)
  {
    if (path.empty()) refuse("log file", "want a path, got none");
    const auto bytes = read_if_there(path);
    const auto size = static_cast<std::int64_t>(bytes ? bytes->size() : 0);
    if (!is_resumed) {
      length_ = size;
      add(path, size > 0 && bytes->back() != '\n' ? "\n" : "");
    } else if (size < length_) {
      fail(path, "has ", size, " bytes, but the run to be resumed had written ", length_,
           ": put it back or choose another file");
    } else if (size > length_) {
      write_file_atomically(path,
                            std::string_view{*bytes}.substr(0, static_cast<std::size_t>(length_)));
    }
  }

  /// @throws std::runtime_error if not all of it could be written; then nothing of it is there
  void add(const std::string& path, std::string_view text)
  {
    const descriptor out{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
    if (!out.is_open()) fail(path, "cannot be written: ", std::strerror(errno));
    std::size_t done = 0;
    while (done < text.size()) {
      const auto count = ::write(out.number(), text.data() + done, text.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) {
        const int error = count == 0 ? ENOSPC : errno;
        const bool is_clean = ::ftruncate(out.number(), length_) == 0;
        fail(path, "cannot be written: ", std::strerror(error),
             is_clean ? "" : "; its last line is not whole");
      }
      done += static_cast<std::size_t>(count);
    }
    length_ += static_cast<std::int64_t>(text.size());
  }

  [[nodiscard]] bool is_empty() const { return length_ == 0; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("length", length_);
  }

 private:
  std::int64_t length_ = 0;
};

}  // namespace rolewise::detail
