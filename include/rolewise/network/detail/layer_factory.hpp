// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Construction of the layers of one network by name.

#include <rolewise/network/convolution.hpp>
#include <rolewise/network/embedding.hpp>
#include <rolewise/network/linear.hpp>

#include <cstdint>
#include <string>

namespace rolewise::detail {

/// Makes the layers of one network: quantizer, plan, initial weights and batch norm options are the
/// same for all of them.
template<Quantizer Q>
struct layer_factory {
  const Q& quantizer;
  const layer_plan& plan;
  weight_init start;
  batch_norm_options normalization;

  [[nodiscard]] rolewise::convolution<Q> convolution(
      const std::string& name, const convolution_shape& shape,
      layer_kind kind = layer_kind::convolution) const
  {
    return {quantizer, plan.at(name, kind), shape, start};
  }
  [[nodiscard]] rolewise::linear<Q> linear(const std::string& name, std::int64_t in,
                                           std::int64_t out,
                                           layer_input input = layer_input::rectified) const
  {
    return {quantizer, plan.at(name, layer_kind::linear, input), in, out, start};
  }
  [[nodiscard]] rolewise::embedding embedding(const std::string& name, std::int64_t count,
                                              std::int64_t width) const
  {
    return rolewise::embedding{start.of_embedding(name, count, width)};
  }
  /// @param into name of the convolution that reads it
  [[nodiscard]] rolewise::activation<Q> activation(const std::string& into,
                                                   layer_kind kind = layer_kind::convolution) const
  {
    return {quantizer, plan.at(into, kind)};
  }
  [[nodiscard]] rolewise::batch_norm batch_norm(std::int64_t channels) const
  {
    return rolewise::batch_norm{channels, normalization};
  }
};

}  // namespace rolewise::detail
