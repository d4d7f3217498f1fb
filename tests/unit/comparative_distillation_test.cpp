// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Comparative distillation: tuples, losses on groups, answers asked once, fresh views; and a run.
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"
#include "laws/batch_source.hpp"
#include "laws/distillation_loss.hpp"
#include "laws/teacher.hpp"
#include "laws/training_step.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/fresh_views.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/remembered.hpp>
#include <rolewise/data/sample_tuples.hpp>
#include <rolewise/loss/correlation_congruence.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/fitnet.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/comparative_distillation.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::finite_differences;
using rolewise::testing::noise_images;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;
using rolewise::testing::tiny_tapped_student;

[[nodiscard]] torch::Tensor rows(std::vector<double> values)
{
  return torch::tensor(values, torch::kDouble).view({-1, 3});
}

[[nodiscard]] paired_outputs pair_of(const torch::Tensor& teacher, const torch::Tensor& student)
{
  return {.teacher = {.logits = teacher, .features = {}},
          .student = {.logits = student, .features = {}}};
}

[[nodiscard]] targets labeled(const torch::Tensor& labels)
{
  return {.labels = labels, .ids = torch::arange(labels.size(0)), .progress = {}};
}

template<typename Loss>
[[nodiscard]] double value_of(const Loss& loss, const torch::Tensor& teacher,
                              const torch::Tensor& student, const torch::Tensor& labels)
{
  return loss(pair_of(teacher, student), labeled(labels)).template item<double>();
}

[[nodiscard]] torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key)
{
  return uniform_tensor(sizes, seed{key}, 2.0).to(torch::kDouble);
}

template<typename F>
[[nodiscard]] std::string refusal(const F& call)
{
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

/// Whether the message of a refusal has these words.
template<typename F>
[[nodiscard]] bool refuses(const F& call, const std::string& words)
{
  const auto message = refusal(call);
  CAPTURE(message);
  CHECK(message.find(words) != std::string::npos);
  return message.find(words) != std::string::npos;
}

/// A teacher that counts the examples that it is asked about.
struct counting_teacher {
  frozen_teacher<tiny_student> teacher;
  std::shared_ptr<std::int64_t> asked = std::make_shared<std::int64_t>(0);

  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    *asked += examples.size();
    return teacher.forward(examples, wanted);
  }
};

}  // namespace

TEST_CASE(
    "comparative distillation: a vector added to all logits does not show, in plain KD it does")
{
  const auto teacher = noise({4, 3}, 1), student = noise({4, 3}, 2);
  const auto labels = torch::tensor({0, 1, 2, 1}, torch::kLong);
  const auto c = rows({3.0, -1.0, 0.5});
  const auto loss = systems::comparative_loss();
  const auto before = value_of(loss, teacher, student, labels);
  CHECK(std::abs(value_of(loss, teacher, student + c, labels) - before) < 1e-12);
  const soft_target_kl plain{};
  const auto plain_before = plain(pair_of(teacher, student)).item<double>();
  CHECK(std::abs(plain(pair_of(teacher, student + c)).item<double>() - plain_before) > 1e-3);
  // Its gradient over the examples of a tuple adds up to nothing: no bias of all is learned.
  auto z = student.clone().set_requires_grad(true);
  const auto slope = torch::autograd::grad({loss(pair_of(teacher, z), labeled(labels))}, {z})[0];
  CHECK(slope.sum(0).abs().max().item<double>() < 1e-15);
  // A mean of examples shows it.
  const auto sum = systems::comparative_loss({.groups = {.comparison = group_comparison::average}});
  CHECK(std::abs(value_of(sum, teacher, student + c, labels) -
                 value_of(sum, teacher, student, labels)) > 1e-3);
}

TEST_CASE("comparative distillation: groups that change places give the same loss")
{
  const auto teacher = noise({6, 3}, 3), student = noise({6, 3}, 4);
  const auto labels = torch::tensor({0, 1, 2, 1, 0, 0}, torch::kLong);
  const auto swapped = torch::tensor({1, 0, 3, 2, 5, 4}, torch::kLong);
  const auto value = [&](const auto& loss, const torch::Tensor& order) {
    return value_of(loss, teacher.index_select(0, order), student.index_select(0, order),
                    labels.index_select(0, order));
  };
  const auto as_is = torch::arange(6);
  const auto loss = systems::comparative_loss();
  CHECK(value(loss, as_is) == doctest::Approx(value(loss, swapped)).epsilon(1e-12).scale(0));
  // With two and one: first and second groups of other sizes change places as well.
  const auto turned = torch::tensor({2, 0, 1, 5, 3, 4}, torch::kLong);
  CHECK(value(systems::comparative_loss({.groups = {.first = 2, .second = 1}}), as_is) ==
        doctest::Approx(
            value(systems::comparative_loss({.groups = {.first = 1, .second = 2}}), turned))
            .epsilon(1e-12)
            .scale(0));
}

