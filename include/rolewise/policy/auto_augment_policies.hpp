// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The published AutoAugment policies for CIFAR-10, ImageNet and SVHN.

#include <rolewise/policy/operation.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/support/inline.hpp>

#include <vector>

/// The policies of AutoAugment, 25 sub-policies each: the five of each of the five best policies
/// of a search. Invert, equalize and autocontrast have a magnitude level too, which is not read.
/// A sub-policy that the paper lists twice is listed twice and drawn twice as often.
///
/// Four implementations agree with each table entry by entry: tensorflow/models
/// (official/vision/ops/augment.py), DeepVoltaire/AutoAugment, torchvision and kornia, the last
/// two without the levels that are not read; for ImageNet timm does too. Other lists have the
/// same names: the authors' code for CIFAR-10 (tensorflow/models,
/// research/autoaugment/policies.py) draws from 95 sub-policies, among them 20 of the 25 here,
/// and tensorflow/tpu (efficientnet) draws from 25 others for ImageNet, with an operation
/// `SolarizeAdd`.
///
/// @par Source
/// Cubuk, Zoph, Mané, Vasudevan, Le: AutoAugment: learning augmentation policies from data, 2018,
/// arXiv 1805.09501, appendix.
namespace rolewise::auto_augment_policies {

/// The policy searched on a subset of CIFAR-10.
[[nodiscard]] ROLEWISE_INLINE std::vector<sub_policy> cifar10();

/// The policy searched on a subset of ImageNet.
[[nodiscard]] ROLEWISE_INLINE std::vector<sub_policy> imagenet();

/// The policy searched on a subset of Street View House Numbers.
[[nodiscard]] ROLEWISE_INLINE std::vector<sub_policy> svhn();

}  // namespace rolewise::auto_augment_policies

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/policy/implementation/auto_augment_policies.hpp>
#endif
