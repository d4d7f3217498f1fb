// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What was made of tensors, kept as long as they are the same.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// One value for several threads; what a thread has got lives on when it is replaced. A copy begins
/// empty.
template<typename T>
class kept {
 public:
  kept() = default;
  kept(const kept&) noexcept {}
  kept& operator=(const kept&) noexcept
  {
    reset();
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

/// Where a tensor's numbers are, and how often they were changed.
struct tensor_version {
  const void* data = nullptr;
  std::int64_t changes = 0;

  friend bool operator==(const tensor_version&, const tensor_version&) = default;
};

using tensor_versions = std::vector<tensor_version>;

/// Collects the versions of all tensors that a part shows.
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

  /// Empty if one of them doesn't count its changes (made in LibTorch's inference mode).
  [[nodiscard]] tensor_versions versions() const
  {
    return all_count_ ? versions_ : tensor_versions{};
  }

 private:
  void add(const torch::Tensor& t)
  {
    if (!t.defined()) return versions_.push_back({});
    all_count_ = all_count_ && !t.is_inference();
    if (all_count_) versions_.push_back({t.const_data_ptr(), t._version()});
  }

  tensor_versions versions_;
  bool all_count_ = true;
};

}  // namespace rolewise::detail
