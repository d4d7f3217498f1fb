// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Distillation on an extra view, and CutMixPick: of many mixed images, those that are least sure.

#include <rolewise/agent/candidates.hpp>
#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/hardest_view.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/teacher/teacher.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/training_step.hpp>

#include <cstdint>
#include <optional>

namespace rolewise::systems {

/// What candidates are ranked by.
enum class picked_by {
  teacher_entropy,  ///< of the teacher's softmax at temperature 1
  student_entropy,  ///< of the student's; it should be trained
  divergence,       ///< KL(teacher || student) at the temperature of `picking`
  dissimilarity     ///< `distance_to_closest` of the teacher on the candidate and on x
};

/// Which candidates are kept: the `keep` highest of `runs` views of each example, over the whole
/// batch, so an example may be kept several times or never. `{.runs = 1}` keeps every view.
struct picking {
  std::int64_t runs = 2;  ///< at least 1
  std::int64_t keep = 0;  ///< 0: as many as the batch has examples; more than there are: all
  picked_by by = picked_by::teacher_entropy;
  rolewise::temperature temperature{4.0};  ///< of `divergence`
};

/// Distillation that trains on a second, stronger view of each batch beside the usual one:
///
///     L = loss(x, y) + extra_loss(x'),  by default .1 CE(x, y) + .9 [KD(x) + KD(x')] at T = 4
///     x = base(batch),  pool = extra(x), `pick.runs` times,  x' = the `pick.keep` highest of it
///
/// The teacher is run on x' itself, not mixed from its outputs on the originals; the labels of x'
/// are not used. With the default agent this is CutMixPick. Teacher and student are called twice in
/// a step: the outputs by which the pool was ranked are the teacher's on x'. The student sees x and
/// x' as separate batches in training mode.
///
///     systems::cutmix_pick training{.teacher = frozen(net),
///                                   .student = learner{.model = resnet8(shape)}};
///
/// An agent that mixes within the batch refuses a batch of one example.
///
/// @par Source
/// Wang, Lohit, Jones, Fu: What makes a "good" data augmentation in knowledge distillation: a
/// statistical perspective, 2022, arXiv 2012.02909; code MingSun-Tse/Good-DA-in-KD, 75443f9.
/// @par Departs
/// The published code ranks by the student in training mode, so that its running statistics take in
/// the candidates that are rejected; here it does so in evaluation mode, and they take in x and x'.
/// Boxes and shares are drawn for each image (`cutmix`), there for each batch.
template<typename TeacherType, typename StudentLearner, typename Extra = cutmix,
         typename Base = pad_crop_flip, typename MetricType = top_k_accuracy>
struct cutmix_pick {
  static_assert(Teacher<TeacherType>,
                "cutmix_pick: .teacher must satisfy Teacher; frozen(network) makes one");
  static_assert(is_student_learner<StudentLearner>,
                "cutmix_pick: .student must be a learner of a Student, such as "
                "learner{.model = network}");
  static_assert(AugmentationAgent<Extra> && AugmentationAgent<Base>,
                "cutmix_pick: .extra and .base must satisfy AugmentationAgent");
  static_assert(Stateful<TeacherType> && Stateful<Extra> && Stateful<Base>,
                "cutmix_pick: .teacher and agents must show their state (visit_state) or say "
                "has_state = false");
  static_assert(!HasParameters<Extra> && !HasParameters<Base>,
                "cutmix_pick: an agent has parameters, which this step would never update");

