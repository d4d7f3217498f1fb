// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Log file of a run: append-only, and continued from the checkpoint when the run is resumed.

#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file_lock.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/output_target.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/detail/read_checked.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>

namespace rolewise::detail {

/// The shortest decimal text that parses to the same number; `null` if it is not finite.
[[nodiscard]] ROLEWISE_INLINE std::string text_of(double x);

/// Appends lines to a file, which one run at a time may do. The length of the file and its CRC-32
/// are part of the checkpoint. A resumed run therefore truncates the lines that a killed run wrote
/// after its last checkpoint and writes them again, and detects damage to earlier lines.
///
/// A device, a pipe or the standard output is only written to, never read, truncated or locked.
class log_file {
 public:
  /// @param epochs_in `(text)` returns how many epochs are recorded in the log `text`
  /// @param so_far `()` returns the lines of the epochs that a resumed run has completed
  /// @throws std::invalid_argument if a new run finds the lines of another one
  /// @throws std::runtime_error if the file cannot be written, another run writes it, or lines
  ///         that the run has written are missing or changed
  template<typename EpochsIn, typename SoFar>
  void begin(const std::string& path, const fit_begin& event, const EpochsIn& epochs_in,
             const SoFar& so_far)
  {
    if (path.empty()) throw_invalid_argument("log file", "want a path, got none");
    end();
    if (target_of(path).is_stream()) {
      length_ = no_file;
      add(path, "");
      return;
    }
    auto file = open_file(path, O_RDWR | O_CREAT);
    if (!file.is_open()) throw_runtime_error(path, "cannot be written: ", reason_of(errno));
    lock_ = file_lock{std::move(file), path, "wait until that run is over or choose another file"};
    const auto bytes = read_checked(path);
    if (event.is_resumed && length_ != no_file)
      resume(path, bytes, so_far);
    else
      begin_anew(path, bytes, static_cast<double>(event.first_epoch), epochs_in);
  }

  /// @throws std::runtime_error if the text cannot be written whole; a file is then truncated to
  ///         its previous length and released
  void add(const std::string& path, std::string_view text);

  /// Releases the file.
  void end()
  {
    lock_ = file_lock{};
    stream_.reset();
    has_more_ = false;
  }
  void end(const std::string& path, ending how)
  {
    if (how != ending::failed) cut(path);
    end();
  }

  [[nodiscard]] bool is_empty() const { return length_ == 0; }
  [[nodiscard]] bool is_stream() const { return length_ == no_file; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("length", length_);
    archive.value("sum", sum_);
  }

 private:
  static constexpr std::int64_t no_file = -1;

  template<typename EpochsIn>
  void begin_anew(const std::string& path, std::string_view bytes, double first_epoch,
                  const EpochsIn& epochs_in)
  {
    if (const double there = epochs_in(bytes); there > first_epoch)
      throw_invalid_argument(path, "holds ", there,
                             " epochs of a run already, and this run begins at epoch ", first_epoch,
                             ": resume that one, move the file away or choose another");
    length_ = static_cast<std::int64_t>(bytes.size());
    sum_ = sum_of(bytes);
    add(path, length_ > 0 && bytes.back() != '\n' ? "\n" : "");
  }

  /// Excess bytes are cut off when the first line is added: the run may still be rejected.
  template<typename SoFar>
  void resume(const std::string& path, std::string_view bytes, const SoFar& so_far)
  {
    const auto size = static_cast<std::int64_t>(bytes.size());
    if (size == 0 && length_ > 0) {
      length_ = 0;
      sum_ = sum_of("");
      return add(path, so_far());
    }
    constexpr auto advice =
        ": put it back, or move it away and its lines are written anew from the checkpoint";
    if (size < length_)
      throw_runtime_error(path, "has ", size, " bytes, but the run to be resumed had written ",
                          length_, advice);
    if (sum_ != sum_of(bytes.substr(0, static_cast<std::size_t>(length_))))
      throw_runtime_error(path, "is damaged: its first ", length_,
                          " bytes are not those that the run to be resumed had written", advice);
    has_more_ = size > length_;
  }

  void cut(const std::string& path);

  void add_to_stream(const std::string& path, std::string_view text);

  [[nodiscard]] static std::int64_t sum_of(std::string_view text, std::int64_t before = 0);

  std::int64_t length_ = 0;
  std::int64_t sum_ = 0;
  bool has_more_ = false;  // beyond `length_`
  file_lock lock_;
  std::shared_ptr<const descriptor> stream_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/log_file.hpp>
#endif
