// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/unrolled_update.hpp>.

#include <rolewise/train/unrolled_update.hpp>

#include <rolewise/core/autograd.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/backward_to.hpp>

#include <ATen/ops/maximum.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>

namespace rolewise {

namespace detail {

inline void require_one_each(std::string_view who, const std::vector<named_tensor>& parameters,
                             const std::vector<torch::Tensor>& of_them)
{
  if (of_them.size() != parameters.size())
    throw_invalid_argument(who, "want a tensor, or an undefined one, for each of ",
                           parameters.size(), " parameters, got ", of_them.size());
}

}  // namespace detail

ROLEWISE_INLINE std::vector<torch::Tensor> parameter_gradients(
    const std::vector<named_tensor>& parameters, const torch::Tensor& loss)
{
  return detail::backward_to(parameters, loss);
}

ROLEWISE_INLINE void move_along(const std::vector<named_tensor>& parameters,
                                const std::vector<torch::Tensor>& directions, double factor)
{
  detail::require_one_each("move_along", parameters, directions);
  const torch::NoGradGuard without_graph;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (directions[i].defined()) {
      auto moved = parameters[i].value;
      moved.add_(directions[i], factor);
    }
}

ROLEWISE_INLINE torch::Tensor loss_with_gradients(const std::vector<named_tensor>& parameters,
                                                  const std::vector<torch::Tensor>& gradients)
{
  detail::require_one_each("loss_with_gradients", parameters, gradients);
  torch::Tensor total;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (gradients[i].defined()) {
      const auto term = (parameters[i].value * gradients[i].detach()).sum();
      total = total.defined() ? total + term : term;
    }
  return total;
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<torch::Tensor> tensors_of(const outputs& of)
{
  std::vector<torch::Tensor> all{of.logits};
  for (const auto& each : of.features) all.push_back(each.value);
  return all;
}

/// The gradient of a loss for leaves, undefined for those that it does not depend on.
inline std::vector<torch::Tensor> gradients_if_any(const torch::Tensor& loss,
                                                   const std::vector<torch::Tensor>& leaves)
{
  if (!loss.requires_grad()) return std::vector<torch::Tensor>(leaves.size());
  return gradients_of(loss, leaves, false);
}

/// `<d loss / d parameters, v>` with a graph; undefined if the loss depends on no parameter.
inline torch::Tensor along(const std::vector<named_tensor>& parameters, const torch::Tensor& loss,
                           const std::vector<torch::Tensor>& v)
{
  std::vector<torch::Tensor> learned, directions;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (v[i].defined() && parameters[i].value.requires_grad()) {
      learned.push_back(parameters[i].value);
      directions.push_back(v[i]);
    }
  torch::Tensor total;
  if (learned.empty()) return total;
  const auto found = torch::autograd::grad({loss}, learned, {}, true, true, true);
  for (std::size_t i = 0; i < found.size(); ++i)
    if (found[i].defined()) {
      const auto term = (found[i] * directions[i]).sum();
      total = total.defined() ? total + term : term;
    }
  return total;
}

ROLEWISE_INLINE void move_by(const std::vector<named_tensor>& parameters,
                             const std::vector<torch::Tensor>& directions,
                             const torch::Tensor& factor)
{
  const torch::NoGradGuard without_graph;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (directions[i].defined()) {
      auto moved = parameters[i].value;
      moved.add_(directions[i] * factor.to(directions[i].scalar_type()));
    }
}

ROLEWISE_INLINE torch::Tensor distance_for(const std::vector<torch::Tensor>& v)
{
  constexpr double wanted = 0.01, least = 1e-36;
  // By the largest number, as squares leave the range of single precision before |v| does.
  torch::Tensor largest;
  for (const auto& each : v)
    if (each.defined() && each.numel() > 0) {
      const auto own = each.abs().max();
      largest = largest.defined() ? at::maximum(largest, own) : own;
    }
  if (!largest.defined()) return largest;
  largest = largest.clamp_min(least);
  auto squares = at::zeros_like(largest);
  for (const auto& each : v)
    if (each.defined()) squares = squares + (each / largest).square().sum();
  return wanted / (largest * squares.sqrt()).clamp_min(least);
}

ROLEWISE_INLINE std::vector<torch::Tensor> through_update(
    const std::vector<named_tensor>& parameters, const taught_loss& course, const outputs& said,
    const std::vector<torch::Tensor>& v, double rate, unrolling how)
{
  require_one_each("exam_surrogate", parameters, v);
  auto leaf = detached(said);
  for (auto& t : tensors_of(leaf)) t.set_requires_grad(true);
  const auto leaves = tensors_of(leaf);
  if (how == unrolling::exact) {
    const auto loss = course(leaf);
    if (!loss.requires_grad()) return std::vector<torch::Tensor>(leaves.size());
    const auto product = along(parameters, loss, v);
    return product.defined() ? gradients_if_any(product * -rate, leaves)
                             : std::vector<torch::Tensor>(leaves.size());
  }
  const auto distance = distance_for(v);
  if (!distance.defined()) return std::vector<torch::Tensor>(leaves.size());
  move_by(parameters, v, distance);
  const auto above = gradients_if_any(course(leaf), leaves);
  move_by(parameters, v, distance * -2);
  auto found = gradients_if_any(course(leaf), leaves);
  for (std::size_t i = 0; i < found.size(); ++i)
    if (above[i].defined() && found[i].defined())
      found[i] = (above[i] - found[i]) * (-rate / (2 * distance));
    else
      found[i].reset();
  return found;
}

ROLEWISE_INLINE void require_directions(const std::vector<named_tensor>& parameters,
                                        const std::vector<torch::Tensor>& v)
{
  require_one_each("change_along", parameters, v);
  if (std::none_of(v.begin(), v.end(), [](const auto& each) { return each.defined(); }))
    throw_invalid_argument("change_along",
                           "got no gradient of the exam for any parameter, so that nothing of the "
                           "model counts there; want that of a loss that depends on it");
}

ROLEWISE_INLINE void require_graph(const outputs& said)
{
  const auto all = tensors_of(said);
  if (std::none_of(all.begin(), all.end(),
                   [](const auto& t) { return t.defined() && t.requires_grad(); }))
    throw_invalid_argument("exam_surrogate",
                           "the teacher's outputs have no graph, so that the exam would teach it "
                           "nothing; want those of a teacher that learns, with gradients enabled");
}

ROLEWISE_INLINE torch::Tensor taught_by(const outputs& said,
                                        const std::vector<torch::Tensor>& gradients)
{
  const auto all = tensors_of(said);
  torch::Tensor total;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (gradients[i].defined() && all[i].requires_grad()) {
      const auto term = (all[i] * gradients[i].detach()).sum();
      total = total.defined() ? total + term : term;
    }
  if (!total.defined())
    throw_invalid_argument("exam_surrogate",
                           "the course's gradient does not depend on the teacher's outputs, so "
                           "that the exam would teach it nothing; want a loss that does not detach "
                           "them, such as two_sided_kl{}");
  return total;
}

}  // namespace rolewise::detail
