// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Parts of a teacher's knowledge: transforms of its distributions, what they carry, and how soft
// targets weigh examples.
#include "support/doctest.hpp"

#include "laws/teacher.hpp"
#include "support/noise_images.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/label_smoothing.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/measurement/teacher_knowledge.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/restricted_teacher.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

/// Gives one row of logits for every example.
struct same_row {
  static constexpr bool has_state = false;

  torch::Tensor logits;  // [K]

  [[nodiscard]] outputs forward(const batch& examples, taps = {}) const
  {
    return {.logits = logits.unsqueeze(0).repeat({examples.labels.size(0), 1}), .features = {}};
  }
};

[[nodiscard]] same_row says(std::vector<double> p)
{
  return {torch::tensor(p, torch::kDouble).log()};
}

[[nodiscard]] batch labeled(std::vector<std::int64_t> labels)
{
  const auto count = static_cast<std::int64_t>(labels.size());
  return {torch::zeros({count, 3}, torch::kDouble), torch::tensor(labels), torch::arange(count)};
}

template<typename T>
[[nodiscard]] torch::Tensor probabilities(const T& teacher, std::vector<std::int64_t> labels,
                                          double t = 1.0)
{
  return (teacher.forward(labeled(std::move(labels))).logits / t).softmax(1);
}

void check_near(const torch::Tensor& found, const std::vector<double>& wanted, double apart = 1e-12)
{
  const auto all = found.flatten().contiguous();
  REQUIRE(all.numel() == static_cast<std::int64_t>(wanted.size()));
  for (std::size_t i = 0; i < wanted.size(); ++i)
    CHECK(std::abs(all[static_cast<std::int64_t>(i)].item<double>() - wanted[i]) < apart);
}

template<typename Loss>
[[nodiscard]] torch::Tensor gradient_of(const Loss& loss, const torch::Tensor& teacher,
                                        const torch::Tensor& student, std::int64_t label)
{
  const auto z = student.clone().set_requires_grad(true);
  const auto found = loss(
      {.teacher = {.logits = teacher, .features = {}}, .student = {.logits = z, .features = {}}},
      {.labels = torch::full({1}, label, torch::kLong), .ids = {}, .progress = {}});
  return torch::autograd::grad({found}, {z})[0];
}

const std::vector<double> sloped{.7, .2, .1};

}  // namespace

TEST_CASE("each part keeps its level of the teacher's knowledge")
{
  const auto teacher = says(sloped);
  check_near(probabilities(restricted(teacher, instance_knowledge{}), {0, 2}),
             {.7, .15, .15, .45, .45, .1});
  check_near(
      probabilities(restricted(teacher, universe_knowledge{.label_probability = .8}), {0, 2}),
      {.8, .1, .1, .1, .1, .8});
  check_near(probabilities(restricted(teacher, largest_probabilities{1}), {0, 2}),
             {.7, .15, .15, .7, .15, .15});
  check_near(probabilities(restricted(says({.5, .3, .15, .05}), largest_probabilities{2}), {3}),
             {.5, .3, .1, .1});
  const domain_knowledge related{
      .label_probability = .6,
      .similarity = torch::tensor({{9., 3., 1.}, {1., 9., 1.}, {0., 2., 9.}}, torch::kDouble)};
  check_near(probabilities(restricted(teacher, related), {0, 1, 2}),
             {.6, .3, .1, .2, .6, .2, 0, .4, .6});
}

TEST_CASE("a part is that of the distribution at its temperature")
{
  const auto part = restricted(says({.81, .16, .01, .02}), instance_knowledge{}, temperature{2});
  // sqrt: .9, .4, .1, .1414..., normalized
  const double rest = .4 + .1 + std::sqrt(.02), sum = .9 + rest;
  check_near(probabilities(part, {0}, 2.0),
             {.9 / sum, rest / sum / 3, rest / sum / 3, rest / sum / 3});
}

TEST_CASE("parts of a sure teacher, in single and half precision, are finite")
{
  for (const auto type : {torch::kDouble, torch::kFloat, torch::kHalf, torch::kBFloat16}) {
    const same_row sure{torch::tensor({2000.0, 0.0, -2000.0}).to(type)};
    for (const std::int64_t label : {0, 2}) {
      const auto z = restricted(sure, instance_knowledge{}).forward(labeled({label})).logits;
      CHECK((z.scalar_type() == type));
      CHECK(z.isfinite().all().item<bool>());
      CHECK(restricted(sure, largest_probabilities{2})
                .forward(labeled({label}))
                .logits.isfinite()
                .all()
                .item<bool>());
    }
  }
}

