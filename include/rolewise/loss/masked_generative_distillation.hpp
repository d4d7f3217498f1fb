// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Masked generative distillation: the teacher's features generated from the student's, a part of
/// them masked.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/loss/detail/convolution_norm.hpp>
#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// What `masked_generative_distillation` masks of an example's map.
enum class masked_part {
  channels,  ///< whole channels
  positions  ///< places, in all channels
};

namespace detail {

/// A mask for each example, 0 with probability `ratio`, drawn as a function of (key, epoch, id).
/// @param like `[N, C, H, W]`
/// @return `[N, C, 1, 1]` or `[N, 1, H, W]`, in the dtype and on the device of `like`
/// @throws std::invalid_argument unless ids are `[N]`, int64
[[nodiscard]] ROLEWISE_INLINE torch::Tensor feature_mask(const torch::Tensor& like,
                                                         masked_part part, double ratio, seed key,
                                                         const targets& targets,
                                                         std::string_view caller);

/// The layers that generate the teacher's map.
struct feature_generator {
  biased_convolution align{}, first{}, second{};  ///< 1x1, 3x3, 3x3

  /// @throws std::invalid_argument for features that are no maps, a ratio outside of 0 .. 1, and
  ///         other shapes than those that this was made for
  void configure(const std::vector<std::int64_t>& teacher, const std::vector<std::int64_t>& student,
                 double ratio, seed key, std::string_view caller);

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_part(archive, "align", align);
    visit_part(archive, "first", first);
    visit_part(archive, "second", second);
  }
};

}  // namespace detail

/// MGD: squared distance of the teacher's map and one that is generated from the student's, whose
/// channels or positions are masked at random.
///
///     a = conv1x1(s),  g = conv3x3(ReLU(conv3x3(mask * a)))
///     loss = mean_examples sum_{c,h,w} (g - t)^2
///
/// The mask is 0 with probability `mask_ratio`, for each channel of an example or for each of its
/// positions. `configure` makes the convolutions, which are trained with the student. Where maps
/// differ in size, the larger one is averaged to the size of the smaller one. Usual, beside
/// `cross_entropy` with weight 1: the last stage, weight 0.00007, channels with ratio 0.15; for
/// dense prediction weight 0.00002, positions with ratio 0.65.
///
///     masked_generative_distillation<tap::stage<3>>{}
///
/// @tparam TeacherTap, StudentTaps the teacher's tap, and the student's if it is another: maps
///         `[N, C, H, W]`
/// @par Gradients
/// To the student's features and the convolutions; none to the teacher's features.
/// @par Determinism
/// Masks are a function of (seed, epoch, id); the first weights of the seed and the shapes: uniform
/// in +- 1 / sqrt(fan-in), LibTorch's default. Ids on another device than the CPU are copied to it,
/// which synchronizes.
/// @par Source
/// Yang, Li, Shao, Shi, Yuan, Yuan: Masked Generative Distillation, 2022, arXiv:2205.01529, section
/// 3; masks, ratios and weights as in the authors' code (yzd-v/MGD).
/// @par Departs
/// The code leaves out the 1x1 convolution where both maps have as many channels.
template<tap_id TeacherTap, tap_id... StudentTaps>
struct masked_generative_distillation {
  static_assert(sizeof...(StudentTaps) <= 1,
                "masked_generative_distillation wants the teacher's tap, and the student's if it "
                "is another");

  // A parameter of a class type with a default value breaks g++ 12 in templates.
  static constexpr tap_id student_tap = std::array{TeacherTap, StudentTaps...}.back();
  static constexpr std::string_view name = "masked-generative-distillation";
  static constexpr taps teacher_taps{TeacherTap};
  static constexpr taps student_taps{student_tap};
  static constexpr bool minimum_at_teacher = false;  // the convolutions lie between
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  masked_part masks = masked_part::channels;
  double mask_ratio = 0.15;  ///< in 0 .. 1
  rolewise::seed seed{0};    ///< of masks and first weights

  detail::feature_generator generator{};  ///< internal, do not set

  /// Makes the convolutions, unless they exist for the same shapes.
  /// @throws std::invalid_argument for features that are no maps, a ratio outside of 0 .. 1, and
  ///         other shapes than those that they were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    generator.configure(teacher[TeacherTap], student[student_tap], mask_ratio, key(), name);
  }

  /// For 16-bit features, computed in single precision. With weights, the mean over examples is
  /// weighted; weights of pixels or tokens count as their mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's features
  /// @throws std::invalid_argument before `configure`, without ids, and unless the features are
  ///         `[N, C, H, W]`, floating point, alike in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    const auto& s = pair.student.features[student_tap];
    const auto& t = pair.teacher.features[TeacherTap];
    detail::require_maps(t, s, name, student_tap);
    const auto [teacher, student] = detail::of_one_size(t.detach(), s);
    const auto aligned = generator.align(student, name);
    const auto mask = detail::feature_mask(aligned, masks, mask_ratio, key().split(purpose{"mask"}),
                                           targets, name);
    const auto generated = generator.second(generator.first(aligned * mask, name).relu(), name);
    const auto values =
        (generated - teacher.to(generated.scalar_type())).square().flatten(1).sum(1);
    return detail::mean_of_examples(values, targets, name).to(s.scalar_type());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    generator.visit_state(archive);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("masks", masks);
    archive.show("mask_ratio", mask_ratio);
    archive.show("seed", seed);
  }

 private:
  [[nodiscard]] rolewise::seed key() const { return seed.split(purpose{"masked-generative"}); }
};

static_assert(DistillationLoss<masked_generative_distillation<tap::stage<3>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/masked_generative_distillation.hpp>
#endif
