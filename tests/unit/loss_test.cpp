// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/distillation_loss.hpp"
#include "laws/gradient_combination.hpp"
#include "laws/loss_function.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"

#include <rolewise/core/fraction.hpp>
#include <rolewise/loss/clipped_to_task.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/no_distillation.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using namespace rolewise;

namespace mine {

/// A loss of a user's own namespace: half the squared distance of the logits.
struct squared_distance {
  static constexpr const char* name = "squared-distance";
  torch::Tensor operator()(const paired_outputs& pair) const
  {
    return (pair.student.logits - pair.teacher.logits.detach()).square().sum() / 2;
  }
};

/// A loss with a learned parameter.
struct scaled_logits {
  static constexpr std::string_view name = "scaled-logits";
  torch::Tensor scale = torch::ones({}, torch::kFloat64);
  torch::Tensor operator()(const paired_outputs& pair) const
  {
    return (pair.student.logits * scale).sum();
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("scale", scale);
  }
};

}  // namespace mine

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

torch::Tensor row(std::vector<double> values)
{
  const auto count = static_cast<std::int64_t>(values.size());
  return torch::tensor(values, torch::kFloat64).view({1, count});
}

// The example that the reference values were computed from.
const auto z_teacher = row({2.0, 1.0, 0.1});
const auto z_student = row({1.0, 0.5, -0.5});
const targets first_class{.labels = torch::zeros({1}, torch::kLong), .ids = {}, .progress = {}};

paired_outputs pair_of(const torch::Tensor& teacher, const torch::Tensor& student)
{
  return {{teacher, {}}, {student, {}}};
}

double divergence(const soft_target_kl& loss, const torch::Tensor& teacher,
                  const torch::Tensor& student)
{
  return loss(pair_of(teacher, student)).item<double>();
}

torch::Tensor cross(const cross_entropy& loss, const torch::Tensor& logits,
                    const torch::Tensor& labels)
{
  return loss({{}, {logits, {}}}, {.labels = labels, .ids = {}, .progress = {}});
}

/// Compares the gradient by autograd with finite differences.
template<typename F>
void check_gradient(F&& f, const torch::Tensor& at)
{
  const auto x = at.detach().clone().set_requires_grad(true);
  f(x).backward();
  CHECK(torch::allclose(x.grad(), testing::finite_differences(f, at), 1e-6, 1e-8));
}

doctest::Approx near(double value, double tolerance = 2e-6)
{
  return doctest::Approx(value).epsilon(tolerance);
}

}  // namespace

TEST_CASE("soft_target_kl keeps the promises of DistillationLoss")
{
  for (const double t : {0.5, 1.0, 4.0, 20.0})
    for (const auto reduction : {kl_reduction::batch_mean, kl_reduction::element_mean})
      laws::hold_for(soft_target_kl{.temperature = temperature{t}, .reduction = reduction});
}

namespace {

/// Reads what it declares not to: the logits of the first example.
struct promises_too_much {
  static constexpr std::string_view name = "promises-too-much";
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  torch::Tensor operator()(const paired_outputs& pair) const
  {
    return (pair.student.logits[0] - 2 * pair.teacher.logits[0].detach()).square().sum();
  }
};

}  // namespace

TEST_CASE("the laws find each declared invariance that does not hold")
{
  torch::manual_seed(0);
  const auto teacher = laws::sample_outputs({}), student = laws::sample_outputs({});
  CHECK((laws::broken_invariances(promises_too_much{}, teacher, student, {}) ==
         std::vector<std::string>{"student_shift", "teacher_shift", "example_order"}));
  constexpr auto sum =
      invariances_of<decltype(cross_entropy{} + weight{1} * promises_too_much{})>();
  static_assert(sum == promises_too_much::invariances);
  struct plain {};
  static_assert(invariances_of<plain>() == invariances{});
  static_assert((invariances{.student_shift = true, .example_order = true} &
                 invariances{.teacher_shift = true, .example_order = true}) ==
                invariances{.example_order = true});
}

