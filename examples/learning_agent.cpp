// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An augmentation agent that learns: a template for agents with parameters of their own.
//
//     build/test/examples/learning_agent
//
// trains a teacher, then distills it into a student while the agent learns to make the student's
// images hard, and prints what the agent has learned.

#include <rolewise/rolewise.hpp>

#include <torch/types.h>

#include <iostream>
#include <string_view>

namespace rw = rolewise;

namespace mine {

/// Multiplies images by a learned contrast, between 1/2 and 2, about their mean. The gradient of
/// the loss reaches it through the view.
struct learned_contrast {
  static constexpr std::string_view name = "learned-contrast";

  rw::owned_tensor raw{torch::zeros({1}).set_requires_grad(true)};  // a copy is deep

  torch::Tensor contrast() const { return raw->tanh().exp2(); }

  rw::batch operator()(rw::batch examples, const rw::training_progress&, rw::seed) const
  {
    const auto images = rw::normalized_inputs(examples);
    const auto mean = images.mean(torch::IntArrayRef{1, 2, 3}, true);
    examples.inputs = mean + (images - mean) * contrast();
    examples.normalization = {};  // done already
    return examples;
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("raw", *raw);
  }
};

static_assert(rw::AugmentationAgent<learned_contrast> && rw::Trainable<learned_contrast>);

/// Distillation on the agent's views. The student goes down the loss, the agent up: each learner
/// moves its own model, whatever else the loss depends on.
template<rw::Teacher TeacherType, rw::Student StudentType, rw::DistillationLoss Loss>
struct adversarial_views {
  TeacherType teacher;
  rw::learner<StudentType, rw::sgd, rw::cosine_annealing> student;
  rw::learner<learned_contrast, rw::adam> agent{.model = {}, .optimizer = {.learning_rate = 0.02}};
  Loss loss;
  rw::turn agents_turn{.every = 4};  // it moves in every fourth step
  rw::seed seed{0};

  rw::metrics operator()(const rw::batch& examples, const rw::training_progress& progress)
  {
    student.begin(progress);
    const auto view = agent.model(examples, progress, seed);
    const auto known = rw::targets_of(view, progress);
    const rw::paired_outputs pair{.teacher = teacher.forward(view),
                                  .student = student.model.forward(view)};
    const auto value = rw::evaluate_loss(loss, pair, known);
    if (agents_turn(progress)) agent.maximize(value, progress, rw::graph::keep);
    student.minimize(value, progress);
    return {{"loss", value.detach()}, {"contrast", agent.model.contrast().detach().squeeze()}};
  }

  // The network to validate, and what a checkpoint must hold.
  const StudentType& evaluated() const { return student.evaluated(); }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("student", student);
    archive.part("agent", agent);
  }
};

}  // namespace mine

int main()
{
  const auto data = rw::glyphs({.classes = 10, .train = 1500, .test = 500, .seed = rw::seed{1}});

  rw::supervised pretraining{.student = rw::resnet14(data.shape), .agent = rw::trivial_augment{}};
  rw::fit(pretraining, data.train, {.epochs = 4, .batch_size = 64});

  const auto loss = 0.3 * rw::cross_entropy{} + 0.7 * rw::soft_target_kl{rw::temperature{4}};
  auto student = rw::resnet8(data.shape);
  mine::adversarial_views training{
      .teacher = rw::frozen(pretraining.student),
      .student = rw::learner<decltype(student), rw::sgd, rw::cosine_annealing>{student},
      .loss = loss};
  const auto history =
      rw::fit(training, data.train, {.epochs = 4, .batch_size = 64, .validation = data.test});

  for (const auto& epoch : history.epochs)
    std::cout << "epoch " << epoch.epoch << ": contrast " << epoch["contrast"]
              << ", validation accuracy " << epoch.validation_accuracy.value_or(0) << '\n';
  rw::require_written();
}
