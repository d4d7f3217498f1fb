// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Parts of `systems::teach_augment`: its options and terms, the student's average, and views by
/// agents from a replay.

#include <rolewise/agent/agent_replay.hpp>
#include <rolewise/agent/learned_augmentation.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/ema.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <cstdint>
#include <optional>

namespace rolewise::systems {

/// How `teach_augment` learns, by default as its code on CIFAR-10 with WRN-28-10.
struct teach_augment_options {
  std::int64_t student_steps = 5;  ///< for each step of the augmenter
  fraction smoothing{0.2};         ///< in the student's term; CIFAR-100 and ImageNet: 0.1
  double student_weight = 1.0;     ///< of the augmenter's three terms
  double teacher_weight = 1.0;
  double color_weight = 10.0;
  std::int64_t directions = 128;  ///< of the color distance
  std::int64_t group_size = 8;    ///< images that share a draw from the replay
  std::int64_t store_every = 10;  ///< epochs; ImageNet: 1
  std::int64_t cutout_size = 16;  ///< of the student's views, in pixels; 0: none
};

}  // namespace rolewise::systems

namespace rolewise::systems::detail {

/// The moving average of a student: the first update copies it.
template<typename S>
class student_average {
 public:
  static constexpr bool has_settings = false;

  void begin(const S& student)
  {
    if (!model_) model_.emplace(student);
  }
  void update(const ema& average, S& student, const training_progress& progress)
  {
    if (updates_ == 0) model_.emplace(student);
    if constexpr (requires { model_->begin_epoch(progress.epoch); })
      (void)model_->begin_epoch(progress.epoch);
    if (updates_ > 0) average(*model_, student, updates_ - 1);
    ++updates_;
  }
  /// @pre `begin` or `update` was called
  [[nodiscard]] const S& model() const { return *model_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("model", *model_);
    archive.value("updates", updates_);
  }

 private:
  std::optional<S> model_;
  std::int64_t updates_ = 0;
};

/// The teacher where none was given: the moving average at the rate of the source.
template<std::same_as<ema> T>
[[nodiscard]] T default_teacher()
{
  return {.decay = 0.999, .ramp = false};
}

/// The three terms of the augmenter's loss, `[]`; undefined in steps in which it is not moved.
struct adversarial_terms {
  torch::Tensor student, teacher, color;

  [[nodiscard]] torch::Tensor total(const teach_augment_options& options) const
  {
    return student * options.student_weight + teacher * options.teacher_weight +
           color * options.color_weight;
  }
};

/// @throws std::invalid_argument that names the option
ROLEWISE_INLINE void require_sound(const teach_augment_options& options);

/// Adds the terms as means over those steps of an epoch that have them; 0 where none has.
ROLEWISE_INLINE void add_means(metrics& numbers, const adversarial_terms& terms,
                               std::int64_t examples);

/// A batch as the student gets it, without a graph: each group of images augmented by the agent or
/// an earlier one, then cut out.
[[nodiscard]] ROLEWISE_INLINE batch replayed_view(const batch& shown,
                                                  const learned_augmentation& agent,
                                                  const agent_replay& replay,
                                                  const teach_augment_options& options,
                                                  const training_progress& progress, seed key);

}  // namespace rolewise::systems::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/detail/implementation/teach_augment_parts.hpp>
#endif
