// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The arithmetic of a layer's last forward pass.

#include <rolewise/quant/layer_arithmetic.hpp>

#include <atomic>

namespace rolewise::detail {

/// Atomic record, written by forward passes, possibly by several at once.
class last_arithmetic {
 public:
  last_arithmetic() = default;
  last_arithmetic(const last_arithmetic& other) noexcept : what_{other.get()} {}
  last_arithmetic& operator=(const last_arithmetic& other) noexcept
  {
    set(other.get());
    return *this;
  }
  ~last_arithmetic() = default;

  [[nodiscard]] layer_arithmetic get() const noexcept
  {
    return what_.load(std::memory_order_relaxed);
  }
  void set(layer_arithmetic what) noexcept { what_.store(what, std::memory_order_relaxed); }

 private:
  std::atomic<layer_arithmetic> what_{layer_arithmetic::not_run};
};

}  // namespace rolewise::detail
