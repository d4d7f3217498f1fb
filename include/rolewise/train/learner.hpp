// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `learner`: a model together with the optimizer, schedule and average that train it.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/state.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/clip_gradients.hpp>
#include <rolewise/train/detail/backward_to.hpp>
#include <rolewise/train/detail/learner_state.hpp>
#include <rolewise/train/detail/learning_rate.hpp>
#include <rolewise/train/ema.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/optimizer.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/trainable.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace rolewise {

/// Whether the graph of a loss is freed after the backward pass, or kept because a second learner
/// is updated from it.
enum class graph { release, keep };

/// A model and what trains it: the training steps of systems with several trained models
/// (student and discriminator, student and learned agent, two students) are made of learners.
///
///     struct adversarial {
///       learner<Student, sgd> student;
///       learner<discriminator, adam> critic{.optimizer = {.learning_rate = 1e-4}};
///       ...
///         critic.minimize(critic_loss, progress);    // reaches the discriminator alone
///         student.minimize(student_loss, progress);  // reaches the student alone
///
/// `minimize(loss, progress)` computes the gradient of the loss with respect to the parameters of
/// this model and of no other, clips it, and makes one update of the optimizer at learning rate
/// `optimizer.learning_rate * lr_schedule(progress)`; then it updates the moving average.
/// `maximize` does so with the opposite gradient. Whatever else the loss depends on gets neither a
/// gradient nor an update: which model learns from which loss is in the call, not in the order of
/// zeroing gradients.
///
/// The state of the optimizer and of the average is created by the first call of `begin`,
/// `minimize`, `maximize` or `visit_state`. A copy of a learner is deep if that of its model is.
///
/// @tparam Model `Trainable`: a student, a discriminator, a generator, an agent or a loss with
///               parameters
template<typename Model, typename OptimizerType = sgd, typename ScheduleType = constant_lr>
struct learner {
  static_assert(Trainable<Model>,
                "learner: .model must satisfy Trainable: copyable, with visit_state");
  static_assert(Optimizer<OptimizerType>,
                "learner: .optimizer must satisfy Optimizer, such as adam{}");
  static_assert(
      LearningRateSchedule<ScheduleType>,
      "learner: .lr_schedule must satisfy LearningRateSchedule, such as cosine_annealing{}");

  Model model;  // no initializer: a learner is default-constructible only if the model is
  OptimizerType optimizer{};
  ScheduleType lr_schedule{};
  std::optional<clip_gradients> clipping{};  ///< empty: no gradient clipping
  std::optional<rolewise::ema> ema{};        ///< empty: no moving average

  detail::learner_state<Model, OptimizerType>
      learner_state{};  ///< state between updates; internal, do not set

  /// Sets the bit widths of the epoch in a model that changes them, and creates what the first
  /// update needs. A step calls it before the forward pass.
  /// @throws std::invalid_argument for a parameter that was made under InferenceMode
  void begin(const training_progress& progress)
  {
    const detail::gradients_on from_the_start{"learner"};
    learner_state.begin_epoch(model, progress);
    begin();
  }

  /// One update that lowers `loss`.
  /// @param loss `[]`, floating point, with its graph
  /// @throws std::invalid_argument if the loss is not a single number, or depends on none of the
  ///         model's parameters
  void minimize(const torch::Tensor& loss, const training_progress& progress,
                graph after = graph::release)
  {
    update(loss, progress, after, false);
  }

  /// One update that raises `loss`: the same as minimizing `-loss`.
  void maximize(const torch::Tensor& loss, const training_progress& progress,
                graph after = graph::release)
  {
    update(loss, progress, after, true);
  }

  /// @throws std::invalid_argument if the learning rate is not finite
  [[nodiscard]] double learning_rate(const training_progress& progress) const
  {
    return detail::learning_rate_at(optimizer, lr_schedule, progress);
  }

  /// The model to evaluate: the moving average if one is kept, otherwise the model.
  [[nodiscard]] const Model& evaluated() const
  {
    return learner_state.averaged() != nullptr ? *learner_state.averaged() : model;
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    if (!learner_state.has_begun(ema)) begin();
    archive.part("model", model);
    archive.part("state", learner_state);
  }

 private:
  std::vector<named_tensor> begin()
  {
    auto parameters = parameters_of(model);
    learner_state.begin(model, parameters, optimizer, ema);
    return parameters;
  }

  void update(const torch::Tensor& loss, const training_progress& progress, graph after,
              bool upward)
  {
    const detail::gradients_on for_now{"learner"};
    detail::require_loss(loss, "learner");
    const auto parameters = begin();
    auto gradients = detail::backward_to(parameters, loss, after == graph::keep);
    if (!std::any_of(gradients.begin(), gradients.end(), [](const auto& g) { return g.defined(); }))
      throw_invalid_argument("learner", "the loss depends on none of the ", parameters.size(),
                             " parameters of the model that it shall train");
    if (upward)
      for (auto& g : gradients)
        if (g.defined()) g = g.neg();
    learner_state.update(model, parameters, gradients, learning_rate(progress), clipping, ema);
  }
};

}  // namespace rolewise
