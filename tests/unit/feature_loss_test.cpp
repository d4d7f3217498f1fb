// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/distillation_loss.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"

#include <rolewise/loss/attention_transfer.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/fitnet.hpp>
#include <rolewise/loss/on_tap.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

constexpr auto first = tap::stage<1>;
constexpr auto second = tap::stage<2>;

outputs with(tap_id id, const torch::Tensor& feature)
{
  outputs said;
  said.features.set(id, feature);
  return said;
}

feature_shapes shape_of(tap_id id, std::vector<std::int64_t> sizes)
{
  feature_shapes shapes;
  shapes.set(id, std::move(sizes));
  return shapes;
}

template<typename Loss>
void check_gradient(const Loss& loss, tap_id id, const torch::Tensor& teacher,
                    const torch::Tensor& student)
{
  const auto f = [&](const torch::Tensor& x) { return loss({with(id, teacher), with(id, x)}); };
  const auto x = student.clone().set_requires_grad(true);
  f(x).backward();
  CHECK(torch::allclose(x.grad(), testing::finite_differences(f, student), 1e-5, 1e-8));
}

}  // namespace

TEST_CASE("attention_transfer keeps the promises of DistillationLoss")
{
  laws::hold_for(attention_transfer<tap::stage<1>>{});
  laws::hold_for(attention_transfer<tap::stage<0>, tap::stage<1>, tap::before_activation<3>>{});
}

TEST_CASE("attention_transfer has the reference value")
{
  const auto map = [](std::vector<double> values) {
    return torch::tensor(values, torch::kDouble).view({1, 2, 2, 2});
  };
  const auto student = map({1, 2, 3, 4, 0, 1, 0, 1}), teacher = map({2, 0, 1, 3, 1, 1, 1, 1});
  const attention_transfer<first> loss;
  CHECK(loss({with(first, teacher), with(first, student)}).item<double>() ==
        doctest::Approx(0.0636691).epsilon(2e-6).scale(0));
  check_gradient(loss, first, teacher, student);
}

TEST_CASE("attention_transfer does not depend on an example's scale, and adds up stages")
{
  torch::manual_seed(0);
  const auto teacher = torch::randn({4, 6, 8, 8}, torch::kDouble),
             student = torch::randn({4, 3, 4, 4}, torch::kDouble);  // averaged to 4 x 4
  const attention_transfer<first> loss;
  const auto plain = loss({with(first, teacher), with(first, student)});
  const auto scales = torch::rand({4, 1, 1, 1}, torch::kDouble) + 0.5;
  CHECK(torch::allclose(loss({with(first, teacher), with(first, student * scales)}), plain));

  auto both_teacher = with(first, teacher), both_student = with(first, student);
  both_teacher.features.set(second, teacher);
  both_student.features.set(second, student);
  const attention_transfer<first, second> two;
  CHECK(torch::allclose(two({both_teacher, both_student}), 2 * plain));

  const auto zero = torch::zeros({4, 3, 4, 4}, torch::kDouble).set_requires_grad(true);
  const auto of_zero = loss({with(first, teacher), with(first, zero)});
  of_zero.backward();
  CHECK(of_zero.isfinite().item<bool>());
  CHECK(zero.grad().isfinite().all().item<bool>());
}

TEST_CASE("losses on features refuse what does not fit, in words")
{
  const attention_transfer<first> loss;
  CHECK_THROWS_WITH_AS(
      (void)loss({with(first, torch::ones({2, 3})), with(first, torch::ones({2}))}),
      "rolewise: attention-transfer: want maps [N, C, H, W] of floating point at "
      "tap::stage<1>, got [2, 3] of Float of the teacher",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)loss({{}, with(second, torch::ones({2, 3, 4, 4}))}),
                       "rolewise: tapped: want tap::stage<1>, there is tap::stage<2>",
                       std::invalid_argument);
}

TEST_CASE("fitnet keeps the promises of DistillationLoss")
{
  laws::hold_for(fitnet<second>{});
  laws::hold_for(weight{100} * fitnet<second>{.seed = seed{3}} +
                 weight{1000} * attention_transfer<tap::stage<1>>{});
}

