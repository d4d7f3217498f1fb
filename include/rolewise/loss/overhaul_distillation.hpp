// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Overhaul of feature distillation: partial squared distance of features before activations.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/loss/detail/convolution_norm.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace rolewise {

/// The mean of the negative values of each channel after a batch norm, whose values are taken to be
/// normally distributed: E[x | x < 0] with mean `shift` and deviation |`scale`|; -3 deviations for
/// a channel that is negative with a probability of at most 0.001.
/// @param scale, shift `[C]`, of the batch norm
/// @return `[C]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor batch_norm_margins(const torch::Tensor& scale,
                                                               const torch::Tensor& shift);

namespace detail {

/// The partial squared distance, added over each example.
/// @param margins `[C]`; undefined: the mean of the negative values of the teacher's channels
/// @return `[N]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor partial_distances(const torch::Tensor& teacher,
                                                              const torch::Tensor& student,
                                                              const torch::Tensor& margins,
                                                              std::string_view caller);

}  // namespace detail

/// OFD: partial squared distance of the features of teacher and student before activations, added
/// over stages.
///
///     u = batch norm(1x1 convolution(s)),   r = max(t, m), the margin ReLU
///     d = 0 if r <= 0 and u <= r, else (u - r)^2
///     loss = sum_l 2^(l - n + 1) mean_examples sum_{c,h,w} d,   l = 0 .. n - 1
///
/// What the teacher's activation sets to 0 may be any value below. The margin m of a channel is
/// the mean of its negative values: that of the batch, or where `margins` are given, those, such as
/// `batch_norm_margins` of the teacher's batch norm. `configure` makes the convolutions, which are
/// trained with the student; their batch norm is by the statistics of the batch. Where maps differ
/// in size, the larger one is averaged to the size of the smaller one. Usual: all stages but the
/// stem, weight 0.001 beside `cross_entropy` with weight 1.
///
///     overhaul_distillation<tap::before_activation<1>, tap::before_activation<2>>{}
///
/// @tparam Stages the taps of both networks, maps `[N, C, H, W]` before an activation
/// @par Gradients
/// To the student's features and the connectors; none to the teacher's features and the margins.
/// @par Determinism
/// The first weights are a function of the seed and the shapes: uniform in +- 1 / sqrt(fan-in),
/// LibTorch's default.
/// @par Source
/// Heo, Kim, Yun, Park, Kwak, Choi: A Comprehensive Overhaul of Feature Distillation, 2019,
/// arXiv:1904.01866, section 3; factors, least probability and weight as in the authors' code
/// (clovaai/overhaul-distillation).
/// @par Departs
/// The code takes margins from the last batch norm of a stage, even where a shortcut is added to
/// its output. Here they are by default the mean of the values that the features have, which is the
/// paper's definition.
template<tap_id... Stages>
struct overhaul_distillation {
  static_assert(sizeof...(Stages) > 0, "overhaul_distillation wants at least one tap");

  static constexpr std::string_view name = "overhaul-distillation";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr bool minimum_at_teacher = false;  // the convolutions lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  std::array<owned_tensor, sizeof...(Stages)> margins{};  ///< `[C]` of each, or undefined
  rolewise::seed seed{0};                                 ///< of the first weights

  detail::connectors<Stages...> connectors{};  ///< internal, do not set

  /// Makes the connectors, unless they exist for the same shapes.
  /// @throws std::invalid_argument for features that are no maps, and for other shapes than those
  ///         that they were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    connectors.configure(teacher, student, seed.split(purpose{"overhaul"}), name);
  }

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted, statistics of channels are not; weights of pixels or tokens count as their mean over
  /// the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument before `configure`, unless the features are `[N, C, H, W]`,
  ///         floating point, alike in N, dtype and device, and for margins that are not `[C]`
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return connectors.sum(pair, targets, name,
                          [&](std::size_t l, const torch::Tensor& t, const torch::Tensor& u) {
                            return detail::partial_distances(t, u, *margins[l], name);
                          });
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    connectors.visit_state(archive);
    int number = 0;
    for (auto& margin : margins) archive.buffer(detail::classic_text("margin", number++), *margin);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("seed", seed);
  }
};

static_assert(DistillationLoss<overhaul_distillation<tap::before_activation<1>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/overhaul_distillation.hpp>
#endif
