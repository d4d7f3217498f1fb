// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels of losses in single precision, against the same losses in double precision, which
// are plain tensor operations.
#include "support/doctest.hpp"

#include <rolewise/loss.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

struct found {
  torch::Tensor value, gradient;
};

found found_by(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student,
               const targets& targets)
{
  const auto x = student.detach().clone(at::MemoryFormat::Preserve).set_requires_grad(true);
  const auto value = evaluate_loss(loss, paired_outputs{{teacher, {}}, {x, {}}}, targets);
  return {value.detach(), torch::autograd::grad({value * 3}, {x})[0]};
}

/// Compares single precision with double precision; gradients by their largest element, or `least`.
void compare(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student,
             const targets& targets, double tolerance = 2e-6, double least = 0)
{
  const auto one = found_by(loss, teacher, student, targets);
  const auto other =
      found_by(loss, teacher.to(torch::kDouble), student.to(torch::kDouble), targets);
  CHECK((one.value.scalar_type() == torch::kFloat));
  const double want = other.value.template item<double>(),
               most = std::max(other.gradient.abs().max().template item<double>(), least);
  CHECK(one.value.template item<double>() == doctest::Approx(want).epsilon(tolerance));
  CHECK((one.gradient.to(torch::kDouble) - other.gradient).abs().max().template item<double>() <=
        tolerance * most);
}

void for_losses_on_logits(auto&& f)
{
  f(cross_entropy{});
  f(cross_entropy{.smoothing = fraction{0.1}});
  f(soft_target_kl{});
  f(soft_target_kl{temperature{1}});
  f(soft_target_kl{.temperature = temperature{2.5},
                   .reduction = kl_reduction::element_mean,
                   .scale_by_t_squared = false});
  f(0.1 * cross_entropy{} + 0.9 * soft_target_kl{});
  f(2.0 * soft_target_kl{temperature{1}} + cross_entropy{.smoothing = fraction{0.2}});
  f(decoupled_kd{});
  f(decoupled_kd{.temperature = temperature{1}, .target_weight = 3, .other_weight = 0.5});
  f(dist{});
  f(dist{.temperature = temperature{4}, .inter_weight = 0.5, .intra_weight = 2});
}

targets labeled(const torch::Tensor& labels, const torch::Tensor& weights = {})
{
  return {.labels = labels, .ids = {}, .progress = {}, .weights = weights};
}

torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key, double times = 3)
{
  torch::manual_seed(key);
  return torch::randn(sizes) * times;
}

/// The same logits with the examples side by side in memory, for which there are no kernels.
torch::Tensor classes_apart(const torch::Tensor& logits) { return logits.t().contiguous().t(); }

torch::Tensor classes_of(at::IntArrayRef sizes, std::int64_t classes)
{
  torch::manual_seed(7);
  return torch::randint(classes, sizes, torch::kLong);
}

}  // namespace

TEST_CASE("losses by kernels have the values and gradients of double precision")
{
  for (const std::int64_t classes : {2, 3, 10, 16, 17, 100, 1024, 1500})
    for (const std::int64_t examples : {2, 33}) {
      CAPTURE(classes);
      CAPTURE(examples);
      const auto teacher = noise({examples, classes}, 1), student = noise({examples, classes}, 2);
      auto labels = classes_of({examples}, classes);
      labels[0] = classes - 1;
      for_losses_on_logits([&](const auto& loss) {
        CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
        // Correlations of two numbers are +-1, with slopes that are rounding errors.
        if (std::is_same_v<std::remove_cvref_t<decltype(loss)>, dist> &&
            (classes < 3 || examples < 3))
          return;
        compare(loss, teacher, student, labeled(labels), 5e-6);
      });
    }
}

