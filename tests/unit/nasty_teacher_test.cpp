// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The loss of nasty teachers, and a step of one.
#include "support/doctest.hpp"

#include "support/finite_differences.hpp"
#include "support/mixture_data.hpp"
#include "support/noise_images.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/core/checksum.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/nasty_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

[[nodiscard]] torch::Tensor row(std::vector<double> values)
{
  return torch::tensor(values, torch::kDouble).unsqueeze(0);
}

struct value_and_gradient {
  double value = 0.0;
  torch::Tensor gradient;
};

template<typename Loss>
[[nodiscard]] value_and_gradient of_label_0(const Loss& loss, const torch::Tensor& network,
                                            const torch::Tensor& normal)
{
  const auto z = network.clone().set_requires_grad(true);
  const auto found = loss(
      {.teacher = {.logits = normal, .features = {}}, .student = {.logits = z, .features = {}}},
      {.labels = torch::zeros({1}, torch::kLong), .ids = {}, .progress = {}});
  return {found.template item<double>(), torch::autograd::grad({found}, {z})[0]};
}

void check_row(const torch::Tensor& found, const std::vector<double>& wanted, double apart)
{
  for (std::size_t i = 0; i < wanted.size(); ++i)
    CHECK(std::abs(found[0][static_cast<std::int64_t>(i)].item<double>() - wanted[i]) < apart);
}

}  // namespace

TEST_CASE("nasty teacher: values and gradients")
{
  const auto network = row({2, 1, .1}), normal = row({1, .5, -.5});
  const auto adverse = of_label_0(reverse_kl{temperature{4}}, network, normal);
  CHECK(std::abs(adverse.value - .025805) < 1e-6);
  check_row(adverse.gradient, {.110727, -.075969, -.034758}, 1e-6);
  const auto whole = of_label_0(systems::nasty_teacher_loss(), network, normal);
  CHECK(std::abs(whole.value - .415998) < 1e-6);
  check_row(whole.gradient, {-.345428, .245472, .099956}, 1e-6);
  // At large temperatures and for large logits.
  const auto large =
      of_label_0(systems::nasty_teacher_loss(systems::nasty_for_cifar100), 1e4 * network, normal);
  CHECK(std::isfinite(large.value));
  CHECK(large.gradient.isfinite().all().item<bool>());
}

TEST_CASE("nasty teacher: the adversary's term and its gradient are 0 at equal logits")
{
  const auto z = row({2, 1, .1});
  const auto adverse = of_label_0(reverse_kl{temperature{4}}, z, z);
  CHECK(std::abs(adverse.value) < 1e-12);
  CHECK(adverse.gradient.abs().max().item<double>() < 1e-12);
}

TEST_CASE("nasty teacher: without a weight it is plain training, and the normal network stays")
{
  const auto data = tiny_data(24);
  const tiny_student normal{data.shape, seed{1}};
  const auto trained = [&](const auto& loss) {
    distillation step{.teacher = frozen(normal),
                      .student = tiny_student{data.shape, seed{2}},
                      .loss = loss,
                      .optimizer = sgd{.learning_rate = 0.1}};
    auto before = step.teacher;
    fit(step, data, {.epochs = 3, .batch_size = 8});
    CHECK(before.fingerprint() == step.teacher.fingerprint());
    return state_sum(step.student);
  };
  const auto plain = trained(1.0 * cross_entropy{});
  CHECK(trained(systems::nasty_teacher_loss({.weight = 0.0})) == plain);
  CHECK(trained(systems::nasty_teacher_loss()) != plain);
}

TEST_CASE("nasty teacher, three: nearly as accurate, and its students are worse than alone")
{
  const auto data = testing::mixture_data(600, 1.5, seed{1});
  const auto test = testing::mixture_data(2000, 1.5, seed{2});
  constexpr sgd optimizer{.learning_rate = 0.02, .momentum = 0.9, .weight_decay = 5e-4};
  constexpr temperature t{4};
  const auto fitted = [&](auto step) {
    fit(step, data, {.epochs = 60, .batch_size = 32});
    return step.evaluated();
  };
  struct {
    double normal = 0, nasty = 0, alone = 0, of_normal = 0, of_nasty = 0;
  } sum;
  constexpr std::uint64_t seeds = 4;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const auto large = [&](const char* which) {
      return tiny_student{data.shape, seed{200 + i}.split(purpose{which}), 64};
    };
    const tiny_student small{data.shape, seed{200 + i}.split(purpose{"student"}), 16};
    const auto taught = [&](const tiny_student& teacher) {
      return accuracy(fitted(distillation{.teacher = frozen(teacher),
                                          .student = small,
                                          .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{t},
                                          .optimizer = optimizer}),
                      test);
    };
    const auto normal = fitted(supervised{.student = large("normal"), .optimizer = optimizer});
    const auto nasty = fitted(distillation{.teacher = frozen(normal),
                                           .student = large("nasty"),
                                           .loss = systems::nasty_teacher_loss({t, 0.022}),
                                           .optimizer = optimizer});
    sum.normal += accuracy(normal, test);
    sum.nasty += accuracy(nasty, test);
    sum.alone += accuracy(fitted(supervised{.student = small, .optimizer = optimizer}), test);
    sum.of_normal += taught(normal);
    sum.of_nasty += taught(nasty);
  }
  CAPTURE(sum.normal);
  CAPTURE(sum.nasty);
  CAPTURE(sum.alone);
  CAPTURE(sum.of_normal);
  CAPTURE(sum.of_nasty);
  CHECK(sum.nasty >= sum.normal - 0.02 * seeds);
  CHECK(sum.of_nasty < sum.alone);
  CHECK(sum.alone <= sum.of_normal);
}

TEST_CASE("nasty teacher: it and its students may have few bits")
{
  const auto data = noise_images(16);
  // [spoil]
  const auto normal = frozen(resnet8(data.shape, {.seed = seed{1}}));
  distillation spoiling{.teacher = normal,
                        .student = resnet8(data.shape, {.seed = seed{2}}),
                        .loss = systems::nasty_teacher_loss()};
  fit(spoiling, data, {.epochs = 1, .batch_size = 8});

  distillation training{.teacher = frozen(spoiling.evaluated()),
                        .student = resnet8(data.shape, dorefa{}, inner_bits<2>),
                        .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}}};
  fit(training, data, {.epochs = 1, .batch_size = 8});
  // [/spoil]
  CHECK(training.evaluated().layers().size() == spoiling.evaluated().layers().size());
  distillation low{.teacher = normal,
                   .student = resnet8(data.shape, dorefa{}, inner_bits<2>),
                   .loss = systems::nasty_teacher_loss()};
  const auto history = fit(low, data, {.epochs = 1, .batch_size = 8});
  CHECK(std::isfinite(history.epochs.back()["loss"]));
}
