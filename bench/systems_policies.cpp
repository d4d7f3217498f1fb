// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: as systems.cpp, of searches that learn an augmentation policy by gradient. By hand,
// operations are those of plain tensor operations on all images that have the same one.

#include "support/plain_operations.hpp"
#include "support/system_step.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rw = rolewise;
using namespace bench;

namespace {

torch::Tensor bytes_of(const torch::Tensor& x)
{
  return (x * 63.75 + 127.5).round().clamp(0, 255).to(torch::kByte);
}

void set_learning(const torch::nn::Module& module, bool on)
{
  for (auto& p : module.parameters()) p.set_requires_grad(on);
}

/// A choice of classes, drawn and relaxed, twice: z, and z given the choice.
struct plain_draw {
  torch::Tensor logits, choice, z, given;

  explicit plain_draw(const torch::Tensor& of) : logits{of}
  {
    const auto log_p = torch::log_softmax(of, 1);
    const auto exponential = [&] { return -torch::rand_like(of).clamp_min(1e-8).log(); };
    z = log_p - exponential().log();
    choice = z.argmax(1);
    const auto noise = exponential();
    const auto own = noise.gather(1, choice.unsqueeze(1));
    const auto is_own = torch::one_hot(choice, of.size(1)).to(torch::kBool);
    given = torch::where(is_own, -own.log(), -(noise / log_p.exp() + own).log());
  }
};

void dada()
{
  const auto held_out = noise_data(1024);
  rw::systems::dada step{.network = rw::learner{.model = rw::resnet20(shape)},
                         .exam = rw::batch_cycle{.data = held_out, .size = batch_size}};
  const auto pairs = rw::all_operation_pairs();
  const auto count = static_cast<std::int64_t>(pairs.size());
  plain_learner network{20, shape}, updated{20, shape}, above{20, shape}, below{20, shape};
  const auto weights = torch::zeros({count}, torch::requires_grad());
  const auto gates = torch::zeros({count, 2}, torch::requires_grad());
  const auto magnitudes = torch::zeros({count, 2}, torch::requires_grad());
  torch::optim::Adam of_policy({weights, gates, magnitudes},
                               torch::optim::AdamOptions(5e-3).betas({0.5, 0.999}));
  plain_judge control{count + 4, 1e-3, 0.9};
  std::int64_t next = 0;
  const auto shown = [&](const torch::Tensor& x, const torch::Tensor& pair,
                         const std::array<torch::Tensor, 2>& on) {
    auto images = bytes_of(x);
    for (std::size_t slot = 0; slot < 2; ++slot) {
      std::vector<std::int64_t> of_pair;
      for (const auto& each : pairs) of_pair.push_back(static_cast<std::int64_t>(each[slot]));
      const auto what = torch::tensor(of_pair).index_select(0, pair);
      for (std::int64_t k = 0; k < rw::policy_operations; ++k) {
        const auto at = what.eq(k).logical_and(on[slot].eq(1)).nonzero().squeeze(1);
        if (at.numel() > 0)
          images.index_copy_(
              0, at, plain_operation(static_cast<rw::operation>(k), images.index_select(0, at)));
      }
    }
    return plain_input(images);
  };
  measure("DADA", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const plain_draw pair{weights.unsqueeze(0).expand({batch_size, count})};
    const auto logits = gates.index_select(0, pair.choice);
    const auto gate = [&](std::int64_t slot) {
      const auto own = logits.select(1, slot);
      return plain_draw{torch::stack({torch::zeros_like(own), own}, 1)};
    };
    const plain_draw first = gate(0), second = gate(1);
    const auto strength = (torch::sigmoid(magnitudes).index_select(0, pair.choice) *
                           torch::stack({first.choice, second.choice}, 1))
                              .sum(1)
                              .view({-1, 1, 1, 1});
    const auto plain_view = shown(x, pair.choice, {first.choice, second.choice});
    const auto view = plain_view + 4 * (strength - strength.detach());

    for (auto* copy : {&above, &below}) copy_network(*network.network, *copy->network);
    network.network->train();
    network.minimize(torch::cross_entropy_loss(network.network->forward(plain_view), labels), 0.1);
    copy_network(*network.network, *updated.network);
    const auto drawn = torch::arange(next, next + batch_size);
    next = (next + batch_size) % 1024;
    const auto v = torch::autograd::grad(
        {torch::cross_entropy_loss(
            updated.network->forward(plain_input(held_out.inputs.index_select(0, drawn))),
            held_out.labels.index_select(0, drawn))},
        updated.parameters);
    auto squares = torch::zeros({});
    for (const auto& each : v) squares = squares + each.square().sum();
    const auto distance = 0.01 / squares.sqrt().item<double>();
    {
      const torch::NoGradGuard no_graph;
      at::_foreach_add_(above.parameters, v, distance);
      at::_foreach_add_(below.parameters, v, -distance);
    }
    const auto cost_of = [&](plain_learner& at) {
      return torch::cross_entropy_loss(at.network->forward(view), labels, {}, at::Reduction::None);
    };
    const auto costs = (cost_of(above) - cost_of(below)) * (-0.1 / (2 * distance));

    const auto soft = [](const torch::Tensor& z) { return torch::softmax(z / 0.5, 1); };
    const auto open = torch::full({batch_size, 4}, 0.5);
    const auto chosen = torch::one_hot(pair.choice, count).to(torch::kFloat32);
    auto lesson = costs.mean(), of_control = torch::zeros({});
    const auto learn = [&](const plain_draw& each, const torch::Tensor& of_z,
                           const torch::Tensor& of_given) {
      const auto score = torch::one_hot(each.choice, each.logits.size(1)) -
                         torch::softmax(each.logits.detach(), 1);
      const auto estimate =
          (costs.detach() - of_given).unsqueeze(1) * score +
          torch::autograd::grad({(of_z - of_given).sum()}, {each.logits}, {}, true, true)[0];
      lesson = lesson + (each.logits * estimate.detach()).sum() / batch_size;
      of_control = of_control + estimate.square().sum() / batch_size;
    };
    learn(pair, control(torch::cat({soft(pair.z), open}, 1)),
          control(torch::cat({soft(pair.given), open}, 1)));
    const auto on_z = control(torch::cat({chosen, soft(first.z), soft(second.z)}, 1));
    const auto on_given = control(torch::cat({chosen, soft(first.given), soft(second.given)}, 1));
    learn(first, on_z, on_given);
    learn(second, on_z, on_given);
    const std::vector<torch::Tensor> learned{weights, gates, magnitudes};
    const auto slopes = torch::autograd::grad({lesson}, learned, {}, true);
    for (std::size_t i = 0; i < learned.size(); ++i) learned[i].mutable_grad() = slopes[i];
    of_policy.step();
    const auto judges = control.layers->parameters();
    const auto of_judges = torch::autograd::grad({of_control}, judges, {}, {}, false, true);
    for (std::size_t i = 0; i < judges.size(); ++i) judges[i].mutable_grad() = of_judges[i];
    control.optimizer.step();
  });
}