TEST_CASE("weights, ignored labels, pixels and tokens count in kernels as in tensor operations")
{
  const auto teacher = noise({6, 20}, 1), student = noise({6, 20}, 2);
  const auto weights = torch::tensor({0.5, 0.0, 2.0, 1.0, 0.3, 0.0});
  auto labels = classes_of({6}, 20);
  labels[3] = -100;
  auto broken = student.clone();
  broken[1].fill_(std::nanf(""));
  for_losses_on_logits([&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    compare(loss, teacher, student, labeled(labels), 5e-6);
    compare(loss, teacher, student, labeled(labels, weights), 5e-6);
    CHECK(found_by(loss, teacher, broken, labeled(labels, weights))
              .value.isfinite()
              .template item<bool>());
    const auto none = found_by(loss, teacher, student, labeled(labels, torch::zeros({6})));
    CHECK(none.value.template item<double>() == 0.0);

    auto soft = labeled(torch::softmax(noise({6, 20}, 6), 1), weights);
    compare(loss, teacher, student, soft, 5e-6);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(loss)>, decoupled_kd>) {
      soft.ignore_index = soft.labels.argmax(1)[0].template item<std::int64_t>();
      compare(loss, teacher, student, soft, 5e-6);
    }

    // Classes side by side in memory, and not.
    const auto maps = noise({2, 4, 5, 20}, 3).permute({0, 3, 1, 2}),
               others = noise({2, 4, 5, 20}, 4).permute({0, 3, 1, 2});
    const auto pixels = classes_of({2, 4, 5}, 20);
    compare(loss, maps, others, labeled(pixels), 5e-6);
    compare(loss, maps.contiguous(), others.contiguous(), labeled(pixels), 5e-6);
    compare(loss, maps, others, labeled(pixels, noise({2, 4, 5}, 5).abs()), 5e-6);
  });
}

TEST_CASE("kernels stay exact for logits far apart, and see no constant of a row")
{
  const auto teacher = noise({8, 50}, 1, 1e4), student = noise({8, 50}, 2, 1e4);
  const auto labels = labeled(classes_of({8}, 50));
  // Multiples of a power of two, so that the sums are exact.
  const auto near = (noise({8, 50}, 3) * 64).round() / 64,
             close = (noise({8, 50}, 4) * 64).round() / 64;
  const auto some_far = [](const torch::Tensor& of) {
    auto found = of.clone();
    found.narrow(1, 20, 25).sub_(1e4);
    return found;
  };
  for_losses_on_logits([&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    compare(loss, teacher, student, labels, 1e-5, 1e-3);
    compare(loss, some_far(near), some_far(close), labels, 5e-6);
    const auto moved = found_by(loss, near + 4096, close - 2048, labels);
    const auto plain = found_by(loss, near, close, labels);
    CHECK(torch::equal(moved.value, plain.value));
    CHECK(torch::equal(moved.gradient, plain.gradient));
  });
}

