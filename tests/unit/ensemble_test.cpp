// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Several teachers as one: ensembles, and one member for each example.
#include "support/doctest.hpp"

#include "laws/teacher.hpp"
#include "support/mixture_data.hpp"
#include "support/noise_images.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/loss/attention_transfer.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/vgg.hpp>
#include <rolewise/teacher/cached_teacher.hpp>
#include <rolewise/teacher/ensemble_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/selected_teacher.hpp>
#include <rolewise/teacher/shared_teacher.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <tuple>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

/// Gives one row of logits for every example.
struct fixed_logits {
  static constexpr bool has_state = false;

  torch::Tensor row;  // [C]

  [[nodiscard]] outputs forward(const batch& examples, taps = {}) const
  {
    return {.logits = row.unsqueeze(0).repeat({examples.size(), 1}), .features = {}};
  }
};

[[nodiscard]] fixed_logits with_probabilities(std::vector<double> p)
{
  return {torch::tensor(p, torch::kDouble).log()};
}

[[nodiscard]] batch two_examples()
{
  return {torch::zeros({2, 3}, torch::kDouble), torch::zeros({2}, torch::kLong), torch::arange(2)};
}

[[nodiscard]] std::vector<double> numbers_of(const torch::Tensor& t)
{
  const auto row = t.detach().to(torch::kDouble).contiguous();
  return {row.data_ptr<double>(), row.data_ptr<double>() + row.numel()};
}

void check_near(const torch::Tensor& found, const std::vector<double>& wanted, double apart)
{
  const auto numbers = numbers_of(found);
  REQUIRE(numbers.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(std::abs(numbers[i] - wanted[i]) < apart);
}

static_assert(FrozenTeacher<ensemble_teacher<std::vector<fixed_logits>>>);
static_assert(FingerprintedTeacher<ensemble_teacher<std::vector<frozen_teacher<tiny_student>>>>);
static_assert(!FingerprintedTeacher<ensemble_teacher<std::vector<fixed_logits>>>);
static_assert(!TeacherMembers<std::tuple<>>);
static_assert(!TeacherMembers<std::tuple<tiny_student>>);
static_assert(!TeacherMembers<fixed_logits>);

}  // namespace

TEST_CASE("the mean of probabilities and the mean of logits are different teachers")
{
  const std::vector members{with_probabilities({.9, .1}), with_probabilities({.2, .8})};
  const auto softmax_of = [&](const ensemble_options& options, double t = 1.0) {
    return (ensemble(members, options).forward(two_examples()).logits[0] / t).softmax(0);
  };
  check_near(softmax_of({}), {.55, .45}, 1e-12);
  check_near(softmax_of({.reduction = mean_logits}), {.6, .4}, 1e-12);
  check_near(softmax_of({.weights = {3, 1}}), {.725, .275}, 1e-12);
  // sqrt(.9^1.5 .2^.5), sqrt(.1^1.5 .8^.5), normalized
  const double yes = std::pow(.9, .75) * std::pow(.2, .25);
  const double no = std::pow(.1, .75) * std::pow(.8, .25);
  check_near(softmax_of({.reduction = mean_logits, .weights = {3, 1}}),
             {yes / (yes + no), no / (yes + no)}, 1e-12);
  // At T = 2, softmax(z / T) is .75, .25 and 1/3, 2/3.
  check_near(softmax_of({.reduction = mean_probabilities_at(temperature{2})}, 2.0),
             {(.75 + 1.0 / 3) / 2, (.25 + 2.0 / 3) / 2}, 1e-12);
}

TEST_CASE("the cross-entropy of the mean is at most the mean cross-entropy")
{
  const std::vector members{with_probabilities({.9, .1}), with_probabilities({.2, .8})};
  const auto loss_of = [](const auto& teacher) {
    const auto examples = two_examples();
    return cross_entropy{}({.teacher = {}, .student = teacher.forward(examples)},
                           targets_of(examples, {}))
        .template item<double>();
  };
  CHECK(std::abs(loss_of(ensemble(members)) - .597837) < 1e-6);
  CHECK(std::abs((loss_of(members[0]) + loss_of(members[1])) / 2 - .857399) < 1e-6);
}