void faster_auto_augment()
{
  rw::systems::faster_auto_augment step{
      .network =
          rw::learner{.model = rw::resnet20(shape), .optimizer = rw::sgd{.learning_rate = 1e-3}}};
  const auto operations = rw::soft_operations();
  const auto each = static_cast<std::int64_t>(operations.size());
  plain_learner network{20, shape};
  plain_judge critic{64, 1e-3, 0.0};
  std::vector<torch::Tensor> policy;  // weights, probabilities, magnitudes
  for (int i = 0; i < 3; ++i) policy.push_back(torch::rand({10, 2, each}).requires_grad_());
  torch::optim::Adam of_policy(policy, torch::optim::AdamOptions(1e-3).betas({0.0, 0.999}));
  const auto slot_of = [&](const torch::Tensor& x, std::int64_t slot, const torch::Tensor& choice) {
    const auto of = [&](std::size_t i) {
      return policy[i].select(1, slot).index_select(0, choice);
    };
    const auto u = torch::rand({x.size(0), each}).clamp(1e-6, 1 - 1e-6);
    const auto shares =
        torch::softmax(of(0) / 0.05, 1) *
        torch::sigmoid((torch::logit(u) + torch::logit(of(1).clamp(1e-6, 1 - 1e-6))) / 0.1);
    const auto before = x.detach();
    const auto bytes = (before * 255).round().clamp(0, 255).to(torch::kByte);
    auto sum = x;
    auto slopes = torch::zeros({x.size(0)});
    for (std::int64_t k = 0; k < each; ++k) {
      const auto image =
          plain_operation(operations[static_cast<std::size_t>(k)], bytes).to(torch::kFloat32) / 255;
      const auto share = shares.select(1, k);
      sum = sum + share.view({-1, 1, 1, 1}) * (image - before);
      slopes = slopes + share.detach() * of(2).select(1, k);
    }
    return sum + (slopes - slopes.detach()).view({-1, 1, 1, 1});
  };
  measure("Faster AutoAugment", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    constexpr std::int64_t half = batch_size / 2;
    const auto real = x.narrow(0, 0, half);
    const auto choice = torch::randint(0, 10, {half}, torch::kLong);
    auto made = x.narrow(0, half, half) * 0.25 + 0.5;
    for (std::int64_t slot = 0; slot < 2; ++slot) made = slot_of(made, slot, choice);
    made = (made - 0.5) / 0.25;
    auto& net = *network.network;
    net.train();
    const auto features = net.pooled(torch::cat({real, made.detach()}));
    const auto d = critic(features);
    const auto distance = d.narrow(0, 0, half).mean() - d.narrow(0, half, half).mean();
    net.eval();
    const auto u = torch::rand({half, 1, 1, 1});
    const auto point = (u * real + (1 - u) * made.detach()).requires_grad_();
    const auto slope =
        torch::autograd::grad({critic(net.pooled(point)).sum()}, {point}, {}, true, true)[0];
    const auto penalty = (slope.flatten(1).norm(2, {1}) - 1).square().mean();
    critic.optimizer.zero_grad();
    network.minimize(10 * penalty - distance +
                         torch::cross_entropy_loss(net.head(features.narrow(0, 0, half)),
                                                   labels.narrow(0, 0, half)),
                     1e-3);
    critic.optimizer.step();

    set_learning(net, false);
    set_learning(*critic.layers, false);
    const auto on_made = net.pooled(made);
    of_policy.zero_grad();
    (0.1 * torch::cross_entropy_loss(net.head(on_made), labels.narrow(0, half, half)) -
     critic(on_made).mean())
        .backward();
    of_policy.step();
    set_learning(net, true);
    set_learning(*critic.layers, true);
  });
}

}  // namespace

int main(int argc, char** argv)
{
  if (is_short(argc, argv)) repetitions = 5;
  dada();
  faster_auto_augment();
}