TEST_CASE("masked logits, infinite ones and NaN give what tensor operations give")
{
  constexpr float infinity = std::numeric_limits<float>::infinity(),
                  lowest = std::numeric_limits<float>::lowest();
  const auto teacher = noise({5, 21}, 1), student = noise({5, 21}, 2);
  const auto labels = labeled(torch::tensor({0, 3, 20, 7, 7}));
  const auto with = [](const torch::Tensor& of, std::int64_t at, std::int64_t count, float value) {
    auto found = of.clone();
    found.narrow(1, at, count).fill_(value);
    return found;
  };
  const auto check = [&](const torch::Tensor& t, const torch::Tensor& s) {
    for_losses_on_logits([&](const auto& loss) {
      CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
      const auto one = found_by(loss, t, s, labels),
                 other = found_by(loss, classes_apart(t), classes_apart(s), labels);
      CHECK(torch::allclose(one.value, other.value, 5e-6, 1e-6, true));
      CHECK(torch::allclose(one.gradient, other.gradient, 1e-5, 1e-6, true));
    });
  };
  for (const float mask : {-1e9F, -1e30F, lowest, -infinity}) {
    CAPTURE(mask);
    const auto t = with(teacher, 8, 4, mask), s = with(student, 8, 4, mask);
    check(t, s);
    check(t, student);
    if (mask != lowest) check(teacher, s);  // the sum of products overflows before the division
    auto row = student.clone();
    row[1].fill_(mask);
    if (mask > -1e20F || mask == -infinity) check(teacher, row);
  }
  check(teacher, with(student, 4, 1, infinity));
  check(with(teacher, 4, 1, infinity), student);
  check(teacher, with(student, 4, 1, std::nanf("")));
  check(with(teacher, 4, 1, std::nanf("1")), student);
  check(teacher, with(student, 20, 1, std::nanf("1")));

  // A value beyond float32.
  const auto huge = found_by(decoupled_kd{}, teacher, with(student, 8, 4, -1e38F), labels);
  CHECK(huge.value.item<double>() == infinity);

  // All logits of a row are the least: equal probabilities.
  auto row = student.clone();
  row[1].fill_(lowest);
  const auto least = found_by(cross_entropy{.smoothing = fraction{0.1}}, teacher, row, labels),
             zero = found_by(cross_entropy{.smoothing = fraction{0.1}}, teacher,
                             row.masked_fill(row.eq(lowest), 0.0), labels);
  CHECK(torch::equal(least.value, zero.value));
  CHECK(torch::equal(least.gradient, zero.gradient));
}

TEST_CASE("one class, one example, and no label that counts")
{
  const auto one_class = found_by(0.5 * cross_entropy{} + soft_target_kl{}, noise({4, 1}, 1),
                                  noise({4, 1}, 2), labeled(torch::zeros({4}, torch::kLong)));
  CHECK(one_class.value.item<double>() == 0.0);
  CHECK(one_class.gradient.abs().max().item<double>() == 0.0);

  const auto teacher = noise({1, 30}, 1), student = noise({1, 30}, 2);
  for_losses_on_logits([&](const auto& loss) {
    compare(loss, teacher, student, labeled(torch::tensor({29})), 5e-6);
    compare(loss, teacher, student, labeled(torch::tensor({-100})), 5e-6);
  });
}

TEST_CASE("DIST is exact over many rows, and without a gradient where all rows are equal")
{
  const auto teacher = noise({8192, 10}, 1, 2) + torch::arange(10),
             student = noise({8192, 10}, 2, 2) + torch::arange(10);
  compare(dist{}, teacher, student, {}, 1e-6);
  compare(dist{.temperature = temperature{10}}, teacher, student, {}, 1e-6);
  for (const auto& x : {torch::zeros({1000, 21}), torch::arange(21).expand({1000, 21}) * 0.37}) {
    const auto flat = found_by(dist{.inter_weight = 0}, noise({1000, 21}, 1), x.contiguous(), {});
    CHECK(flat.value.item<double>() == 1.0);
    CHECK(flat.gradient.abs().max().item<double>() == 0.0);
  }
}

TEST_CASE("at the teacher's logits KL and DKD are 0 without a gradient, to the bit")
{
  const auto teacher = noise({8, 50}, 1);
  const auto labels = labeled(classes_of({8}, 50));
  const auto check = [&](const auto& loss) {
    const auto at = found_by(loss, teacher, teacher, labels);
    CHECK(at.value.template item<double>() == 0.0);
    CHECK(at.gradient.abs().max().template item<double>() == 0.0);
  };
  check(soft_target_kl{});
  check(decoupled_kd{});
}

