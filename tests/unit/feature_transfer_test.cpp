// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses on feature maps: NST, FSP, VID, FT; and all losses on features in a training step.
#include "laws/distillation_loss.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/odd_features.hpp"

#include <rolewise/loss.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

constexpr auto first = tap::stage<1>;
constexpr auto second = tap::stage<2>;

torch::Tensor maps(std::vector<double> values, std::int64_t channels)
{
  return torch::tensor(values, torch::kDouble).view({1, channels, 2, 2});
}

outputs with(const torch::Tensor& one, const torch::Tensor& two = {})
{
  outputs said;
  said.features.set(first, one);
  if (two.defined()) said.features.set(second, two);
  return said;
}

torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key)
{
  torch::manual_seed(key);
  return torch::randn(sizes, torch::kDouble);
}

doctest::Approx near(double value, double tolerance = 2e-6)
{
  return doctest::Approx(value).epsilon(tolerance).scale(0);
}

template<typename F>
void check_gradient(F&& f, const torch::Tensor& at)
{
  const auto x = at.detach().clone().set_requires_grad(true);
  f(x).backward();
  CHECK(torch::allclose(x.grad(), testing::finite_differences(f, at), 1e-5, 1e-8));
}

/// VID of the first stage, for these channels, in double precision.
auto variational(std::int64_t of_teacher, std::int64_t of_student)
{
  variational_information_distillation<first> loss{.seed = seed{1}};
  feature_shapes teacher, student;
  teacher.set(first, {of_teacher, 4, 4});
  student.set(first, {of_student, 4, 4});
  loss.configure(teacher, student);
  auto& stage = loss.stages[0];
  for (auto* t : {&*stage.first, &*stage.second, &*stage.third, &*stage.scale})
    *t = t->detach().to(torch::kDouble).set_requires_grad(true);
  return loss;
}

/// FT of the first stage, for these channels, in double precision.
auto factors(std::int64_t of_teacher, std::int64_t of_student)
{
  factor_transfer<first> loss{.seed = seed{1}};
  feature_shapes teacher, student;
  teacher.set(first, {of_teacher, 4, 4});
  student.set(first, {of_student, 4, 4});
  loss.configure(teacher, student);
  for_each_tensor(loss, [](const std::string&, torch::Tensor& t, tensor_kind) {
    t = t.detach().to(torch::kDouble).set_requires_grad(true);
  });
  return loss;
}

/// The discrepancy of NST by its formula, with a kernel value for each pair of channels.
torch::Tensor plain_discrepancy(const torch::Tensor& teacher, const torch::Tensor& student)
{
  const auto kernel = [](const torch::Tensor& a, const torch::Tensor& b) {
    const auto unit = [](const torch::Tensor& f) {
      return f.flatten(2) / f.flatten(2).norm(2, 2, true);
    };
    return (unit(a).unsqueeze(1) * unit(b).unsqueeze(2)).sum(-1).square().mean();
  };
  return kernel(teacher, teacher) + kernel(student, student) - 2 * kernel(student, teacher);
}

// The maps that the reference values were computed from.
const auto map_student = maps({1, 2, 3, 4, 0, 1, 0, 1}, 2),
           map_teacher = maps({2, 0, 1, 3, 1, 1, 1, 1}, 2);

}  // namespace

TEST_CASE("losses on feature maps keep the promises of DistillationLoss")
{
  laws::hold_for(neuron_selectivity_transfer<first>{});
  laws::hold_for(neuron_selectivity_transfer<tap::stage<0>, tap::before_activation<3>>{});
  laws::hold_for(flow_of_solution_procedure<first, second>{});
  laws::hold_for(flow_of_solution_procedure<tap::stage<0>, first, second>{});
  laws::hold_for(variational_information_distillation<first>{});
  laws::hold_for(
      variational_information_distillation<first, second>{.initial_variance = 2, .seed = seed{4}});
  laws::hold_for(factor_transfer<tap::stage<3>>{});
  laws::hold_for(factor_transfer<second, tap::stage<3>>{.rate = 1.5, .seed = seed{2}});
  laws::hold_for(weight{50} * neuron_selectivity_transfer<first>{} +
                 variational_information_distillation<first>{});
}

