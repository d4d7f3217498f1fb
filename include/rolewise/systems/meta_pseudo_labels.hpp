// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Meta Pseudo Labels: a teacher of unlabeled images that learns whether its labels helped.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/sampled_classes.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/data/batch_cycle.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>

#include <cmath>
#include <concepts>
#include <utility>

namespace rolewise::systems {

/// The numbers of `meta_pseudo_labels`; the defaults are those of CIFAR-10 with 4000 labels.
struct meta_pseudo_label_options {
  double consistency_weight = 8.0;         ///< w, at least 0
  rolewise::temperature temperature{0.7};  ///< of the consistency's targets
  fraction threshold{0.6};                 ///< examples whose target is less sure do not count
  fraction smoothing{0.15};                ///< of labels and pseudo labels
  fraction baseline_rate{0.01};            ///< of the running mean of the feedback
};

/// The consistency loss of UDA: the prediction for a weak view, sharpened, is the target of the
/// strong one where its largest probability reaches the threshold.
///
///     p = softmax(weak / T),  loss = mean_n [max p >= threshold] CE(p, softmax(strong))
///
/// @param weak, strong logits `[N, C]`; the gradient is to `strong` alone
[[nodiscard]] ROLEWISE_INLINE torch::Tensor uda_consistency(const torch::Tensor& weak,
                                                            const torch::Tensor& strong,
                                                            const meta_pseudo_label_options& with);

/// The running mean of the feedback of `meta_pseudo_labels`, which begins at 0. It is state.
class feedback_baseline {
 public:
  static constexpr bool has_settings = false;

  /// Takes in how far the loss fell, `[]`.
  /// @return what it fell beyond the mean, `[]` single precision
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& fall, fraction rate);

  [[nodiscard]] const torch::Tensor& mean() const { return *mean_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("mean", *mean_);
  }

 private:
  owned_tensor mean_{torch::zeros({})};
};

/// A training step on unlabeled examples beside labeled ones; labels and weights of its batches are
/// not read.
///
///     (a) y ~ softmax(teacher(u)) for a strong view u;  student: descend CE(y, student(u))
///     (b) h = CE(student before; labeled) - CE(student after; labeled), minus its running mean
///     (c) teacher: descend CE(labeled) + w consistency + h CE(y, teacher(u)),  h a constant
///
/// If the label helped on labeled examples, h is above 0 and the teacher's probability of it rises:
/// the first-order relative of `ikd`, without a graph through the student's update. The label is
/// hard and drawn (`sampled_classes`), as the gradient of (c) is 0 for the teacher's own soft
/// label.
///
///     systems::meta_pseudo_labels training{.teacher = learner{.model = teacher},
///                                          .student = learner{.model = student},
///                                          .labeled = batch_cycle{.data = few, .size = 128},
///                                          .strong_agent = rand_augment{}};
///     fit(training, unlabeled, {.epochs = 100});
///
/// Both scores of (b) are of copies in training mode, so that the student's statistics are those of
/// unlabeled views. The student never learns a label itself; train it on them by `supervised`
/// afterwards, as the paper does.
///
/// Metrics: `loss` of the student, `teacher`, `feedback` (h), then `.metric` of the student on the
/// labeled batch.
///
/// @par Source
/// Pham, Dai, Xie, Luong, Le: Meta Pseudo Labels, 2020, arXiv:2003.10580; consistency: Xie, Dai,
/// Hovy, Luong, Le: Unsupervised Data Augmentation for Consistency Training, 2019,
/// arXiv:1904.12848. Defaults of the re-implementation kekmodel/MPL-pytorch.
/// @par Departs
/// The released code has soft pseudo labels, whose feedback has no gradient. The re-implementation
/// has after - before in (b). Views go through the networks as batches of their own, the running
/// mean starts at 0 and takes h in before it is subtracted, and w has no ramp: ours.
template<typename TeacherLearner, typename StudentLearner, typename Labeled,
         typename WeakAgent = no_agent, typename StrongAgent = no_agent,
         typename MetricType = top_k_accuracy>
