// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Comparative knowledge distillation (CKD): a student of few answers learns from the differences
/// between examples.

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/logit_mse.hpp>
#include <rolewise/loss/on_groups.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <utility>

namespace rolewise::systems {

/// The weights of the terms of comparative distillation, and the groups of a tuple.
struct comparative_options {
  group_options groups{};       ///< {.first = 2} for triples
  double label_weight = 1.0;    ///< of the distance to differences of labels
  double teacher_weight = 1.0;  ///< of the distance to differences of the teacher's logits
};

/// The loss of comparative distillation, where a question to the teacher costs more than a step of
/// the student: it is asked once about each of n examples, and the student learns from differences
/// of its answers, of which there are of the order of n^k:
///
///     z_t = teacher(v(x)) once, for each x                     remembered(teacher, data, shown)
///     for tuples (G+, G-) of the pool:                         sample_tuples{data, {.size = k}}
///         z_s = student(v(x)), each time another v             fresh_views{agent}
///         D = mean of G+ - mean of G-,  of z_s, z_t and one-hot labels y
///         loss = label_weight |D_s - D_y|^2 / C + teacher_weight |D_s - D_t|^2 / C
///
///     distillation training{.teacher = remembered(frozen(large), data),
///                           .student = resnet8(shape, dorefa{}, inner_bits<2>),
///                           .student_agent = fresh_views{pad_crop_flip{}},
///                           .loss = systems::comparative_loss()};
///     fit(training, sample_tuples{data}, {.epochs = 200, .batch_size = 2 * 64});
///
/// What the logits of all examples have in common does not show in the loss: it cannot mend a bias
/// towards a class that the student has everywhere. The ablations of the code, sums instead of
/// differences, are `groups.comparison`. Usual: batches of 64 tuples, SGD with momentum 0.9, weight
/// decay 5e-4, learning rates 0.1, 0.05 or 0.025; three phases with rates of 1, 0.1 and 0.01 times
/// that, each until the validation stalls, that begin with the best weights so far.
///
/// @par Gradients
/// To the student alone; the teacher is not called after its answers are known.
/// @par Source
/// Comparative Knowledge Distillation, 2023, arXiv:2311.02253, and its code, alextxu/ckd, f8cc6bd.
/// @par Departs
/// The code draws a pool of distinct tuples where there are at least five times as many, and lists
/// them otherwise; `sample_tuples` takes the first of a keyed permutation of all, which gives the
/// same pools. That its mixtures have a lambda for each tuple, and that the student's views are
/// keyed by step and row, is ours. Its three phases are runs of `fit`, see docs/systems.md.
[[nodiscard]] inline auto comparative_loss(const comparative_options& options = {})
{
  return options.label_weight * on_groups(label_mse{}, options.groups) +
         options.teacher_weight * on_groups(logit_mse{}, options.groups);
}

/// The same with KL(softmax(D_t) || softmax(D_s)) as the distance to the teacher's differences: the
/// form of the manuscript as its public reviews give it, where the code has the squared distance.
[[nodiscard]] inline auto comparative_kl_loss(const comparative_options& options = {})
{
  return options.label_weight * on_groups(label_mse{}, options.groups) +
         options.teacher_weight * on_groups(soft_target_kl{temperature{1.0}}, options.groups);
}

/// `comparative_loss` with a loss on the differences of features beside it, for teachers that show
/// theirs. Usual: `fitnet` with weight 100, `variational_information_distillation` with 1,
/// `correlation_congruence` with 0.02.
template<DistillationLoss Loss>
[[nodiscard]] auto comparative_feature_loss(double weight, Loss loss,
                                            const comparative_options& options = {})
{
  return comparative_loss(options) + weight * on_groups(std::move(loss), options.groups);
}

}  // namespace rolewise::systems