  TeacherType teacher;
  StudentLearner student;
  Extra extra{};
  Base base{};
  picking pick{};
  weighted_sum<cross_entropy, soft_target_kl> loss =
      0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}};                ///< on x
  weighted_sum<soft_target_kl> extra_loss = 0.9 * soft_target_kl{temperature{4}};  ///< on x'
  rolewise::seed seed{0};                                                          ///< of the views
  MetricType metric{};  ///< of the student on x

  metrics operator()(const batch& examples, const training_progress& progress)
  {
    const rolewise::detail::gradients_on for_now{"cutmix_pick"};
    student.begin(progress);
    const auto plain = base(examples, progress, seed.split(role::both));
    const auto view = model_input(plain, student.model);
    auto more = model_input(
        candidate_views(extra, unlabeled(plain), progress, extra_seed(), pick.runs), student.model);
    const paired_outputs on_view{teacher.forward(view, taps{}),
                                 student.model.forward(view, taps{})};

    paired_outputs on_more;
    if (const auto kept = kept_of(more, on_view.teacher, on_more.teacher); kept)
      more = examples_at(more, *kept);
    if (!on_more.teacher.logits.defined()) on_more.teacher = teacher.forward(more, taps{});
    on_more.student = student.model.forward(more, taps{});

    const auto wanted = targets_of(view, progress);
    auto found = evaluate_loss_terms(loss, on_view, wanted);
    const auto of_more = extra_loss(
        on_more, {.labels = {}, .ids = more.ids, .progress = progress, .weights = more.weights});
    const auto total = found.total + of_more;
    student.minimize(total, progress);
    metrics numbers{{"loss", total.detach()}};
    rolewise::detail::add_terms(numbers, std::move(found.terms));
    numbers.push_back({"extra-view", of_more.detach()});
    add_metric(numbers, metric, on_view.student, wanted);
    return numbers;
  }

  /// The student's logits of the extra view as a training step would compute them, on a copy.
  [[nodiscard]] torch::Tensor rehearse(const batch& examples,
                                       const training_progress& progress) const
  {
    const torch::NoGradGuard without_graph;
    auto copy = student.model;
    const auto view = extra(unlabeled(rehearse_view(examples, progress)), progress, extra_seed());
    return copy.forward(model_input(view, copy), taps{}).logits;
  }
  [[nodiscard]] batch rehearse_view(const batch& examples, const training_progress& progress) const
  {
    return base(examples, progress, seed.split(role::both));
  }
  static constexpr bool mixes = requires { requires Extra::mixes; };

  [[nodiscard]] const auto& evaluated() const { return student.evaluated(); }
  [[nodiscard]] double learning_rate(const training_progress& progress) const
  {
    return student.learning_rate(progress);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_part(archive, "teacher", teacher);
    archive.part("student", student);
    visit_part(archive, "extra", extra);
    visit_part(archive, "base", base);
  }

 private:
  [[nodiscard]] rolewise::seed extra_seed() const { return seed.split(purpose{"extra view"}); }

  /// A batch whose labels cannot be learned from: the extra agent is given no others.
  [[nodiscard]] static batch unlabeled(batch view)
  {
    view.labels = at::zeros({view.size(), 1}, view.inputs.options().dtype(torch::kFloat));
    return view;
  }

  /// The places in the pool of what is kept, and the teacher's outputs there if it was asked.
  /// @param on_originals the teacher's outputs on x
  [[nodiscard]] std::optional<torch::Tensor> kept_of(const batch& pool, const outputs& on_originals,
                                                     outputs& of_teacher) const
  {
    if (pick.keep < 0)
      throw_invalid_argument("cutmix_pick", "pick.keep is ", pick.keep, ", want at least 0");
    const auto keep = pick.keep > 0 ? pick.keep : on_originals.logits.size(0);
    if (keep >= pool.size()) return std::nullopt;
    const torch::NoGradGuard without_graph;
    if (pick.by != picked_by::student_entropy) of_teacher = teacher.forward(pool, taps{});
    auto places = places_of_highest(ranked(pool, on_originals, of_teacher), keep);
    if (of_teacher.logits.defined())
      of_teacher.logits = of_teacher.logits.index_select(0, places.to(of_teacher.logits.device()));
    return places;
  }

  /// What each candidate is ranked by.
  [[nodiscard]] torch::Tensor ranked(const batch& pool, const outputs& on_originals,
                                     const outputs& of_teacher) const
  {
    const auto of_student = [&] { return student.model.predict(pool, taps{}).logits; };
    switch (pick.by) {
      case picked_by::teacher_entropy:
        return entropy_of(of_teacher.logits);
      case picked_by::student_entropy:
        return entropy_of(of_student());
      case picked_by::divergence:
        return divergence_of(of_teacher.logits, of_student(), pick.temperature);
      case picked_by::dissimilarity:
        return distance_to_closest(of_teacher.logits, on_originals.logits);
    }
    throw_invalid_argument("cutmix_pick", "pick.by is no criterion");
  }
};

}  // namespace rolewise::systems
