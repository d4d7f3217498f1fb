// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What belongs to one object and not to its copies.

namespace rolewise::detail {

/// A value that a copy starts without, and that an assignment takes away.
template<typename T>
struct not_copied {
  T value{};

  not_copied() = default;
  not_copied(const not_copied&) noexcept {}
  not_copied& operator=(const not_copied&) noexcept
  {
    value = T{};
    return *this;
  }
  ~not_copied() = default;
};

}  // namespace rolewise::detail
