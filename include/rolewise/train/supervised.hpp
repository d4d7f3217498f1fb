// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `supervised` training step: trains a student on labels.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/objective.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/train/detail/descent.hpp>
#include <rolewise/train/detail/learning_rate.hpp>
#include <rolewise/train/schedule.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/training_step.hpp>

#include <optional>
#include <utility>
#include <vector>

namespace rolewise {

/// Training step on labels alone: trains teachers, and is the baseline of every distillation.
///
///     supervised school{.student = resnet20(shape), .agent = trivial_augment{}};
///     fit(school, data, {.epochs = 4});
///
/// One step computes, in order: the agent's view under `seed.split(role::student)` (`view_of`),
/// the student's forward pass, the loss, the backward pass, gradient clipping, the optimizer's
/// update at learning rate `optimiser.rate * schedule(moment)`, the moving average. Metrics:
/// `loss`, the terms of a weighted sum, `accuracy` (of the augmented batch, before the update).
/// Does not synchronize with the device.
///
/// The state of the optimizer and of the average is created by the first step (or the first
/// `visit_state`) and is kept: a second `fit` continues with it. A copy of a step is deep.
///
/// @par Determinism
/// The same members, batches and moments give the same bits, for the same number of threads.
template<typename Learner = detail::missing, typename Agent = no_agent,
         typename Loss = cross_entropy, typename Method = sgd, typename Factor = cosine>
struct supervised {
  static_assert(Student<Learner>,
                "supervised: .student must satisfy Student (rolewise/student/student.hpp)");
  static_assert(AugmentationAgent<Agent>,
                "supervised: .agent must satisfy AugmentationAgent; no_agent{} changes nothing");
  static_assert(Stateful<Agent>,
                "supervised: .agent must show its state (visit_state) or say has_state = false");
  static_assert(Objective<Loss>,
                "supervised: .loss must satisfy Objective, such as cross_entropy{}; a loss against "
                "a teacher belongs into a distillation");
  static_assert(Stateful<Loss>,
                "supervised: .loss must show its state (visit_state) or say has_state = false");
  static_assert(Optimiser<Method>, "supervised: .optimiser must satisfy Optimiser, such as sgd{}");
  static_assert(Schedule<Factor>, "supervised: .schedule must satisfy Schedule, such as cosine{}");

  Learner student;  // no initializer: the step is default-constructible only if the student is
  Agent agent{};
  Loss loss{};
  Method optimiser{};
  Factor schedule{};
  std::optional<clip_gradients> clipping{};  ///< empty: no gradient clipping
  std::optional<moving_average> average{};   ///< empty: no moving average
  rolewise::seed seed{0};                    ///< of the views

  detail::descent<Learner, Method> progress{};  ///< state between steps; internal, do not set

  metrics operator()(const batch& examples, const moment& now)
  {
    const auto learned = begin(now);
    return learn(
        view_of(agent, examples, now, seed.split(role::student),
                detail::wanted_form(examples, detail::home_of(learned)), progress.buffers()),
        now, learned);
  }

  /// Returns a function that makes the agent's view without the step; see `PreparingStep`.
  [[nodiscard]] auto preparation()
    requires IndependentAgent<Agent>
  {
    const auto home = detail::home_of(detail::learned_by(student, loss));
    return [maker = agent, key = seed.split(role::student), home](
               const batch& examples, const moment& now, buffer_pool& buffers) {
      return detail::pinned_for(
          home, view_of(maker, examples, now, key, detail::wanted_form(examples, home), buffers));
    };
  }
  metrics take(batch view, const moment& now)
  {
    const auto learned = begin(now);
    return learn(std::move(view), now, learned);
  }

  /// Returns the student's logits for the batch as a training step would compute them, on copies:
  /// the step does not change. Throws what the step's forward pass would throw; `fit` uses this
  /// to check a last batch of one example.
  [[nodiscard]] torch::Tensor rehearse(const batch& examples, const moment& now) const
  {
    const torch::NoGradGuard without_graph;
    auto learner = student;
    const auto learned = learner.parameters();
    auto view = view_for(examples, now, learned);
    return learner
        .respond(detail::ready(std::move(view), learned), taps{.features = Loss::wants_features})
        .logits;
  }
  [[nodiscard]] batch rehearse_view(const batch& examples, const moment& now) const
  {
    return view_for(examples, now, student.parameters());
  }
  static constexpr bool mixes = requires { requires Agent::mixes; };

  /// @throws std::invalid_argument if the learning rate is not finite
  [[nodiscard]] double learning_rate(const moment& now) const
  {
    return detail::learning_rate_at(optimiser, schedule, now);
  }

  /// The network to evaluate: the moving average if one is kept, otherwise the student.
  [[nodiscard]] const Learner& learner() const
  {
    return progress.averaged() != nullptr ? *progress.averaged() : student;
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    if (!progress.has_begun(average)) begin();
    archive.part("student", student);
    visit_part(archive, "agent", agent);
    visit_part(archive, "loss", loss);
    archive.part("progress", progress);
  }

 private:
  [[nodiscard]] batch view_for(const batch& examples, const moment& now,
                               const std::vector<named_tensor>& learned) const
  {
    buffer_pool own;
    return view_of(agent, examples, now, seed.split(role::student),
                   detail::wanted_form(examples, detail::home_of(learned)), own);
  }

  metrics learn(batch shown, const moment& now, const std::vector<named_tensor>& learned)
  {
    const detail::gradients_on for_now{"supervised"};
    const auto labels = shown.labels;
    const auto view = detail::ready(std::move(shown), learned);
    paired_responses pair;
    pair.student = student.respond(view, taps{.features = Loss::wants_features});
    detail::require_labels_beside<Loss>(labels, pair.student.logits);
    auto found = detail::slope_of(loss, pair, supervision{view.labels, view.ids, now}, learned);
    progress.update(student, learned, found.gradients, learning_rate(now), clipping, average);
    return std::move(found.numbers);
  }

  /// Returns the tensors that a step trains, after setting the bit widths of its epoch.
  std::vector<named_tensor> begin(const moment& now)
  {
    const detail::gradients_on from_the_start{"supervised"};
    progress.begin_epoch(student, now);
    return begin();
  }

  std::vector<named_tensor> begin()
  {
    auto learned = detail::learned_by(student, loss);
    progress.begin(student, learned, optimiser, average);
    return learned;
  }
};

}  // namespace rolewise