TEST_CASE("soft_target_kl has the reference values")
{
  CHECK(divergence({}, z_teacher, z_student) == near(0.0258049));
  // T^2 KL tends to |centered difference|^2 / (2 K) as T grows.
  CHECK(divergence({temperature{10}}, z_teacher, z_student) == near(0.024438, 2e-5));
  CHECK(divergence({temperature{100}}, z_teacher, z_student) == near(0.023450, 2e-5));
  CHECK(divergence({temperature{1000}}, z_teacher, z_student) == near(0.023345, 2e-5));
  CHECK(divergence({temperature{1e5}}, z_teacher, z_student) == near(0.0233333, 1e-5));
}

TEST_CASE("the conventions of soft_target_kl differ by their factors alone")
{
  torch::manual_seed(0);
  const auto teacher = torch::randn({5, 7}, torch::kFloat64),
             student = torch::randn({5, 7}, torch::kFloat64);
  const double plain = divergence({.scale_by_t_squared = false}, teacher, student);
  CHECK(divergence({}, teacher, student) == near(16 * plain, 1e-12));
  CHECK(divergence({.reduction = kl_reduction::element_mean}, teacher, student) ==
        near(16 * plain / 7, 1e-12));
  CHECK(divergence({.reduction = kl_reduction::element_mean, .scale_by_t_squared = false}, teacher,
                   student) == near(plain / 7, 1e-12));
}

TEST_CASE("soft_target_kl agrees with LibTorch's kl_div and ignores a constant per row")
{
  torch::manual_seed(0);
  const auto teacher = torch::randn({5, 7}, torch::kFloat64),
             student = torch::randn({5, 7}, torch::kFloat64);
  for (const double t : {0.5, 1.0, 4.0, 20.0}) {
    const double want = torch::kl_div(torch::log_softmax(student / t, 1),
                                      torch::softmax(teacher / t, 1), at::Reduction::Sum)
                            .item<double>() *
                        t * t / 5;
    CHECK(divergence({temperature{t}}, teacher, student) == near(want, 1e-12));
    CHECK(divergence({temperature{t}}, teacher + 3, student - 2) == near(want, 1e-10));
  }
}

TEST_CASE("the gradient of soft_target_kl is T (q - p) / N")
{
  const auto student = z_student.clone().set_requires_grad(true);
  soft_target_kl{}(pair_of(z_teacher, student)).backward();
  const auto want = row({-0.109641, 0.076020, 0.033621});
  CHECK(torch::allclose(student.grad(), want, 0.0, 1e-6));

  torch::manual_seed(0);
  const auto teacher = torch::randn({4, 6}, torch::kFloat64);
  const auto at = torch::randn({4, 6}, torch::kFloat64);
  for (const double t : {0.5, 1.0, 4.0}) {
    const auto f = [&](const torch::Tensor& x) {
      return soft_target_kl{temperature{t}}(pair_of(teacher, x));
    };
    check_gradient(f, at);
    const auto x = at.clone().set_requires_grad(true);
    f(x).backward();
    const auto formula = (torch::softmax(at / t, 1) - torch::softmax(teacher / t, 1)) * (t / 4);
    CHECK(torch::allclose(x.grad(), formula, 1e-10, 1e-14));
  }
}

TEST_CASE("soft_target_kl stays exact for logits far apart")
{
  const auto far = row({1000.0, 0.0, -1000.0});
  const double between = divergence({temperature{1}}, far, row({0.0, 0.0, 0.0}));
  CHECK(between == near(std::log(3.0), 1e-12));
  CHECK(divergence({temperature{1}}, far, far) == 0.0);
  CHECK(divergence({temperature{1}}, far, row({-1000.0, 0.0, 1000.0})) == near(2000.0, 1e-12));
}

TEST_CASE("soft_target_kl refuses what would broadcast or convert")
{
  torch::manual_seed(0);
  const auto good = torch::randn({5, 7});
  const auto refuses = [&](const torch::Tensor& a, const torch::Tensor& b, const char* why) {
    CHECK_THROWS_WITH_AS((void)soft_target_kl{}(pair_of(a, b)), why, std::invalid_argument);
  };
  refuses(good, {}, "rolewise: soft-target-kl: logits are undefined");
  refuses({}, good, "rolewise: soft-target-kl: logits of the teacher are undefined");
  refuses(good, good[0],
          "rolewise: soft-target-kl: want logits [N, C] or [N, C, ...], no size 0, got [7]");
  refuses(good[0].unsqueeze(0), good,
          "rolewise: soft-target-kl: shape of teacher [1, 7], of student [5, 7]");
  refuses(good, good.to(torch::kLong),
          "rolewise: soft-target-kl: want logits of floating point, got Long");
  refuses(good.to(torch::kFloat64), good,
          "rolewise: soft-target-kl: dtype of teacher Double, of student Float");
  refuses(torch::empty({5, 7}, torch::kMeta), good,
          "rolewise: soft-target-kl: device of teacher meta, of student cpu");
  refuses(torch::zeros({0, 7}), torch::zeros({0, 7}),
          "rolewise: soft-target-kl: want logits [N, C] or [N, C, ...], no size 0, got [0, 7]");
  refuses(torch::zeros({7, 0}), torch::zeros({7, 0}),
          "rolewise: soft-target-kl: want logits [N, C] or [N, C, ...], no size 0, got [7, 0]");
}

