// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// LW-KD: composed digits, views of a class, the adversary, and the step.
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"
#include "laws/training_step.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/views_of_class.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/data/composed_digits.hpp>
#include <rolewise/loss/adversarial.hpp>
#include <rolewise/loss/teacher_free_kd.hpp>
#include <rolewise/network/lenet.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/lightweight_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <ATen/Parallel.h>  // at::set_num_threads
#include <ATen/ops/_unique.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

const training_progress at_first{.epoch = 0, .step = 0, .epochs = 2, .steps_per_epoch = 3};
const sgd plain{.learning_rate = 0.1, .momentum = 0.0, .weight_decay = 0.0};

/// A small untrained step: a teacher of another kind of images than the student's.
auto small_step(const dataset& data, const systems::lightweight_options& options = {})
{
  const auto bank = testing::tiny_data(12, seed{30});
  return systems::lightweight_teacher_distillation{
      .teacher = frozen(tiny_student{bank.shape, seed{1}}),
      .student = learner{.model = tiny_student{data.shape, seed{2}}, .optimizer = plain},
      .sampler = example_of_class{bank},
      .discriminator = systems::lightweight_discriminator(data.shape.classes, seed{3}),
      .agent = no_agent{},
      .options = options,
      .seed = seed{4}};
}

/// What a step shows its teacher.
template<typename Step>
torch::Tensor shown_by(const Step& step, const batch& examples)
{
  const auto view = step.sampler(examples, at_first, step.seed.split(role::teacher));
  return step.teacher.forward(model_input(view, step.student.model)).logits;
}

}  // namespace

TEST_CASE("LW-KD, one: composed digits have as many classes as wanted, each of them present")
{
  CHECK(digits_for_classes(2) == 1);
  CHECK(digits_for_classes(10) == 1);
  CHECK(digits_for_classes(11) == 2);
  CHECK(digits_for_classes(100) == 2);
  CHECK(digits_for_classes(137) == 3);
  for (const std::int64_t classes : {2, 10, 100, 137}) {
    const auto data =
        composed_digits({.classes = classes, .train_per_class = 2, .test_per_class = 1});
    CHECK(data.shape.classes == classes);
    for (const auto* part : {&data.train, &data.test}) {
      const auto labels = std::get<0>(at::_unique(part->labels, true));
      CHECK(torch::equal(labels, torch::arange(classes)));
      CHECK(part->inputs.sizes() == at::IntArrayRef{part->size(), 1, 32, 32});
      CHECK((part->inputs.scalar_type() == torch::kByte));
      // There is something to see on each image.
      CHECK(part->inputs.to(torch::kFloat).flatten(1).std(1).min().item<double>() > 10.0);
    }
    CHECK(data.train.size() == 2 * classes);
    CHECK(torch::equal(data.test.ids, torch::arange(2 * classes, 3 * classes)));
    CHECK(data.train.normalization == data.test.normalization);
  }
}

