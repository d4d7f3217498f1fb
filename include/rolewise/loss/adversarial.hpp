// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The losses of a discriminator, and of what shall deceive it.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <functional>

namespace rolewise {

/// The loss of a discriminator D, by its logits d, D = sigmoid(d):
///
///     -mean log D(real) - mean log(1 - D(fake))
///
/// Computed of the logits, so that it is finite, with a finite gradient, also where D is sure of
/// itself.
///
/// @param real, fake logits, floating point, not empty
/// @return `[]`
/// @throws std::invalid_argument for others
/// @par Source
/// Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio: Generative
/// Adversarial Networks, 2014, arXiv:1406.2661, section 3.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor discriminator_loss(const torch::Tensor& real,
                                                               const torch::Tensor& fake);

/// The non-saturating loss of what shall deceive a discriminator: -mean log D(fake). Its gradient
/// does not vanish where D finds out each fake. Source, parameters and errors as above.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor deception_loss(const torch::Tensor& fake);

/// The gradient penalty of a critic, which keeps it near the functions whose slope is at most 1, as
/// a Wasserstein distance needs: the mean of (|gradient of D at a point| - 1)^2, with points
/// between real and generated examples:
///
///     point = u real + (1 - u) generated
///
/// @param critic D of examples `[N, ...]`, gives `[N]` with a graph; each number of its own example
///        alone, as in the evaluation mode of batch norm
/// @param real, generated `[N, ...]`, floating point, not empty; constants
/// @param u `[N]`, in [0, 1]
/// @return `[]`
/// @par Gradients
/// To what the critic depends on, by a second backward pass.
/// @throws std::invalid_argument for other sizes, and for a critic that does not depend on its
/// input
/// @par Source
/// Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville: Improved Training of Wasserstein GANs, 2017,
/// arXiv:1704.00028, section 4.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor gradient_penalty(
    const std::function<torch::Tensor(const torch::Tensor&)>& critic, const torch::Tensor& real,
    const torch::Tensor& generated, const torch::Tensor& u);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/adversarial.hpp>
#endif
