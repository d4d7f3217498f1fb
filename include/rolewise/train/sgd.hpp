// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The SGD optimizer: stochastic gradient descent with momentum.

#include <rolewise/support/inline.hpp>
#include <rolewise/train/detail/buffers.hpp>
#include <rolewise/train/optimizer.hpp>

#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

class sgd_state;

}  // namespace detail

/// The SGD optimizer with (Nesterov) momentum, by LibTorch's fused kernel.
///
///     g <- g + weight_decay * w
///     m <- momentum * m + g                 (m starts at 0)
///     w <- w - learning_rate * (g + momentum * m)    if nesterov, else  w - learning_rate * m
///
/// Computes the same values as `torch.optim.SGD` without dampening. A parameter without a
/// gradient in a step keeps its value and its momentum.
///
/// @par Source
/// Sutskever, Martens, Dahl, Hinton: On the importance of initialization and momentum in deep
/// learning, ICML 2013, in the form that `torch.optim.SGD` documents.
struct sgd {
  double learning_rate = 0.1;        ///< learning rate before the schedule, at least 0, finite
  double momentum = 0.9;             ///< in [0, 1); 0: none, and no buffers
  bool nesterov = true;              ///< without momentum it has no effect
  double weight_decay = 5e-4;        ///< added to the gradient, so `learning_rate` scales it
  decay decays = decay::everything;  ///< as in most published recipes for CIFAR networks

  /// @throws std::invalid_argument for a setting out of its range
  [[nodiscard]] detail::sgd_state start(const std::vector<named_tensor>& parameters) const;
};

namespace detail {

class sgd_state {
 public:
  sgd_state(const sgd& settings, const std::vector<named_tensor>& parameters)
      : settings_{settings},
        count_{parameters.size()},
        momentum_{settings.momentum > 0.0 ? buffers{parameters} : buffers{}}
  {}

  void update(const std::vector<named_tensor>& parameters,
              const std::vector<torch::Tensor>& gradients, double learning_rate);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("momentum", momentum_);
  }

 private:
  sgd settings_;
  std::size_t count_;
  buffers momentum_;
};

}  // namespace detail

static_assert(Optimizer<sgd>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/sgd.hpp>
#endif
