// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// DADA: an augmentation policy that learns by gradient, in one training, what helps on validation
/// examples.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/learned_sub_policies.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batch_cycle.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/network/mlp_discriminator.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>
#include <rolewise/train/unrolled_update.hpp>

#include <concepts>
#include <utility>

namespace rolewise::systems {

/// A policy to be learned, with the optimizer of the source.
[[nodiscard]] ROLEWISE_INLINE learner<learned_sub_policies, adam> dada_policy(
    std::vector<operation_pair> pairs = all_operation_pairs());

/// The control variate of RELAX for a policy: a small network of relaxed draws, which begins as 0,
/// so that the first estimates are those of the score function.
[[nodiscard]] ROLEWISE_INLINE learner<mlp_discriminator, adam> dada_control(
    const learned_sub_policies& policy, seed key = {});

namespace detail {

/// What policy and control learn from: of draws, of which each has cost something.
struct relaxed_lessons {
  torch::Tensor policy;   ///< its gradients are those of the mean cost
  torch::Tensor control;  ///< the mean square of the estimates
};

/// @param costs `[N]`, with the graph to the magnitudes
[[nodiscard]] ROLEWISE_INLINE relaxed_lessons lessons_of(const sub_policy_draw& drawn,
                                                         const torch::Tensor& costs,
                                                         const mlp_discriminator& control,
                                                         double temperature);

/// @throws std::invalid_argument unless it is above 0, finite
ROLEWISE_INLINE void require_temperature(double temperature);

}  // namespace detail

/// Training step of DADA. The policy learns while the network does:
///
///     b ~ policy for each image;  x' = view(x, b, magnitudes)
///     w' = w after one step of the network on CE(w; x')
///     v  = d CE(w'; validation) / d w'
///     cost_n = -rate (CE(w + e v; x'_n) - CE(w - e v; x'_n)) / (2 e)       what b_n does to CE(w')
///     policy minimizes the mean cost: RELAX for pairs and gates, straight-through for magnitudes
///     control minimizes the square of the estimates
///
///     systems::dada search{.network = learner{.model = resnet20(shape)},
///                          .exam = batch_cycle{.data = parts.validation, .size = 128}};
///     fit(search, parts.train, {.epochs = 20});
///     const auto_augment agent{.policy = search.policy.model.best(25),
///                              .scale = auto_augment_scale::even};
///
/// The validation's loss is computed by a copy: of the network nothing moves but by its own step.
/// At a learning rate of 0 the policy learns nothing and does not change.
///
/// Metrics: `loss` on the views, `validation`, `.metric` on the views. `evaluated()` is the
/// network.
///
/// @par Source
/// Li, Hu, Wang, Hospedales, Robertson, Yang: DADA: Differentiable Automatic Data Augmentation,
/// 2020, arXiv:2003.03780; Grathwohl et al.: Backpropagation through the Void, 2017,
/// arXiv:1711.00123.
/// @par Departs
/// Each image has a draw and an estimate of its own. The finite difference is around the network
/// before its step, and v is of the network after its own step, with momentum if it has that. The
/// control has one layer more, and begins as 0; that of pairs does not see the gates, whose
/// probabilities depend on the pair, as its estimates would be biased.
template<typename NetworkLearner, typename Exam, typename Agent = no_agent,
         typename MetricType = top_k_accuracy>
struct dada {
  static_assert(is_student_learner<NetworkLearner>,
                "dada: .network must be a learner of a network, such as learner{.model = network}");
  static_assert(
      requires(const Exam exam, const training_progress progress) {
        { exam(progress) } -> std::same_as<batch>;
      } && state_must::be_denied<Exam>,
      "dada: .exam must give a batch for each step and say has_state = false, such as "
      "batch_cycle{.data = validation}");
  static_assert(AugmentationAgent<Agent> && Stateful<Agent> && !HasParameters<Agent>,
                "dada: .agent must satisfy AugmentationAgent, show its state or say has_state = "
                "false, and have no parameters");
  static_assert(StepMetric<MetricType>, "dada: .metric must satisfy Metric or be no_metric{}");

  NetworkLearner network;
  Exam exam;      ///< `batch_cycle` of validation examples
  Agent agent{};  ///< before the policy, such as crops and flips
  learner<learned_sub_policies, adam> policy = dada_policy();
  learner<mlp_discriminator, adam> control = dada_control(policy.model);
  double temperature = 0.5;  ///< of the draws that the control sees, above 0
  rolewise::seed seed{0};    ///< of views and draws
  MetricType metric{};

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const rolewise::detail::gradients_on for_now{"dada"};
    detail::require_temperature(temperature);
    network.begin(progress);
    policy.begin(progress);
    control.begin(progress);
    const auto drawn = policy.model(agent(examples, progress, seed.split(role::both)), progress,
                                    seed.split(purpose{"policy"}));
    const auto view = rolewise::detail::on_device_of(network.model, drawn.view);
    const auto known = targets_of(view, progress);
    const auto before = network.model;

    auto shown = view;
    shown.inputs = view.inputs.detach();
    const auto said = network.model.forward(shown);
    const auto loss = cross_entropy{}({.teacher = {}, .student = said}, known);
    network.minimize(loss, progress);

    auto updated = network.model;
    const auto paper = model_input(exam(progress), updated);
    const auto validation = cross_entropy{}({.teacher = {}, .student = updated.forward(paper)},
                                            targets_of(paper, progress));
    if (const double rate = network.learning_rate(progress); rate != 0.0) {
      const auto costs = change_along(
          before, [&](auto& model) { return cross_entropies(model.forward(view).logits, known); },
          parameter_gradients(parameters_of(updated), validation), rate);
      const auto lessons = detail::lessons_of(drawn, costs, control.model, temperature);
      policy.minimize(lessons.policy, progress, graph::keep);
      control.minimize(lessons.control, progress);
    }
    metrics numbers{{"loss", loss.detach()}, {"validation", validation.detach()}};
    add_metric(numbers, metric, said, known);
    return numbers;
  }

  [[nodiscard]] const auto& evaluated() const { return network.evaluated(); }
  [[nodiscard]] double learning_rate(const training_progress& progress) const
  {
    return network.learning_rate(progress);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("network", network);
    archive.part("policy", policy);
    archive.part("control", control);
    visit_part(archive, "agent", agent);
  }
};

}  // namespace rolewise::systems

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/implementation/dada.hpp>
#endif
