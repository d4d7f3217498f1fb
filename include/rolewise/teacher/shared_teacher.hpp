// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A handle that shares one teacher between training steps.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <utility>

namespace rolewise {

/// Handle to a teacher: copies share it, whereas the copy of a `frozen` network is deep. For
/// populations, in which the steps of all members use one teacher, also concurrently.
///
///     const shared_teacher master{frozen(pretraining.student)};
///     run_search(..., [&](...) { return distillation{.teacher = master, ...}; }, ...);
template<Teacher T>
class shared_teacher {
  static_assert(FrozenTeacher<T>,
                "shared_teacher wants a teacher that never changes (has_state = false), such as "
                "frozen(network)");

 public:
  static constexpr bool has_state = false;
  static constexpr bool is_shared = true;
  static constexpr taps offered_taps = rolewise::offered_taps<T>();

  explicit shared_teacher(T teacher) : teacher_{std::make_shared<const T>(std::move(teacher))} {}

  /// @throws std::invalid_argument if taps are wanted that the teacher does not offer
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered("shared_teacher", offered_taps, wanted);
    return teacher_->forward(examples, wanted);
  }
  /// Shapes of the tapped features of one example.
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
    requires ShowsTapShapes<T>
  {
    return teacher_->tap_shapes(wanted);
  }
  [[nodiscard]] std::uint64_t fingerprint() const
    requires requires(const T teacher) {
      { teacher.fingerprint() } -> std::same_as<std::uint64_t>;
    }
  {
    return teacher_->fingerprint();
  }

  [[nodiscard]] torch::Device device() const
    requires detail::says_device<T>
  {
    return teacher_->device();
  }

  [[nodiscard]] const T& teacher() const noexcept { return *teacher_; }

 private:
  std::shared_ptr<const T> teacher_;
};

}  // namespace rolewise
