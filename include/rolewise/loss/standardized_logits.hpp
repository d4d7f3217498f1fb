// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Logit standardization: any loss on logits, evaluated on standardized ones.

#include <rolewise/core/state.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace rolewise {

namespace detail {

/// "standardized " and the name of a loss, as a constant.
template<typename Loss>
struct standardized_name {
  static constexpr std::array<std::string_view, 2> parts{"standardized ", Loss::name};
  static constexpr std::size_t size = parts[0].size() + parts[1].size();
  static constexpr std::array<char, size> letters = [] {
    std::array<char, size> joined{};
    auto* out = joined.data();
    for (const auto part : parts) out = std::copy(part.begin(), part.end(), out);
    return joined;
  }();
  static constexpr std::string_view value{letters.data(), size};
};

/// The pair with standardized logits, of the teacher where there are any.
[[nodiscard]] ROLEWISE_INLINE paired_outputs with_standardized_logits(paired_outputs pair,
                                                                      bool reads_teacher,
                                                                      double epsilon,
                                                                      std::string_view caller);

}  // namespace detail

/// A loss on logits that are standardized for each element, the teacher's and the student's alike.
///
///     z <- (z - mean_c z) / (std_c z + epsilon),  std with C - 1 in the denominator
///
///     0.1 * cross_entropy{} + 9.0 * standardized(soft_target_kl{.temperature = temperature{2}})
///
/// The student has to match the relations of the teacher's logits, not their range: the value does
/// not change under z <- a * z + b, a > 0 (up to epsilon). Usual: base temperature 2 and, beside
/// `cross_entropy` with weight 0.1, weight 9; with `decoupled_kd` 9 to 18. The task loss is on
/// plain logits, so it stands outside. A sum inside is one term of the report.
///
/// @par Gradients
/// Those of the loss, through the standardization.
/// @par Source
/// Sun, Ren, Li, Wang, Cao: Logit Standardization in Knowledge Distillation, 2024,
/// arXiv:2403.01427, section 4; epsilon and C - 1 as in the released code
/// (sunshangquan/logit-standardization-KD).
/// @par Departs
/// An element whose logits are all equal, as of a network whose last layer is 0, has the
/// standardized logits 0 without a gradient; that of the code is multiplied by 1 / epsilon there.
template<LossFunction Loss>
struct standardized_logits {
  static constexpr std::string_view name = detail::standardized_name<Loss>::value;
  static constexpr taps teacher_taps = rolewise::teacher_taps<Loss>();
  static constexpr taps student_taps = rolewise::student_taps<Loss>();
  static constexpr bool has_state = !state_must::be_denied<Loss>;
  static constexpr bool reads_teacher = rolewise::reads_teacher<Loss>();
  static constexpr bool reaches_teacher = rolewise::reaches_teacher<Loss>();
  static constexpr bool wants_class_labels = rolewise::wants_class_labels<Loss>();
  static constexpr bool minimum_at_teacher = rolewise::minimum_at_teacher<Loss>();
  static constexpr rolewise::invariances invariances{
      .student_shift = true,
      .teacher_shift = true,
      .example_order = invariances_of<Loss>().example_order};

  Loss loss;
  double epsilon = 1e-7;

  /// Standardized in at least single precision.
  /// @return `[]`, in the dtype and on the device of the student's logits
  /// @throws std::invalid_argument as the loss, and for one class
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    const auto changed = detail::with_standardized_logits(pair, reads_teacher, epsilon, name);
    return evaluate_loss(loss, changed, targets).to(pair.student.logits.scalar_type());
  }

  void configure(const feature_shapes& teacher, const feature_shapes& student)
    requires(wants_configuration<Loss>())
  {
    configure_loss(loss, teacher, student);
  }
  void after_step(const paired_outputs& pair, const targets& targets)
    requires(moves_after_step<Loss>())
  {
    loss_after_step(loss, detail::with_standardized_logits(pair, reads_teacher, epsilon, name),
                    targets);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
    requires(state_must::be_shown<Loss>)
  {
    archive.part("loss", loss);
  }
};

/// Makes a `standardized_logits`.
template<LossFunction Loss>
[[nodiscard]] constexpr standardized_logits<Loss> standardized(Loss loss)
{
  return {std::move(loss)};
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/standardized_logits.hpp>
#endif