TEST_CASE("neuron_selectivity_transfer has the reference value, by channels and by places")
{
  const neuron_selectivity_transfer<first> loss;
  CHECK(loss({with(map_teacher), with(map_student)}, {}).item<double>() == near(0.45));
  for (const auto& [channels, side] : {std::pair{3, 4}, std::pair{16, 2}}) {
    const auto teacher = noise({4, channels + 1, side, side}, 1),
               student = noise({4, channels, side, side}, 2);
    const auto value = [&](const torch::Tensor& x) { return loss({with(teacher), with(x)}, {}); };
    CHECK(torch::allclose(value(student), plain_discrepancy(teacher, student), 1e-9, 1e-12));
    check_gradient(value, student);
    CHECK(
        torch::allclose(value(student * (torch::rand({4, channels, 1, 1}) + 0.5)), value(student)));
    const auto x = teacher.clone().set_requires_grad(true);
    const auto of_equal = value(x);
    of_equal.backward();
    CHECK(std::abs(of_equal.item<double>()) < 1e-12);
    CHECK(x.grad().abs().max().item<double>() < 1e-12);
  }
  // Averaged to the smaller map.
  const auto large = noise({2, 3, 8, 8}, 3), small = noise({2, 5, 4, 4}, 4);
  CHECK(torch::allclose(loss({with(large), with(small)}, {}),
                        plain_discrepancy(torch::adaptive_avg_pool2d(large, {4, 4}), small)));
}

TEST_CASE("flow_of_solution_procedure has the reference matrix, and does not see the direction")
{
  const auto other = maps({1, 0, 1, 0}, 1);
  CHECK(torch::equal(rolewise::detail::flow_matrices(map_student, other).flatten(),
                     torch::tensor({1.0, 0.0}, torch::kDouble)));
  const flow_of_solution_procedure<first, second> loss;
  const flow_of_solution_procedure<second, first> reversed;
  const auto t1 = noise({3, 2, 8, 8}, 1), t2 = noise({3, 4, 4, 4}, 2);  // averaged to 4 x 4
  const auto s1 = noise({3, 2, 4, 4}, 3), s2 = noise({3, 4, 2, 2}, 4);
  const auto matrix = [](const torch::Tensor& a, const torch::Tensor& b) {
    const auto small = torch::adaptive_avg_pool2d(a, {b.size(2), b.size(3)});
    return torch::einsum("nahw,nbhw->nab", {small, b}) / static_cast<double>(b.size(2) * b.size(3));
  };
  const paired_outputs pair{with(t1, t2), with(s1, s2)};
  const auto expected = (matrix(s1, s2) - matrix(t1, t2)).square().mean();
  CHECK(torch::allclose(loss(pair, {}), expected));
  CHECK(torch::allclose(reversed(pair, {}), expected));
  CHECK(loss({with(t1, t2), with(t1, t2)}, {}).item<double>() == 0.0);
  check_gradient([&](const torch::Tensor& x) { return loss({with(t1, t2), with(x, s2)}, {}); }, s1);
  check_gradient([&](const torch::Tensor& x) { return loss({with(t1, t2), with(s1, x)}, {}); }, s2);
}

TEST_CASE("variational_information_distillation has the reference values and learns its variance")
{
  auto loss = variational(3, 2);
  auto& stage = loss.stages[0];
  CHECK(stage.first->sizes() == at::IntArrayRef{3, 2, 1, 1});
  CHECK(stage.third->sizes() == at::IntArrayRef{3, 3, 1, 1});
  CHECK(stage.scale->select(0, 0).item<double>() == near(4.993229));
  const auto s = noise({4, 2, 4, 4}, 1);
  const auto mean =
      torch::conv2d(torch::conv2d(torch::conv2d(s, *stage.first).relu(), *stage.second).relu(),
                    *stage.third)
          .detach();
  const auto value = [&](const torch::Tensor& t, const torch::Tensor& x) {
    return loss({with(t), with(x)}, {});
  };
  CHECK(value(mean, s).item<double>() == near(0.8047190));
  CHECK(value(mean + 1, s).item<double>() == near(0.9047190));

  const auto t = noise({4, 3, 4, 4}, 2);
  check_gradient([&](const torch::Tensor& x) { return value(t, x); }, s);
  value(t, s).backward();
  for (const auto* p : {&*stage.first, &*stage.second, &*stage.third, &*stage.scale})
    CHECK(p->grad().abs().sum().item<double>() > 0);
  const auto scale = stage.scale->detach().clone();
  check_gradient(
      [&](const torch::Tensor& a) {
        auto other = loss;
        *other.stages[0].scale = a;
        return other({with(t), with(s)}, {});
      },
      scale);
}

