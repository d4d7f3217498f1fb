// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A member whose value is not copied.

namespace rolewise::detail {

/// A value that copies start without and that assignment resets.
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
