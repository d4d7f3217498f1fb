// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `periodic_copy`: a model as it was when the current period of a run began.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/state.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/trainable.hpp>

#include <cstdint>
#include <optional>

namespace rolewise {

/// A copy of a model that is made anew every so many epochs and asks for no gradient in between:
/// what a run computed from the model when the period began can be computed from it again, in any
/// order and after a restart, instead of being kept.
///
///     periodic_copy<Student> past;
///       if (past.renew(student.model, progress, 2)) ...   // in every step
///       past->predict(view)
///     template<typename Archive> void visit_state(Archive& archive)
///     {
///       past.begin(student.model);
///       archive.part("past", past);
///     }
template<Trainable Model>
class periodic_copy {
 public:
  static constexpr bool has_settings = false;  // they are those of the model

  /// Makes the first copy, unless there is one.
  void begin(const Model& model)
  {
    if (!copy_) assign(model);
  }

  /// Makes a copy in the first step of each period. Periods are 0 .. `every` - 1, and so on.
  /// @return whether it did
  /// @throws std::invalid_argument unless `every` is at least 1
  bool renew(const Model& model, const training_progress& progress, std::int64_t every)
  {
    if (every < 1)
      throw_invalid_argument("periodic_copy", "want periods of at least 1 epoch, got ", every);
    const auto current = progress.epoch / every;
    if (copy_ && current == period_) return false;
    assign(model);
    period_ = current;
    return true;
  }

  /// The number of the period, from 0; -1 before the first `renew`.
  [[nodiscard]] std::int64_t period() const noexcept { return period_; }

  /// @pre `begin` or `renew`
  [[nodiscard]] const Model& operator*() const noexcept { return *copy_; }
  [[nodiscard]] const Model* operator->() const noexcept { return &*copy_; }

  /// @pre `begin` or `renew`
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("period", period_);
    archive.part("model", *copy_);
  }

 private:
  void assign(const Model& model)
  {
    copy_ = model;
    for (const auto& each : parameters_of(*copy_)) each.value.set_requires_grad(false);
  }

  std::optional<Model> copy_;
  std::int64_t period_ = -1;
};

}  // namespace rolewise
