// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The relaxed Bernoulli distribution: a coin whose probability has a gradient.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// Draws from relaxed Bernoulli distributions: sigmoid((log u - log(1 - u) + logit) / temperature).
///
/// It is above 1/2 with probability sigmoid(logit), and nearly 0 or 1 at low temperatures. Equal u
/// give equal draws; `uniform_draws` makes u that depend on seed, epoch and id.
///
/// @param logit of the probability, floating point; broadcast against u
/// @param u uniform in [0, 1], floating point; 0 and 1 give draws of 0 and 1 without a gradient
/// @param temperature above 0; 0.05 is usual for gates
/// @return in the dtype and on the device of `logit`
/// @par Gradients
/// To `logit`: g (1 - g) / temperature for a draw g. None to u.
/// @throws std::invalid_argument for tensors that are not floating point, and another temperature
/// @par Source
/// Maddison, Mnih, Teh: The Concrete Distribution: A Continuous Relaxation of Discrete Random
/// Variables, 2016, arXiv:1611.00712, appendix B.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor relaxed_bernoulli(const torch::Tensor& logit,
                                                              const torch::Tensor& u,
                                                              double temperature = 0.05);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/relaxed_bernoulli.hpp>
#endif
