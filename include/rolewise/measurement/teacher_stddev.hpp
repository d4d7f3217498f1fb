// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `teacher_stddev`: rates an augmentation for distillation from the teacher's outputs alone.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <ATen/ops/softmax.h>

#include <cstdint>
#include <vector>

namespace rolewise::measurement {

/// The spread of mean probabilities: their sample standard deviation over groups (n - 1),
/// averaged over classes.
/// @param means `[J, K]`: the mean probabilities of each of J groups, J at least 2
/// @throws std::invalid_argument for any other shape
[[nodiscard]] ROLEWISE_INLINE double stddev_of_means(const torch::Tensor& means);

/// The options of `teacher_stddev`. The value scales as one over the square root of the examples
/// in a group, so only values with the same options are comparable.
template<AugmentationAgent Base = pad_crop_flip>
struct stddev_options {
  std::int64_t batch_size = 64;
  std::int64_t steps = 5;    ///< batches in a group
  std::int64_t epochs = 10;  ///< 1 or more, at least two groups in all
  rolewise::seed seed{0};    ///< of the data order and of the views
  Base base{};               ///< the augmentation that training uses in any case
};

/// The result of `teacher_stddev`.
struct teacher_spread {
  double stddev = 0.0;      ///< of mean probabilities; lower is better
  std::int64_t groups = 0;  ///< J
  std::int64_t rows = 0;    ///< outputs in a group: 2 * steps * batch_size
};

/// Computes the T. stddev of an augmentation: the teacher evaluates the base view of each batch
/// and the augmentation of this view; its probabilities at temperature 1 are averaged over groups
/// of `steps` batches; the result is the spread of these averages (`stddev_of_means`).
///
///     teacher_stddev(frozen(net), data.train, cutmix{.partners = data.train}).stddev
///
/// It ranks augmentations for one teacher and one data set: students learn better from those with
/// lower values. Whatever merely flattens the teacher's outputs lowers it too, so it is no
/// quantity to optimize by itself.
///
/// @par Determinism
/// A function of teacher, data, agents and options.
/// @throws std::invalid_argument for options below 1 or fewer than two groups
/// @par Source
/// Wang, Lohit, Jones, Fu: What makes a "good" data augmentation in knowledge distillation: a
/// statistical perspective, 2022, arXiv 2012.02909; code MingSun-Tse/Good-DA-in-KD, 75443f9.
/// @par Departs
/// The published code counts the last, shorter batch of an epoch like the others; here it is left
/// out, so that all groups have the same size. Its AutoAugment, crop and flip draw once for a
/// batch; agents here draw for each example.
template<Teacher T, BatchSource Source, AugmentationAgent Extra,
         AugmentationAgent Base = pad_crop_flip>
[[nodiscard]] teacher_spread teacher_stddev(const T& teacher, const Source& data,
                                            const Extra& extra,
                                            const stddev_options<Base>& options = {})
{
  if (options.batch_size < 1 || options.steps < 1 || options.epochs < 1)
    throw_invalid_argument("teacher_stddev",
                           "want batch_size, steps and epochs of at least 1, got ",
                           options.batch_size, ", ", options.steps, " and ", options.epochs);
  const auto groups = batch_count(data, {.size = options.batch_size, .drop_last = true}) *
                      options.epochs / options.steps;
  if (groups < 2)
    throw_invalid_argument("teacher_stddev", "want two groups or more of ", options.steps,
                           " batches of ", options.batch_size, ", got ", groups, " from ",
                           options.epochs, " epochs of ", data.size(), " examples");

  const torch::NoGradGuard without_graph;
  const auto mean_prediction = [&](const batch& view) {
    const auto logits = teacher.forward(detail::on_device_of(teacher, view), taps{}).logits;
    return at::softmax(logits.to(torch::kDouble), 1).mean(0);
  };
  std::vector<torch::Tensor> means;
  torch::Tensor sum;
  std::int64_t summed = 0;
  for (std::int64_t epoch = 0; epoch < options.epochs; ++epoch)
    for (const batch& examples : batches(data, {.size = options.batch_size,
                                                .seed = options.seed,
                                                .epoch = epoch,
                                                .drop_last = true})) {
      const training_progress progress{.epoch = epoch, .epochs = options.epochs};
      const auto base = options.base(examples, progress, options.seed.split(purpose{"base view"}));
      const auto more = extra(base, progress, options.seed.split(purpose{"extra view"}));
      const auto both = (mean_prediction(base) + mean_prediction(more)) / 2.0;
      sum = sum.defined() ? sum + both : both;
      if (++summed < options.steps) continue;
      means.push_back(sum / static_cast<double>(options.steps));
      sum = torch::Tensor{};
      summed = 0;
    }
  return {stddev_of_means(at::stack(means)), static_cast<std::int64_t>(means.size()),
          2 * options.steps * options.batch_size};
}

}  // namespace rolewise::measurement

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/measurement/implementation/teacher_stddev.hpp>
#endif
