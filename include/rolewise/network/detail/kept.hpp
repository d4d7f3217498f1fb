// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A cache of values derived from tensors, valid while the tensors are unchanged.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// A thread-safe cache of one value. A value that was returned stays alive when it is replaced. A
/// copy starts empty.
template<typename T>
class kept {
 public:
  kept() = default;
  kept(const kept&) noexcept {}
  kept& operator=(const kept& other) noexcept
  {
    if (this != &other) reset();
    return *this;
  }
  ~kept() = default;

  [[nodiscard]] std::shared_ptr<const T> get() const
  {
    const std::lock_guard lock{mutex_};
    return value_;
  }
  void set(std::shared_ptr<const T> value)
  {
    const std::lock_guard lock{mutex_};
    value_.swap(value);
  }
  void reset() { set(nullptr); }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

/// Data pointer and version counter of a tensor.
struct tensor_version {
  const void* data = nullptr;
  std::int64_t changes = 0;

  friend bool operator==(const tensor_version&, const tensor_version&) = default;
};

using tensor_versions = std::vector<tensor_version>;

/// Archive that collects the versions of all tensors of a part.
class version_archive {
 public:
  void parameter(std::string_view, const torch::Tensor& t) { add(t); }
  void range(std::string_view, const torch::Tensor& t) { add(t); }
  void buffer(std::string_view, const torch::Tensor& t) { add(t); }
  template<PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }

  /// Empty if one of them has no version counter (made in LibTorch's inference mode).
  [[nodiscard]] tensor_versions versions() const
  {
    return all_count_ ? versions_ : tensor_versions{};
  }

 private:
  void add(const torch::Tensor& t);

  tensor_versions versions_;
  bool all_count_ = true;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/kept.hpp>
#endif