TEST_CASE("an infinite logit makes soft_target_kl infinite or NaN")
{
  torch::manual_seed(0);
  const auto good = torch::randn({5, 7});
  for (const double x : {infinity, -infinity, not_a_number}) {
    auto bad = good.clone();
    bad[0][0] = x;
    CHECK_FALSE(std::isfinite(divergence({}, bad, good)));
    CHECK_FALSE(std::isfinite(divergence({}, good, bad)));
  }
}

TEST_CASE("no_distillation is zero, and so is its gradient, even of an infinite logit")
{
  laws::hold_for(no_distillation{});
  const auto student = row({1.0, infinity, -3.0}).set_requires_grad(true);
  const auto score = no_distillation{}(pair_of({}, student));
  CHECK(score.item<double>() == 0.0);
  score.backward();
  CHECK(torch::equal(student.grad(), torch::zeros_like(student)));
  CHECK_THROWS_WITH_AS((void)no_distillation{}({}),
                       "rolewise: no-distillation: logits are undefined", std::invalid_argument);
}

TEST_CASE("cross_entropy keeps the promises of LossFunction and needs no teacher")
{
  laws::hold_for_labels(cross_entropy{});
  laws::hold_for_labels(cross_entropy{.smoothing = fraction{0.1}});
}

TEST_CASE("cross_entropy has the reference values")
{
  const auto first = torch::zeros({1}, torch::kLong);
  CHECK(cross({}, z_student, first).item<double>() == near(0.6041306));
  const auto four = row({1.0, 0.5, -0.5, 0.0});
  CHECK(cross({fraction{0.1}}, four, first).item<double>() == near(0.8623387));
  CHECK(cross({fraction{1.0}}, row({2.0, 2.0}), first).item<double>() == near(std::log(2), 1e-12));
}

TEST_CASE("a soft label of one class is a hard label, with smoothing as well")
{
  torch::manual_seed(0);
  const auto logits = torch::randn({6, 4}, torch::kFloat64);
  const auto labels = torch::randint(4, {6}, torch::kLong);
  const auto soft = torch::one_hot(labels, 4).to(torch::kFloat64);
  for (const double e : {0.0, 0.1, 0.7}) {
    const cross_entropy loss{fraction{e}};
    const auto by_hand = -((soft * (1 - e) + e / 4) * torch::log_softmax(logits, 1)).sum(1).mean();
    CHECK(torch::allclose(cross(loss, logits, labels), by_hand, 1e-12));
    CHECK(torch::allclose(cross(loss, logits, soft), by_hand, 1e-12));
    CHECK(torch::allclose(cross(loss, logits, soft.to(torch::kFloat32)), by_hand, 1e-12));
    const auto mixed = torch::softmax(torch::randn({6, 4}, torch::kFloat64), 1);
    check_gradient([&](const torch::Tensor& x) { return cross(loss, x, labels); }, logits);
    check_gradient([&](const torch::Tensor& x) { return cross(loss, x, mixed); }, logits);
  }
}

