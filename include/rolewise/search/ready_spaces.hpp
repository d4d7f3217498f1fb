// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Ready-made search spaces for the hyperparameters of distillation.

#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <utility>
#include <vector>

namespace rolewise::search {

/// A logarithmic dimension for a learning rate, `learning_rate`.
[[nodiscard]] inline search_space learning_rate_space(double low = 1e-4, double high = 1e-1,
                                                      std::string name = "learning_rate")
{
  return search_space{{std::move(name), real_interval{low, high, spacing::logarithmic}}};
}

/// A logarithmic dimension for the temperature of soft targets, `temperature`; the default is the
/// range that its source tried.
/// @par Source
/// Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015, arXiv 1503.02531,
/// section 3.
[[nodiscard]] inline search_space temperature_space(double low = 1.0, double high = 20.0,
                                                    std::string name = "temperature")
{
  return search_space{{std::move(name), real_interval{low, high, spacing::logarithmic}}};
}

/// A logarithmic dimension for the weight of each term of a loss, `weight.<term>`.
[[nodiscard]] ROLEWISE_INLINE search_space loss_weight_space(const std::vector<std::string>& terms,
                                                             double low = 1e-2, double high = 1e2);

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/ready_spaces.hpp>
#endif
