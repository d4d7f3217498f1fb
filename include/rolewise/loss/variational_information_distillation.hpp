// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Variational information distillation: the likelihood of the teacher's features given the
/// student's.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

namespace detail {

/// A Gaussian distribution of the teacher's map given the student's: learned mean and variance.
struct variational_gaussian {
  owned_tensor first{}, second{}, third{};  ///< 1x1 convolutions, `[out, in, 1, 1]`
  owned_tensor scale{};                     ///< `[C]`, variance = softplus(scale) + 1e-5

  /// @throws std::invalid_argument for features that are no maps, a variance that is not above
  ///         1e-5, and for other shapes than those that this was made for
  void configure(const std::vector<std::int64_t>& teacher, const std::vector<std::int64_t>& student,
                 double variance, seed key, std::string_view caller);

  /// Negative log-likelihood per element without its constant, the mean over each example.
  /// @param teacher, student maps of one size
  /// @return `[N]`
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& teacher, const torch::Tensor& student,
                                         std::string_view caller) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("first", *first);
    archive.parameter("second", *second);
    archive.parameter("third", *third);
    archive.parameter("scale", *scale);
  }
};

}  // namespace detail

/// VID: a lower bound of the mutual information of the features of teacher and student, as the
/// negative log-likelihood of the teacher's under a Gaussian distribution given the student's,
/// summed over stages.
///
///     m = three 1x1 convolutions without bias of the student's map, ReLU between them
///     v[c] = softplus(a[c]) + 1e-5,  a learned for each channel of the teacher
///     loss = sum_stages mean (1/2) ((m - t)^2 / v + log v)
///
/// The convolutions have as many outputs as the teacher has channels; `configure` makes them, and
/// they are trained with the student. Where maps differ in size, the larger one is averaged to the
/// size of the smaller one. The loss may be negative; with m = t and the first variance of 5 it is
/// log(5) / 2. Usual: all stages but the stem, weight 1 beside `cross_entropy` with weight 1.
///
///     variational_information_distillation<tap::stage<1>, tap::stage<2>, tap::stage<3>>{}
///
/// @tparam Stages the taps of both networks, maps `[N, C, H, W]`
/// @par Units
/// Nats per element, less log(2 pi) / 2.
/// @par Gradients
/// To the student's features, convolutions and a; none to the teacher's features.
/// @par Determinism
/// The first weights are a function of the seed and the shapes: uniform in +- 1 / sqrt(fan-in),
/// LibTorch's default.
/// @par Source
/// Ahn, Hu, Damianou, Lawrence, Dai: Variational Information Distillation for Knowledge Transfer,
/// 2019, arXiv:1904.05835, section 2; convolutions, first variance and weight as in the code
/// of Tian, Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699
/// (HobbitLong/RepDistiller, distiller_zoo/VID.py, after the authors' own).
template<tap_id... Stages>
struct variational_information_distillation {
  static_assert(sizeof...(Stages) > 0,
                "variational_information_distillation wants at least one tap");

  static constexpr std::string_view name = "variational-information-distillation";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr bool minimum_at_teacher = false;  // the convolutions lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  double initial_variance = 5.0;  ///< above 1e-5
  rolewise::seed seed{0};         ///< of the first weights

  std::array<detail::variational_gaussian, sizeof...(Stages)> stages{};  ///< internal, do not set

  /// Makes convolutions and variances, unless they exist for the same shapes.
  /// @throws std::invalid_argument for features that are no maps, for a first variance that is not
  ///         above 1e-5, and for other shapes than those that they were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    const auto key = seed.split(purpose{"variational-information"});
    std::size_t i = 0;
    for (const auto at : std::array{Stages...}) {
      stages[i].configure(teacher[at], student[at], initial_variance,
                          key.split(static_cast<std::uint64_t>(i)), name);
      ++i;
    }
  }

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted; weights of pixels or tokens count as their mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument before `configure`, and unless the features are `[N, C, H, W]`,
  ///         floating point, alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    std::size_t i = 0;
    return detail::sum_over_taps<Stages...>(
        pair, [&](tap_id at, const torch::Tensor& t, const torch::Tensor& s) {
          detail::require_maps(t, s, name, at);
          const auto [teacher, student] = detail::of_one_size(t.detach(), s);
          return detail::mean_of_examples(stages[i++](teacher, student, name), targets, name);
        });
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    int number = 0;
    for (auto& stage : stages) visit_part(archive, detail::classic_text("tap", number++), stage);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("initial_variance", initial_variance);
    archive.show("seed", seed);
  }
};

static_assert(DistillationLoss<variational_information_distillation<tap::stage<1>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/variational_information_distillation.hpp>
#endif