TEST_CASE(
    "factor_transfer has the reference value, and its paraphraser learns by reconstruction alone")
{
  CHECK(rolewise::detail::factor_distance(map_teacher, map_student).item<double>() ==
        near(0.2128655));

  auto loss = factors(4, 3);
  CHECK(loss.encoder.weights[1]->sizes() == at::IntArrayRef{2, 4, 3, 3});
  CHECK(loss.decoder.weights[1]->sizes() == at::IntArrayRef{2, 4, 3, 3});
  CHECK(loss.translator.weights[1]->sizes() == at::IntArrayRef{2, 3, 3, 3});
  const auto t = noise({4, 4, 4, 4}, 1), s = noise({4, 3, 8, 8}, 2);  // averaged to 4 x 4
  check_gradient([&](const torch::Tensor& x) { return loss({with(t), with(x)}, {}); }, s);

  const auto leaky = [](const torch::Tensor& x) { return torch::leaky_relu(x, 0.1); };
  auto p = t;
  for (std::size_t i = 0; i < 3; ++i)
    p = leaky(torch::conv2d(p, *loss.encoder.weights[i], *loss.encoder.biases[i], 1, 1));
  auto back = p;
  for (std::size_t i = 0; i < 3; ++i)
    back = leaky(
        torch::conv_transpose2d(back, *loss.decoder.weights[i], *loss.decoder.biases[i], 1, 1));
  auto q = s;
  for (std::size_t i = 0; i < 3; ++i) {
    q = torch::conv2d(q, *loss.translator.weights[i], *loss.translator.biases[i], 1, 1);
    q = leaky((q - q.mean({0, 2, 3}, true)) / (q.var({0, 2, 3}, false, true) + 1e-5).sqrt());
  }
  const auto factor = rolewise::detail::factor_distance(p, q).mean();
  const auto reconstruction = (back - t).square().mean() * 0.005;
  CHECK(torch::allclose(loss({with(t), with(s)}, {}), factor + reconstruction));
  loss.paraphraser_epochs = 1;
  CHECK(torch::allclose(loss({with(t), with(s)}, {}), reconstruction));

  loss.paraphraser_epochs = 0;
  auto without = loss;  // without gradients, too
  without.reconstruction_weight = 0;
  without({with(t), with(s)}, {}).backward();
  CHECK(without.encoder.weights[0]->grad().abs().sum().item<double>() == 0);
  CHECK(without.translator.weights[0]->grad().abs().sum().item<double>() > 0);
  CHECK(without.norms[5]->grad().abs().sum().item<double>() > 0);
  auto with_both = loss;
  with_both({with(t), with(s)}, {}).backward();
  CHECK(with_both.encoder.weights[0]->grad().abs().sum().item<double>() > 0);

  feature_shapes map, wider;
  map.set(first, {4, 4, 4});
  wider.set(first, {6, 4, 4});
  CHECK_THROWS_WITH_AS(loss.configure(map, wider),
                       "rolewise: factor-transfer: was made with weights [3, 3, 3, 3], these "
                       "features want [6, 6, 3, 3]",
                       std::invalid_argument);
  factor_transfer<first> none{.rate = 0};
  CHECK_THROWS_WITH_AS(none.configure(map, map),
                       "rolewise: factor-transfer: want a finite rate above 0, got 0",
                       std::invalid_argument);
}

TEST_CASE("losses on maps: zero and 16-bit features, weights")
{
  const auto each = [](auto&& f) {
    f(neuron_selectivity_transfer<first>{});
    f(flow_of_solution_procedure<first, second>{});
    f(variational(3, 3));
    f(factors(3, 3));
  };
  const auto t = noise({4, 3, 4, 4}, 1), s = noise({4, 3, 4, 4}, 2);
  const auto weights = torch::tensor({1.0, 3.0, 0.0, 0.0}, torch::kDouble);
  each([&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    const auto value = [&](const torch::Tensor& teacher, const torch::Tensor& student,
                           const torch::Tensor& w = {}) {
      return loss({with(teacher, teacher), with(student, student)}, {{}, {}, {}, w});
    };
    testing::is_finite_for_odd_features([&](const torch::Tensor& x) { return value(t, x); }, s);
    const auto cut = [](const torch::Tensor& x) { return x.narrow(0, 0, 2); };
    // FT's batch norm is over all examples.
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(loss)>, factor_transfer<first>>)
      CHECK(torch::allclose(value(t, s, weights), value(cut(t), cut(s), cut(weights))));
    CHECK(torch::allclose(value(t, s), value(t, s, torch::full({4}, 2.0, torch::kDouble))));
    CHECK(torch::allclose(value(t, s, weights),
                          value(t, s, weights.view({4, 1, 1}).expand({4, 8, 8}))));
    testing::is_close_in_16_bits(value, t, s);
  });
}