TEST_CASE("derivatives of the gradients of kernels are those of tensor operations")
{
  const auto teacher = noise({5, 12}, 1), student = noise({5, 12}, 2), way = noise({5, 12}, 3, 1);
  const auto labels = labeled(classes_of({5}, 12), torch::tensor({0.5, 1.0, 0.0, 2.0, 1.0}));
  const auto curvature = [&](const auto& loss, torch::ScalarType type) {
    const auto x = student.to(type).set_requires_grad(true);
    const auto value = evaluate_loss(loss, paired_outputs{{teacher.to(type), {}}, {x, {}}}, labels);
    const auto slope = torch::autograd::grad({value * value}, {x}, {}, true, true)[0];
    return torch::autograd::grad({(slope * way.to(type)).sum()}, {x})[0].to(torch::kDouble);
  };
  const auto check = [&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    const auto want = curvature(loss, torch::kDouble);
    CHECK((curvature(loss, torch::kFloat) - want).abs().max().template item<double>() <
          1e-4 * want.abs().max().template item<double>());
  };
  for_losses_on_logits(check);
}

TEST_CASE("kernels give the same bits with any number of threads")
{
  const int before = at::get_num_threads();
  const auto teacher = noise({70, 1300}, 1), student = noise({70, 1300}, 2);
  const auto labels = labeled(classes_of({70}, 1300));
  const auto check = [&](const auto& loss) {
    at::set_num_threads(1);
    const auto one = found_by(loss, teacher, student, labels);
    at::set_num_threads(3);
    const auto other = found_by(loss, teacher, student, labels);
    const auto x = student.clone().set_requires_grad(true);
    const auto value = evaluate_loss(loss, paired_outputs{{teacher, {}}, {x, {}}}, labels);
    at::set_num_threads(2);  // between the passes
    CHECK(torch::equal(torch::autograd::grad({value * 3}, {x})[0], one.gradient));
    CHECK(torch::equal(one.value, other.value));
    CHECK(torch::equal(one.gradient, other.gradient));
  };
  for_losses_on_logits(check);
  check(relational_kd<>{});
  at::set_num_threads(before);
}

TEST_CASE("what changes in place between the passes is found")
{
  const auto check = [](const auto& loss, int what) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    const auto x = noise({6, 20}, 2).set_requires_grad(true), student = x * 1;
    const auto teacher = noise({6, 20}, 1), weights = torch::ones({6});
    const auto labels = classes_of({6}, 20);
    const auto value = evaluate_loss(loss, paired_outputs{{teacher, {}}, {student, {}}},
                                     labeled(labels, what == 3 ? weights : torch::Tensor{}));
    const torch::NoGradGuard off;
    std::vector{student, teacher, labels, weights}[static_cast<std::size_t>(what)].add_(1);
    CHECK_THROWS_WITH_AS(value.backward(), doctest::Contains("modified by an inplace operation"),
                         c10::Error);
  };
  const auto both = cross_entropy{} + soft_target_kl{};
  for (const int what : {0, 1, 2, 3}) {
    check(both, what);
    check(decoupled_kd{}, what);
    if (what < 2) check(soft_target_kl{}, what);
    if (what < 2) check(dist{}, what);
    if (what < 2) check(relational_kd<>{}, what);
    if (what != 1) check(cross_entropy{}, what);
  }
}

TEST_CASE("teachers of InferenceMode, teachers with a graph, and students without")
{
  const auto teacher = noise({6, 20}, 1), student = noise({6, 20}, 2);
  const auto labels = labeled(classes_of({6}, 20));
  torch::Tensor inference;
  {
    const c10::InferenceMode on;
    inference = teacher.clone();
  }
  const auto check = [&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    const auto want = found_by(loss, teacher, student, labels),
               got = found_by(loss, inference, student, labels);
    CHECK(torch::equal(got.value, want.value));
    CHECK(torch::equal(got.gradient, want.gradient));

    const auto own = teacher.clone().set_requires_grad(true);
    const auto evaluated = [&](const torch::Tensor& t, const torch::Tensor& s) {
      return evaluate_loss(loss, paired_outputs{{t, {}}, {s, {}}}, labels);
    };
    CHECK(!evaluated(own, student).requires_grad());
    const auto same = evaluated(own, own);  // one tensor as both
    if (same.requires_grad()) same.backward();
    CHECK(torch::equal(evaluated(teacher, student), want.value));
    const auto x = student.clone().set_requires_grad(true);
    {
      const torch::NoGradGuard off;
      const auto value = evaluated(teacher, x);
      CHECK(!value.requires_grad());
      CHECK(torch::equal(value, want.value));
    }
    const c10::InferenceMode on;
    CHECK(torch::equal(evaluated(inference, student), want.value));
  };
  for_losses_on_logits(check);
  check(relational_kd<>{});
}

