// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/bottleneck_projector.hpp>.

#include <rolewise/network/bottleneck_projector.hpp>

#include <rolewise/support/error.hpp>

#include <string>

namespace rolewise {

namespace detail {

[[nodiscard]] ROLEWISE_INLINE const bottleneck_shape& checked_shape(const bottleneck_shape& shape)
{
  if (shape.in < 1 || shape.out < 1 || shape.reduction < 1 || shape.middle() < 1)
    throw_invalid_argument("bottleneck_projector", "want channels and a reduction above 0, and ",
                           "at least as many channels as the reduction, got ", shape.in, " to ",
                           shape.out, " channels and a reduction of ", shape.reduction);
  return shape;
}

[[nodiscard]] ROLEWISE_INLINE convolution<no_quantizer> projecting(int number, std::int64_t in,
                                                                   std::int64_t out,
                                                                   std::int64_t kernel, seed key)
{
  return {no_quantizer{},
          planned_layer{.place = {.name = "convolution" + std::to_string(number)}, .widths = {}},
          {.in = in, .out = out, .kernel = kernel},
          weight_init{.seed = key, .convolution = conv_init::uniform_fan_in}};
}

}  // namespace detail

ROLEWISE_INLINE bottleneck_projector::bottleneck_projector(const bottleneck_shape& shape, seed key)
    : shape_{detail::checked_shape(shape)},
      convolution1_{detail::projecting(1, shape.in, shape.middle(), 1, key)},
      convolution2_{detail::projecting(2, shape.middle(), shape.middle(), 3, key)},
      convolution3_{detail::projecting(3, shape.middle(), shape.out, 1, key)},
      batch_norm1_{shape.middle()},
      batch_norm2_{shape.middle()},
      batch_norm3_{shape.out}
{}

ROLEWISE_INLINE bottleneck_projector::bottleneck_projector(const bottleneck_projector& other)
    : layered{other},
      shape_{other.shape_},
      convolution1_{other.convolution1_},
      convolution2_{other.convolution2_},
      convolution3_{other.convolution3_},
      batch_norm1_{other.batch_norm1_},
      batch_norm2_{other.batch_norm2_},
      batch_norm3_{other.batch_norm3_}
{
  detach_from_original();
}

ROLEWISE_INLINE bottleneck_projector& bottleneck_projector::operator=(
    const bottleneck_projector& other)
{
  if (this != &other) {
    auto copy = other;
    *this = std::move(copy);
  }
  return *this;
}

ROLEWISE_INLINE torch::Tensor bottleneck_projector::operator()(const torch::Tensor& maps,
                                                               phase when)
{
  if (!maps.defined() || maps.dim() != 4 || !maps.is_floating_point() || maps.size(1) != shape_.in)
    throw_invalid_argument(
        "bottleneck_projector", "want maps [N, ", shape_.in, ", H, W], floating point, got ",
        maps.defined() ? detail::classic_text(maps.sizes()) : std::string{"an undefined tensor"});
  auto x = maps.to(torch::kFloat);
  x = convolution1_.normalized(x, batch_norm1_, when).rectified();
  x = convolution2_.normalized(x, batch_norm2_, when).rectified();
  return convolution3_.normalized(x, batch_norm3_, when).rectified();
}

ROLEWISE_INLINE void bottleneck_projector::to(torch::Device device)
{
  for_each_tensor(*this, [&](const std::string&, torch::Tensor& t, tensor_kind) {
    t = t.detach().to(device).set_requires_grad(t.requires_grad());
  });
}

ROLEWISE_INLINE void bottleneck_projector::detach_from_original()
{
  for_each_tensor(*this, [](const std::string&, torch::Tensor& t, tensor_kind) {
    t = t.detach().clone().set_requires_grad(t.requires_grad());
  });
}

}  // namespace rolewise