TEST_CASE("composed digits are a function of key, epoch, id and class, for any number of threads")
{
  const composed_digit_options options{.classes = 137, .height = 24, .width = 40};
  const auto classes = torch::tensor({5, 136, 5, 0}), ids = torch::tensor({7, 8, 9, 700});
  const auto all = composed_digit_images(options, classes, ids, seed{1}, 0);
  const auto threads_before = at::get_num_threads();
  at::set_num_threads(1);
  CHECK(torch::equal(composed_digit_images(options, classes.flip(0), ids.flip(0), seed{1}, 0),
                     all.flip(0)));
  at::set_num_threads(threads_before);
  CHECK_FALSE(torch::equal(all[0], all[2]));
  CHECK_FALSE(torch::equal(composed_digit_images(options, classes, ids, seed{1}, 1), all));
  CHECK_FALSE(torch::equal(composed_digit_images(options, classes, ids, seed{2}, 0), all));
  // 005 and 136: the first digit fills the left third, and differs between 0 and 1 alone.
  CHECK(all[0][0].narrow(1, 0, 14).to(torch::kFloat).mean().item<double>() >
        all[1][0].narrow(1, 0, 14).to(torch::kFloat).mean().item<double>());
  CHECK(composed_digit_images(options, torch::empty({0}, torch::kLong),
                              torch::empty({0}, torch::kLong), seed{1}, 0)
            .size(0) == 0);

  const auto refuses = [](const composed_digit_options& wrong, const char* words) {
    CHECK_THROWS_WITH_AS((void)composed_digits(wrong), words, std::invalid_argument);
  };
  refuses({.classes = 1}, "rolewise: composed_digits: want 2 to 10000 classes, got 1");
  refuses({.height = 7},
          "rolewise: composed_digits: want images of at least 8 x 8 pixels, got 7 x 32");
  refuses({.train_per_class = 0},
          "rolewise: composed_digits: want at least 1 training example for each class and 0 or "
          "more test examples, got 0 and 20");
  CHECK_THROWS_WITH_AS(
      (void)composed_digit_images({}, torch::tensor({10}), torch::tensor({1}), seed{1}, 0),
      "rolewise: composed_digits: want classes 0 .. 9, got 10", std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)composed_digit_images({}, torch::tensor({1}), torch::tensor({1, 2}), seed{1}, 0),
      "rolewise: composed_digits: want as many ids as classes, got 2 and 1", std::invalid_argument);
}

TEST_CASE("agents show another example of the class, by id, epoch and seed")
{
  const auto bank = tiny_data(30, seed{30});
  const example_of_class agent{bank};
  auto examples = testing::noise_images(12).examples();
  examples.labels = torch::arange(12).remainder(3);
  examples.weights = torch::ones({12});
  examples.view = {1, 2};
  const auto view = agent(examples, at_first, seed{1});
  CHECK(torch::equal(view.labels, examples.labels));
  CHECK(torch::equal(view.ids, examples.ids));
  CHECK(torch::equal(view.weights, examples.weights));
  CHECK(view.normalization == bank.normalization);
  CHECK((view.view == view_number{}));
  for (std::int64_t n = 0; n < 12; ++n) {  // it is in the bank, with this label
    const auto same = bank.inputs.eq(view.inputs[n]).flatten(1).all(1);
    CHECK(same.logical_and(bank.labels.eq(examples.labels[n])).any().item<bool>());
  }
  CHECK(torch::equal(agent(examples, at_first, seed{1}).inputs, view.inputs));
  auto turned = examples;
  turned.labels = examples.labels.flip(0);
  turned.ids = examples.ids.flip(0);
  CHECK(torch::equal(agent(turned, at_first, seed{1}).inputs, view.inputs.flip(0)));
  CHECK_FALSE(torch::equal(agent(examples, at_first, seed{2}).inputs, view.inputs));
  CHECK_FALSE(torch::equal(agent(examples, {.epoch = 1}, seed{1}).inputs, view.inputs));

  const digits_of_class digits{.options = {.classes = 3},
                               .normalization = {.mean = {0.1}, .std = {0.3}}};
  const auto drawn = digits(examples, at_first, seed{1});
  CHECK(drawn.inputs.sizes() == at::IntArrayRef{12, 1, 32, 32});
  CHECK((drawn.normalization == normalization{{0.1}, {0.3}}));
  for (std::int64_t n = 3; n < 12; ++n)  // of one class, and never twice the same
    CHECK_FALSE(torch::equal(drawn.inputs[n], drawn.inputs[n - 3]));
  CHECK_FALSE(torch::equal(digits(examples, {.epoch = 1}, seed{1}).inputs, drawn.inputs));

  const auto refuses = [&](const torch::Tensor& labels, const char* words) {
    auto others = examples;
    others.labels = labels;
    CHECK_THROWS_WITH_AS((void)agent(others, at_first, seed{1}), words, std::invalid_argument);
  };
  refuses(torch::rand({12, 3}),
          "rolewise: example-of-class: want labels [12] of Long, got [12, 3] of Float");
  refuses(torch::full({12}, 3, torch::kLong),
          "rolewise: example-of-class: want labels of which the bank has examples, got 3");
  refuses(torch::full({12}, -100, torch::kLong),
          "rolewise: example-of-class: want labels of which the bank has examples, got -100");
  CHECK_THROWS_WITH_AS((void)example_of_class{dataset{}},
                       "rolewise: example-of-class: want a bank of examples, got none",
                       std::invalid_argument);
}

