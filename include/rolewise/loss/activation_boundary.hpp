// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Activation boundaries: which neurons of the teacher are active.

#include <rolewise/core/seed.hpp>
#include <rolewise/loss/detail/convolution_norm.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cmath>
#include <cstddef>
#include <string_view>

namespace rolewise {

namespace detail {

/// Squared hinges at the activation boundary, added over each example.
/// @return `[N]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor boundary_hinges(const torch::Tensor& teacher,
                                                            const torch::Tensor& student,
                                                            double margin);

}  // namespace detail

/// AB: squared hinge loss on whether a neuron is active, added over stages.
///
///     u = batch norm(1x1 convolution(s)), of features before activations
///     d = max(margin + u, 0)^2 where t <= 0,  max(margin - u, 0)^2 where t > 0
///     loss = sum_l 2^(l - n + 1) mean_examples sum_{c,h,w} d,   l = 0 .. n - 1
///
/// Only signs of the teacher's features count. `configure` makes the convolutions, which are
/// trained with the student; their batch norm is by the statistics of the batch. Where maps differ
/// in size, the larger one is averaged to the size of the smaller one. Usual: all stages but the
/// stem, weight 0.003, in a run of its own before the task.
///
///     activation_boundary<tap::before_activation<1>, tap::before_activation<2>>{}
///
/// @tparam Stages the taps of both networks, maps `[N, C, H, W]` before an activation
/// @par Gradients
/// To the student's features and the connectors; none to the teacher's features.
/// @par Determinism
/// The first weights are a function of the seed and the shapes: uniform in +- 1 / sqrt(fan-in),
/// LibTorch's default.
/// @par Source
/// Heo, Lee, Yun, Choi: Knowledge Transfer via Distillation of Activation Boundaries Formed by
/// Hidden Neurons, 2018, arXiv:1811.03233, section 3; factors and weight as in the code of Tian,
/// Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699
/// (HobbitLong/RepDistiller, distiller_zoo/AB.py).
template<tap_id... Stages>
struct activation_boundary {
  static_assert(sizeof...(Stages) > 0, "activation_boundary wants at least one tap");

  static constexpr std::string_view name = "activation-boundary";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr bool minimum_at_teacher = false;  // the convolutions lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  double margin = 1.0;     ///< above 0
  rolewise::seed seed{0};  ///< of the first weights

  detail::connectors<Stages...> connectors{};  ///< internal, do not set

  /// Makes the connectors, unless they exist for the same shapes.
  /// @throws std::invalid_argument for features that are no maps, a margin that is not above 0, and
  ///         for other shapes than those that they were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    if (!(margin > 0.0) || !std::isfinite(margin))
      throw_invalid_argument(name, "want a finite margin above 0, got ", margin);
    connectors.configure(teacher, student, seed.split(purpose{"activation-boundary"}), name);
  }

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted, statistics of the batch norm are not; weights of pixels or tokens count as their
  /// mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument before `configure`, and unless the features are `[N, C, H, W]`,
  ///         floating point, alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return connectors.sum(pair, targets, name,
                          [&](std::size_t, const torch::Tensor& t, const torch::Tensor& u) {
                            return detail::boundary_hinges(t, u, margin);
                          });
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    connectors.visit_state(archive);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("margin", margin);
    archive.show("seed", seed);
  }
};

static_assert(DistillationLoss<activation_boundary<tap::before_activation<1>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/activation_boundary.hpp>
#endif