TEST_CASE("comparative distillation: values")
{
  const auto student = rows({1, .5, -.5, 0, 1, .2}), teacher = rows({2, 1, .1, -1, 2, 0});
  const auto labels = torch::tensor({0, 1}, torch::kLong);
  const auto value = [&](const auto& loss) { return value_of(loss, teacher, student, labels); };
  CHECK(std::abs(value(on_groups(logit_mse{})) - 1.63) < 1e-9);
  CHECK(std::abs(value(on_groups(label_mse{})) - .246667) < 1e-6);
  CHECK(std::abs(value(on_groups(soft_target_kl{temperature{1}})) - .165665) < 1e-6);
  CHECK(std::abs(value(systems::comparative_loss()) - 1.876667) < 1e-6);
  CHECK(std::abs(value(systems::comparative_kl_loss()) - .412332) < 1e-6);
  CHECK(std::abs(value(systems::comparative_loss({.label_weight = 2.0, .teacher_weight = 0.5})) -
                 (2.0 * .74 / 3.0 + 0.5 * 1.63)) < 1e-9);

  // By hand: a triple, the average, and a mixture of equal rows, whatever its lambda.
  const auto three = rows({1, 0, 0, 3, 2, 0, 1, 1, 1});  // (2,1,0) - (1,1,1) = (1,0,-1)
  const auto none = torch::zeros({3, 3}, torch::kDouble);
  const auto of_three = torch::tensor({0, 1, 2}, torch::kLong);
  CHECK(value_of(on_groups(logit_mse{}, {.first = 2}), none, three, of_three) ==
        doctest::Approx(2.0 / 3.0));
  const auto label = rows({.5, .5, -1});  // of the differences
  CHECK(value_of(on_groups(label_mse{}, {.first = 2}), none, three, of_three) ==
        doctest::Approx((rows({1, 0, -1}) - label).square().mean().item<double>()));
  CHECK(value_of(on_groups(logit_mse{}, {.comparison = group_comparison::average}),
                 none.narrow(0, 0, 2), three.narrow(0, 0, 2),
                 labels) == doctest::Approx((4.0 + 1.0) / 3.0));
  const auto equal = three.narrow(0, 1, 1).expand({2, 3});
  CHECK(value_of(on_groups(logit_mse{}, {.comparison = group_comparison::mixture}),
                 none.narrow(0, 0, 2), equal, labels) == doctest::Approx(13.0 / 3.0));
}

TEST_CASE("comparative distillation: a mixture has one lambda for students, teachers and labels")
{
  const auto first = torch::eye(3, torch::kDouble).narrow(0, 0, 1);
  const auto second = torch::eye(3, torch::kDouble).narrow(0, 1, 1);
  const auto z = torch::cat({first, second, first, second});
  const auto labels = torch::tensor({0, 1, 0, 1}, torch::kLong);
  const group_options mixing{.comparison = group_comparison::mixture};
  // Logits that are their labels have no distance to them, whatever lambda is.
  CHECK(value_of(on_groups(label_mse{}, mixing), z, z, labels) < 1e-15);
  CHECK(value_of(on_groups(logit_mse{}, mixing), z, z, labels) < 1e-15);
  // Mean of lambda^2 + (1 - lambda)^2 over many tuples: 2/3.
  const auto many = z.repeat({2000, 1});
  const auto loss = on_groups(logit_mse{}, mixing);
  const auto value = value_of(loss, torch::zeros_like(many), many, labels.repeat({2000}));
  CHECK(std::abs(3.0 * value - 2.0 / 3.0) < 0.02);
  CHECK(value == value_of(loss, torch::zeros_like(many), many, labels.repeat({2000})));
  auto later = labeled(labels.repeat({2000}));
  later.progress.step = 1;
  CHECK(loss(pair_of(torch::zeros_like(many), many), later).item<double>() != value);
}