struct meta_pseudo_labels {
  static_assert(is_student_learner<TeacherLearner>,
                "meta_pseudo_labels: .teacher must be a learner of a network, as it learns");
  static_assert(is_student_learner<StudentLearner>,
                "meta_pseudo_labels: .student must be a learner of a Student");
  static_assert(
      requires(const Labeled labeled, const training_progress progress) {
        { labeled(progress) } -> std::same_as<batch>;
      } && state_must::be_denied<Labeled>,
      "meta_pseudo_labels: .labeled must give a batch for each step and say has_state = false, "
      "such as batch_cycle{.data = examples}");
  static_assert(AugmentationAgent<WeakAgent> && AugmentationAgent<StrongAgent>,
                "meta_pseudo_labels: .weak_agent and .strong_agent must satisfy AugmentationAgent");
  static_assert(Stateful<WeakAgent> && Stateful<StrongAgent> && !HasParameters<WeakAgent> &&
                    !HasParameters<StrongAgent>,
                "meta_pseudo_labels: every agent must show its state or say has_state = false, and "
                "have no parameters");
  static_assert(StepMetric<MetricType>,
                "meta_pseudo_labels: .metric must satisfy Metric or be no_metric{}");

  TeacherLearner teacher;
  StudentLearner student;
  Labeled labeled;             ///< `batch_cycle` of labeled examples
  WeakAgent weak_agent{};      ///< of labeled examples, and of targets of the consistency
  StrongAgent strong_agent{};  ///< of what the student sees
  meta_pseudo_label_options options{};
  rolewise::seed seed{0};  ///< of views and pseudo labels
  MetricType metric{};     ///< of the student on labeled batches, after its update

  feedback_baseline baseline{};  ///< state, do not set

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const detail::gradients_on for_now{"meta_pseudo_labels"};
    if (!(options.consistency_weight >= 0.0) || !std::isfinite(options.consistency_weight))
      throw_invalid_argument("meta_pseudo_labels", "want a finite consistency_weight >= 0, got ",
                             options.consistency_weight);
    teacher.begin(progress);
    student.begin(progress);
    const auto view = [&](const auto& agent, const batch& of, purpose why) {
      return model_input(agent(of, progress, seed.split(why)), student.model);
    };
    const auto weak = view(weak_agent, examples, purpose{"weak view"});
    const auto strong = view(strong_agent, examples, purpose{"strong view"});
    const auto known = view(weak_agent, labeled(progress), purpose{"labeled view"});
    const auto wanted = targets_of(known, progress);
    const auto smoothed = cross_entropy{.smoothing = options.smoothing};
    const auto value = [](const cross_entropy& loss, const outputs& said, const targets& labels) {
      return loss({.teacher = {}, .student = said}, labels);
    };

    const auto of_strong = teacher.model.forward(strong);
    const targets pseudo{
        .labels = sampled_classes(of_strong.logits, seed.split(purpose{"pseudo label"}),
                                  progress.epoch, strong.ids),
        .ids = strong.ids,
        .progress = progress};

    const auto before = scored(student.model, known);
    const auto loss = value(smoothed, student.model.forward(strong), pseudo);
    student.minimize(loss, progress);
    const auto after = scored(student.model, known);
    const auto h =
        baseline(value({}, before, wanted) - value({}, after, wanted), options.baseline_rate);

    const auto target = without_graph(teacher.model, weak);
    const auto lesson =
        value(smoothed, teacher.model.forward(known), wanted) +
        options.consistency_weight * uda_consistency(target.logits, of_strong.logits, options) +
        h * value({}, of_strong, pseudo);
    teacher.minimize(lesson, progress);

    metrics numbers{{"loss", loss.detach()}, {"teacher", lesson.detach()}, {"feedback", h}};
    add_metric(numbers, metric, after, wanted);
    return numbers;
  }

  [[nodiscard]] const auto& evaluated() const { return student.evaluated(); }
  [[nodiscard]] double learning_rate(const training_progress& progress) const
  {
    return student.learning_rate(progress);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("teacher", teacher);
    archive.part("student", student);
    visit_part(archive, "weak_agent", weak_agent);
    visit_part(archive, "strong_agent", strong_agent);
    archive.part("baseline", baseline);
  }

 private:
  template<typename Network>
  [[nodiscard]] static outputs without_graph(Network& network, const batch& view)
  {
    const torch::NoGradGuard guard;
    return network.forward(view);
  }
  template<typename Network>
  [[nodiscard]] static outputs scored(Network copy, const batch& view)
  {
    return without_graph(copy, view);
  }
};

}  // namespace rolewise::systems

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/implementation/meta_pseudo_labels.hpp>
#endif