TEST_CASE("cross_entropy refuses labels that do not fit")
{
  torch::manual_seed(0);
  const auto logits = torch::randn({5, 7});
  const auto refuses = [&](const torch::Tensor& labels, const char* why) {
    CHECK_THROWS_WITH_AS((void)cross({}, logits, labels), why, std::invalid_argument);
  };
  refuses({}, "rolewise: cross-entropy: labels are undefined");
  refuses(
      torch::zeros({4}, torch::kLong),
      "rolewise: cross-entropy: want labels [5] of Long or [5, 7] of floating point, got [4] of "
      "Long");
  refuses(
      torch::zeros({5}, torch::kInt),
      "rolewise: cross-entropy: want labels [5] of Long or [5, 7] of floating point, got [5] of "
      "Int");
  refuses(
      torch::zeros({5, 7}, torch::kLong),
      "rolewise: cross-entropy: want labels [5] of Long or [5, 7] of floating point, got [5, 7] "
      "of Long");
  refuses(torch::zeros({5}, torch::TensorOptions{}.dtype(torch::kLong).device(torch::kMeta)),
          "rolewise: cross-entropy: device of labels meta, of student cpu");
  for (const std::int64_t label : {-1, 7, -99}) {  // -100 is the ignore index
    auto labels = torch::zeros({5}, torch::kLong);
    labels[3] = label;
    const auto why = "rolewise: cross-entropy: want labels in 0 .. 6, got " +
                     std::to_string(label) + " for example 3 of the batch";
    refuses(labels, why.c_str());
  }
  CHECK_THROWS_WITH_AS(
      (void)cross({}, logits[0], torch::zeros({1}, torch::kLong)),
      "rolewise: cross-entropy: want logits [N, C] or [N, C, ...], no size 0, got [7]",
      std::invalid_argument);
}

TEST_CASE("a weighted sum has the reference value and keeps the promises of LossFunction")
{
  const auto loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}};
  CHECK(loss(pair_of(z_teacher, z_student), first_class).item<double>() == near(0.0836375));
  laws::hold_for_labels(loss);
  laws::hold_for_labels(1.0 * cross_entropy{} + no_distillation{});
  laws::hold_for_labels(cross_entropy{} + -0.5 * soft_target_kl{});
  check_gradient([&](const torch::Tensor& x) { return loss(pair_of(z_teacher, x), first_class); },
                 z_student);
}

TEST_CASE("a weighted sum returns its terms before their weights, and computes them once")
{
  const auto loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{} +
                    0.5 * soft_target_kl{temperature{100}} + 0.0 * soft_target_kl{temperature{1}};
  const auto found = evaluate_loss_terms(loss, pair_of(z_teacher, z_student), first_class);
  REQUIRE(found.terms.size() == 4);
  CHECK(found.terms[0].name == "cross-entropy");
  CHECK(found.terms[1].name == "soft-target-kl");
  CHECK(found.terms[2].name == "soft-target-kl-2");
  CHECK(found.terms[3].name == "soft-target-kl-3");
  CHECK(found.terms[0].value.item<double>() == near(0.6041306));
  CHECK(found.terms[1].value.item<double>() == near(0.0258049));
  CHECK(found.total.item<double>() == near(0.0836375 + 0.5 * 0.0234499, 1e-5));

  const auto student = z_student.clone().set_requires_grad(true);
  const auto with_graph = evaluate_loss_terms(loss, pair_of(z_teacher, student), first_class);
  CHECK(with_graph.total.requires_grad());
  for (const auto& term : with_graph.terms) CHECK_FALSE(term.value.requires_grad());

  const auto alone = evaluate_loss_terms(cross_entropy{}, pair_of({}, student), first_class);
  CHECK(alone.terms.empty());
  CHECK(alone.total.requires_grad());
  const auto one = evaluate_loss_terms(1.0 * cross_entropy{}, pair_of({}, student), first_class);
  REQUIRE(one.terms.size() == 1);
  CHECK(one.terms[0].name == "cross-entropy");
  CHECK(torch::equal(one.total, alone.total));
}

TEST_CASE("a weight before a sum multiplies its weights, and foreign losses come in by weight")
{
  const auto pair = pair_of(z_teacher, z_student);
  const double ce = 0.6041306, kl = 0.0258049, distance = 0.5 * (1.0 + 0.25 + 0.36);
  const auto value = [&](const auto& loss) {
    return evaluate_loss(loss, pair, first_class).template item<double>();
  };
  CHECK(value(cross_entropy{} + soft_target_kl{}) == near(ce + kl));
  CHECK(value(2 * (cross_entropy{} + 3 * soft_target_kl{}) + cross_entropy{}) ==
        near(3 * ce + 6 * kl));
  CHECK(value(weight{0.9} * mine::squared_distance{}) == near(0.9 * distance));
  CHECK(value(cross_entropy{} + mine::squared_distance{}) == near(ce + distance));
  CHECK(value(0.5 * cross_entropy{} + weight{2.0} * mine::squared_distance{}) ==
        near(0.5 * ce + 2 * distance));
  CHECK((weight{1} * mine::squared_distance{} + cross_entropy{}).name ==
        "squared-distance + cross-entropy");
}

