// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// ResNets of four stages: ResNet-18, -34, -50, -101 and -152 for ImageNet, and with a first layer
/// for small images.

#include <rolewise/network/residual_body.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/support/inline.hpp>

#include <string>

namespace rolewise {

/// The architecture of a residual network of four stages of bottlenecks.
using bottleneck_plan = residual_plan<4, residual_form::bottleneck>;

/// The plan of ResNet-18 or -34: a 7x7 convolution of stride 2 to 64 channels and 3x3 max pooling
/// of stride 2; four stages of 64, 128, 256 and 512 channels with 2, 2, 2, 2 or 3, 4, 6, 3 blocks.
///
/// @throws std::invalid_argument unless the depth is 18 or 34
/// @par Source
/// He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385, table
/// 1. Shortcuts are projections where shapes differ ("B"); initial weights as in torchvision, but
/// for the seed.
[[nodiscard]] ROLEWISE_INLINE residual_plan<4> imagenet_resnet_plan(int depth);

/// The plan of ResNet-50, -101 or -152: the same with bottlenecks of 256, 512, 1024 and 2048
/// channels (the stride is that of the 3x3 convolution: see `residual_block`), 3, 4, 6 or 23 or 36,
/// and 3 of them; 8 in the second stage of ResNet-152.
///
/// @throws std::invalid_argument unless the depth is 50, 101 or 152
[[nodiscard]] ROLEWISE_INLINE bottleneck_plan imagenet_bottleneck_plan(int depth);

/// The plan of ResNet-18 or -34 for small images: a 3x3 convolution to 64 channels without pooling
/// instead of the first layers for ImageNet.
///
/// @throws std::invalid_argument unless the depth is 18 or 34
/// @par Source
/// Tian, Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699, released
/// code.
[[nodiscard]] ROLEWISE_INLINE residual_plan<4> cifar_resnet_plan(int depth);

/// The plan of ResNet-50, -101 or -152 for small images, likewise.
///
/// @throws std::invalid_argument unless the depth is 50, 101 or 152
[[nodiscard]] ROLEWISE_INLINE bottleneck_plan cifar_bottleneck_plan(int depth);

// After each: number of learned parameters for 3 channels and 1000 classes.
inline constexpr residual_factory<imagenet_resnet_plan, 18> imagenet_resnet18{};  ///< 11 689 512
inline constexpr residual_factory<imagenet_resnet_plan, 34> imagenet_resnet34{};  ///< 21 797 672
inline constexpr residual_factory<imagenet_bottleneck_plan, 50>
    imagenet_resnet50{};  ///< 25 557 032
/// 44 549 160
inline constexpr residual_factory<imagenet_bottleneck_plan, 101> imagenet_resnet101{};
/// 60 192 808
inline constexpr residual_factory<imagenet_bottleneck_plan, 152> imagenet_resnet152{};

// After each: the same for 100 classes.
inline constexpr residual_factory<cifar_resnet_plan, 18> cifar_resnet18{};      ///< 11 220 132
inline constexpr residual_factory<cifar_resnet_plan, 34> cifar_resnet34{};      ///< 21 328 292
inline constexpr residual_factory<cifar_bottleneck_plan, 50> cifar_resnet50{};  ///< 23 705 252

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/imagenet_resnet.hpp>
#endif