TEST_CASE("comparative distillation: gradients by finite differences, and laws of the losses")
{
  const auto teacher = noise({6, 3}, 5), student = noise({6, 3}, 6);
  const auto targets = labeled(torch::tensor({0, 1, 2, 1, 0, 0}, torch::kLong));
  const auto check = [&](const auto& loss) {
    const auto f = [&](const torch::Tensor& z) { return loss(pair_of(teacher, z), targets); };
    auto z = student.clone().set_requires_grad(true);
    const auto slope = torch::autograd::grad({f(z)}, {z})[0];
    CHECK(torch::allclose(slope, finite_differences(f, student), 1e-6, 1e-8));
  };
  check(logit_mse{});
  check(label_mse{});
  for (const auto how :
       {group_comparison::difference, group_comparison::average, group_comparison::mixture}) {
    check(systems::comparative_loss({.groups = {.first = 2, .comparison = how}}));
    check(systems::comparative_kl_loss({.groups = {.comparison = how}}));
  }
  laws::hold_for(logit_mse{});
  laws::hold_for_labels(label_mse{});
  laws::hold_for(on_groups(logit_mse{}, {.first = 3, .second = 2}));
  laws::hold_for(on_groups(soft_target_kl{}, {.first = 3, .second = 2}));
  laws::hold_for(on_groups(fitnet<tap::stage<1>>{}, {.first = 3, .second = 2}));
  laws::hold_for(systems::comparative_feature_loss(100.0, fitnet<tap::stage<1>>{},
                                                   {.groups = {.first = 3, .second = 2}}));
}

TEST_CASE("comparative distillation: 16-bit and large logits, weights and ignored labels")
{
  const auto teacher = noise({4, 3}, 7), student = noise({4, 3}, 8);
  const auto labels = torch::tensor({0, 1, 2, 1}, torch::kLong);
  const auto loss = systems::comparative_loss();
  const auto half =
      loss(pair_of(teacher.to(torch::kHalf), student.to(torch::kHalf)), labeled(labels));
  CHECK((half.scalar_type() == torch::kHalf));
  CHECK(std::abs(half.item<double>() - value_of(loss, teacher, student, labels)) < 1e-2);
  CHECK(std::isfinite(value_of(loss, 1e4 * teacher, -1e4 * student, labels)));
  // A tuple has the product of its weights; one with an ignored label counts in no loss on labels.
  auto weighted = labeled(labels);
  weighted.weights = torch::tensor({2.0, 3.0, 0.0, 1.0}, torch::kDouble);
  const auto first_alone =
      value_of(loss, teacher.narrow(0, 0, 2), student.narrow(0, 0, 2), labels.narrow(0, 0, 2));
  CHECK(loss(pair_of(teacher, student), weighted).item<double>() == doctest::Approx(first_alone));
  const auto hole = torch::tensor({0, 1, -100, 1}, torch::kLong);
  CHECK(value_of(on_groups(label_mse{}), teacher, student, hole) ==
        doctest::Approx(value_of(on_groups(label_mse{}), teacher.narrow(0, 0, 2),
                                 student.narrow(0, 0, 2), labels.narrow(0, 0, 2))));
  CHECK(value_of(on_groups(logit_mse{}), teacher, student, hole) ==
        value_of(on_groups(logit_mse{}), teacher, student, labels));

  CHECK(refuses(
      [&] { (void)value_of(on_groups(logit_mse{}, {.first = 2}), teacher, student, labels); },
      "want batches of whole tuples of 2 + 1 examples, got 4"));
  CHECK(refuses(
      [&] { (void)value_of(on_groups(logit_mse{}, {.first = 0}), teacher, student, labels); },
      "want groups of at least 1 example, got 0 and 1"));
  CHECK(refuses([&] { (void)value_of(loss, teacher, student, labels + 5); },
                "want labels in 0 .. 2"));
}