TEST_CASE("a sum shows the state of its parts")
{
  auto loss = 0.5 * cross_entropy{} + weight{2.0} * mine::scaled_logits{};
  static_assert(Stateful<decltype(loss)> && decltype(loss)::has_state);
  std::vector<std::string> names;
  for_each_tensor(loss, [&](std::string name, torch::Tensor& t, tensor_kind) {
    names.push_back(std::move(name));
    t = torch::full({}, 3.0, torch::kFloat64);
  });
  CHECK(names == std::vector<std::string>{"term1.scale"});
  CHECK(loss(pair_of({}, z_student), first_class).item<double>() == near(0.5 * 0.6041306 + 6.0));
}

TEST_CASE("a negative weight subtracts a loss")
{
  const auto pair = pair_of(z_teacher, z_student);
  const auto loss = 1.0 * cross_entropy{} + -0.5 * soft_target_kl{temperature{4}};
  const auto found = evaluate_loss_terms(loss, pair, first_class);
  REQUIRE(found.terms.size() == 2);
  CHECK(found.total.item<double>() ==
        near(found.terms[0].value.item<double>() - 0.5 * found.terms[1].value.item<double>()));
  CHECK(found.terms[1].value.item<double>() > 0);
  check_gradient([&](const torch::Tensor& x) { return loss(pair_of(z_teacher, x), first_class); },
                 z_student);
}

TEST_CASE("weights are finite")
{
  for (const double w : {-infinity, infinity, not_a_number})
    CHECK_THROWS_WITH_AS((void)(w * cross_entropy{}), "rolewise: weight of a loss must be finite",
                         std::invalid_argument);
  CHECK_THROWS_AS((void)(1e200 * (1e200 * cross_entropy{})), std::invalid_argument);
}

TEST_CASE("clipped_to_task keeps the promises of GradientCombination")
{
  laws::hold_for(clipped_to_task{.task = cross_entropy{}, .distillation = soft_target_kl{}});
  laws::hold_for(clipped_to_task{.task = cross_entropy{},
                                 .distillation = 0.3 * soft_target_kl{} + no_distillation{},
                                 .initial_epoch = 5});
}

TEST_CASE("the ramp of clipped_to_task is a sigmoid that ends at exactly 1")
{
  clipped_to_task rule{.task = cross_entropy{}, .distillation = soft_target_kl{}};
  const auto at = [&](std::int64_t epoch) {
    return rule.ramp({.epoch = epoch, .step = 3, .epochs = 200, .steps_per_epoch = 10});
  };
  const std::vector<double> published{0.5, 0.731, 0.881, 0.953, 0.982};
  for (std::size_t e = 0; e < published.size(); ++e)
    CHECK(at(static_cast<std::int64_t>(e)) == near(published[e], 1e-3));
  CHECK(at(18) < 1.0);
  CHECK(at(19) == 1.0);  // 1 - sigma(19) = 5.6e-9
  rule.initial_epoch = 40;
  CHECK(at(40) == 0.5);
  CHECK(at(0) == near(std::exp(-40.0), 1e-12));
  rule.initial_epoch = 5000;
  CHECK(at(0) == 0.0);
}

