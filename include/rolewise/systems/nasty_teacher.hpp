// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Nasty teachers: networks that are accurate and that no student learns from.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/reverse_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>

namespace rolewise::systems {

/// The temperature T and the weight omega of the loss of a nasty teacher.
struct nasty_options {
  rolewise::temperature temperature{4.0};
  double weight = 0.04;  ///< above 0; 0 is training without an adversary
};

/// What the authors used, with SGD of momentum 0.9, weight decay 5e-4 and batches of 128.
inline constexpr nasty_options nasty_for_cifar10{temperature{4.0}, 0.04};
inline constexpr nasty_options nasty_for_cifar100{temperature{20.0}, 0.005};
inline constexpr nasty_options nasty_for_tiny_imagenet{temperature{20.0}, 0.01};

/// The loss that makes a network N a nasty teacher, away from a normal network A of its
/// architecture:
///
///     loss = CE(z_N, y) - omega T^2 KL(softmax(z_N / T) || softmax(z_A / T))
///
/// A is the teacher of the step and N its student, which begins with first weights of its own:
///
///     distillation spoiling{.teacher = frozen(normal), .student = resnet20(shape),
///                           .loss = systems::nasty_teacher_loss()};
///
/// Students then learn from `frozen(spoiling.evaluated())` by `soft_target_kl` at the same
/// temperature. The divergence has no bound: with a large weight it outgrows the cross-entropy, and
/// N is no classifier any more. Its gradient is 0 where N and A agree, so that the cross-entropy
/// moves N away first.
///
/// @par Gradients
/// To N alone. That of the second term is -omega T q_i (log(q_i / p_i) - KL), where q and p are the
/// distributions of N and A.
/// @par Source
/// Ma, Chen, Hu, You, Xie, Wang: Undistillable: Making A Nasty Teacher That CANNOT teach students,
/// 2021, arXiv:2105.07381, section 3.2; code VITA-Group/Nasty-Teacher, 2f9c444.
/// @par Departs
/// The code adds a constant of 100, which changes no gradient.
[[nodiscard]] inline auto nasty_teacher_loss(const nasty_options& options = {})
{
  return 1.0 * cross_entropy{} + -options.weight * reverse_kl{options.temperature};
}

}  // namespace rolewise::systems