TEST_CASE("LW-KD, two: soft targets differ within a class, and peak at the class in the mean")
{
  // [teacher]
  const auto digits = composed_digits({.classes = 12, .train_per_class = 40});
  supervised pretraining{.student = lenet5(digits.shape),
                         .optimizer = adam{.learning_rate = 1e-3},
                         .lr_schedule = constant_lr{}};
  fit(pretraining, digits.train, {.epochs = 10, .batch_size = 32});
  const auto teacher = frozen(pretraining.evaluated());
  // [/teacher]
  CHECK(accuracy(pretraining.evaluated(), digits.test) >= 0.95);

  const digits_of_class shown{.options = {.classes = 12},
                              .normalization = digits.train.normalization};
  batch examples = testing::noise_images(12 * 40).examples();
  examples.labels = torch::arange(12 * 40).remainder(12);
  const auto targets_for = [&](const auto& sampler) {
    return (teacher.forward(normalized(sampler(examples, at_first, seed{5}))).logits / 4.0)
        .softmax(1)
        .view({40, 12, 12});
  };
  const auto p = targets_for(shown);
  const auto apart = (p.narrow(0, 1, 39) - p.narrow(0, 0, 39)).abs().amax(2);
  CHECK(apart.min().item<double>() > 0.0);  // of any two draws in sequence, in each class
  const auto peaks = p.mean(0).argmax(1).eq(torch::arange(12)).to(torch::kFloat);
  CHECK(peaks.mean().item<double>() >= 0.95);
  // With one image for each class, they are the same for all its examples.
  const example_of_class one{composed_digits({.classes = 12, .train_per_class = 1}).train};
  const auto fixed = targets_for(one);
  CHECK(torch::allclose(fixed, fixed.narrow(0, 0, 1).expand_as(fixed)));
  // A teacher-free one has a target for a class: its gradient q - t, in bits.
  const auto z = torch::zeros({4, 12}).set_requires_grad(true);
  const auto loss = teacher_free_kd{.temperature = temperature{4}}(
      {.teacher = {}, .student = {.logits = z, .features = {}}},
      {.labels = torch::tensor({3, 5, 3, 5}), .ids = {}, .progress = {}});
  const auto gradient = torch::autograd::grad({loss}, {z})[0];
  CHECK(torch::equal(gradient[0], gradient[2]));
  CHECK(torch::equal(gradient[1], gradient[3]));
  CHECK_FALSE(torch::equal(gradient[0], gradient[1]));
}

TEST_CASE("agents that show a class keep the promises of AugmentationAgent")
{
  const auto examples = laws::images_for_agents(1);
  dataset bank;
  bank.shape = {.channels = 1, .height = 40, .width = 36, .classes = 7};
  bank.inputs = examples.inputs;
  bank.labels = examples.labels;
  bank.ids = examples.ids;
  bank.normalization = examples.normalization;
  laws::hold_for(example_of_class{bank}, 1);
  laws::draws_matter_for(example_of_class{bank});
  const digits_of_class digits{.options = {.classes = 7, .height = 40, .width = 36},
                               .normalization = examples.normalization};
  laws::hold_for(digits, 1);
  laws::draws_matter_for(digits);
}

TEST_CASE("LW-KD, three: soft targets do not depend on the images that they are for")
{
  const auto data = tiny_data(16);
  const auto step = small_step(data);
  auto noise = data.examples();
  noise.inputs = (uniform_tensor({16, 1, 3, 3}, seed{9}, 127.0) + 128.0).to(torch::kByte);
  CHECK(torch::equal(shown_by(step, data.examples()), shown_by(step, noise)));
  // And training takes them, whatever size the images have.
  auto large = data.examples();
  large.inputs = testing::noise_images(16).inputs;
  CHECK(torch::equal(shown_by(step, large), shown_by(step, noise)));
}

