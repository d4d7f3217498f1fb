// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/multi_head_graph_distillation.hpp>.

#include <rolewise/loss/multi_head_graph_distillation.hpp>

#include <rolewise/core/draws.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

namespace graph {

inline constexpr double epsilon = 1e-5;  // of batch norm
inline constexpr double no_edge = -1e30;

/// `[N, heads E]` as `[heads, N, E]`.
[[nodiscard]] inline torch::Tensor by_head(const torch::Tensor& x, std::int64_t heads)
{
  return x.view({x.size(0), heads, -1}).transpose(0, 1);
}

/// x normalized by the statistics of `of` over the batch.
[[nodiscard]] inline torch::Tensor normalized_by(const torch::Tensor& of, const torch::Tensor& x,
                                                 const torch::Tensor& scale,
                                                 const torch::Tensor& shift)
{
  const auto mean = of.mean(0, true);
  const auto deviation = ((of - mean).square().mean(0, true) + epsilon).sqrt();
  return (x - mean) / deviation * scale + shift;
}

}  // namespace graph

ROLEWISE_INLINE torch::Tensor graph_weights(const torch::Tensor& vectors, const targets& targets,
                                            std::string_view caller)
{
  if (vectors.size(0) < 2)
    throw_invalid_argument(caller, "want at least two examples to relate to each other, got one");
  if (!targets.weights.defined()) return {};
  return weights_for(vectors.detach().select(1, 0), weights_of_examples(targets.weights), caller);
}

ROLEWISE_INLINE void graph_layer::configure(std::int64_t earlier, std::int64_t later,
                                            std::int64_t count, bool trained, seed key,
                                            std::string_view caller)
{
  if (count < 1) throw_invalid_argument(caller, "want at least 1 head, got ", count);
  const auto width = (earlier + later) / 2;
  if (sender->defined()) {
    require_made_for(sender, {count * width, later}, caller);
    return require_made_for(receiver, {count * width, earlier}, caller);
  }
  heads = count;
  learns = trained;
  const auto drawn = [&](const char* what, std::int64_t out, std::int64_t in) {
    auto weight = learned_uniform({out, in}, key.split(purpose{what}),
                                  std::sqrt(6.0 / static_cast<double>(in)));
    weight->set_requires_grad(trained);
    return weight;
  };
  const auto filled = [](double with, std::int64_t size) {
    return owned_tensor{at::full({size}, with, torch::kFloat).set_requires_grad(true)};
  };
  sender = drawn("sender", count * width, later);
  receiver = drawn("receiver", count * width, earlier);
  if (!trained) return;
  for (std::size_t i = 0; i < norms.size(); ++i)
    norms[i] = filled(i % 2 == 0 ? 1.0 : 0.0, count * width);
  value = drawn("value", width, earlier);
  scale = filled(1.0, width);
  shift = filled(0.0, width);
  output = drawn("output", later, count * width);
  offset = filled(0.0, later);
}

ROLEWISE_INLINE torch::Tensor graph_layer::divergence(const singular_pair& before,
                                                      const singular_pair& after,
                                                      const torch::Tensor& weights) const
{
  const auto wide = sender->scalar_type();
  const auto side = [&](const torch::Tensor& of_teacher, const torch::Tensor& x,
                        const owned_tensor& weight, std::size_t norm) {
    const auto w = weight->detach();
    const auto y = at::linear(x.to(wide), w);
    return learns ? graph::normalized_by(at::linear(of_teacher.to(wide), w), y,
                                         norms[norm]->detach(), norms[norm + 1]->detach())
                  : y;
  };
  const auto edges = [&](const torch::Tensor& earlier, const torch::Tensor& later) {
    const auto senders = graph::by_head(side(after.teacher, later, sender, 0), heads);
    const auto receivers = graph::by_head(side(before.teacher, earlier, receiver, 2), heads);
    return senders.matmul(receivers.transpose(1, 2));
  };
  auto of_teacher = edges(before.teacher, after.teacher);
  auto of_student = edges(before.student, after.student);
  if (learns) {
    const auto mean = of_teacher.mean(2, true);
    of_teacher = of_teacher - mean;
    of_student = of_student - mean;
  }
  const auto log_shares = [&](const torch::Tensor& scores) {
    const auto graph = scores.tanh();
    return (weights.defined() ? graph.masked_fill(weights.eq(0), graph::no_edge) : graph)
        .log_softmax(2);
  };
  const auto log_s = log_shares(of_student), log_t = log_shares(of_teacher);
  return (log_s.exp() * (log_s - log_t)).sum(2).sum(0);
}

ROLEWISE_INLINE torch::Tensor graph_layer::estimation(const torch::Tensor& before,
                                                      const torch::Tensor& after,
                                                      const torch::Tensor& kept) const
{
  const auto wide = sender->scalar_type();
  const auto earlier = before.to(wide), later = after.to(wide);
  const auto normed = [&](const torch::Tensor& x, const owned_tensor& gain,
                          const owned_tensor& bias) {
    return graph::normalized_by(x, x, *gain, *bias);
  };
  const auto senders =
      graph::by_head(normed(at::linear(later, *sender), norms[0], norms[1]), heads);
  const auto receivers =
      graph::by_head(normed(at::linear(earlier, *receiver), norms[2], norms[3]), heads);
  const auto shares = senders.matmul(receivers.transpose(1, 2)).softmax(2);
  const auto masked = shares * kept.to(shares.options()).unsqueeze(2);
  // The value of one, the gradient of two: half of the heads are left out on average.
  const auto attention = masked * 2.0 - masked.detach();
  const auto values = normed(at::linear(earlier, *value), scale, shift).relu();
  const auto gathered = attention.matmul(values).transpose(0, 1).flatten(1);
  const auto estimate = directions(at::linear(gathered, *output, *offset));
  return 1.0 - (estimate * later).sum(1);
}

ROLEWISE_INLINE torch::Tensor kept_by_heads(const targets& targets, std::int64_t n,
                                            std::int64_t heads, seed key, std::string_view caller)
{
  require_ids(targets, n, caller);
  const auto on_cpu = targets.ids.cpu().contiguous();
  const auto* const id = on_cpu.const_data_ptr<std::int64_t>();
  const auto noise = at::empty({n, heads}, torch::kFloat);
  auto* out = noise.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < n; ++i) {
    const draws of_example{key, targets.progress.epoch, id[i]};
    for (std::int64_t h = 0; h < heads; ++h)
      *out++ = static_cast<float>(of_example.normal(static_cast<std::uint64_t>(h)));
  }
  return noise.gt(noise.mean(1, true)).t();
}

}  // namespace rolewise::detail
