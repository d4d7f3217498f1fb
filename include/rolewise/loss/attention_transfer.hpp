// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Attention transfer: the spatial attention maps of chosen stages.

#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/error.hpp>

#include <string_view>

namespace rolewise {

/// Mean squared distance of normalized attention maps, summed over stages.
///
///     A(f)[n,i] = mean_c f[n,c,i]^2,  i = 1 .. H*W
///     loss = sum_stages mean_{n,i} (A(s) / ||A(s)|| - A(t) / ||A(t)||)^2
///
/// with the Euclidean norm of each example's map. The number of channels of teacher and student
/// may differ. Where their maps differ in size, the larger one is averaged to the size of the
/// smaller one.
///
///     attention_transfer<tap::stage<1>, tap::stage<2>, tap::stage<3>>{}
///
/// @tparam Stages the taps of both networks, maps `[N, C, H, W]`
/// @par Gradients
/// To the student's features; none to the teacher's. Invariant to the scale of an example's map.
/// @par Source
/// Zagoruyko, Komodakis: Paying More Attention to Attention: Improving the Performance of
/// Convolutional Neural Networks via Attention Transfer, 2016, arXiv:1612.03928, section 3.1; the
/// mean in place of its sum over channels and of its norm over positions as in the code of Tian,
/// Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699, where the
/// usual weight 1000 belongs to.
template<tap_id... Stages>
struct attention_transfer {
  static_assert(sizeof...(Stages) > 0, "attention_transfer wants at least one tap");

  static constexpr std::string_view name = "attention-transfer";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr bool has_state = false;
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  /// For 16-bit features, maps are computed in single precision.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument unless the features are `[N, C, H, W]`, floating point, alike
  ///         in N, dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair) const
  {
    torch::Tensor total;
    const auto add = [&](tap_id stage) {
      const auto& s = pair.student.features[stage];
      const auto& t = pair.teacher.features[stage];
      detail::require_maps(t, s, name, stage);
      const auto [teacher, student] = detail::of_one_size(t.detach(), s);
      const auto value = (map_of(student) - map_of(teacher)).square().mean();
      total = total.defined() ? total + value : value;
    };
    (add(Stages), ...);
    return total.to(detail::type_of_first<Stages...>(pair.student));
  }

 private:
  [[nodiscard]] static torch::Tensor map_of(const torch::Tensor& features)
  {
    constexpr double as_in_libtorch = 1e-12;  // the least norm that is divided by
    const auto energy = features.square().mean(1).flatten(1);
    return energy / energy.norm(2, 1, true).clamp_min(as_in_libtorch);
  }
};

static_assert(DistillationLoss<attention_transfer<tap::stage<1>>>);

}  // namespace rolewise
