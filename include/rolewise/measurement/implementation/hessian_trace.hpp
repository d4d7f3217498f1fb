// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/measurement/hessian_trace.hpp>.

#include <rolewise/measurement/hessian_trace.hpp>

#include <rolewise/core/autograd.hpp>

namespace rolewise::measurement::detail {

ROLEWISE_INLINE std::vector<torch::Tensor> gradients_with_graph(
    const torch::Tensor& value, const std::vector<torch::Tensor>& of)
{
  return torch::autograd::grad({value}, of, {}, true, true, true);
}

ROLEWISE_INLINE std::vector<double> quadratic_forms(const std::vector<torch::Tensor>& slopes,
                                                    const std::vector<torch::Tensor>& of,
                                                    const std::vector<torch::Tensor>& signs)
{
  std::vector<torch::Tensor> roots, along;
  for (std::size_t i = 0; i < of.size(); ++i) {
    if (!slopes[i].defined() || !slopes[i].requires_grad()) continue;
    roots.push_back(slopes[i]);
    along.push_back(signs[i]);
  }
  std::vector<double> forms(of.size(), 0.0);
  if (roots.empty()) return forms;
  const auto products = torch::autograd::grad(roots, of, along, true, false, true);
  for (std::size_t i = 0; i < of.size(); ++i)
    if (products[i].defined())
      forms[i] = (products[i] * signs[i]).sum(torch::kDouble).template item<double>();
  return forms;
}

ROLEWISE_INLINE torch::Tensor drawn_signs(const torch::Tensor& like, seed key, std::int64_t draw)
{
  const auto uniform =
      uniform_draws(key, draw, at::zeros({1}, torch::kLong), like.numel()).view(like.sizes());
  return uniform.ge(0.5).to(like.scalar_type()).mul_(2).sub_(1).to(like.device());
}

ROLEWISE_INLINE std::pair<std::vector<torch::Tensor>, std::vector<std::size_t>> apart(
    const std::vector<torch::Tensor>& tensors)
{
  std::vector<torch::Tensor> once;
  std::vector<std::size_t> places;
  for (const auto& each : tensors) {
    const auto found =
        std::ranges::find_if(once, [&](const torch::Tensor& known) { return known.is_same(each); });
    places.push_back(static_cast<std::size_t>(found - once.begin()));
    if (found == once.end()) once.push_back(each);
  }
  return {std::move(once), std::move(places)};
}

}  // namespace rolewise::measurement::detail