TEST_CASE("fitnet's regressor has the form of its shapes, and its gradient is exact")
{
  struct expected {
    std::vector<std::int64_t> student, teacher, weight;
  };
  for (const auto& [in, out, weight] :
       {expected{{3, 4, 4}, {5, 4, 4}, {5, 3, 1, 1}}, expected{{3, 4, 4}, {5, 2, 2}, {5, 3, 3, 3}},
        expected{{3, 2, 2}, {5, 4, 4}, {3, 5, 4, 4}},
        expected{{3, 5, 5}, {5, 3, 3}, {5, 3, 3, 3}}}) {
    fitnet<second> loss{.seed = seed{1}};
    loss.configure(shape_of(second, out), shape_of(second, in));
    CHECK(loss.weight->sizes() == weight);
    for (auto* t : {&*loss.weight, &*loss.bias, &*loss.scale, &*loss.shift})
      *t = t->detach().to(torch::kDouble).set_requires_grad(true);
    torch::manual_seed(1);
    const auto sample = [](std::vector<std::int64_t> shape) {
      shape.insert(shape.begin(), 4);
      return torch::randn(shape, torch::kDouble);
    };
    const auto teacher = sample(out), student = sample(in);
    check_gradient(loss, second, teacher, student);

    // The regressor learns.
    loss({with(second, teacher), with(second, student)}).backward();
    CHECK(loss.weight->grad().abs().sum().item<double>() > 0);
    CHECK(loss.shift->grad().defined());
  }
}

TEST_CASE("fitnet is the mean squared distance after convolution, batch norm and ReLU")
{
  fitnet<second> loss;
  loss.configure(shape_of(second, {5, 4, 4}), shape_of(second, {3, 4, 4}));
  torch::manual_seed(2);
  const auto s = torch::randn({6, 3, 4, 4}), t = torch::randn({6, 5, 4, 4});
  const auto y = torch::conv2d(s, *loss.weight, *loss.bias);
  const auto mean = y.mean(torch::IntArrayRef{0, 2, 3}, true);
  const auto variance = y.var(torch::IntArrayRef{0, 2, 3}, false, true);
  const auto r = ((y - mean) / (variance + 1e-5).sqrt()).relu();
  CHECK(torch::allclose(loss({with(second, t), with(second, s)}), (r - t).square().mean(), 1e-5));

  const double bound = 1 / std::sqrt(3.0);
  CHECK(loss.weight->abs().max().item<double>() <= bound);
  CHECK(loss.weight->abs().max().item<double>() > 0.5 * bound);
}

TEST_CASE("fitnet refuses shapes that no regressor joins, and other shapes later")
{
  fitnet<second> loss;
  CHECK_THROWS_WITH_AS(loss.configure(shape_of(second, {5, 4, 4}), shape_of(second, {3, 3, 3})),
                       "rolewise: fitnet: no regressor leads from maps [3, 3, 3] to [5, 4, 4]: "
                       "want rows and columns "
                       "twice, half or at least as many",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(loss.configure(shape_of(second, {5}), shape_of(second, {3, 3, 3})),
                       "rolewise: fitnet: want maps [C, H, W], got [5]", std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)loss(
          {with(second, torch::ones({2, 5, 4, 4})), with(second, torch::ones({2, 3, 4, 4}))}),
      "rolewise: fitnet: was not configured: the training step does it before its optimizer starts",
      std::invalid_argument);
  loss.configure(shape_of(second, {5, 4, 4}), shape_of(second, {3, 4, 4}));
  CHECK_THROWS_WITH_AS(loss.configure(shape_of(second, {6, 4, 4}), shape_of(second, {3, 4, 4})),
                       "rolewise: fitnet: the regressor was made with weights [5, 3, 1, 1], these "
                       "features want [6, 3, 1, 1]",
                       std::invalid_argument);
}

TEST_CASE("on_tap puts an auxiliary head in the place of the logits")
{
  constexpr auto head = tap::auxiliary<0>;
  torch::manual_seed(3);
  const auto logits = torch::randn({4, 5}, torch::kDouble),
             auxiliary = torch::randn({4, 5}, torch::kDouble).set_requires_grad(true);
  const targets labels{torch::tensor({0, 4, 2, 2}, torch::kLong), {}, {}};
  paired_outputs pair{{logits, {}}, {logits, {}}};
  pair.student.features.set(head, auxiliary);

  const auto alone = on_tap<head>(cross_entropy{});
  static_assert(SupervisedLoss<std::remove_const_t<decltype(alone)>>);
  static_assert(alone.name == "cross-entropy of tap::auxiliary<0>");
  CHECK(torch::equal(alone(pair, labels), cross_entropy{}({{}, {auxiliary, {}}}, labels)));
  CHECK(torch::equal(on_tap<head>(soft_target_kl{})(pair, labels),
                     soft_target_kl{}({{logits, {}}, {auxiliary, {}}}, labels)));

  const auto sum = cross_entropy{} + 0.4 * alone;
  static_assert(std::remove_const_t<decltype(sum)>::student_taps == taps{head});
  const auto found = evaluate_loss_terms(sum, pair, labels);
  CHECK(found.terms[1].name == "cross-entropy of tap::auxiliary<0>");
  found.total.backward();
  CHECK(auxiliary.grad().abs().sum().item<double>() > 0);
}
