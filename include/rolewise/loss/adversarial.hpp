// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The losses of a discriminator, and of what shall deceive it.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

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

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/adversarial.hpp>
#endif
