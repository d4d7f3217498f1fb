// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Knowledge review: fused features of the student at several stages against the teacher's.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/loss/detail/convolution_norm.hpp>
#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/warm_up.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// HCL: mean squared distance of two maps and of their averages in 4x4, 2x2 and 1x1 fields, with
/// weights 1, 1/2, 1/4, 1/8 over their sum. Fields that are not fewer than the rows or columns are
/// left out.
/// @param teacher, student `[N, C, H, W]`
/// @return `[]`, in at least single precision
/// @par Gradients
/// To both.
/// @par Source
/// Chen, Liu, Zhao, Jia: Distilling Knowledge via Knowledge Review, 2021, arXiv:2104.09044, section
/// 3.3; weights as in the authors' code (dvlab-research/ReviewKD).
/// @throws std::invalid_argument unless both have the same shape
[[nodiscard]] ROLEWISE_INLINE torch::Tensor hierarchical_context_loss(const torch::Tensor& teacher,
                                                                      const torch::Tensor& student);

namespace detail {

/// The same for each example, `[N]`.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor hierarchical_context_values(
    const torch::Tensor& teacher, const torch::Tensor& student);

/// A vector `[D]` as a map `[D, 1, 1]`; for a batch, `[N, D]` as `[N, D, 1, 1]`.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::int64_t> as_map(std::vector<std::int64_t> shape);
[[nodiscard]] ROLEWISE_INLINE torch::Tensor as_map(const torch::Tensor& features);

/// @param wanted 0 for those of the student's deepest tap, at most 512
[[nodiscard]] ROLEWISE_INLINE std::int64_t channels_passed(std::int64_t wanted,
                                                           std::int64_t deepest,
                                                           std::string_view caller);

/// ABF: fuses the student's map with what was fused of the deeper stages, by learned maps of
/// attention.
struct attention_fusion {
  convolution_norm entry{}, exit{};  ///< 1x1 and 3x3
  biased_convolution attention{};    ///< 1x1, from 2 M channels to 2; none in the deepest stage

  struct fused {
    torch::Tensor output;   ///< `[N, C of the teacher, H, W]`
    torch::Tensor passing;  ///< `[N, M, H, W]`, for the next stage
  };

  void configure(std::int64_t in, std::int64_t middle, std::int64_t out, bool deepest, seed key,
                 std::string_view caller);

  /// @param deeper undefined in the deepest stage
  /// @param size `[H, W]` of the teacher's map
  [[nodiscard]] fused operator()(const torch::Tensor& student, const torch::Tensor& deeper,
                                 at::IntArrayRef size, std::string_view caller) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_part(archive, "entry", entry);
    visit_part(archive, "exit", exit);
    visit_part(archive, "attention", attention);
  }
};

}  // namespace detail

/// ReviewKD: hierarchical context loss of the teacher's features at each stage and the student's
/// there and deeper, fused by learned attention.
///
///     x = BN(conv1x1(s_l)),  y = what stage l + 1 passes, in the size of x by nearest neighbors
///     a, b = sigmoid(conv1x1(x and y)),  z_l = a x + b y,  in the size of t_l
///     loss = ramp * sum_l HCL(t_l, BN(conv3x3(z_l))),  stage l passes z_l
///
/// In the deepest stage, z = x. z has `channels` channels. `configure` makes the convolutions,
/// which are trained with the student; their batch norm is by the statistics of the batch. Usual:
/// all stages but the stem, then the penultimate vector, with `warm_up_epochs` 20 and weight 0.6 to
/// 5 beside `cross_entropy` with weight 1.
///
///     review_kd<tap::stage<1>, tap::stage<2>, tap::stage<3>, tap::penultimate>{.warm_up_epochs =
///     20}
///
/// @tparam Stages the taps of both networks, from the first to the deepest: maps `[N, C, H, W]`, or
///         vectors `[N, D]`
/// @par Gradients
/// To the student's features and the convolutions; none to the teacher's features.
/// @par Determinism
/// The first weights are a function of the seed and the shapes: uniform in +- 1 / sqrt(fan-in),
/// LibTorch's default.
/// @par Source
/// Chen, Liu, Zhao, Jia: Distilling Knowledge via Knowledge Review, 2021, arXiv:2104.09044, section
/// 3; layers, ramp and weights as in the authors' code (dvlab-research/ReviewKD).
/// @par Departs
/// In the code, convolutions begin with weights sqrt(3) times as large; the batch norm that follows
/// takes that out again. Epochs count from 0 in the ramp.
template<tap_id... Stages>
struct review_kd {
  static_assert(sizeof...(Stages) > 0, "review_kd wants at least one tap");

  static constexpr std::string_view name = "review-kd";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr bool minimum_at_teacher = false;  // the convolutions lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  std::int64_t warm_up_epochs = 0;  ///< above 0: the loss times min(epoch / warm_up_epochs, 1)
  /// Of what is passed between stages; 0 means those of the student's deepest tap, at most 512.
  std::int64_t channels = 0;
  rolewise::seed seed{0};  ///< of the first weights

  std::array<detail::attention_fusion, sizeof...(Stages)> stages{};  ///< internal, do not set

  /// Makes the convolutions, unless they exist for the same shapes.
  /// @throws std::invalid_argument for features that are neither maps nor vectors, a negative
  /// number
  ///         of channels, and other shapes than those that they were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    const auto key = seed.split(purpose{"review"});
    const auto deepest = detail::as_map(student[tapped.back()]);
    const auto middle = detail::channels_passed(channels, deepest.at(0), name);
    for (std::size_t l = 0; l < tapped.size(); ++l) {
      const auto t = detail::as_map(teacher[tapped[l]]), s = detail::as_map(student[tapped[l]]);
      detail::require_map_shapes(t, s, name);
      stages[l].configure(s[0], middle, t[0], l + 1 == tapped.size(),
                          key.split(static_cast<std::uint64_t>(l)), name);
    }
  }

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted, statistics of the batch norm are not; weights of pixels or tokens count as their
  /// mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument before `configure`, and unless the features are
  ///         `[N, C, H, W]` or `[N, D]`, floating point, alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    torch::Tensor total, deeper;
    for (auto l = tapped.size(); l-- > 0;) {
      const auto t = detail::as_map(pair.teacher.features[tapped[l]]).detach();
      const auto s = detail::as_map(pair.student.features[tapped[l]]);
      detail::require_maps(t, s, name, tapped[l]);
      const auto made = stages[l](s, deeper, t.sizes().slice(2), name);
      const auto each =
          detail::hierarchical_context_values(t.to(made.output.scalar_type()), made.output);
      const auto value = detail::mean_of_examples(each, targets, name);
      total = total.defined() ? total + value : value;
      deeper = made.passing;
    }
    return (total * detail::warm_up(targets.progress, warm_up_epochs))
        .to(detail::type_of_first<Stages...>(pair.student));
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
    archive.show("warm_up_epochs", warm_up_epochs);
    archive.show("channels", channels);
    archive.show("seed", seed);
  }

 private:
  static constexpr std::array tapped{Stages...};
};

static_assert(DistillationLoss<review_kd<tap::stage<1>, tap::penultimate>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/review_kd.hpp>
#endif
