// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `on_groups` loss: a loss on two groups of examples at once, by default on their difference.

#include <rolewise/core/outputs.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace rolewise {

/// What `on_groups` makes of the means of a first and of a second group.
enum class group_comparison {
  difference,  ///< first - second
  average,     ///< (first + second) / 2
  mixture      ///< lambda first + (1 - lambda) second, lambda uniform, of each tuple
};

/// Options of `on_groups`.
struct group_options {
  std::int64_t first = 1;   ///< examples of the first group of a tuple, at least 1
  std::int64_t second = 1;  ///< examples of the second group, at least 1
  group_comparison comparison = group_comparison::difference;
  rolewise::seed seed{0};  ///< of the lambdas of a mixture

  friend bool operator==(const group_options&, const group_options&) = default;
};

namespace detail {

/// How the rows of a batch are combined: its number of tuples, and the lambda of each.
class combined_groups {
 public:
  /// @throws std::invalid_argument for an empty group, or unless the rows are whole tuples
  combined_groups(const group_options& options, std::int64_t rows,
                  const training_progress& progress);

  /// @param rows `[tuples * (first + second), ...]`
  /// @return `[tuples, ...]`; of 16-bit rows in single precision
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& rows) const;

  /// The targets of the tuples: soft labels where `with_labels`, otherwise none; as its weight the
  /// product of those of its examples, 0 where a label is ignored.
  /// @param logits of the rows
  [[nodiscard]] targets of(const targets& examples, const torch::Tensor& logits,
                           bool with_labels) const;

 private:
  group_options options_;
  std::int64_t tuples_ = 0;
  torch::Tensor lambda_;  // `[tuples]`, double, on the CPU; of a mixture
};

template<typename Loss>
struct name_on_groups {
  static constexpr std::string_view before = Loss::name, after = " of groups";
  static constexpr std::array<char, before.size() + after.size()> letters = [] {
    std::array<char, before.size() + after.size()> joined{};
    std::copy(after.begin(), after.end(), std::copy(before.begin(), before.end(), joined.begin()));
    return joined;
  }();
  static constexpr std::string_view value{letters.data(), letters.size()};
};

}  // namespace detail

/// A loss on comparisons of groups of examples: logits, tapped features and labels of a batch are
/// replaced by those of its tuples, and the loss is evaluated on these.
///
///     on_groups(logit_mse{})                             (z_1 - z_2) of student and teacher
///     on_groups(fitnet<tap::stage<2>>{}, {.first = 2})   (f_1 + f_2) / 2 - f_3
///
/// Row `n` of what the loss is given is the mean of the first group of tuple n less that of its
/// second one, or another `group_comparison`. The rows of a tuple follow each other in the batch,
/// as `sample_tuples` has them. There are far more tuples than examples, so that few answers of a
/// teacher give many comparisons; what is added to the logits of all examples alike does not show
/// in a difference, and has to be learned otherwise, if at all.
///
/// @par Gradients
/// Those of the loss, through means and comparison.
/// @par Determinism
/// The lambdas of a mixture are functions of the seed, of epoch and step and of the place of a
/// tuple in the batch.
template<LossFunction Loss>
struct loss_on_groups {
  static constexpr std::string_view name = detail::name_on_groups<Loss>::value;
  static constexpr taps teacher_taps = rolewise::teacher_taps<Loss>();
  static constexpr taps student_taps = rolewise::student_taps<Loss>();
  static constexpr bool has_state = !state_must::be_denied<Loss>;
  static constexpr bool reads_teacher = rolewise::reads_teacher<Loss>();
  static constexpr bool reaches_teacher = rolewise::reaches_teacher<Loss>();
  static constexpr bool wants_class_labels = rolewise::wants_class_labels<Loss>();
  static constexpr bool minimum_at_teacher = rolewise::minimum_at_teacher<Loss>();
  static constexpr rolewise::invariances invariances{
      .student_shift = invariances_of<Loss>().student_shift,
      .teacher_shift = invariances_of<Loss>().teacher_shift};

  Loss loss;
  group_options groups{};

  /// A tuple has the product of the weights of its examples. If the loss reads labels, a tuple with
  /// an ignored one has the weight 0.
  /// @return `[]`, in the dtype and on the device of the student's logits
  /// @throws std::invalid_argument as the loss does; for an empty group; unless the rows of the
  ///         batch are whole tuples; for labels that are not one for each example
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    const auto& logits = pair.student.logits;
    const detail::combined_groups combined{groups, logits.size(0), targets.progress};
    return evaluate_loss(loss, of_tuples(pair, combined),
                         combined.of(targets, logits, wants_class_labels))
        .to(logits.scalar_type());
  }

  void configure(const feature_shapes& teacher, const feature_shapes& student)
    requires(wants_configuration<Loss>())
  {
    configure_loss(loss, teacher, student);
  }
  void after_step(const paired_outputs& pair, const targets& targets)
    requires(moves_after_step<Loss>())
  {
    const auto& logits = pair.student.logits;
    const detail::combined_groups combined{groups, logits.size(0), targets.progress};
    loss_after_step(loss, of_tuples(pair, combined),
                    combined.of(targets, logits, wants_class_labels));
  }
  template<typename Archive>
  void visit_state(Archive& archive)
    requires(state_must::be_shown<Loss>)
  {
    archive.part("loss", loss);
  }

 private:
  [[nodiscard]] static paired_outputs of_tuples(const paired_outputs& pair,
                                                const detail::combined_groups& combined)
  {
    const auto of_each = [&](const outputs& rows, taps wanted) {
      outputs found{.logits = combined(rows.logits), .features = {}};
      wanted.for_each([&](tap_id id) { found.features.set(id, combined(rows.features[id])); });
      return found;
    };
    return {reads_teacher ? of_each(pair.teacher, teacher_taps) : outputs{},
            of_each(pair.student, student_taps)};
  }
};

/// Makes a `loss_on_groups`.
template<LossFunction Loss>
[[nodiscard]] constexpr loss_on_groups<Loss> on_groups(Loss loss, const group_options& groups = {})
{
  return {std::move(loss), groups};
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/on_groups.hpp>
#endif