TEST_CASE("an ensemble of one network several times is that network")
{
  const auto data = noise_images(6);
  const auto member = frozen(resnet8(noise_shape));
  const auto alone = member.forward(data.examples()).logits;
  const auto student = resnet8(noise_shape, {.seed = seed{5}});
  const auto loss_of = [&](const auto& teacher) {
    return soft_target_kl{temperature{4}}({.teacher = teacher.forward(data.examples()),
                                           .student = student.predict(data.examples())})
        .template item<double>();
  };
  for (const auto& reduction :
       {mean_logits, mean_probabilities, mean_probabilities_at(temperature{4})}) {
    const auto three = ensemble(std::vector{member, member, member}, {.reduction = reduction});
    laws::hold_for(three, data.examples());
    CHECK(std::abs(loss_of(three) - loss_of(member)) < 1e-6);
    const auto logits = three.forward(data.examples()).logits;
    CHECK((logits.scalar_type() == alone.scalar_type()));
    CHECK(torch::allclose(logits.softmax(1), alone.softmax(1), 1e-5, 1e-6));
  }
}

TEST_CASE("at its temperature, the gradient against the mean is the mean of the gradients")
{
  const temperature t{3};
  std::vector<fixed_logits> members;
  for (std::uint64_t m = 0; m < 3; ++m)
    members.push_back({testing::drawn(seed{m}, {5}).to(torch::kDouble) * 6});
  const std::vector<double> weights{.5, .3, .2};
  const auto start = testing::drawn(seed{9}, {2, 5}).to(torch::kDouble) * 4;
  const auto gradient_of = [&](const auto& teacher) {
    const auto z = start.clone().set_requires_grad(true);
    const auto loss = soft_target_kl{t}(
        {.teacher = teacher.forward(two_examples()), .student = {.logits = z, .features = {}}});
    return torch::autograd::grad({loss}, {z})[0];
  };
  auto mean = torch::zeros_like(start);
  for (std::size_t m = 0; m < 3; ++m) mean += gradient_of(members[m]) * weights[m];
  const auto at_t =
      gradient_of(ensemble(members, {.reduction = mean_probabilities_at(t), .weights = weights}));
  CHECK((at_t - mean).abs().max().item<double>() < 1e-12);
  const auto of_logits =
      gradient_of(ensemble(members, {.reduction = mean_logits, .weights = weights}));
  CHECK((of_logits - mean).abs().max().item<double>() > 1e-3);
}

TEST_CASE("an ensemble is more accurate than its members, and so is a student of it")
{
  const auto data = testing::mixture_data(300, 1.0, seed{1});
  const auto test = testing::mixture_data(2000, 1.0, seed{2});
  constexpr sgd optimizer{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 5e-4};
  const auto untrained = [&](std::uint64_t key) { return tiny_student{data.shape, seed{key}, 32}; };
  const auto fitted = [&](auto step) {
    fit(step, data, {.epochs = 60, .batch_size = 32});
    return step.evaluated();
  };
  std::vector<frozen_teacher<tiny_student>> members;
  double of_members = 0.0;
  constexpr std::uint64_t count = 5;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto member = fitted(supervised{.student = untrained(i), .optimizer = optimizer});
    of_members += accuracy(member, test) / count;
    members.push_back(frozen(member));
  }
  const auto teacher = ensemble(members);
  const auto said = teacher.forward(test.examples()).logits.argmax(1);
  const auto of_ensemble = said.eq(test.labels).to(torch::kDouble).mean().item<double>();
  const auto of_student = accuracy(
      fitted(distillation{.teacher = teacher,
                          .student = untrained(count),
                          .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}},
                          .optimizer = optimizer}),
      test);
  CAPTURE(of_members);
  CHECK(of_ensemble > of_members + 0.01);
  CHECK(of_student > of_members + 0.01);
}

TEST_CASE("means are finite for logits far apart and for 16-bit logits")
{
  const std::vector<fixed_logits> sure{{torch::tensor({1e4, 0.0}, torch::kDouble)},
                                       {torch::tensor({-1e4, 0.0}, torch::kDouble)}};
  check_near(ensemble(sure).forward(two_examples()).logits[0].softmax(0), {.5, .5}, 1e-12);
  auto half = sure;
  for (auto& each : half) each.row = (each.row / 10).to(torch::kBFloat16);
  const auto found = ensemble(half).forward(two_examples()).logits;
  CHECK((found.scalar_type() == torch::kBFloat16));
  CHECK(found.isfinite().all().item<bool>());
}

