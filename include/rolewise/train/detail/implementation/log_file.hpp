// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/detail/log_file.hpp>.

#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/log_file.hpp>

#include <unistd.h>
#include <zlib.h>
#include <array>
#include <charconv>

namespace rolewise::detail {

ROLEWISE_INLINE std::string text_of(double x)
{
  if (!(x - x == 0.0)) return "null";
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return {text.data(), end};
}

ROLEWISE_INLINE void log_file::add(const std::string& path, std::string_view text)
{
  if (length_ == no_file) return add_to_stream(path, text);
  cut(path);
  const auto out = open_file(path, O_WRONLY | O_CREAT | O_APPEND);
  if (!out.is_open()) throw_runtime_error(path, "cannot be written: ", reason_of(errno));
  if (const int error = write_all(out, text)) {
    const bool is_clean = ::ftruncate(out.number(), length_) == 0;
    end();
    throw_runtime_error(path, "cannot be written: ", reason_of(error),
                        is_clean ? "" : "; its last line is not whole");
  }
  length_ += static_cast<std::int64_t>(text.size());
  sum_ = sum_of(text, sum_);
}

ROLEWISE_INLINE void log_file::cut(const std::string& path)
{
  if (std::exchange(has_more_, false) && ::truncate(path.c_str(), length_) != 0)
    throw_runtime_error(path, "cannot be cut: ", reason_of(errno));
}

ROLEWISE_INLINE void log_file::add_to_stream(const std::string& path, std::string_view text)
{
  const auto target = target_of(path);
  auto out = stream_;
  if (!out) out = std::make_shared<const descriptor>(open_stream(target));
  const int error = out->is_open() ? write_all(*out, text) : errno;
  if (error != 0) throw_runtime_error(path, "cannot be written: ", reason_of(error));
  // A pipe stays open between writes, since closing it is end of file for its reader. The
  // process's own output is never closed.
  if (target.own < 0) stream_ = std::move(out);
}

ROLEWISE_INLINE std::int64_t log_file::sum_of(std::string_view text, std::int64_t before)
{
  return static_cast<std::int64_t>(::crc32_z(
      static_cast<::uLong>(before), reinterpret_cast<const ::Bytef*>(text.data()), text.size()));
}

}  // namespace rolewise::detail