TEST_CASE("losses on maps refuse what does not fit, in words")
{
  const auto three = torch::ones({2, 3, 4, 4}), four = torch::ones({2, 4, 4, 4});
  const flow_of_solution_procedure<first, second> flow;
  CHECK_THROWS_WITH_AS((void)flow({with(three, three), with(three, four)}, {}),
                       "rolewise: flow-of-solution-procedure: want as many channels of the student "
                       "as of the teacher at tap::stage<2>, got 4 and 3",
                       std::invalid_argument);
  const neuron_selectivity_transfer<first> selectivity;
  CHECK_THROWS_WITH_AS(
      (void)selectivity({with(torch::ones({2, 3})), with(three)}, {}),
      "rolewise: neuron-selectivity-transfer: want maps [N, C, H, W] of floating point at "
      "tap::stage<1>, got [2, 3] of Float of the teacher",
      std::invalid_argument);

  variational_information_distillation<first> information;
  CHECK_THROWS_WITH_AS((void)information({with(three), with(three)}, {}),
                       "rolewise: variational-information-distillation: was not configured: the "
                       "training step does it before its optimizer starts",
                       std::invalid_argument);
  feature_shapes map, vector, wider;
  map.set(first, {3, 4, 4});
  vector.set(first, {3});
  wider.set(first, {5, 4, 4});
  CHECK_THROWS_WITH_AS(information.configure(map, vector),
                       "rolewise: variational-information-distillation: want maps [C, H, W], got "
                       "[3]",
                       std::invalid_argument);
  information.configure(map, map);
  CHECK_THROWS_WITH_AS(information.configure(map, wider),
                       "rolewise: variational-information-distillation: was made with weights [3, "
                       "3, 1, 1], these features want [3, 5, 1, 1]",
                       std::invalid_argument);
  variational_information_distillation<first> flat{.initial_variance = 0};
  CHECK_THROWS_WITH_AS(flat.configure(map, map),
                       "rolewise: variational-information-distillation: want a finite first "
                       "variance above 1e-05, got 0",
                       std::invalid_argument);
}

TEST_CASE("losses on features compose and train a student")
{
  constexpr auto shape = testing::noise_shape;
  const auto data = testing::noise_images(16);
  const auto teacher = frozen(resnet8(shape, {.seed = seed{1}}));
  const auto train = [&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    distillation training{.teacher = teacher,
                          .student = resnet8(shape),
                          .loss = cross_entropy{} + weight{0.5} * loss};
    const auto before = training.student.parameters().front().value.clone();
    const auto history = fit(training, data, {.epochs = 1, .batch_size = 8});
    for (const auto& number : history.epochs.front().numbers) CHECK(std::isfinite(number.value));
    CHECK_FALSE(torch::equal(training.student.parameters().front().value, before));
  };
  train(similarity_preserving<tap::stage<3>>{});
  train(relational_kd<tap::penultimate>{});
  train(relational_kd<>{.of_directions = true});
  train(probabilistic_knowledge_transfer<tap::penultimate>{});
  train(correlation_congruence<tap::penultimate>{});
  train(neuron_selectivity_transfer<first, second>{});
  train(flow_of_solution_procedure<tap::stage<0>, first, second>{});
  train(variational_information_distillation<first, second>{});
  train(factor_transfer<tap::stage<3>>{});

  const auto student = resnet8(shape);
  // [composed]
  distillation training{
      .teacher = teacher,
      .student = student,
      .loss = cross_entropy{} + soft_target_kl{} + 3000.0 * similarity_preserving<tap::stage<3>>{} +
              relational_kd<tap::penultimate>{.angle_weight = 0} +
              variational_information_distillation<tap::stage<1>, tap::stage<2>>{}};
  // [/composed]
  const auto history = fit(training, data, {.epochs = 1, .batch_size = 8});
  CHECK(history.epochs.front().numbers.size() == 7);  // loss, five terms, accuracy

  // A last batch of one example is refused before the first step.
  distillation relations{
      .teacher = teacher, .student = student, .loss = relational_kd<tap::penultimate>{}};
  CHECK_THROWS_AS((void)fit(relations, data, {.epochs = 1, .batch_size = 5}),
                  std::invalid_argument);
  CHECK_NOTHROW((void)fit(relations, data, {.epochs = 1, .batch_size = 5, .drop_last = true}));
}
