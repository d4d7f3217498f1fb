// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// SimKD's loss: the student's projected map against the teacher's last map.

#include <rolewise/core/taps.hpp>
#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/error.hpp>

#include <string_view>

namespace rolewise {

/// Mean squared distance of a map of the student and the teacher's, channel by channel; the larger
/// one is averaged to the rows and columns of the smaller.
///
///     loss = mean (s - t)^2
///
/// For a student with the teacher's classifier (`with_reused_classifier`), whose projected map is
/// `tap::stage<k>`; alone, without labels and with weight 1.
///
/// @tparam TeacherTap the teacher's last map: `tap::stage<k>`, or `tap::before_activation<k>`, then
///         rectified. The student's is `tap::stage<k>`
/// @par Gradients
/// To the student's map, 2 (s - t) / (N C H W); none to the teacher's.
/// @par Source
/// Chen, Mei, Zhang, Wang, Feng, Chen: Knowledge Distillation with the Reused Teacher Classifier,
/// 2022, arXiv:2203.14001, equation 3; the sizes of maps as in the authors' code
/// (DefangChen/SimKD).
template<tap_id TeacherTap>
struct simkd {
  static_assert(TeacherTap.kind == tap_kind::stage ||
                    TeacherTap.kind == tap_kind::before_activation,
                "simkd wants tap::stage<k> or tap::before_activation<k> of the teacher");

  static constexpr tap_id student_tap{tap_kind::stage, TeacherTap.index};
  static constexpr std::string_view name = "simkd";
  static constexpr bool has_state = false;
  static constexpr taps teacher_taps{TeacherTap};
  static constexpr taps student_taps{student_tap};
  static constexpr bool minimum_at_teacher = TeacherTap.kind == tap_kind::stage;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  /// 16-bit features are compared in single precision. With weights, the mean over examples is
  /// weighted; weights of pixels count as their mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's map
  /// @throws std::invalid_argument unless the maps are `[N, C, H, W]`, floating point, alike in N,
  ///         C, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    const auto& maps = pair.student.features[student_tap];
    auto of_teacher = pair.teacher.features[TeacherTap].detach();
    detail::require_maps(of_teacher, maps, name, student_tap);
    if (of_teacher.size(1) != maps.size(1))
      throw_invalid_argument(name, "want maps of as many channels, the teacher's has ",
                             of_teacher.size(1), ", the student's ", maps.size(1),
                             "; with_reused_classifier projects it");
    if constexpr (TeacherTap.kind == tap_kind::before_activation) of_teacher = of_teacher.relu();
    const auto [t, s] = detail::of_one_size(of_teacher, maps);
    return detail::mean_of_examples((s - t).square().flatten(1).mean(1), targets, name)
        .to(maps.scalar_type());
  }
};

static_assert(DistillationLoss<simkd<tap::stage<3>>>);

}  // namespace rolewise
