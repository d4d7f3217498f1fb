// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Corrected targets of mixed examples.
#include "support/doctest.hpp"

#include "laws/distillation_loss.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"

#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/same_view.hpp>
#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/isotonic_kl.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;

[[nodiscard]] torch::Tensor one_row(const std::vector<double>& values)
{
  return torch::tensor(values, torch::kDouble).unsqueeze(0);
}

[[nodiscard]] torch::Tensor class_of(std::int64_t c)
{
  return torch::full({1, 1}, c, torch::kLong);
}

/// The corrected probabilities of one row with the classes 0 and 1.
[[nodiscard]] torch::Tensor corrected(const std::vector<double>& values, std::int64_t second = 1)
{
  return isotonic_probabilities(one_row(values), class_of(0), class_of(second))[0];
}

[[nodiscard]] bool is_near(const torch::Tensor& found, const std::vector<double>& wanted)
{
  return found.allclose(torch::tensor(wanted, torch::kDouble), 0, 1e-6);
}

/// The least squared distance to probabilities in order, by trying every bin: class 1, the highest
/// m others, with or without class 0.
[[nodiscard]] double least_distance(const std::vector<double>& p)
{
  std::vector<double> others(p.begin() + 2, p.end());
  std::sort(others.rbegin(), others.rend());
  double least = std::numeric_limits<double>::infinity();
  for (const bool with_first : {false, true})
    for (std::size_t m = 0; m <= others.size(); ++m) {
      std::vector<double> bin(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(m));
      bin.push_back(p[1]);
      if (with_first) bin.push_back(p[0]);
      double mean = 0.0, distance = 0.0;
      for (const double v : bin) mean += v / static_cast<double>(bin.size());
      for (const double v : bin) distance += (v - mean) * (v - mean);
      const bool in_order =
          (with_first || p[0] >= mean - 1e-12) && (m == others.size() || others[m] <= mean + 1e-12);
      if (in_order) least = std::min(least, distance);
    }
  return least;
}

[[nodiscard]] targets shares_of(const std::vector<double>& shares)
{
  return {.labels = one_row(shares), .ids = {}, .progress = {}};
}

}  // namespace

TEST_CASE("one: isotonic targets are the nearest probabilities in the order of the mix")
{
  CHECK(is_near(corrected({.2, .1, .5, .15, .05}), {.266667, .266667, .266667, .15, .05}));
  CHECK(corrected({.5, .3, .1, .06, .04}).equal(one_row({.5, .3, .1, .06, .04})[0]));
  CHECK(is_near(corrected({.5, .05, .25, .15, .05}), {.5, .15, .15, .15, .05}));
  // One class: no second has to rank.
  CHECK(is_near(corrected({.2, .1, .5, .15, .05}, 0), {.35, .1, .35, .15, .05}));
  CHECK(is_near(corrected({.5, .05, .25, .15, .05}, 0), {.5, .05, .25, .15, .05}));

  const std::int64_t rows = 400;
  const auto p = torch::softmax(uniform_tensor({rows, 6}, seed{4}, 3.0).to(torch::kDouble), 1);
  const auto zero = torch::zeros({rows, 1}, torch::kLong);
  const auto found = isotonic_probabilities(p, zero, zero + 1);
  CHECK(found.sum(1).allclose(p.sum(1), 0, 1e-12));
  CHECK((found.select(1, 0) >= found.select(1, 1) - 1e-12).all().item<bool>());
  CHECK((found.narrow(1, 1, 1) >= found.narrow(1, 2, 4) - 1e-12).all().item<bool>());
  CHECK(isotonic_probabilities(found, zero, zero + 1).allclose(found, 0, 1e-12));
  const auto distances = (found - p).square().sum(1);
  for (std::int64_t n = 0; n < rows; ++n) {
    const auto row = p[n].contiguous();
    const std::vector<double> values(row.const_data_ptr<double>(),
                                     row.const_data_ptr<double>() + 6);
    CHECK(std::abs(distances[n].item<double>() - least_distance(values)) < 1e-12);
  }

  // Any class axis 1, as logits have it, and any classes of the mix.
  const auto map = p.view({100, 4, 6}).transpose(1, 2);
  const auto a = torch::full({100, 1, 4}, 3, torch::kLong);
  const auto of_map = isotonic_probabilities(map, a, a - 1);
  const auto of_rows = isotonic_probabilities(p, zero + 3, zero + 2);
  CHECK(of_map.transpose(1, 2).reshape({rows, 6}).equal(of_rows));
  CHECK_THROWS_WITH_AS((void)isotonic_probabilities(p, zero, zero.squeeze(1)),
                       doctest::Contains("want classes of int64 of the shape of p"),
                       std::invalid_argument);
}