TEST_CASE("comparative distillation: the teacher is asked once about each example, in any epochs")
{
  const auto data = tiny_data(30);
  const counting_teacher teacher{frozen(tiny_student{data.shape, seed{1}})};
  const cyclic_views shown{.agent = pad_crop_flip{.padding = 1}};
  const auto answers = remembered(teacher, data, shown_views{.teacher_agent = shown}, 8);
  CHECK(*teacher.asked == 30);
  CHECK(answers.size() == 30);
  distillation step{.teacher = answers,
                    .student = tiny_student{data.shape, seed{2}},
                    .student_agent = fresh_views{pad_crop_flip{.padding = 1}},
                    .loss = systems::comparative_loss()};
  const auto before = state_sum(step.student);
  fit(step, sample_tuples{data}, {.epochs = 4, .batch_size = 16});
  CHECK(*teacher.asked == 30);
  CHECK(state_sum(step.student) != before);
  CHECK(answers.fingerprint() == step.teacher.fingerprint());

  // The rows are the teacher's outputs for its one view, whatever view comes with the id.
  const auto view = shown(data.examples(), {}, seed{0}.split(role::teacher));
  CHECK(torch::allclose(answers.forward(data.examples()).logits,
                        teacher.teacher.forward(view).logits));
  laws::hold_for(answers, data.examples());
  const auto tapped = frozen(tiny_tapped_student{data.shape, seed{1}});
  const auto with_taps = remembered<tap::penultimate>(tapped, data);
  laws::hold_for(with_taps, data.examples());
  CHECK(torch::allclose(
      with_taps.forward(data.examples(), {tap::penultimate}).features[tap::penultimate],
      tapped.forward(data.examples(), {tap::penultimate}).features[tap::penultimate]));

  auto other = data.examples();
  other.ids = other.ids + 1;
  CHECK(refuses([&] { (void)answers.forward(other); }, "example 30 is not among the 30"));
  CHECK(refuses(
      [&] {
        (void)remembered(teacher, data, shown_views{.teacher_agent = pad_crop_flip{.padding = 1}});
      },
      "not a fixed one"));
  auto twice = data;
  twice.ids = torch::zeros({30}, torch::kLong);
  CHECK(refuses([&] { (void)remembered(teacher, twice); }, "each id once, got 0 twice"));
  auto nothing = data;
  nothing.inputs = nothing.inputs.narrow(0, 0, 0);
  CHECK(refuses([&] { (void)remembered(teacher, nothing); }, "got 0 and 128"));
}

