// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// ResNets for small images: those of the distillation literature, and Role-KD's.

#include <rolewise/network/common_networks.hpp>
#include <rolewise/network/residual_body.hpp>
#include <rolewise/support/inline.hpp>

#include <string>

namespace rolewise {

/// The plan of a ResNet of depth 6n + 2: three stages of n blocks, 16, 32 and 64 channels.
///
/// @throws std::invalid_argument unless the depth is 8, 14, 20, ...
/// @par Source
/// He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385,
/// section 4.2.
/// @par Departs
/// Shortcuts between different shapes are 1x1 convolutions, not zero padding, as is usual in the
/// distillation literature: 278 324 parameters for depth 20 and 100 classes.
[[nodiscard]] ROLEWISE_INLINE residual_plan<> resnet_plan(int depth);

/// The same with four times the channels (twice in the stem).
[[nodiscard]] ROLEWISE_INLINE residual_plan<> resnet_x4_plan(int depth);

/// The plan of Role-KD's networks: four stages of 64, 128, 256 and 512 channels, with
/// TensorFlow's padding, weight initialization and batch norm (decay 0.99, epsilon 1e-3). Depth
/// 18 has two blocks per stage, depth 8 one.
///
/// @throws std::invalid_argument unless the depth is 8 or 18
/// @par Source
/// Role-Wise Data Augmentation for Knowledge Distillation, 2020, arXiv:2004.08861: the networks of
/// its released code.
[[nodiscard]] ROLEWISE_INLINE residual_plan<4> role_kd_plan(int depth);

/// Factory of one kind of residual network, for images of any size and number of channels:
///
///     resnet20(shape)                                   full precision
///     resnet20(shape, {.seed = rolewise::seed{7}})      likewise, other initial weights
///     resnet8(shape, dorefa{}, inner_bits<4>)          low bits
///
/// With a quantizer but no scheme, inner layers have 2 bits.
template<auto Plan, int Depth>
struct residual_factory {
  template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
  [[nodiscard]] auto operator()(const sample_shape& shape, const Q& q = {},
                                const Scheme& scheme = {},
                                const network_options& options = {}) const
  {
    return make_residual_network(Plan(Depth), shape, q, scheme, options);
  }

  [[nodiscard]] auto operator()(const sample_shape& shape, const network_options& options) const
  {
    return make_residual_network(Plan(Depth), shape, no_quantizer{}, full_precision{}, options);
  }
};

// After each: number of learned parameters for 3 channels and 100 classes.
inline constexpr residual_factory<resnet_plan, 8> resnet8{};             ///< 83 892
inline constexpr residual_factory<resnet_plan, 14> resnet14{};           ///< 181 108
inline constexpr residual_factory<resnet_plan, 20> resnet20{};           ///< 278 324
inline constexpr residual_factory<resnet_plan, 32> resnet32{};           ///< 472 756
inline constexpr residual_factory<resnet_plan, 44> resnet44{};           ///< 667 188
inline constexpr residual_factory<resnet_plan, 56> resnet56{};           ///< 861 620
inline constexpr residual_factory<resnet_plan, 110> resnet110{};         ///< 1 736 564
inline constexpr residual_factory<resnet_x4_plan, 8> resnet8x4{};        ///< 1 233 540
inline constexpr residual_factory<resnet_x4_plan, 32> resnet32x4{};      ///< 7 433 860
inline constexpr residual_factory<role_kd_plan, 18> role_kd_resnet18{};  ///< 11 220 132
inline constexpr residual_factory<role_kd_plan, 8> role_kd_resnet8{};    ///< 4 949 412

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/resnet.hpp>
#endif