TEST_CASE("examples without a label are as the teacher says")
{
  auto examples = labeled({0, 1});
  examples.labels[1] = examples.ignore_index;
  const auto z = restricted(says(sloped), instance_knowledge{}).forward(examples).logits;
  check_near(z.softmax(1), {.7, .15, .15, .7, .2, .1});
}

TEST_CASE("similarity of classes by the rows of a classifier")
{
  const auto found = class_similarity(torch::tensor({{2., 0.}, {0., 1.}, {1., 1.}}));
  const double half = std::exp(std::sqrt(.5));
  check_near(found, {std::exp(1.), 1, half, 1, std::exp(1.), half, half, half, std::exp(1.)}, 1e-7);
  CHECK(std::abs(class_similarity(torch::eye(2), temperature{.5})[0][0].item<double>() -
                 std::exp(2.0)) < 1e-12);
  CHECK_THROWS_AS(class_similarity(torch::zeros({2, 2})), std::invalid_argument);
  CHECK_THROWS_AS(class_similarity(torch::ones({4})), std::invalid_argument);
}

TEST_CASE("soft targets: the gradient, and the weight that they give an example")
{
  const auto z_t = torch::tensor({{2., 1., .1}}, torch::kDouble);
  const auto z_s = torch::tensor({{1., .5, -.5}}, torch::kDouble);
  const auto mixed = 0.5 * cross_entropy{} + 0.5 * soft_target_kl{temperature{1}};
  const auto gradient = gradient_of(mixed, z_t, z_s, 0);
  check_near(gradient, {-.282951, .210282, .072669}, 1e-6);
  const auto p = z_t.softmax(1), q = z_s.softmax(1);
  const double p_y = p[0][0].item<double>(), q_y = q[0][0].item<double>();
  const double weight_of_example = .5 + .5 * (p_y - q_y) / (1 - q_y);
  CHECK(std::abs(weight_of_example - .623996) < 1e-6);
  CHECK(std::abs(gradient[0][0].item<double>() - weight_of_example * (q_y - 1)) < 1e-12);
  // That weight is all that instance knowledge has: it gives the label the same gradient.
  const auto instance = instance_knowledge{}(z_t.log_softmax(1), torch::zeros({1}, torch::kLong));
  const auto of_instance = gradient_of(mixed, instance, z_s, 0);
  CHECK(std::abs(of_instance[0][0].item<double>() - gradient[0][0].item<double>()) < 1e-12);
  // At temperature T, with T^2.
  const auto soft =
      gradient_of(0.3 * cross_entropy{} + 0.7 * soft_target_kl{temperature{3}}, z_t, z_s, 1);
  const auto one = torch::tensor({{0., 1., 0.}}, torch::kDouble);
  const auto wanted = 0.3 * (q - one) + 0.7 * 3 * ((z_s / 3).softmax(1) - (z_t / 3).softmax(1));
  CHECK((soft - wanted).abs().max().item<double>() < 1e-12);
  // A teacher that is the student.
  CHECK((gradient_of(mixed, z_s, z_s, 2) - 0.5 * gradient_of(cross_entropy{}, z_s, z_s, 2))
            .abs()
            .max()
            .item<double>() < 1e-12);
}

TEST_CASE("a uniform teacher and universe knowledge are label smoothing")
{
  const auto z = torch::tensor({{1., .5, -.5}}, torch::kDouble);
  const auto uniform = torch::zeros({1, 3}, torch::kDouble);
  const auto smoothed = gradient_of(label_smoothing{.smoothing = fraction{0.3}}, uniform, z, 1);
  const auto taught =
      gradient_of(0.7 * cross_entropy{} + 0.3 * soft_target_kl{temperature{1}}, uniform, z, 1);
  CHECK((smoothed - taught).abs().max().item<double>() < 1e-12);
  const paired_outputs both{.teacher = {.logits = uniform, .features = {}},
                            .student = {.logits = z, .features = {}}};
  const targets of_1{.labels = torch::ones({1}, torch::kLong), .ids = {}, .progress = {}};
  const auto by_labels = label_smoothing{.smoothing = fraction{0.3}}(both, of_1),
             by_teacher =
                 (0.7 * cross_entropy{} + 0.3 * soft_target_kl{temperature{1}})(both, of_1);
  CHECK(std::abs((by_labels - by_teacher).item<double>() - 0.3 * std::log(3.0)) < 1e-12);
  const auto universe =
      universe_knowledge{.label_probability = .8}(z.log_softmax(1), torch::ones({1}, torch::kLong));
  const auto others =
      gradient_of(label_smoothing{.smoothing = fraction{.2}, .over = smoothed_over::other_classes},
                  uniform, z, 1);
  CHECK((gradient_of(soft_target_kl{temperature{1}}, universe, z, 1) - others)
            .abs()
            .max()
            .item<double>() < 1e-12);
}