TEST_CASE("LW-KD, four: without adversary and variety it is KD against one vector for a class")
{
  const auto data = tiny_data(16);
  auto step = small_step(data, {.adversary = weight{0.0}});
  const auto bank = subset(tiny_data(60, seed{30}), [&] {
    const auto labels = tiny_data(60, seed{30}).labels;
    std::vector<std::int64_t> first;
    for (std::int64_t c = 0; c < 3; ++c)
      first.push_back(labels.eq(c).nonzero().flatten()[0].item<std::int64_t>());
    return torch::tensor(first);
  }());
  step.sampler = example_of_class{bank};
  auto plain_student = step.student;
  const auto table = step.teacher.forward(normalized(bank.examples())).logits;

  const auto examples = normalized(data.examples());
  const outputs said = plain_student.model.forward(examples);
  const paired_outputs pair{
      .teacher = {.logits = table.index_select(0, data.labels), .features = {}}, .student = said};
  const auto targets = targets_of(examples, at_first);
  const auto loss =
      0.1 * cross_entropy{}(pair, targets) + 0.9 * soft_target_kl{temperature{4.0}}(pair, targets);
  plain_student.minimize(loss, at_first);
  const auto numbers = step(data.examples(), at_first);
  CHECK(numbers[0].value.item<double>() ==
        doctest::Approx(loss.item<double>()).epsilon(1e-6).scale(0));
  const auto found = step.student.model.parameters(), wanted = plain_student.model.parameters();
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(torch::allclose(found[i].value, wanted[i].value, 1e-5, 1e-7));
}

TEST_CASE("LW-KD, five: each update moves one of the networks alone")
{
  const auto data = tiny_data(16);
  const auto parameters_of_student = [](auto& step) {
    checksum sum;
    for (const auto& p : step.student.model.parameters()) sum.add(p.value.detach());
    return sum.value();
  };
  const auto of_discriminator = [](auto& step) { return state_sum(step.discriminator.model); };
  const auto start = small_step(data);
  const auto run = [&](double of_student, double of_judge, double beta) {
    auto step = start;
    step.student.optimizer.learning_rate = of_student;
    step.discriminator.optimizer.learning_rate = of_judge;
    step.options.adversary = weight{beta};
    (void)step(data.examples(), at_first);
    auto before = start;
    CHECK(step.teacher.fingerprint() == before.teacher.fingerprint());
    return std::pair{parameters_of_student(step), of_discriminator(step)};
  };
  auto before = start;
  const auto student = parameters_of_student(before), judge = of_discriminator(before);
  CHECK((run(0.0, 0.0, 0.1) == std::pair{student, judge}));
  CHECK(run(0.0, 1e-3, 0.1).first == student);  // the update of the discriminator
  CHECK(run(0.0, 1e-3, 0.1).second != judge);
  CHECK(run(0.1, 0.0, 0.1).first != student);  // the update of the student
  CHECK(run(0.1, 0.0, 0.1).second == judge);
  // The discriminator learns the same whether or not the student does, and first.
  CHECK(run(0.1, 1e-3, 0.1).second == run(0.0, 1e-3, 0.1).second);
  CHECK(run(0.1, 1e-3, 0.1).first != run(0.1, 0.0, 0.1).first);
  // The adversary's weight reaches the student.
  CHECK(run(0.1, 0.0, 0.1).first != run(0.1, 0.0, 0.0).first);
}

