// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reference networks in plain tensor operations: what they share, and comparisons with networks.

#include "support/doctest.hpp"

#include <rolewise/network/network.hpp>

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rolewise::tests {

/// The sizes of several tensors.
using shapes = std::vector<std::vector<std::int64_t>>;

/// Normal inputs of label 0.
inline batch images(const sample_shape& shape, std::int64_t count, std::uint64_t seed = 0)
{
  torch::manual_seed(seed);
  return {torch::randn({count, shape.channels, shape.height, shape.width}),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {}};
}

/// A network's tensors by name.
template<typename Network>
std::map<std::string, torch::Tensor> tensors_of(const Network& n)
{
  std::map<std::string, torch::Tensor> all;
  for (const auto& t : n.parameters()) all[t.name] = t.value;
  for (const auto& t : n.buffers()) all[t.name] = t.value;
  return all;
}

/// Tensors of a reference network, whose inner layers have DoReFa's fake-quantized values; 32 bits
/// leave tensors unchanged.
struct reference_layers {
  std::map<std::string, torch::Tensor> t;
  int bits = 32;
  bool training = false;

  torch::Tensor quantize(const torch::Tensor& x) const
  {
    if (bits == 32) return x;
    const double n = std::exp2(bits) - 1;
    const auto clipped = x.clamp(0, 1);
    return clipped + ((clipped * n).round() / n - clipped).detach();
  }
  torch::Tensor weight(const std::string& name, bool is_first = false) const
  {
    const auto w = t.at(name + ".weight");
    if (bits == 32 || is_first) return w;
    const double n = std::exp2(bits) - 1;
    const auto u = w.tanh() / (2 * w.tanh().abs().max()) + 0.5;
    return 2 * (u + ((u * n).round() / n - u).detach()) - 1;
  }
};

/// Compares logits and gradients in training with those of a reference on the same tensors.
template<typename Network, typename Reference>
void check_training(Network& n, const batch& examples, const Reference& reference)
{
  const auto expected = reference(examples.inputs);
  const auto direction = torch::randn_like(expected);
  (expected * direction).sum().backward();
  std::map<std::string, torch::Tensor> gradients;
  for (const auto& p : n.parameters()) {
    gradients[p.name] = p.value.grad().clone();
    p.value.mutable_grad().zero_();
  }
  const auto found = n.forward(examples).logits;
  CHECK(torch::allclose(found, expected, 1e-9, 1e-9));
  (found * direction).sum().backward();
  for (const auto& p : n.parameters())
    CHECK_MESSAGE(torch::allclose(p.value.grad(), gradients[p.name], 1e-7, 1e-9), p.name);
}

}  // namespace rolewise::tests
