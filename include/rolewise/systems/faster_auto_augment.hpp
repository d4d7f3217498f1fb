// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Faster AutoAugment: an augmentation policy that learns to make images which a critic cannot tell
/// from real ones, and which keep their class.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/soft_sub_policies.hpp>
#include <rolewise/core/batch_parts.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/loss/adversarial.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/network/mlp_discriminator.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/minimize_together.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>

#include <cstdint>
#include <utility>

namespace rolewise::systems {

/// Weights of `faster_auto_augment`.
struct faster_auto_augment_options {
  double penalty = 10.0;      ///< of the critic's slope, at least 0
  double label_weight = 0.1;  ///< of the cross-entropy of augmented images, at least 0
};

/// The optimizer of critic and policy in the source.
[[nodiscard]] ROLEWISE_INLINE adam faster_auto_augment_optimizer();

/// A policy to be learned.
[[nodiscard]] ROLEWISE_INLINE learner<soft_sub_policies, adam> faster_auto_augment_policy(
    const soft_sub_policy_options& options = {});

namespace detail {

[[nodiscard]] ROLEWISE_INLINE learner<mlp_discriminator, adam> critic_of_features(
    std::int64_t width, seed key);

/// Half of a batch.
/// @throws std::invalid_argument for fewer than two examples, and for weights out of range
[[nodiscard]] ROLEWISE_INLINE std::int64_t half_of(const batch& examples,
                                                   const faster_auto_augment_options& options);

}  // namespace detail

/// The critic's head, for the penultimate features of a network.
template<ShowsTapShapes Network>
[[nodiscard]] learner<mlp_discriminator, adam> faster_auto_augment_critic(const Network& network,
                                                                          seed key = {})
{
  const auto shapes = network.tap_shapes(taps{tap::penultimate});
  return detail::critic_of_features(shapes[tap::penultimate].at(0), key);
}

/// Training step of Faster AutoAugment. D(x) = critic(penultimate features of x); of each batch one
/// half is augmented:
///
///     r = first half,  a = policy(second half)
///     network and critic minimize  mean D(a) - mean D(r) + penalty (|slope of D| - 1)^2 + CE(r)
///     policy minimizes             -mean D(a) + label_weight CE(a)
///
///     systems::faster_auto_augment search{
///         .network = learner{.model = wide_resnet(40, 2, shape),
///                            .optimizer = systems::faster_auto_augment_optimizer()}};
///     fit(search, few, {.epochs = 20});
///     const auto_augment agent{.policy = search.policy.model.best(),
///                              .scale = auto_augment_scale::even};
///
/// So the policy fills the space between images rather than spoiling them: density matching, as of
/// `fast_auto_augment`, by gradient. A last example of an odd batch is left out. The network sees
/// no label of an augmented image.
///
/// Metrics: `loss` of network and critic; `distance`, mean D(r) - mean D(a), an estimate of the
/// Wasserstein distance up to a constant; `penalty`; `policy`; `.metric` on r. `evaluated()` is the
/// network.
///
/// @par Gradients
/// Each loss reaches who minimizes it, and nobody else. Both halves go through the network as one
/// batch, as batch norm would hide from the critic how they differ; the policy's loss and the
/// slope, between r and a, are of the network in evaluation, where no image depends on others.
/// @par Source
/// Hataya, Zdenek, Yoshizoe, Nakayama: Faster AutoAugment: Learning Augmentation Strategies using
/// Backpropagation, 2019, arXiv:1911.06987; code moskomule/dda.
/// @par Departs
/// The critic has two hidden layers. The slope's norm is that of whole images, as in its source;
/// the code has it over channels.
template<typename NetworkLearner, typename Agent = no_agent, typename MetricType = top_k_accuracy>
struct faster_auto_augment {
  using network_type = model_of<NetworkLearner>;

  static_assert(Student<network_type>,
                "faster_auto_augment: .network must be a learner of a network, such as "
                "learner{.model = network}");
  static_assert(offered_taps<network_type>().contains(tap::penultimate),
                "faster_auto_augment: .network must offer its penultimate features, of which the "
                "critic judges (static constexpr taps offered_taps)");
  static_assert(AugmentationAgent<Agent> && Stateful<Agent> && !HasParameters<Agent>,
                "faster_auto_augment: .agent must satisfy AugmentationAgent, show its state or say "
                "has_state = false, and have no parameters");
  static_assert(StepMetric<MetricType>,
                "faster_auto_augment: .metric must satisfy Metric or be no_metric{}");

  NetworkLearner network;
  Agent agent{};  ///< of both halves, before the policy
  learner<soft_sub_policies, adam> policy = faster_auto_augment_policy();
  learner<mlp_discriminator, adam> critic = faster_auto_augment_critic(network.model);
  faster_auto_augment_options options{};
  rolewise::seed seed{0};  ///< of views and draws
  MetricType metric{};

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const rolewise::detail::gradients_on for_now{"faster_auto_augment"};
    const auto half = detail::half_of(examples, options);
    network.begin(progress);
    policy.begin(progress);
    critic.begin(progress);
    const auto seen = agent(examples, progress, seed.split(role::both));
    const auto real = model_input(examples_between(seen, 0, half), network.model);
    const auto made = rolewise::detail::on_device_of(
        network.model,
        policy.model(examples_between(seen, half, half), progress, seed.split(purpose{"policy"})));

    auto shown = made;
    shown.inputs = made.inputs.detach();
    const auto said = network.model.forward(joined({real, shown}), taps{tap::penultimate});
    const auto d = critic.model(said.features[tap::penultimate]);
    const auto distance = d.narrow(0, 0, half).mean() - d.narrow(0, half, half).mean();
    const auto penalty = gradient_penalty(
        [&](const torch::Tensor& x) { return judged(x, real).critic; }, real.inputs, shown.inputs,
        uniform_draws(seed.split(purpose{"penalty"}), progress.epoch, real.ids, 1).squeeze(1));
    const outputs of_real{.logits = said.logits.narrow(0, 0, half), .features = {}};
    const auto known = targets_of(real, progress);
    const auto loss = options.penalty * penalty - distance +
                      cross_entropy{}({.teacher = {}, .student = of_real}, known);
    minimize_together(loss, progress, network, critic);

    const auto on_made = judged(made.inputs, made);
    const auto of_policy =
        options.label_weight *
            cross_entropy{}({.teacher = {}, .student = on_made.said}, targets_of(made, progress)) -
        on_made.critic.mean();
    policy.minimize(of_policy, progress);

    metrics numbers{{"loss", loss.detach()},
                    {"distance", distance.detach()},
                    {"penalty", penalty.detach()},
                    {"policy", of_policy.detach()}};
    add_metric(numbers, metric, of_real, known);
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
    archive.part("critic", critic);
    visit_part(archive, "agent", agent);
  }

 private:
  struct judgment {
    outputs said;
    torch::Tensor critic;  ///< `[N]`
  };
  /// What network, in evaluation, and critic say of images.
  [[nodiscard]] judgment judged(const torch::Tensor& inputs, batch like) const
  {
    like.inputs = inputs;
    auto said = network.model.predict(like, taps{tap::penultimate});
    const auto d = critic.model(said.features[tap::penultimate]);
    return {std::move(said), d};
  }
};

}  // namespace rolewise::systems

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/implementation/faster_auto_augment.hpp>
#endif
