// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Wide residual networks.

#include <rolewise/network/residual_body.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>

namespace rolewise {

/// The architecture of a residual network of three stages of pre-activation blocks.
using wide_residual_plan = residual_plan<3, residual_form::pre_activation>;

/// The body of a wide residual network.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
using wide_residual_body = residual_body<Q, Scheme, wide_residual_plan>;

static_assert(NetworkBody<wide_residual_body<>>);

/// The plan of a wide residual network WRN-d-k of depth d = 6n + 4 and widening factor k: a 3x3
/// convolution to 16 channels without batch norm; three stages of n pre-activation blocks with 16k,
/// 32k and 64k channels, strides 1, 2, 2; BN, ReLU, global average pooling, linear classifier.
///
/// @throws std::invalid_argument unless the depth is 10, 16, 22, ... and the widening above 0
/// @par Source
/// Zagoruyko, Komodakis: Wide Residual Networks, 2016, arXiv:1605.07146. Without dropout.
[[nodiscard]] ROLEWISE_INLINE wide_residual_plan wide_resnet_plan(int depth, int widening);

/// Makes a WRN-depth-widening for images of any size and number of channels. With a quantizer but
/// no scheme, inner layers have 2 bits. `wide_resnet(16, 2, shape)` has 703 284 parameters for 3
/// channels and 100 classes.
/// @return `network<wide_residual_body<Q, Scheme>>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
[[nodiscard]] auto wide_resnet(int depth, int widening, const sample_shape& shape, const Q& q = {},
                               const Scheme& scheme = {}, const network_options& options = {})
{
  return make_residual_network(wide_resnet_plan(depth, widening), shape, q, scheme, options);
}

/// The same in full precision, with options.
[[nodiscard]] inline network<wide_residual_body<no_quantizer, full_precision>> wide_resnet(
    int depth, int widening, const sample_shape& shape, const network_options& options)
{
  return wide_resnet(depth, widening, shape, no_quantizer{}, full_precision{}, options);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/wide_resnet.hpp>
#endif
