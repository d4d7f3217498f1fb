// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Draws of a class whose probabilities have gradients: the relaxed categorical distribution, and
/// the RELAX estimator.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

namespace rolewise {

/// Draws from relaxed categorical distributions (Gumbel-softmax):
/// softmax((logits - log(-log u)) / temperature).
///
/// The largest component is class k with probability softmax(logits)[k], and nearly 1 at low
/// temperatures. Equal u give equal draws; `uniform_draws` makes u that depend on seed, epoch and
/// id.
///
/// @param logits `[..., K]`, floating point; broadcast against u
/// @param u `[..., K]`, uniform in [0, 1), floating point; 0 counts as 2^-25
/// @param temperature above 0
/// @return in the dtype and on the device of `logits`
/// @par Gradients
/// To the logits; none to u.
/// @throws std::invalid_argument for tensors that are not floating point, and another temperature
/// @par Source
/// Maddison, Mnih, Teh: The Concrete Distribution: A Continuous Relaxation of Discrete Random
/// Variables, 2016, arXiv:1611.00712; Jang, Gu, Poole: Categorical Reparameterization with
/// Gumbel-Softmax, 2016, arXiv:1611.01144.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor relaxed_categorical(const torch::Tensor& logits,
                                                                const torch::Tensor& u,
                                                                double temperature);

/// Draws of one class for each of N examples, with what `relax_gradient` needs of them.
struct categorical_draw {
  torch::Tensor logits;       ///< `[N, K]`, as given
  torch::Tensor choice;       ///< `[N]` int64
  torch::Tensor relaxed;      ///< z, `[N, K]`: log softmax(logits) + Gumbel noise; largest at the
                              ///< choice
  torch::Tensor conditional;  ///< `[N, K]`: z drawn again, given the choice
};

/// Draws a class by softmax(logits) for each example.
/// @param logits `[N, K]`, floating point
/// @param u, v `[N, K]`, uniform in [0, 1), floating point; 0 counts as 2^-25
/// @throws std::invalid_argument for other tensors
[[nodiscard]] ROLEWISE_INLINE categorical_draw draw_categorical(const torch::Tensor& logits,
                                                                const torch::Tensor& u,
                                                                const torch::Tensor& v);

/// The RELAX estimator: an unbiased gradient of the mean of f(choice) for the logits, of low
/// variance if the control c is like f.
///
///     g = (f - c(conditional)) d log p(choice) + d c(relaxed) - d c(conditional)
///
/// With c = 0 it is the score-function estimator (REINFORCE).
///
/// @param f `[N]`, what the choices cost; no gradient reaches it
/// @param of_relaxed, of_conditional `[N]`: c of both members of the draw, with the graph, or
///        without one: a constant. c may have parameters: the result has a graph to them, and
///        `square().mean()` of it is what they learn to lower
/// @return `[N, K]`, the estimates of each example
/// @throws std::invalid_argument for other shapes, and for a control with a graph where the logits
///         of the draw require no gradient
/// @par Source
/// Grathwohl, Choi, Wu, Roeder, Duvenaud: Backpropagation through the Void: Optimizing control
/// variates for black-box gradient estimation, 2017, arXiv:1711.00123, section 3.2 and appendix.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor relax_gradient(const categorical_draw& drawn,
                                                           const torch::Tensor& f,
                                                           const torch::Tensor& of_relaxed,
                                                           const torch::Tensor& of_conditional);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/relaxed_categorical.hpp>
#endif
