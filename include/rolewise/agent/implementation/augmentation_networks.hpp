// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/augmentation_networks.hpp>.

#include <rolewise/agent/augmentation_networks.hpp>

#include <rolewise/core/relaxed_bernoulli.hpp>
#include <rolewise/network/weight_init.hpp>

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/leaky_relu.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace rolewise::detail {

inline constexpr double slope_of_leaky_units = 0.2;

/// He's first weights for a leaky slope a, by the outputs: the initializer's are for a = 0.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor leaky_weights(std::string_view layer, std::int64_t out,
                                                          std::int64_t in, seed key)
{
  const auto of_relu = weight_init{.seed = key}.of_convolution(layer, out, in, 1);
  return (of_relu / std::sqrt(1.0 + slope_of_leaky_units * slope_of_leaky_units)).contiguous();
}

[[nodiscard]] ROLEWISE_INLINE owned_tensor learned_leaf(torch::Tensor t)
{
  return owned_tensor{t.contiguous().set_requires_grad(true)};
}

/// LeakyReLU, then dropout of units, or of whole channels of images.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor leaky_and_dropped(const torch::Tensor& x,
                                                              const torch::Tensor& units,
                                                              double rate)
{
  const auto kept = units.ge(rate).to(x.scalar_type()) / (1.0 - rate);
  const auto shaped = x.dim() == 4 ? kept.view({x.size(0), x.size(1), 1, 1}) : kept;
  return at::leaky_relu(x, slope_of_leaky_units) * shaped;
}

/// A logit for each image from those of the classes, or from the only one.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor gate_logits_of(const torch::Tensor& gate,
                                                           const torch::Tensor& context)
{
  return context.size(1) == 0 ? gate.expand({context.size(0)}) : context.matmul(gate);
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE torch::Tensor batch_statistics_norm::operator()(const torch::Tensor& x) const
{
  return at::batch_norm(x, *weight, *bias, {}, {}, true, 0.0, epsilon, false);
}

ROLEWISE_INLINE noise_path::noise_path(std::string_view name, std::int64_t classes,
                                       std::int64_t outputs, seed key)
{
  constexpr auto width = network_draws::path_width;
  const auto weights = [&](std::string_view layer, std::int64_t in) {
    const auto whole = std::string{name} + "." + std::string{layer};
    return detail::learned_leaf(detail::leaky_weights(whole, width, in, key).view({width, in}));
  };
  first_ = weights("first", classes + network_draws::noise_size);
  second_ = weights("second", width);
  last_ = detail::learned_leaf(at::zeros({outputs, width}));
}

ROLEWISE_INLINE torch::Tensor noise_path::operator()(const torch::Tensor& context,
                                                     const torch::Tensor& noise,
                                                     const torch::Tensor& units,
                                                     double dropout) const
{
  constexpr auto width = network_draws::path_width;
  const auto in = at::cat({context, noise}, 1);
  const auto first = detail::leaky_and_dropped(first_norm_(in.matmul(first_->t())),
                                               units.narrow(1, 0, width), dropout);
  const auto second = detail::leaky_and_dropped(second_norm_(first.matmul(second_->t())),
                                                units.narrow(1, width, width), dropout);
  return second.matmul(last_->t());
}

ROLEWISE_INLINE color_network::color_network(std::int64_t channels, std::int64_t classes, seed key)
    : image_{"color.image", classes, 2, key}
{
  constexpr auto width = network_draws::pixel_width;
  pixels_ = detail::learned_leaf(detail::leaky_weights("color.pixels", width, channels, key));
  if (classes > 0)
    classes_ = detail::learned_leaf(
        detail::leaky_weights("color.classes", width, classes, key).view({width, classes}));
  second_ = detail::learned_leaf(detail::leaky_weights("color.second", width, width, key));
  last_ = detail::learned_leaf(at::zeros({2 * channels, width, 1, 1}));
  gate_ = detail::learned_leaf(at::zeros({std::max<std::int64_t>(classes, 1)}));
}

ROLEWISE_INLINE color_network::change color_network::operator()(const torch::Tensor& images,
                                                                const torch::Tensor& context,
                                                                const network_draws& drawn) const
{
  constexpr auto width = network_draws::pixel_width;
  const auto count = images.size(0), channels = images.size(1);
  auto x = at::conv2d(images, *pixels_);
  if (classes_->defined()) x = x + context.matmul(classes_->t()).view({count, width, 1, 1});
  x = detail::leaky_and_dropped(first_norm_(x), drawn.pixel_units.narrow(1, 0, width),
                                drawn.dropout);
  x = detail::leaky_and_dropped(second_norm_(at::conv2d(x, *second_)),
                                drawn.pixel_units.narrow(1, width, width), drawn.dropout);
  const auto pixel = at::conv2d(x, *last_).view({count, 2, channels, images.size(2), -1});
  const auto image = image_(context, drawn.noise, drawn.color_units, drawn.dropout);
  const auto both = (pixel + image.view({count, 2, 1, 1, 1})).sigmoid() - 0.5;
  return {.scale = both.select(1, 0) * range_of_scale + 1.0,
          .shift = both.select(1, 1),
          .gate = relaxed_bernoulli(detail::gate_logits_of(*gate_, context), drawn.color_gate,
                                    drawn.temperature)};
}

ROLEWISE_INLINE geometry_network::geometry_network(std::int64_t classes, seed key)
    : image_{"geometry.image", classes, 6, key},
      gate_{detail::learned_leaf(at::zeros({std::max<std::int64_t>(classes, 1)}))}
{}

ROLEWISE_INLINE torch::Tensor geometry_network::operator()(const torch::Tensor& context,
                                                           const network_draws& drawn) const
{
  const auto raw = image_(context, drawn.noise, drawn.geometry_units, drawn.dropout);
  const auto gate = relaxed_bernoulli(detail::gate_logits_of(*gate_, context), drawn.geometry_gate,
                                      drawn.temperature);
  const auto moved = (raw.sigmoid() - 0.5) * range * gate.unsqueeze(1);
  return moved.view({-1, 2, 3}) + at::eye(2, 3, raw.options().requires_grad(false));
}

}  // namespace rolewise
