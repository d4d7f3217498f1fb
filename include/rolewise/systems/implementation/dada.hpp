// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/systems/dada.hpp>.

#include <rolewise/systems/dada.hpp>

#include <rolewise/support/error.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

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

ROLEWISE_INLINE void require_temperature(double temperature)
{
  if (!(temperature > 0.0) || !std::isfinite(temperature))
    throw_invalid_argument("dada", "want a temperature above 0, got ", temperature);
}

ROLEWISE_INLINE relaxed_lessons lessons_of(const sub_policy_draw& drawn, const torch::Tensor& costs,
                                           const mlp_discriminator& control, double temperature)
{
  const auto f = costs.detach().to(drawn.pair.logits.device());
  const auto count = static_cast<double>(f.size(0));
  relaxed_lessons found{.policy = costs.mean().to(f.device()),
                        .control = at::zeros({}, drawn.pair.logits.options().requires_grad(false))};
  const auto learn = [&](const categorical_draw& each, const auto& control_of) {
    const auto estimate = relax_gradient(each, f, control_of(&categorical_draw::relaxed),
                                         control_of(&categorical_draw::conditional));
    found.policy = found.policy + (each.logits * estimate.detach()).sum() / count;
    found.control = found.control + estimate.square().sum() / count;
  };
  using member = torch::Tensor categorical_draw::*;
  const auto soft = [&](const categorical_draw& of, member which) {
    return at::softmax(of.*which / temperature, 1);
  };
  const auto pair = drawn.pair.logits.detach();
  const auto chosen = at::zeros_like(pair).scatter(1, drawn.pair.choice.unsqueeze(1), 1.0);
  const auto open = at::full({pair.size(0), 4}, 0.5, pair.options());
  // The gates' probabilities are those of the pair that was drawn, so of the pair's control they
  // are no part: it would be biased.
  learn(drawn.pair,
        [&](member which) { return control(at::cat({soft(drawn.pair, which), open}, 1)); });
  const auto of_gates = [&](member which) {
    return control(at::cat({chosen, soft(drawn.gates[0], which), soft(drawn.gates[1], which)}, 1));
  };
  for (const auto& gate : drawn.gates) learn(gate, of_gates);
  return found;
}

}  // namespace detail

}  // namespace rolewise::systems
