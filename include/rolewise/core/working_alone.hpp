// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A thread that asks no others for help.

namespace rolewise {

/// While one of these lives, the library's work in this thread is not shared out over others:
/// threads in the background that work beside a training step leave it its helpers. No bit
/// depends on it.
class working_alone {
 public:
  working_alone() noexcept { ++depth(); }
  working_alone(const working_alone&) = delete;
  working_alone& operator=(const working_alone&) = delete;
  ~working_alone() { --depth(); }

  /// Whether this thread works alone now.
  [[nodiscard]] static bool here() noexcept { return depth() > 0; }

 private:
  [[nodiscard]] static int& depth() noexcept
  {
    thread_local int guards = 0;
    return guards;
  }
};

}  // namespace rolewise