TEST_CASE("two: the relaxed form penalizes a student for a wrong order")
{
  const auto value = [](const std::vector<double>& q, const std::vector<double>& shares) {
    const auto loss = 2.0 * mixed_order{};
    return loss({.teacher = {}, .student = {.logits = one_row(q).log(), .features = {}}},
                shares_of(shares))
        .item<double>();
  };
  CHECK(value({.2, .1, .5, .15, .05}, {.7, .3, 0, 0, 0}) ==
        doctest::Approx(.8).epsilon(1e-9).scale(0));
  CHECK(value({.1, .2, .5, .15, .05}, {.7, .3, 0, 0, 0}) ==
        doctest::Approx(1.0).epsilon(1e-9).scale(0));
  CHECK(value({.5, .3, .1, .06, .04}, {.7, .3, 0, 0, 0}) == 0.0);
  CHECK(value({.2, .1, .5, .15, .05}, {1, 0, 0, 0, 0}) ==
        doctest::Approx(.6).epsilon(1e-9).scale(0));
  CHECK(value({.6, .4}, {.7, .3}) == 0.0);  // no other class
}

TEST_CASE("isotonic_kl has the corrected distribution as its target")
{
  // At T = 1 and with the student at the uniform distribution: sum p log p + log C.
  const auto teacher = one_row({.2, .1, .5, .15, .05}).log();
  const auto found = isotonic_kl{temperature{1}}(
      {.teacher = {.logits = teacher, .features = {}},
       .student = {.logits = torch::zeros({1, 5}, torch::kDouble), .features = {}}},
      shares_of({.7, .3, 0, 0, 0}));
  const double third = .8 / 3.0;
  CHECK(found.item<double>() == doctest::Approx(3 * third * std::log(third) + .15 * std::log(.15) +
                                                .05 * std::log(.05) + std::log(5.0)));
  // A teacher in order is not changed: the loss is soft_target_kl.
  const auto in_order = one_row({3, 2, 1, .5, 0}), student = one_row({.3, -1, 2, .1, .7});
  const paired_outputs pair{{in_order, {}}, {student, {}}};
  CHECK(isotonic_kl{temperature{4}}(pair, shares_of({.7, .3, 0, 0, 0})).item<double>() ==
        doctest::Approx(
            soft_target_kl{temperature{4}}(pair, shares_of({.7, .3, 0, 0, 0})).item<double>()));
}

TEST_CASE("gradients of the losses on mixed examples, and their laws")
{
  laws::hold_for(isotonic_kl{});
  const auto teacher = uniform_tensor({3, 5}, seed{1}, 2.0).to(torch::kDouble);
  const auto x = uniform_tensor({3, 5}, seed{2}, 2.0).to(torch::kDouble).set_requires_grad(true);
  const targets mixed{
      .labels = torch::tensor({{.7, 0., .3, 0., 0.}, {0., .4, 0., .6, 0.}, {0., 0., 0., 0., 1.}},
                              torch::kDouble),
      .ids = {},
      .progress = {}};
  const auto check = [&](const auto& loss) {
    const auto value = [&](const torch::Tensor& z) {
      return loss({{teacher, {}}, {z, {}}}, mixed);
    };
    CHECK(torch::autograd::grad({value(x)}, {x})[0].allclose(
        rolewise::testing::finite_differences(value, x), 1e-6, 1e-8));
    // Large and 16-bit logits.
    CHECK(value(1e4 * x).isfinite().template item<bool>());
    const paired_outputs half{{teacher.to(torch::kHalf), {}}, {x.detach().to(torch::kHalf), {}}};
    const targets labels{.labels = mixed.labels.to(torch::kHalf), .ids = {}, .progress = {}};
    const auto of_half = loss(half, labels);
    CHECK((of_half.scalar_type() == torch::kHalf));
    CHECK(of_half.template item<double>() ==
          doctest::Approx(value(x).template item<double>()).epsilon(5e-3).scale(0));
  };
  check(isotonic_kl{});
  check(mixed_order{});
}

TEST_CASE("students of both forms are trained on mixed images")
{
  const auto data = noise_images(16);
  const auto teacher = frozen(resnet8(data.shape, {.seed = seed{1}}));
  const auto loss_of = [&](auto student, const auto& loss) {
    distillation training{.teacher = teacher,
                          .student = student,
                          .teacher_agent = same_view{},
                          .student_agent = cutmix{.partners = data},
                          .loss = loss};
    return fit(training, data, {.epochs = 1, .batch_size = 8}).epochs.back()["loss"];
  };
  // [isotonic]
  const auto exact = 0.05 * cross_entropy{} + 0.95 * isotonic_kl{temperature{4.5}};
  const auto relaxed =
      0.05 * cross_entropy{} + 0.95 * soft_target_kl{temperature{4.5}} + 2.0 * mixed_order{};
  // [/isotonic]
  CHECK(std::isfinite(loss_of(resnet8(data.shape, {.seed = seed{2}}), exact)));
  CHECK(std::isfinite(loss_of(resnet8(data.shape, dorefa{}, inner_bits<2>), relaxed)));
}
