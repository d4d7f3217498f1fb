// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A guard that keeps the library's work on the current thread.

namespace rolewise::support {

/// Guard: while one exists, the library's work in this thread is not distributed to other threads.
/// Background threads that work beside a training step use it to leave the processors to the step.
/// Results are the same to the bit.
class serial_scope {
 public:
  serial_scope() noexcept { ++depth(); }
  serial_scope(const serial_scope&) = delete;
  serial_scope& operator=(const serial_scope&) = delete;
  ~serial_scope() { --depth(); }

  /// Whether a guard exists in this thread.
  [[nodiscard]] static bool here() noexcept { return depth() > 0; }

 private:
  [[nodiscard]] static int& depth() noexcept
  {
    thread_local int guards = 0;
    return guards;
  }
};

}  // namespace rolewise::support
