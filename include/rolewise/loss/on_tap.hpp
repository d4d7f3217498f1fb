// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `on_tap` loss: a loss on the logits of an auxiliary head.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/loss/loss_function.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace rolewise {

namespace detail {

/// The name of a loss, " of " and the name of a tap, as a constant.
template<typename Loss, tap_id Tap>
struct name_on_tap {
  static constexpr tap_name of{Tap};
  static constexpr std::array<std::string_view, 3> parts{Loss::name, " of ", of.view()};
  static constexpr std::size_t size = parts[0].size() + parts[1].size() + parts[2].size();
  static constexpr std::array<char, size> letters = [] {
    std::array<char, size> joined{};
    auto* out = joined.data();
    for (const auto part : parts) out = std::copy(part.begin(), part.end(), out);
    return joined;
  }();
  static constexpr std::string_view value{letters.data(), size};
};

}  // namespace detail

/// A loss in which a tap of the student takes the place of its logits: deep supervision of an
/// auxiliary head, by labels or by the teacher's logits.
///
///     cross_entropy{} + 0.4 * on_tap<tap::auxiliary<0>>(cross_entropy{})
///
/// The values of the tap have the shape of logits. Gradients, units and errors are those of the
/// loss.
/// @par Source
/// Lee, Xie, Gallagher, Zhang, Tu: Deeply-Supervised Nets, 2014, arXiv:1409.5185, section 2.
template<tap_id Tap, LossFunction Loss>
struct loss_on_tap {
  static constexpr std::string_view name = detail::name_on_tap<Loss, Tap>::value;
  static constexpr taps teacher_taps = rolewise::teacher_taps<Loss>();
  static constexpr taps student_taps = rolewise::student_taps<Loss>() | taps{Tap};
  static constexpr bool has_state = !state_must::be_denied<Loss>;
  static constexpr bool reads_teacher = rolewise::reads_teacher<Loss>();
  static constexpr bool reaches_teacher = rolewise::reaches_teacher<Loss>();
  static constexpr bool wants_class_labels = rolewise::wants_class_labels<Loss>();
  static constexpr bool minimum_at_teacher = false;  // for other logits than those
  static constexpr rolewise::invariances invariances{
      .student_shift = true,  // the logits are not read
      .teacher_shift = invariances_of<Loss>().teacher_shift,
      .example_order = invariances_of<Loss>().example_order};

  Loss loss;

  [[nodiscard]] torch::Tensor operator()(paired_outputs pair, const targets& targets) const
  {
    pair.student.logits = pair.student.features[Tap];
    return evaluate_loss(loss, pair, targets);
  }

  void configure(const feature_shapes& teacher, const feature_shapes& student)
    requires(wants_configuration<Loss>())
  {
    configure_loss(loss, teacher, student);
  }
  void after_step(paired_outputs pair, const targets& targets)
    requires(moves_after_step<Loss>())
  {
    pair.student.logits = pair.student.features[Tap];
    loss_after_step(loss, pair, targets);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
    requires(state_must::be_shown<Loss>)
  {
    archive.part("loss", loss);
  }
};

/// Makes a `loss_on_tap`.
template<tap_id Tap, LossFunction Loss>
[[nodiscard]] constexpr loss_on_tap<Tap, Loss> on_tap(Loss loss)
{
  return {std::move(loss)};
}

}  // namespace rolewise
