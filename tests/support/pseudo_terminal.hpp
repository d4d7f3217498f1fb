// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `pseudo_terminal` captures what a program writes to a terminal; `screen` renders it.

#include <rolewise/support/display_width.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rolewise::testing {

/// Both ends of a pseudo-terminal. Call `take` before 4 KiB have been written.
class pseudo_terminal {
 public:
  pseudo_terminal(unsigned short columns, unsigned short rows = 50)
      : here_{::posix_openpt(O_RDWR | O_NOCTTY)}
  {
    if (here_ < 0 || ::grantpt(here_) != 0 || ::unlockpt(here_) != 0)
      throw std::runtime_error{"no pseudo-terminal"};
    stream_ = std::fopen(::ptsname(here_), "w");
    if (stream_ == nullptr) throw std::runtime_error{"no end of a pseudo-terminal"};
    resize(columns, rows);
    (void)::fcntl(here_, F_SETFL, O_NONBLOCK);
  }
  pseudo_terminal(const pseudo_terminal&) = delete;
  pseudo_terminal& operator=(const pseudo_terminal&) = delete;
  ~pseudo_terminal()
  {
    std::fclose(stream_);
    ::close(here_);
  }

  void resize(unsigned short columns, unsigned short rows = 50) const
  {
    const winsize size{rows, columns, 0, 0};
    if (::ioctl(here_, TIOCSWINSZ, &size) != 0) throw std::runtime_error{"no size"};
  }
  [[nodiscard]] std::FILE* stream() const { return stream_; }

  /// Returns what was written since the last call.
  [[nodiscard]] std::string take() const
  {
    std::fflush(stream_);
    std::string text;
    char block[4096];
    for (ssize_t count = 0; (count = ::read(here_, block, sizeof block)) > 0;)
      text.append(block, static_cast<std::size_t>(count));
    return text;
  }

 private:
  int here_;
  std::FILE* stream_;
};

/// The rows that a terminal shows. Supports line ends, `ESC [ J` and `ESC [ <n> A`, and wraps lines
/// that are too long. The height is unlimited.
class screen {
 public:
  explicit screen(std::size_t columns) : columns_{columns} {}

  /// Changes the width; existing rows are not wrapped again.
  void resize(std::size_t columns) { columns_ = columns; }

  void show(std::string_view text)
  {
    while (!text.empty()) {
      const auto c = detail::first_character(text);
      auto length = c.bytes;
      if (c.code == '\r')
        column_ = 0;
      else if (c.code == '\n')
        ++row_;
      else if (c.code == 0x1B)
        length = obey(text);
      else
        put(text.substr(0, length), detail::width_of(c.code));
      text.remove_prefix(length);
    }
  }

  /// The rows, without empty ones at the end.
  [[nodiscard]] std::vector<std::string> rows() const
  {
    std::vector<std::string> all;
    for (const auto& row : rows_) {
      auto& line = all.emplace_back();
      for (const auto& cell : row) line += cell;
      line.erase(line.find_last_not_of(' ') + 1);
    }
    while (!all.empty() && all.back().empty()) all.pop_back();
    return all;
  }

 private:
  void put(std::string_view character, std::size_t width)
  {
    if (column_ + width > columns_) {
      column_ = 0;
      ++row_;
    }
    rows_.resize(std::max(rows_.size(), row_ + 1));
    auto& row = rows_[row_];
    if (width == 0) {
      if (column_ > 0) row[column_ - 1] += character;
      return;
    }
    row.resize(std::max(row.size(), column_ + width), " ");
    row[column_] = character;
    for (std::size_t i = 1; i < width; ++i) row[column_ + i].clear();
    column_ += width;
  }

  std::size_t obey(std::string_view text)
  {
    const auto end = text.find_first_of("AJ");
    if (text.substr(0, 2) != "\x1b[" || end == std::string_view::npos)
      throw std::runtime_error{"an escape sequence that no test knows"};
    if (text[end] == 'A') {
      const auto up = std::stoul(std::string{text.substr(2, end - 2)});
      row_ -= std::min(row_, up);
    } else {
      if (row_ < rows_.size()) rows_[row_].resize(std::min(rows_[row_].size(), column_));
      if (row_ + 1 < rows_.size()) rows_.resize(row_ + 1);
    }
    return end + 1;
  }

  std::size_t columns_, row_ = 0, column_ = 0;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace rolewise::testing