TEST_CASE("clipped_to_task cuts distillation to the length of the task, tensor by tensor")
{
  const clipped_to_task rule{.task = cross_entropy{}, .distillation = soft_target_kl{}};
  const training_progress late{.epoch = 100, .step = 0, .epochs = 200, .steps_per_epoch = 1};
  const auto task = row({3.0, 4.0}), longer = row({0.0, 20.0}), shorter = row({-1.0, 2.0});
  CHECK(torch::allclose(rule.combine(task, longer, late), row({3.0, 9.0}), 1e-12));
  CHECK(torch::allclose(rule.combine(task, shorter, late), row({2.0, 6.0}), 1e-12));
  // In epoch 0 half the length of the task gradient is allowed: 20 is clipped to 2.5, and
  // |shorter| = 2.24 passes unchanged.
  CHECK(torch::allclose(rule.combine(task, longer, {}), row({3.0, 6.5}), 1e-12));
  CHECK(torch::allclose(rule.combine(task, shorter, {}), row({2.0, 6.0}), 1e-12));
  CHECK(torch::equal(rule.combine(row({0.0, 0.0}), longer, late), row({0.0, 0.0})));
  CHECK(torch::equal(rule.combine(task, row({0.0, 0.0}), late), task));

  torch::manual_seed(0);
  for (int i = 0; i < 20; ++i) {
    const auto g = torch::randn({3, 4, 2}, torch::kFloat64),
               d = torch::randn({3, 4, 2}, torch::kFloat64) * std::exp(i - 10);
    const auto added = rule.combine(g, d, late) - g;
    CHECK(added.norm().item<double>() <= g.norm().item<double>() * (1 + 1e-12));
    CHECK(torch::cosine_similarity(added.flatten(), d.flatten(), 0).item<double>() ==
          near(1.0, 1e-9));
  }
}

TEST_CASE("losses of 16 bits are added up in single precision, and their gradients are of 16 bits")
{
  // 128 examples of some 1,000 nats each: their sum is beyond what fp16 holds.
  torch::manual_seed(4);
  for (const auto type : {torch::kHalf, torch::kBFloat16}) {
    CAPTURE(c10::toString(type));
    const auto teacher = (torch::randn({128, 40}) * 60).to(type);
    const auto exact = [&](const auto& loss, const torch::Tensor& student,
                           const torch::Tensor& labels) {
      return evaluate_loss(
                 loss, {{teacher.to(torch::kDouble), {}}, {student.to(torch::kDouble), {}}},
                 targets{labels.is_floating_point() ? labels.to(torch::kDouble) : labels, {}, {}})
          .template item<double>();
    };
    const double digits = type == torch::kHalf ? 0x1p-10 : 0x1p-7;
    const auto holds = [&](const auto& loss, const torch::Tensor& labels) {
      const auto student = (torch::randn({128, 40}) * 60).to(type).set_requires_grad(true);
      const auto found =
          evaluate_loss(loss, {{teacher, {}}, {student, {}}}, targets{labels, {}, {}});
      CHECK((found.scalar_type() == type));
      CHECK(found.template item<double>() == near(exact(loss, student.detach(), labels), digits));
      found.backward();
      CHECK((student.grad().scalar_type() == type));
      CHECK(student.grad().isfinite().all().template item<bool>());
      CHECK(student.grad().abs().sum().template item<double>() > 0);
    };
    const auto hard = torch::arange(128).remainder(40);
    holds(soft_target_kl{}, hard);
    holds(soft_target_kl{.temperature = temperature{1}, .reduction = kl_reduction::element_mean},
          hard);
    holds(cross_entropy{}, hard);
    holds(cross_entropy{.smoothing = fraction{0.1}}, hard);
    holds(cross_entropy{.smoothing = fraction{0.1}}, torch::one_hot(hard, 40).to(type));
  }
}

TEST_CASE("clipped_to_task of 16 bits has the values of single precision, rounded once")
{
  const clipped_to_task rule{.task = cross_entropy{}, .distillation = soft_target_kl{}};
  const training_progress late{.epoch = 100, .step = 0, .epochs = 200, .steps_per_epoch = 1};
  torch::manual_seed(5);
  for (const auto type : {torch::kHalf, torch::kBFloat16}) {
    // The factor is about 3e-7: fp16 has no more than 3 bits for it.
    const auto task = (torch::randn({50}) * 1e-3).to(type),
               distillation = (torch::randn({50}) * 3e3).to(type);
    const auto found = rule.combine(task, distillation, late);
    CHECK((found.scalar_type() == type));
    const auto exact = rule.combine(task.to(torch::kDouble), distillation.to(torch::kDouble), late);
    const double digits = type == torch::kHalf ? 0x1p-11 : 0x1p-8;
    CHECK(torch::allclose(found.to(torch::kDouble), exact, 1.01 * digits, 1e-7));
    CHECK(task.to(torch::kDouble).norm().item<double>() > 1e-3);
  }
}