TEST_CASE("LW-KD, five: both learn from distributions at the temperature, the discriminator first")
{
  const auto data = tiny_data(16);
  auto step = small_step(data);
  auto judge = step.discriminator;
  auto student = step.student.model;
  const auto p = (shown_by(step, data.examples()) / 4.0).softmax(1);
  const auto q = (student.forward(normalized(data.examples())).logits / 4.0).softmax(1).detach();
  const auto of_judge = discriminator_loss(judge.model(p), judge.model(q));
  const auto unmoved = deception_loss(judge.model(q)).item<double>();
  judge.optimizer.learning_rate = step.discriminator.optimizer.learning_rate = 0.05;
  judge.minimize(of_judge, at_first);
  const auto of_adversary = deception_loss(judge.model(q)).item<double>();
  const auto numbers = step(data.examples(), at_first);
  CHECK(numbers[4].value.item<double>() ==
        doctest::Approx(of_judge.item<double>()).epsilon(1e-6).scale(0));
  CHECK(numbers[3].value.item<double>() == doctest::Approx(of_adversary).epsilon(1e-6).scale(0));
  CHECK(std::abs(of_adversary - unmoved) > 1e-3);
  CHECK(testing::same_tensors(step.discriminator.model, judge.model));
  // What it has learned is which is which.
  const auto real = step.discriminator.model(p).mean(), fake = step.discriminator.model(q).mean();
  CHECK(real.item<double>() > fake.item<double>());
}

TEST_CASE("LW-KD, six: values and signs of the adversarial losses")
{
  const auto logit = [](double p) {
    return torch::full({2}, std::log(p / (1.0 - p)), torch::kDouble);
  };
  CHECK(std::abs(discriminator_loss(logit(.8), logit(.3)).item<double>() - .579819) < 1e-6);
  CHECK(std::abs(deception_loss(logit(.3)).item<double>() - 1.203973) < 1e-6);
  CHECK(deception_loss(logit(.4)).item<double>() < deception_loss(logit(.3)).item<double>());
  const auto d = torch::tensor({-2.0, 0.3, 5.0}, torch::kDouble);
  const auto of = [](const auto& loss, const torch::Tensor& at) {
    const auto x = at.clone().set_requires_grad(true);
    loss(x).backward();
    return x.grad();
  };
  const auto judge = [&](const torch::Tensor& x) { return discriminator_loss(x.flip(0), 2.0 * x); };
  CHECK(torch::allclose(of(deception_loss, d), testing::finite_differences(deception_loss, d), 1e-5,
                        1e-8));
  CHECK(torch::allclose(of(judge, d), testing::finite_differences(judge, d), 1e-5, 1e-8));
  CHECK_THROWS_WITH_AS((void)deception_loss(torch::empty({0})),
                       "rolewise: adversarial loss: want logits of a discriminator of fake "
                       "examples, got [0] of Float",
                       std::invalid_argument);
}

TEST_CASE("mlp_discriminator has two hidden layers with leaky ReLU")
{
  mlp_discriminator judge{4, {.hidden = 5, .seed = seed{1}}};
  std::vector<torch::Tensor> t;
  for_each_tensor(judge, [&](const std::string&, torch::Tensor& x, tensor_kind kind) {
    CHECK(is_learned(kind));
    t.push_back(x);
  });
  REQUIRE(t.size() == 6);
  const auto x = uniform_tensor({3, 4}, seed{2}, 1.0);
  const auto leaky = [](const torch::Tensor& y) { return torch::where(y > 0, y, 0.2 * y); };
  const auto wanted = leaky(leaky(x.mm(t[0].t()) + t[1]).mm(t[2].t()) + t[3]).mm(t[4].t()) + t[5];
  CHECK(torch::allclose(judge(x), wanted.squeeze(1)));
  CHECK(judge(x).sizes() == at::IntArrayRef{3});
  CHECK(t[0].abs().max().item<double>() <= 0.5);
  CHECK(torch::equal(judge(x), mlp_discriminator{4, {.hidden = 5, .seed = seed{1}}}(x)));
  CHECK_FALSE(torch::equal(judge(x), mlp_discriminator{4, {.hidden = 5, .seed = seed{2}}}(x)));
  CHECK_THROWS_WITH_AS((void)mlp_discriminator{0},
                       "rolewise: mlp_discriminator: want vectors and hidden layers of at least 1 "
                       "number, got 0 and 64",
                       std::invalid_argument);
}

