// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The output pixels of a layer's last forward pass.

#include <atomic>
#include <cstdint>
#include <optional>

namespace rolewise::detail {

/// Atomic record, written by forward passes, possibly by several at once.
class last_positions {
 public:
  last_positions() = default;
  last_positions(const last_positions& other) noexcept : count_{other.load()} {}
  last_positions& operator=(const last_positions& other) noexcept
  {
    set(other.load());
    return *this;
  }
  ~last_positions() = default;

  [[nodiscard]] std::optional<std::int64_t> get() const noexcept
  {
    const auto count = load();
    return count == none ? std::nullopt : std::optional{count};
  }
  void set(std::int64_t count) noexcept { count_.store(count, std::memory_order_relaxed); }

 private:
  static constexpr std::int64_t none = -1;

  [[nodiscard]] std::int64_t load() const noexcept
  {
    return count_.load(std::memory_order_relaxed);
  }

  std::atomic<std::int64_t> count_{none};
};

}  // namespace rolewise::detail