TEST_CASE("a teacher's profile and what its parts carry")
{
  auto data = noise_images(12);  // of 4 classes, each as often
  const auto teacher = says({.5, .3, .15, .05});
  const auto seen = measurement::profile_of(teacher, data, {.batch_size = 5});
  CHECK(std::abs(seen.label_probability - .25) < 1e-12);
  CHECK(seen.examples == std::vector<std::int64_t>{3, 3, 3, 3});
  check_near(seen.class_means[2], {.5, .3, .15, .05});

  const auto rows =
      measurement::teacher_knowledge(teacher, data, {.batch_size = 5}, instance_knowledge{},
                                     universe_knowledge{.label_probability = .25});
  REQUIRE(rows.size() == 3);
  const auto log2 = [](double x) { return x * std::log(x); };
  const double entropy = -(log2(.5) + log2(.3) + log2(.15) + log2(.05));
  CHECK(rows[0].part == "whole");
  CHECK(std::abs(rows[0].entropy - entropy) < 1e-12);
  CHECK(rows[0].divergence == 0.0);
  CHECK(rows[0].top1 == .25);
  CHECK(rows[1].part == "instance");
  double divergence = 0.0;  // of the others' share from an equal one, over the labels
  const std::vector p{.5, .3, .15, .05};
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t c = 0; c < 4; ++c)
      if (c != y) divergence += p[c] * std::log(p[c] / ((1 - p[y]) / 3)) / 4;
  CHECK(std::abs(rows[1].divergence - divergence) < 1e-12);
  CHECK(std::abs(rows[1].label_probability - .25) < 1e-12);
  CHECK(std::abs(rows[2].entropy - std::log(4.0)) < 1e-12);
  CHECK(std::abs(rows[2].divergence - (std::log(4.0) - entropy)) < 1e-12);

  data.labels = torch::zeros({12}, torch::kLong);
  const auto one_class = measurement::profile_of(teacher, data);
  check_near(one_class.class_means[1], {.25, .25, .25, .25});
  CHECK(std::abs(one_class.label_probability - .5) < 1e-12);
}

TEST_CASE("a student learns from a part of its teacher's knowledge")
{
  const auto data = noise_images(16);
  // [parts]
  const auto teacher = frozen(resnet8(data.shape, {.seed = seed{1}}));
  const temperature t{4};
  const auto seen = measurement::profile_of(teacher, data, {.temperature = t});
  const domain_knowledge related{seen.label_probability, seen.class_means};
  distillation training{.teacher = restricted(teacher, related, t),
                        .student = resnet8(data.shape, dorefa{}, inner_bits<2>),
                        .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{t}};
  fit(training, data, {.epochs = 1, .batch_size = 8});
  const auto rows = measurement::teacher_knowledge(teacher, data, {.temperature = t}, related,
                                                   instance_knowledge{}, largest_probabilities{2});
  // [/parts]
  CHECK(rows.size() == 4);
  for (const auto& row : rows) CHECK(row.divergence >= 0.0);
  laws::hold_for(training.teacher, data.examples());
  const auto other = restricted(teacher, related, temperature{2});
  CHECK(other.fingerprint() != training.teacher.fingerprint());
  CHECK(restricted(teacher, instance_knowledge{}, t).fingerprint() !=
        training.teacher.fingerprint());
}

TEST_CASE("a part that cannot be made is refused")
{
  const auto teacher = says(sloped);
  const auto refuses = [&](const auto& part) {
    CHECK_THROWS_AS((void)restricted(teacher, part).forward(labeled({0})), std::invalid_argument);
  };
  for (const double p : {0.0, 1.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    refuses(universe_knowledge{.label_probability = p});
    refuses(domain_knowledge{.label_probability = p, .similarity = torch::ones({3, 3})});
  }
  refuses(domain_knowledge{});
  refuses(domain_knowledge{.similarity = torch::ones({2, 2})});
  refuses(domain_knowledge{.similarity = torch::eye(3)});  // nothing besides the diagonal
  refuses(domain_knowledge{.similarity = -torch::ones({3, 3})});
  refuses(largest_probabilities{0});
  refuses(largest_probabilities{3});
  auto soft = labeled({0});
  soft.labels = torch::ones({1, 3}) / 3;
  CHECK_THROWS_AS((void)restricted(teacher, instance_knowledge{}).forward(soft),
                  std::invalid_argument);
  CHECK_THROWS_AS((void)restricted(says({1.0}), instance_knowledge{}).forward(labeled({0})),
                  std::invalid_argument);
  CHECK_THROWS_AS((void)measurement::profile_of(teacher, noise_images(0)), std::invalid_argument);
}