TEST_CASE("comparative distillation: 1600 examples give 100 000 distinct ordered pairs")
{
  auto data = tiny_data(2);
  data.inputs = torch::zeros({1600, 1, 1, 1}, torch::kByte);
  data.labels = torch::zeros({1600}, torch::kLong);
  data.ids = torch::arange(1600);
  data.shape = {.channels = 1, .height = 1, .width = 1, .classes = 3};
  const sample_tuples pairs{data};
  REQUIRE(pairs.pool_size() == 100'000);
  std::set<std::array<std::int64_t, 3>> distinct;
  std::int64_t ascending = 0;
  for (std::int64_t i = 0; i < pairs.pool_size(); ++i) {
    const auto each = pairs.tuple(i);
    if (each[0] == each[1] || each[0] < 0 || each[1] >= 1600) FAIL("places of a pair");
    ascending += each[0] < each[1];
    distinct.insert(each);
  }
  CHECK(distinct.size() == 100'000);
  CHECK(std::abs(ascending - 50'000) < 1000);
  // Another seed draws another pool.
  CHECK(sample_tuples{data, {.seed = seed{1}}}.tuple(0) != pairs.tuple(0));
  CHECK(sample_tuples{data, {.seed = seed{1}}}.fingerprint() != pairs.fingerprint());
}

TEST_CASE("comparative distillation: few examples are enumerated, and epochs take turns")
{
  const auto data = tiny_data(7);
  for (const std::int64_t k : {2, 3}) {
    CAPTURE(k);
    const sample_tuples all{data, {.size = k}};
    CHECK(all.pool_size() == (k == 2 ? 42 : 105));
    std::set<std::array<std::int64_t, 3>> distinct;
    for (std::int64_t i = 0; i < all.pool_size(); ++i) {
      const auto each = all.tuple(i);
      if (k == 3) {
        CHECK(each[0] < each[1]);
        CHECK(each[2] != each[0]);
        CHECK(each[2] != each[1]);
      }
      distinct.insert(each);
    }
    CHECK(static_cast<std::int64_t>(distinct.size()) == all.pool_size());
    laws::hold_for(all, {.size = 2 * k, .epoch = 3});

    // Epochs of 7 tuples: together they show each tuple of the pool once before any comes again.
    std::multiset<std::vector<std::int64_t>> seen;
    batch_memory memory;
    for (std::int64_t epoch = 0; epoch < all.pool_size() / 7; ++epoch) {
      const auto batches = all.epoch({.size = 7 * k, .epoch = epoch});
      const auto ids = batches(0, memory).ids.view({7, k}).clone();
      for (std::int64_t n = 0; n < 7; ++n) {
        const auto row = ids[n].contiguous();
        const auto* const id = row.const_data_ptr<std::int64_t>();
        seen.insert({id, id + k});
      }
    }
    CHECK(static_cast<std::int64_t>(seen.size()) == all.pool_size());
    CHECK(std::set<std::vector<std::int64_t>>(seen.begin(), seen.end()).size() == seen.size());
  }
  CHECK(sample_tuples{data, {.pool = 5, .of_epoch = 12}}.size() == 24);
  CHECK(refuses([&] { (void)sample_tuples(data, {.size = 4}); }, "want tuples of 2 or 3"));
  CHECK(refuses([&] { (void)sample_tuples(tiny_data(2), {.size = 3}); },
                "tuples of 3 want 3 to 1048575 examples, 'tiny' has 2"));
  CHECK(refuses([&] { (void)sample_tuples(data, {.pool = 0}); }, "want a pool of at least 1"));
  CHECK(refuses([&] { (void)sample_tuples(data).epoch({.size = 3}); },
                "want batches of whole tuples of 2 examples, got a size of 3"));
}

TEST_CASE("comparative distillation: views are fresh in each step and each row")
{
  const fresh_views<pad_crop_flip> agent{};
  laws::draws_matter_for(agent);
  laws::refuses_what_are_no_images(fresh_views<pad_crop_flip>{});
  auto examples = noise_images(2).examples();
  const auto again = torch::tensor({0, 0, 1, 0}, torch::kLong);
  batch often{examples.inputs.index_select(0, again), examples.labels.index_select(0, again),
              examples.ids.index_select(0, again)};
  const auto view = agent(often, {.epoch = 1}, seed{3});
  CHECK(torch::equal(view.ids, often.ids));
  CHECK_FALSE(torch::equal(view.inputs[0], view.inputs[1]));
  CHECK_FALSE(torch::equal(view.inputs[1], view.inputs[3]));
  CHECK(torch::equal(agent(often, {.epoch = 1}, seed{3}).inputs, view.inputs));
  CHECK_FALSE(torch::equal(agent(often, {.epoch = 1, .step = 1}, seed{3}).inputs, view.inputs));
  often.ids = torch::tensor({-1, -1, 1, 0}, torch::kLong);
  CHECK(refuses([&] { (void)agent(often, {}, seed{3}); }, "want ids of 0 to 2^40 - 1, got -1"));
}

TEST_CASE("comparative distillation: a run, with few bits as with many")
{
  const auto data = noise_images(16);
  // [compare]
  const auto large = frozen(resnet8(data.shape, {.seed = seed{1}}));
  distillation training{.teacher = remembered(large, data),
                        .student = resnet8(data.shape, dorefa{}, inner_bits<2>),
                        .student_agent = fresh_views{pad_crop_flip{.padding = 2}},
                        .loss = systems::comparative_loss()};
  fit(training, sample_tuples{data}, {.epochs = 1, .batch_size = 2 * 4});
  // [/compare]
  distillation full{.teacher = training.teacher,
                    .student = resnet8(data.shape, {.seed = seed{2}}),
                    .student_agent = fresh_views{pad_crop_flip{.padding = 2}},
                    .loss = systems::comparative_kl_loss({.groups = {.first = 2}})};
  const auto history = fit(full, sample_tuples{data, {.size = 3}}, {.epochs = 1, .batch_size = 12});
  CHECK(std::isfinite(history.epochs.back()["loss"]));
  // The teacher's features, for losses on their differences.
  distillation with_features{
      .teacher = remembered<tap::penultimate>(large, data),
      .student = resnet8(data.shape, dorefa{}, inner_bits<2>),
      .student_agent = fresh_views{pad_crop_flip{.padding = 2}},
      .loss = systems::comparative_feature_loss(0.02, correlation_congruence<tap::penultimate>{})};
  const auto seen = fit(with_features, sample_tuples{data}, {.epochs = 1, .batch_size = 8});
  CHECK(std::isfinite(seen.epochs.back()["loss"]));
}

TEST_CASE("comparative distillation: laws of the step, and the same bits after a restore")
{
  const auto data = tiny_data(24);
  const auto answers = remembered(frozen(tiny_student{data.shape, seed{1}}), data);
  const auto make = [&] {
    return distillation{.teacher = answers,
                        .student = tiny_student{data.shape, seed{2}},
                        .student_agent = fresh_views{pad_crop_flip{.padding = 1}},
                        .loss = systems::comparative_loss()};
  };
  laws::step_holds_for(make, data);
  const sample_tuples tuples{data};
  auto at_once = make(), begun = make();
  fit_options whole{.epochs = 4, .batch_size = 8}, first = whole, second = whole, ahead = whole;
  first.until = second.from = 2;
  ahead.prefetch = 3;
  ahead.num_workers = 2;
  fit(at_once, tuples, whole);
  fit(begun, tuples, first);
  auto resumed = make();
  restore(resumed, snapshot_of(begun));
  fit(resumed, tuples, second);
  CHECK(state_sum(resumed) == state_sum(at_once));
  auto prefetched = make();
  fit(prefetched, tuples, ahead);
  CHECK(state_sum(prefetched) == state_sum(at_once));
}