TEST_CASE("teachers of several types are one, with the features of a chosen member")
{
  const sample_shape shape{.channels = 3, .height = 8, .width = 8, .classes = 4};
  const auto data = noise_images(8);
  const auto wide = vgg8(shape);
  const auto deep = resnet8(shape);
  // [ensemble]
  const auto members = std::tuple{frozen(wide), frozen(deep)};
  distillation training{
      .teacher = ensemble(members,
                          {.reduction = mean_probabilities_at(temperature{4}), .weights = {2, 1}}),
      .student = resnet8(data.shape, {.seed = seed{2}}),
      .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}}};
  fit(training, data, {.epochs = 1, .batch_size = 4});

  // Features are those of one member, by its number.
  distillation with_features{
      .teacher = with_features_of<1>(ensemble(members)),
      .student = resnet8(data.shape, {.seed = seed{2}}),
      .loss = soft_target_kl{} + 1000.0 * attention_transfer<tap::stage<3>>{}};
  // [/ensemble]
  fit(with_features, data, {.epochs = 1, .batch_size = 4});
  static_assert(TaughtStep<decltype(training)>);

  const auto tapped = with_features.teacher;
  static_assert(offered_taps<decltype(tapped)>() == offered_taps<decltype(deep)>());
  laws::hold_for(training.teacher, data.examples());
  laws::hold_for(tapped, data.examples());
  CHECK(torch::equal(
      tapped.forward(data.examples(), {tap::stage<3>}).features[tap::stage<3>],
      deep.predict(data.examples(), {tap::stage<3>}).features[tap::stage<3>].detach()));
  CHECK(tapped.tap_shapes({tap::penultimate})[tap::penultimate] == std::vector<std::int64_t>{64});
  CHECK(tapped.device() == torch::Device{torch::kCPU});
  CHECK_THROWS_WITH_AS((void)training.teacher.forward(data.examples(), {tap::stage<3>}),
                       "rolewise: ensemble: want tap::stage<3>; the offered taps are none",
                       std::invalid_argument);
}

TEST_CASE("the fingerprint of an ensemble is of its members, their order, reduction and weights")
{
  const auto a = frozen(tiny_student{noise_shape, seed{1}});
  const auto b = frozen(tiny_student{noise_shape, seed{2}});
  const auto of = [](const auto& teacher) { return teacher.fingerprint(); };
  const auto first = of(ensemble(std::vector{a, b}));
  CHECK(first == of(ensemble(std::tuple{a, b}, {.weights = {2, 2}})));
  CHECK(first != of(ensemble(std::vector{b, a})));
  CHECK(first != of(ensemble(std::vector{a, b}, {.weights = {2, 1}})));
  CHECK(first != of(ensemble(std::vector{a, b}, {.reduction = mean_logits})));
  CHECK(first !=
        of(ensemble(std::vector{a, b}, {.reduction = mean_probabilities_at(temperature{2})})));
  CHECK(first == of(shared_teacher{ensemble(std::vector{a, b})}));
}

TEST_CASE("an ensemble refuses no members, other weights and other logits in words")
{
  using many = std::vector<fixed_logits>;
  const auto two = with_probabilities({.9, .1}), three = with_probabilities({.2, .4, .4});
  CHECK_THROWS_WITH_AS((void)ensemble(many{}),
                       "rolewise: ensemble: want at least one member, got none",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)ensemble(many{two, two}, {.weights = {1}}),
                       "rolewise: ensemble: want a weight for each of 2 members, got 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)ensemble(many{two, two}, {.weights = {1, 0}}),
                       "rolewise: ensemble: want weights above 0, got 0", std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)ensemble(many{two, three}).forward(two_examples()),
      doctest::Contains("want logits alike in shape and dtype, members give Double [2, 2] and "
                        "Double [2, 3]"),
      std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)with_features_of<2>(ensemble(many{two, two})),
                       "rolewise: with_features_of: want the features of member 2, there are "
                       "members 0 .. 1",
                       std::invalid_argument);
}