TEST_CASE("LW-KD: a discriminator that tells all or nothing apart gives finite steps")
{
  for (const double sure : {-1e4, 1e4}) {
    const auto x = torch::full({3}, sure).set_requires_grad(true);
    const auto loss = discriminator_loss(x, x) + deception_loss(x);
    loss.backward();
    CHECK(loss.isfinite().item<bool>());
    CHECK(x.grad().isfinite().all().item<bool>());
  }
  // Where each fake is found out, the student still has a gradient.
  const auto found_out = torch::full({1}, -1e4).set_requires_grad(true);
  deception_loss(found_out).backward();
  CHECK(found_out.grad().item<double>() == doctest::Approx(-1.0));

  const auto data = tiny_data(16);
  for (const double scale : {0.0, 1e4}) {  // collapsed to a constant, or sure of everything
    auto step = small_step(data);
    {
      const torch::NoGradGuard without_graph;
      for_each_tensor(step.discriminator.model,
                      [&](const std::string&, torch::Tensor& t, tensor_kind) { t.mul_(scale); });
    }
    for (int i = 0; i < 3; ++i)
      for (const auto& each : step(data.examples(), at_first))
        CHECK(std::isfinite(each.value.item<double>()));
    for (const auto& p : step.student.model.parameters())
      CHECK(p.value.isfinite().all().item<bool>());
  }
}

TEST_CASE("LW-KD is a training step, which goes on with the same bits")
{
  const auto data = tiny_data(24);
  const auto make = [&] { return small_step(data); };
  laws::step_holds_for(make, data);
  testing::goes_on_with_the_same_bits(make, data, {.epochs = 4, .batch_size = 8});
  auto step = make();
  const auto numbers = step(data.examples(), at_first);
  std::vector<std::string> names;
  for (const auto& each : numbers) names.push_back(each.name);
  CHECK((names == std::vector<std::string>{"loss", "cross-entropy", "soft-target-kl", "adversary",
                                           "discriminator", "accuracy"}));
  CHECK(numbers[0].value.item<double>() == doctest::Approx(0.1 * numbers[1].value.item<double>() +
                                                           0.9 * numbers[2].value.item<double>() +
                                                           0.1 * numbers[3].value.item<double>()));
}

TEST_CASE("LW-KD trains networks of few bits, and refuses what does not fit, in words")
{
  const auto data = testing::noise_images(16);
  const auto digits = composed_digits({.classes = 4, .train_per_class = 4, .test_per_class = 0});
  const auto teacher = frozen(lenet5(digits.shape));
  // [student]
  systems::lightweight_teacher_distillation training{
      .teacher = teacher,
      .student = learner{.model = resnet8(data.shape, dorefa{}, inner_bits<2>),
                         .optimizer = sgd{.learning_rate = 0.05},
                         .lr_schedule = cosine_annealing{}},
      .sampler = digits_of_class{.options = {.classes = data.shape.classes},
                                 .normalization = digits.train.normalization},
      .discriminator = systems::lightweight_discriminator(data.shape.classes)};
  const auto history = fit(training, data, {.epochs = 2, .batch_size = 8});
  // [/student]
  CHECK(std::isfinite(history.epochs.back()["loss"]));
  CHECK(history.epochs.back().numbers.at(3).name == "adversary");

  auto negative = training;
  negative.options.adversary = weight{-1.0};
  CHECK_THROWS_WITH_AS((void)negative(data.examples(), at_first),
                       "rolewise: lightweight_teacher_distillation: want a weight of the adversary "
                       "of 0 or more, got -1",
                       std::invalid_argument);
  const tiny_student of_three{{.channels = 1, .height = 32, .width = 32, .classes = 3}};
  systems::lightweight_teacher_distillation other{.teacher = frozen(of_three),
                                                  .student = training.student,
                                                  .sampler = training.sampler,
                                                  .discriminator = training.discriminator};
  CHECK_THROWS_WITH_AS((void)other(data.examples(), at_first),
                       "rolewise: lightweight_teacher_distillation: want logits [N, classes] of a "
                       "teacher and a student with the same classes, got [16, 3] and [16, 4]",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)mlp_discriminator{4}(torch::zeros({2, 5})),
                       "rolewise: mlp_discriminator: want vectors [N, 4] of floating point, got "
                       "[2, 5] of Float",
                       std::invalid_argument);
}
