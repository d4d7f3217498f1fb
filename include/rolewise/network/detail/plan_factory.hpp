// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Factory of the networks of one plan.

#include <rolewise/network/layer_plan.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/network/network_options.hpp>

#include <utility>

namespace rolewise::detail {

/// Makes a network from its plan.
/// @tparam Body `Body<Q, Scheme>`, an `image_body`
/// @return `network<Body<Q, Scheme>>`
template<template<Quantizer, BitWidthScheme> typename Body, typename Plan, typename Q,
         typename Scheme>
[[nodiscard]] auto network_of(Plan plan, const sample_shape& shape, const Q& q,
                              const Scheme& scheme, const network_options& options)
{
  must_make_a_network<Q, Scheme>();
  using body = Body<Q, Scheme>;
  return network<body>{body{std::move(plan), shape, q, scheme, options}};
}

/// The factory of a network: `f(shape)` in full precision, `f(shape, quantizer, scheme, options)`
/// with a quantizer. With a quantizer but no scheme, inner layers have 2 bits.
/// @tparam Plan whose default is the plan of the network
template<template<Quantizer, BitWidthScheme> typename Body, typename Plan>
struct plan_factory {
  template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
  [[nodiscard]] auto operator()(const sample_shape& shape, const Q& q = {},
                                const Scheme& scheme = {},
                                const network_options& options = {}) const
  {
    return network_of<Body>(Plan{}, shape, q, scheme, options);
  }

  [[nodiscard]] auto operator()(const sample_shape& shape, const network_options& options) const
  {
    return network_of<Body>(Plan{}, shape, no_quantizer{}, full_precision{}, options);
  }
};

}  // namespace rolewise::detail
