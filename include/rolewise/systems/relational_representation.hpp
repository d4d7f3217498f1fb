// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Relational representation distillation (RRD), alone and with soft targets (RRD+KD).

#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/relational_memory_distillation.hpp>
#include <rolewise/loss/relational_representation_distillation.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <utility>

namespace rolewise::systems {

/// The loss of RRD, on labels and relations, for `distillation`:
///
///     loss = CE(z_s, y) + L_RRD
///
///     distillation training{
///         .teacher = frozen(pretraining.student), .student = resnet8(shape),
///         .loss = systems::rrd_loss<tap::penultimate>({.settings = rrd_of_2024})};
///
/// The authors' runs, 240 epochs on CIFAR-100: a queue of 16,384 embeddings of 128 numbers, batches
/// of 64, SGD of momentum 0.9 and weight decay 5e-4 at learning rate 0.05 (0.01 for MobileNet and
/// ShuffleNet), a tenth of it after 150, 180 and 210 epochs.
///
/// With a memory of all examples in the place of the queue, the code's option `momentum`:
///
///     systems::rrd_loss<tap::penultimate>(relational_memory_distillation<tap::penultimate>{
///         .labels = data.train.labels, .ids = data.train.ids})
///
/// @tparam Teacher, Student taps, as of `relational_representation_distillation`
/// @par Source
/// Giakoumoglou, Stathaki: Relational Representation Distillation, 2024, arXiv:2407.12073; code
/// giakoumoglou/rrd, 83cefda.
template<tap_id Teacher, tap_id... Student>
[[nodiscard]] auto rrd_loss(relational_representation_distillation<Teacher, Student...> relations)
{
  return 1.0 * cross_entropy{} + 1.0 * std::move(relations);
}
template<tap_id Teacher, tap_id... Student>
[[nodiscard]] auto rrd_loss(relational_memory_distillation<Teacher, Student...> relations)
{
  return 1.0 * cross_entropy{} + 1.0 * std::move(relations);
}

/// The loss of RRD+KD, the same with soft targets:
///
///     loss = CE(z_s, y) + 16 KL(softmax(z_t / 4) || softmax(z_s / 4)) + L_RRD
template<tap_id Teacher, tap_id... Student>
[[nodiscard]] auto rrd_with_kd_loss(
    relational_representation_distillation<Teacher, Student...> relations)
{
  return 1.0 * cross_entropy{} + 1.0 * soft_target_kl{temperature{4.0}} +
         1.0 * std::move(relations);
}
template<tap_id Teacher, tap_id... Student>
[[nodiscard]] auto rrd_with_kd_loss(relational_memory_distillation<Teacher, Student...> relations)
{
  return 1.0 * cross_entropy{} + 1.0 * soft_target_kl{temperature{4.0}} +
         1.0 * std::move(relations);
}

}  // namespace rolewise::systems
