// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The kernels of losses in single precision, against the same losses in double precision, which
// are plain tensor operations.
#include "support/doctest.hpp"

#include <rolewise/loss.hpp>
#include <rolewise/loss/detail/kernels/variants.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace rolewise;
namespace kernels = rolewise::detail::loss_kernels;

namespace {

struct found {
  torch::Tensor value, gradient;
};

found found_by(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student,
               const targets& targets)
{
  const auto x = student.detach().clone().set_requires_grad(true);
  const auto value = evaluate_loss(loss, paired_outputs{{teacher, {}}, {x, {}}}, targets);
  return {value.detach(), torch::autograd::grad({value * 3}, {x})[0]};
}

/// Compares single precision with double precision; gradients by their largest element.
void compare(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student,
             const targets& targets, double tolerance = 2e-6)
{
  const auto one = found_by(loss, teacher, student, targets);
  const auto other =
      found_by(loss, teacher.to(torch::kDouble), student.to(torch::kDouble), targets);
  CHECK((one.value.scalar_type() == torch::kFloat));
  const double want = other.value.template item<double>(),
               most = other.gradient.abs().max().template item<double>();
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
  for_losses_on_logits([&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    const auto one = found_by(loss, teacher, student, labels);
    CHECK(one.value.isfinite().template item<bool>());
    CHECK(one.gradient.isfinite().all().template item<bool>());
    const auto near = noise({8, 50}, 3), close = noise({8, 50}, 4);
    const auto moved = found_by(loss, near + 64, close - 32, labels);
    const auto plain = found_by(loss, near, close, labels);
    CHECK(moved.value.template item<double>() ==
          doctest::Approx(plain.value.template item<double>()).epsilon(1e-4));
  });
  compare(cross_entropy{}, teacher, student, labels);
  compare(soft_target_kl{}, teacher, student, labels, 1e-5);
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
    CHECK(torch::equal(one.value, other.value));
    CHECK(torch::equal(one.gradient, other.gradient));
  };
  for_losses_on_logits(check);
  check(relational_kd<>{});
  at::set_num_threads(before);
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

TEST_CASE("the kernels of all instruction sets agree")
{
  const auto s = noise({1, 1111}, 1), t = noise({1, 1111}, 2);
  const auto* const x = s.const_data_ptr<float>();
  const auto* const y = t.const_data_ptr<float>();
  for (const auto* set : kernels::runnable())
    for (const std::size_t count : {1U, 3U, 4U, 15U, 16U, 17U, 100U, 1111U}) {
      CAPTURE(set->name);
      CAPTURE(count);
      float most = x[0];
      for (std::size_t i = 0; i < count; ++i) most = std::max(most, x[i]);
      CHECK(set->largest(x, count) == most);
      const kernels::exponent of{most, 0.36067376F}, other{set->largest(y, count), 0.36067376F};
      double sum = 0.0, plain = 0.0;
      for (std::size_t i = 0; i < count; ++i) {
        sum += std::exp2((static_cast<double>(x[i]) - most) * of.rate);
        plain += std::exp(static_cast<double>(x[i]) - most);
      }
      CHECK(set->exponentials(x, count, of) == doctest::Approx(sum).epsilon(1e-6));
      const auto sums = set->pair(x, y, count, of, other, true);
      CHECK(sums.student == doctest::Approx(sum).epsilon(1e-6));
      CHECK(sums.plain == doctest::Approx(plain).epsilon(1e-6));
      std::vector<float> out(count + 1, 99.0F);
      set->gradient(x, y, count, of, other,
                    {.student = 2, .teacher = 1, .plain = 3, .constant = 0.5F}, out.data());
      CHECK(out[count] == 99.0F);
      for (std::size_t i = 0; i < count; ++i) {
        const double want = 2 * std::exp2((static_cast<double>(x[i]) - most) * of.rate) -
                            std::exp2((static_cast<double>(y[i]) - other.largest) * of.rate) +
                            3 * std::exp(static_cast<double>(x[i]) - most) + 0.5;
        REQUIRE(static_cast<double>(out[i]) == doctest::Approx(want).epsilon(2e-6));
      }
    }
}
