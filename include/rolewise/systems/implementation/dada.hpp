// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/dada.hpp>.

#include <rolewise/systems/dada.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/softmax.h>

#include <cmath>

namespace rolewise::systems {

ROLEWISE_INLINE learner<learned_sub_policies, adam> dada_policy(std::vector<operation_pair> pairs)
{
  return {.model = learned_sub_policies{std::move(pairs)},
          .optimizer = {.learning_rate = 5e-3, .beta1 = 0.5, .beta2 = 0.999}};
}

ROLEWISE_INLINE learner<mlp_discriminator, adam> dada_control(const learned_sub_policies& policy,
                                                              seed key)
{
  return {.model = mlp_discriminator{policy.weights().size(0) + 4,
                                     {.seed = key, .begins_at_zero = true}}};
}

namespace detail {

ROLEWISE_INLINE relaxed_lessons lessons_of(const sub_policy_draw& drawn, const torch::Tensor& costs,
                                           const mlp_discriminator& control, double temperature)
{
  if (!(temperature > 0.0) || !std::isfinite(temperature))
    throw_invalid_argument("dada", "want a temperature above 0, got ", temperature);
  const auto device = drawn.pair.logits.device();
  const auto value = [&](torch::Tensor categorical_draw::* which) {
    const auto soft = [&](const categorical_draw& of) {
      return at::softmax(of.*which / temperature, 1);
    };
    return control(at::cat({soft(drawn.pair), soft(drawn.gates[0]), soft(drawn.gates[1])}, 1));
  };
  const auto of_relaxed = value(&categorical_draw::relaxed);
  const auto of_conditional = value(&categorical_draw::conditional);
  const auto f = costs.detach().to(device);
  relaxed_lessons found{.policy = costs.mean().to(device), .control = {}};
  const auto count = static_cast<double>(f.size(0));
  for (const auto* each : {&drawn.pair, &drawn.gates[0], &drawn.gates[1]}) {
    const auto estimate = relax_gradient(*each, f, of_relaxed, of_conditional);
    found.policy = found.policy + (each->logits * estimate.detach()).sum() / count;
    const auto squares = estimate.square().sum() / count;
    found.control = found.control.defined() ? found.control + squares : squares;
  }
  return found;
}

ROLEWISE_INLINE torch::Tensor cross_entropies(const outputs& said, const targets& known)
{
  if (said.logits.dim() != 2 || !known.labels.defined() || known.labels.dim() > 2)
    throw_invalid_argument("dada", "want logits [N, classes] and a label for each example");
  return at::cross_entropy_loss(said.logits, known.labels, {}, at::Reduction::None,
                                c10::SymInt{known.ignore_index});
}

}  // namespace detail

}  // namespace rolewise::systems