TEST_CASE("losses are evaluated on several threads at once")
{
  const auto teacher = noise({70, 1300}, 1), student = noise({70, 1300}, 2);
  const auto labels = labeled(classes_of({70}, 1300));
  const auto check = [&](const auto& loss) {
    const auto want = found_by(loss, teacher, student, labels);
    std::vector<std::thread> threads;
    std::vector<found> got(4);
    for (auto& each : got)
      threads.emplace_back([&] { each = found_by(loss, teacher, student, labels); });
    for (auto& each : threads) each.join();
    for (const auto& each : got) {
      CHECK(torch::equal(each.value, want.value));
      CHECK(torch::equal(each.gradient, want.gradient));
    }
  };
  check(cross_entropy{} + soft_target_kl{});
  check(decoupled_kd{});
  check(dist{});
  check(relational_kd<>{});
}

TEST_CASE("a sum evaluated in one pass has the values and gradients of its terms")
{
  const auto teacher = noise({9, 40}, 1), student = noise({9, 40}, 2);
  const auto labels = labeled(classes_of({9}, 40));
  const cross_entropy hard;
  const soft_target_kl soft;
  const auto x = student.clone().set_requires_grad(true);
  const paired_outputs pair{{teacher, {}}, {x, {}}};
  const auto all = (weight{0.25} * hard + weight{2} * soft).evaluate_terms(pair, labels);
  const auto one = found_by(hard, teacher, student, labels),
             other = found_by(soft, teacher, student, labels);
  REQUIRE(all.terms.size() == 2);
  CHECK(all.terms[0].name == "cross-entropy");
  CHECK(torch::equal(all.terms[0].value, one.value));
  CHECK(torch::equal(all.terms[1].value, other.value));
  CHECK(torch::allclose(all.total, 0.25 * one.value + 2 * other.value));
  CHECK(torch::allclose(torch::autograd::grad({all.total}, {x}, {}, true)[0],
                        (0.25 * one.gradient + 2 * other.gradient) / 3, 1e-5, 1e-8));
  // With a kept graph, again.
  CHECK(torch::allclose(torch::autograd::grad({all.total}, {x})[0],
                        (0.25 * one.gradient + 2 * other.gradient) / 3, 1e-5, 1e-8));

  const auto more = (soft + relational_kd<>{} + hard).evaluate_terms(pair, labels);
  REQUIRE(more.terms.size() == 3);
  CHECK(more.terms[0].name == "soft-target-kl");
  CHECK(torch::equal(more.terms[0].value, other.value));
  CHECK(torch::equal(more.terms[2].value, one.value));
  CHECK(
      torch::allclose(more.total, more.terms[0].value + more.terms[1].value + more.terms[2].value));
}

TEST_CASE("RKD by kernels has the values and gradients of double precision")
{
  for (const auto& [n, d] :
       {std::pair{3, 5}, std::pair{7, 3}, std::pair{33, 20}, std::pair{70, 1100}}) {
    CAPTURE(n);
    const auto teacher = noise({n, d}, 1), student = noise({n, d}, 2);
    auto weights = noise({n}, 3).abs();
    if (n > 3) weights[1] = 0.0;
    for (const auto& loss :
         {relational_kd<>{}, relational_kd<>{.angle_weight = 0},
          relational_kd<>{.distance_weight = 0}, relational_kd<>{.of_directions = true}}) {
      compare(loss, teacher, student, labeled({}), 2e-5);
      compare(loss, teacher, student, labeled({}, weights), 2e-5);
    }
  }
}