TEST_CASE("one member answers for each example: the most confident, or the best on its label")
{
  const std::vector members{with_probabilities({.9, .1}), with_probabilities({.3, .7}),
                            with_probabilities({.9, .1})};
  auto examples = two_examples();
  examples.labels = torch::tensor({0, 1}, torch::kLong);
  const auto sure = selected(members, most_confident{}).forward(examples).logits;
  CHECK(torch::equal(sure[0], members[0].row));
  CHECK(torch::equal(sure[1], members[0].row));

  const auto best = selected(members, lowest_cross_entropy{});
  CHECK(torch::equal(best.forward(examples).logits[0], members[0].row));
  CHECK(torch::equal(best.forward(examples).logits[1], members[1].row));
  examples.labels = torch::tensor({{.2, .8}, {.9, .1}}, torch::kDouble);
  CHECK(torch::equal(best.forward(examples).logits[0], members[1].row));
  CHECK(torch::equal(best.forward(examples).logits[1], members[0].row));
  examples.labels = torch::tensor({1, -100}, torch::kLong);
  CHECK(torch::equal(best.forward(examples).logits[0], members[1].row));
  CHECK(torch::equal(best.forward(examples).logits[1], members[0].row));
  examples.labels = torch::Tensor{};
  CHECK_THROWS_WITH_AS((void)best.forward(examples),
                       doctest::Contains("lowest-cross-entropy: want"), std::invalid_argument);
}

TEST_CASE("a drawn member is a function of seed, view and id, and computes its examples alone")
{
  const auto data = noise_images(40);
  const std::vector members{frozen(resnet8(noise_shape, {.seed = seed{1}})),
                            frozen(resnet8(noise_shape, {.seed = seed{2}}))};
  const auto teacher = selected(members, drawn_member{seed{3}});
  auto examples = data.examples();
  laws::hold_for(teacher, examples);
  laws::hold_for(selected(members, most_confident{}), examples);
  laws::hold_for(selected(members, lowest_cross_entropy{}), examples);

  const auto choice_in = [&](const batch& shown) {
    const auto found = teacher.forward(shown).logits;
    const auto first = members[0].forward(shown).logits, second = members[1].forward(shown).logits;
    const auto is_first = (found - first).abs().amax(1) < 1e-5;
    CHECK((is_first | ((found - second).abs().amax(1) < 1e-5)).all().item<bool>());
    return is_first;
  };
  const auto at_first = choice_in(examples);
  const auto count = at_first.sum().item<std::int64_t>();
  CHECK(count > 10);
  CHECK(count < 30);
  CHECK(torch::equal(choice_in(data.examples()), at_first));
  examples.view = {.number = 1, .count = 2};
  CHECK_FALSE(torch::equal(choice_in(examples), at_first));

  CHECK(teacher.fingerprint() != selected(members, drawn_member{seed{4}}).fingerprint());
  CHECK(teacher.fingerprint() != selected(members, most_confident{}).fingerprint());

  // [selected]
  distillation training{
      .teacher = selected(members, drawn_member{.seed = seed{3}}),
      .student = resnet8(data.shape, {.seed = seed{4}}),
      .teacher_agent = cyclic_views{.views = 4, .agent = pad_crop_flip{.padding = 1}},
      .loss = soft_target_kl{temperature{4}}};
  // [/selected]
  fit(training, data, {.epochs = 1, .batch_size = 20});
}

namespace {

/// A user's policy: the member of the number that every example has.
struct always {
  std::int64_t number = 0;

  [[nodiscard]] torch::Tensor operator()(std::size_t, const batch& examples) const
  {
    return torch::full({examples.size()}, number, torch::kLong);
  }
};

}  // namespace

TEST_CASE("a policy of one's own, and what it may not return")
{
  const std::vector members{with_probabilities({.9, .1}), with_probabilities({.2, .8})};
  const auto found = selected(members, always{1}).forward(two_examples()).logits;
  CHECK(torch::equal(found[1], members[1].row));
  CHECK_THROWS_WITH_AS((void)selected(members, always{2}).forward(two_examples()),
                       "rolewise: selected: want members 0 .. 1 from the policy, got 2",
                       std::invalid_argument);
  static_assert(!MemberPolicy<fixed_logits>);
}
