// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// ResNets for small images, as the distillation field uses them, and Role-KD's.

#include <rolewise/network/residual_body.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace rolewise {

/// Depth 6n + 2: three stages of n blocks, 16, 32 and 64 channels.
///
/// @throws std::invalid_argument unless the depth is 8, 14, 20, ...
/// @par Source
/// He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385,
/// section 4.2.
/// @par Departs
/// Shortcuts between shapes are 1x1 convolutions, not zero padding, as in the distillation field's
/// networks: 278 324 parameters for depth 20 and 100 classes.
[[nodiscard]] inline residual_plan resnet_plan(int depth)
{
  if (depth < 8 || (depth - 2) % 6 != 0)
    refuse("resnet", "want a depth of 6n + 2 (8, 14, 20, ...), got ", depth);
  return {.name = "resnet" + std::to_string(depth), .blocks = (depth - 2) / 6};
}

/// The same with four times the channels (twice in the stem).
[[nodiscard]] inline residual_plan resnet_x4_plan(int depth)
{
  auto plan = resnet_plan(depth);
  plan.name += "x4";
  plan.stem = 32;
  plan.widths = {64, 128, 256};
  return plan;
}

/// Role-KD's networks: four stages of 64, 128, 256 and 512 channels, TensorFlow's padding, first
/// weights and batch norm (decay 0.99, epsilon 1e-3).
///
/// @par Source
/// Role-Wise Data Augmentation for Knowledge Distillation, 2020, arXiv:2004.08861: the networks of
/// its released code.
[[nodiscard]] inline residual_plan role_kd_plan(std::string name, std::int64_t blocks)
{
  return {.name = std::move(name),
          .stem = 64,
          .widths = {64, 128, 256, 512},
          .blocks = blocks,
          .padding = padding_rule::same,
          .normalisation = {.momentum = 0.01, .epsilon = 1e-3},
          .convolutions = convolution_start::variance_scaling_fan_in,
          .classifier = linear_start::xavier_zero_bias};
}

/// A network from its plan, for images of any size and number of channels. Without a scheme a
/// quantizer works with 2 bits inside.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> make_residual_network(residual_plan plan,
                                                                const sample_shape& shape,
                                                                const Q& q = {},
                                                                const Scheme& scheme = {},
                                                                const network_options& options = {})
{
  return residual_network<Q, Scheme>{
      residual_body<Q, Scheme>{std::move(plan), shape, q, scheme, options}};
}

/// 83 892 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet8(const sample_shape& shape, const Q& q = {},
                                                  const Scheme& scheme = {},
                                                  const network_options& options = {})
{
  return make_residual_network(resnet_plan(8), shape, q, scheme, options);
}

/// 181 108 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet14(const sample_shape& shape, const Q& q = {},
                                                   const Scheme& scheme = {},
                                                   const network_options& options = {})
{
  return make_residual_network(resnet_plan(14), shape, q, scheme, options);
}

/// 278 324 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet20(const sample_shape& shape, const Q& q = {},
                                                   const Scheme& scheme = {},
                                                   const network_options& options = {})
{
  return make_residual_network(resnet_plan(20), shape, q, scheme, options);
}

/// 472 756 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet32(const sample_shape& shape, const Q& q = {},
                                                   const Scheme& scheme = {},
                                                   const network_options& options = {})
{
  return make_residual_network(resnet_plan(32), shape, q, scheme, options);
}

/// 667 188 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet44(const sample_shape& shape, const Q& q = {},
                                                   const Scheme& scheme = {},
                                                   const network_options& options = {})
{
  return make_residual_network(resnet_plan(44), shape, q, scheme, options);
}

/// 861 620 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet56(const sample_shape& shape, const Q& q = {},
                                                   const Scheme& scheme = {},
                                                   const network_options& options = {})
{
  return make_residual_network(resnet_plan(56), shape, q, scheme, options);
}

/// 1 736 564 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet110(const sample_shape& shape, const Q& q = {},
                                                    const Scheme& scheme = {},
                                                    const network_options& options = {})
{
  return make_residual_network(resnet_plan(110), shape, q, scheme, options);
}

/// 1 233 540 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet8x4(const sample_shape& shape, const Q& q = {},
                                                    const Scheme& scheme = {},
                                                    const network_options& options = {})
{
  return make_residual_network(resnet_x4_plan(8), shape, q, scheme, options);
}

/// 7 433 860 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> resnet32x4(const sample_shape& shape, const Q& q = {},
                                                     const Scheme& scheme = {},
                                                     const network_options& options = {})
{
  return make_residual_network(resnet_x4_plan(32), shape, q, scheme, options);
}

/// 11 220 132 parameters for 3 channels and 100 classes.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> role_kd_resnet18(const sample_shape& shape,
                                                           const Q& q = {},
                                                           const Scheme& scheme = {},
                                                           const network_options& options = {})
{
  return make_residual_network(role_kd_plan("role_kd_resnet18", 2), shape, q, scheme, options);
}

/// 4 949 412 parameters for 3 channels and 100 classes: not the resnet8 of the field.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
[[nodiscard]] residual_network<Q, Scheme> role_kd_resnet8(const sample_shape& shape,
                                                          const Q& q = {},
                                                          const Scheme& scheme = {},
                                                          const network_options& options = {})
{
  return make_residual_network(role_kd_plan("role_kd_resnet8", 1), shape, q, scheme, options);
}

}  // namespace rolewise
