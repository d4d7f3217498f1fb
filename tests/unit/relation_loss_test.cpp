// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses on the relations of the examples of a batch: SP, RKD, PKT, CC.
#include "laws/distillation_loss.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"

#include <rolewise/loss/correlation_congruence.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/probabilistic_knowledge_transfer.hpp>
#include <rolewise/loss/relational_kd.hpp>
#include <rolewise/loss/similarity_preserving.hpp>
#include <rolewise/loss/weighted_sum.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

constexpr auto pooled = tap::penultimate;

torch::Tensor rows(std::vector<double> values, std::int64_t columns)
{
  return torch::tensor(values, torch::kDouble).view({-1, columns});
}

outputs with(const torch::Tensor& features)
{
  outputs said{.logits = features, .features = {}};
  said.features.set(pooled, features);
  return said;
}

torch::Tensor value_of(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student,
                       const torch::Tensor& weights = {})
{
  return loss({with(teacher), with(student)}, {{}, {}, {}, weights});
}

double number_of(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student)
{
  return value_of(loss, teacher, student).template item<double>();
}

doctest::Approx near(double value, double tolerance = 2e-6)
{
  return doctest::Approx(value).epsilon(tolerance).scale(0);
}

double largest(const torch::Tensor& of) { return of.abs().max().item<double>(); }

template<typename F>
torch::Tensor gradient_of(F&& f, const torch::Tensor& at)
{
  const auto x = at.detach().clone().set_requires_grad(true);
  f(x).backward();
  return x.grad();
}

void check_gradient(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student,
                    const torch::Tensor& weights = {})
{
  const auto f = [&](const torch::Tensor& x) { return value_of(loss, teacher, x, weights); };
  CHECK(torch::allclose(gradient_of(f, student), testing::finite_differences(f, student), 1e-5,
                        1e-8));
}

torch::Tensor noise(std::int64_t n, std::int64_t d, std::uint64_t key)
{
  torch::manual_seed(key);
  return torch::randn({n, d}, torch::kDouble);
}

torch::Tensor rotation(std::int64_t d) { return std::get<0>(torch::linalg_qr(noise(d, d, 9))); }

/// A CC loss with embeddings for these widths, in double precision.
auto congruence(correlation_form form, std::int64_t of_teacher, std::int64_t of_student,
                std::int64_t size = 4)
{
  correlation_congruence<pooled> loss{.form = form, .embedding_size = size};
  feature_shapes teacher, student;
  teacher.set(pooled, {of_teacher});
  student.set(pooled, {of_student});
  loss.configure(teacher, student);
  for (auto* t : {&*loss.of_teacher.weight, &*loss.of_teacher.bias, &*loss.of_student.weight,
                  &*loss.of_student.bias})
    *t = t->detach().to(torch::kDouble).set_requires_grad(true);
  return loss;
}

/// Calls `f(loss)` for losses without embeddings.
void for_plain_losses(auto&& f)
{
  f(similarity_preserving<pooled>{});
  f(relational_kd<pooled>{});
  f(relational_kd<pooled>{.distance_weight = 1, .angle_weight = 0});
  f(relational_kd<pooled>{.distance_weight = 0, .angle_weight = 1});
  f(relational_kd<>{.distance_weight = 50, .angle_weight = 100, .of_directions = true});
  f(probabilistic_knowledge_transfer<pooled>{});
}

/// And for those with, for features of these widths.
void for_all_losses(std::int64_t of_teacher, std::int64_t of_student, auto&& f)
{
  for_plain_losses(f);
  f(congruence(correlation_form::neighbors, of_teacher, of_student));
  f(congruence(correlation_form::gaussian_kernel, of_teacher, of_student));
}

/// RKD's two terms by their formulas, with all N^3 cosines at once.
torch::Tensor plain_distances(const torch::Tensor& teacher, const torch::Tensor& student)
{
  const auto relative = [](const torch::Tensor& x) {
    const auto d = (x.unsqueeze(0) - x.unsqueeze(1)).norm(2, 2);
    return d / d.masked_select(d > 0).mean();
  };
  return torch::smooth_l1_loss(relative(student), relative(teacher));
}

torch::Tensor plain_angles(const torch::Tensor& teacher, const torch::Tensor& student)
{
  const auto cosines = [](const torch::Tensor& x) {
    const auto edges = x.unsqueeze(0) - x.unsqueeze(1);
    const auto unit = edges / edges.norm(2, 2, true).clamp_min(1e-12);
    return unit.bmm(unit.transpose(1, 2));
  };
  return torch::smooth_l1_loss(cosines(student), cosines(teacher));
}

}  // namespace

TEST_CASE("losses on relations keep the promises of DistillationLoss")
{
  for_plain_losses([](const auto& loss) { laws::hold_for(loss); });
  laws::hold_for(similarity_preserving<tap::stage<3>>{});
  laws::hold_for(similarity_preserving<tap::stage<1>, pooled>{});
  laws::hold_for(relational_kd<tap::stage<2>, pooled>{});
  laws::hold_for(probabilistic_knowledge_transfer<tap::stage<0>, pooled>{});
  laws::hold_for(correlation_congruence<pooled>{});
  laws::hold_for(correlation_congruence<tap::stage<2>, pooled>{
      .form = correlation_form::gaussian_kernel, .embedding_size = 3, .seed = seed{1}});
  laws::hold_for(weight{3000} * similarity_preserving<tap::stage<3>>{} +
                 weight{0.02} * correlation_congruence<pooled>{});
}

TEST_CASE("losses on relations have the reference values")
{
  CHECK(number_of(similarity_preserving<pooled>{}, rows({2, 0, 1, 0, 1, 1}, 3),
                  rows({1, 2, 3, -1}, 2)) == near(0.0327561));

  const auto student = rows({0, 0, 3, 0, 0, 4}, 2), teacher = rows({0, 0, 1, 0, 0, 1}, 2);
  CHECK(number_of(relational_kd<pooled>{.distance_weight = 1, .angle_weight = 0}, teacher,
                  student) == near(0.0034813, 2e-5));
  CHECK(number_of(relational_kd<pooled>{.distance_weight = 0, .angle_weight = 1}, teacher,
                  student) == near(0.0007445, 1e-4));
  CHECK(number_of(relational_kd<pooled>{}, teacher, student) == near(0.1242553));

  CHECK(number_of(probabilistic_knowledge_transfer<pooled>{}, rows({1, 0, 1, 1, 0, 1}, 2),
                  rows({1, 0, 0, 1, 1, 1}, 2)) == near(0.0150384, 4e-6));

  auto congruent = congruence(correlation_form::neighbors, 2, 2, 2);
  for (auto* layer : {&congruent.of_teacher, &congruent.of_student}) {
    layer->weight = owned_tensor{torch::eye(2, torch::kDouble)};
    layer->bias = owned_tensor{torch::zeros({2}, torch::kDouble)};
  }
  const auto one = rows({1, 2, 0, 1, 2, 2}, 2), other = rows({0, 2, 1, 3, 2, 0}, 2);
  CHECK(number_of(congruent, other, one) == near(2.5));

  congruent.form = correlation_form::gaussian_kernel;
  const auto kernel = [](const torch::Tensor& x) {
    const auto unit = x / x.norm(2, 1, true);
    const auto c = 0.8 * unit.mm(unit.t());
    return std::exp(-0.8) * (1 + c + c * c / 2);
  };
  CHECK(number_of(congruent, other, one) ==
        near((kernel(one) - kernel(other)).square().mean().item<double>()));
}

TEST_CASE("gradients of losses on relations are exact")
{
  const auto teacher = noise(5, 4, 1), student = noise(5, 3, 2);
  const auto weights = torch::tensor({0.5, 2.0, 0.0, 1.0, 0.3}, torch::kDouble);
  for_all_losses(4, 3, [&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    check_gradient(loss, teacher, student);
    check_gradient(loss, teacher, student, weights);
  });
}

TEST_CASE("at equal features losses on relations are 0 without a gradient")
{
  const auto teacher = noise(6, 4, 1);
  for_plain_losses([&](const auto& loss) {
    CHECK(std::abs(number_of(loss, teacher, teacher)) < 1e-12);
    const auto gradient =
        gradient_of([&](const torch::Tensor& x) { return value_of(loss, teacher, x); }, teacher);
    CHECK(largest(gradient) < 1e-6);  // PKT has a share of its constant 1e-7
  });
}

TEST_CASE("losses on relations do not see rotations and scales, RKD no translations")
{
  const auto teacher = noise(6, 4, 1), student = noise(6, 5, 2);
  const auto rotated = student.mm(rotation(5));
  const auto same = [&](const auto& loss, const torch::Tensor& moved) {
    CHECK(number_of(loss, teacher, moved) == near(number_of(loss, teacher, student), 1e-9));
  };
  for_plain_losses([&](const auto& loss) {
    same(loss, rotated);
    same(loss, student * 3);
  });
  same(relational_kd<pooled>{}, rotated * 0.1 + noise(1, 5, 3));
  same(probabilistic_knowledge_transfer<pooled>{},
       student * (torch::rand({6, 1}, torch::kDouble) + 0.1));
}

TEST_CASE("RKD is its formula, also in blocks of anchors, with the gradient of plain operations")
{
  for (const auto& [n, d] : {std::pair{7, 3}, std::pair{70, 5}}) {
    const auto teacher = noise(n, d, 1), student = noise(n, d + 1, 2);
    const relational_kd<pooled> distances{.angle_weight = 0}, angles{.distance_weight = 0};
    const auto compare = [&](const auto& loss, const auto& plain, double by) {
      const auto x = student.clone().set_requires_grad(true);
      const auto value = value_of(loss, teacher, x), expected = plain(teacher, x) * by;
      CHECK(torch::allclose(value, expected, 1e-9, 1e-14));
      // The slope of a length has no limit at 0, so plain operations take the pairs i, i out.
      const auto gradient = torch::autograd::grad({value * 3}, {x})[0];
      CHECK(torch::allclose(gradient, 3 * torch::autograd::grad({expected}, {x})[0], 1e-8, 1e-12));
    };
    compare(distances, plain_distances, 25);
    compare(angles, plain_angles, 50);
  }
}

TEST_CASE("RKD in single precision is exact far from the origin and for examples close together")
{
  auto student = (noise(9, 6, 2) + 100).to(torch::kFloat);
  student[1] = student[0] + 1e-2;
  const auto teacher = (noise(9, 6, 1) - 100).to(torch::kFloat);
  const auto gradient = [&](torch::ScalarType type) {
    return gradient_of(
               [&](const torch::Tensor& x) {
                 return value_of(relational_kd<pooled>{}, teacher.to(type), x);
               },
               student.to(type))
        .to(torch::kDouble);
  };
  const auto exact = gradient(torch::kDouble);
  CHECK(largest(gradient(torch::kFloat) - exact) < 1e-4 * largest(exact));
}

TEST_CASE("second derivatives of RKD's angles are refused")
{
  const auto teacher = noise(4, 3, 1), student = noise(4, 3, 2).set_requires_grad(true);
  const auto value = value_of(relational_kd<pooled>{}, teacher, student);
  CHECK_THROWS_WITH_AS((void)torch::autograd::grad({value}, {student}, {}, true, true),
                       "rolewise: relational-kd: has no second derivatives of its angles: a graph "
                       "of the backward pass was wanted",
                       std::invalid_argument);
}

TEST_CASE("coinciding, zero and huge features give finite losses and gradients")
{
  const auto teacher = noise(5, 3, 1);
  auto coinciding = noise(5, 3, 2);
  coinciding[1] = coinciding[3];
  auto partly_zero = noise(5, 3, 3);
  partly_zero[2] = 0;
  partly_zero[4] = 0;
  auto nearly_zero = noise(5, 3, 5);
  nearly_zero.narrow(0, 1, 4).mul_(1e-20);
  const auto awkward = std::vector{torch::zeros({5, 3}, torch::kDouble),
                                   torch::full({5, 3}, 2.0, torch::kDouble),
                                   coinciding,
                                   partly_zero,
                                   noise(5, 3, 4) * 1e4,
                                   noise(5, 3, 4) * 1e-6};
  for_all_losses(3, 3, [&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    for (const auto type : {torch::kFloat, torch::kDouble})
      for (const auto& student : awkward)
        for (const auto& of_teacher : {teacher, student}) {
          const auto x = student.to(type, false, true).set_requires_grad(true);
          const auto value = value_of(loss, of_teacher.to(type), x);
          value.backward();
          CHECK(value.isfinite().template item<bool>());
          CHECK(x.grad().isfinite().all().template item<bool>());
        }
  });
}

TEST_CASE("16-bit features are related in single precision")
{
  for (const auto type : {torch::kHalf, torch::kBFloat16}) {
    // Sums of squares are beyond the range of half precision.
    const auto teacher = (noise(6, 40, 1) * 200).to(type),
               student = (noise(6, 40, 2) * 200).to(type);
    for_plain_losses([&](const auto& loss) {
      CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
      const auto x = student.clone().set_requires_grad(true);
      const auto value = value_of(loss, teacher, x);
      CHECK((value.scalar_type() == type));
      const auto exact = value_of(loss, teacher.to(torch::kDouble), student.to(torch::kDouble));
      CHECK(torch::allclose(value.to(torch::kDouble), exact, 1e-2, 1e-5));
      value.backward();
      CHECK(x.grad().isfinite().all().template item<bool>());
    });
    const auto zero = torch::zeros({6, 40}, type).set_requires_grad(true);
    for_plain_losses([&](const auto& loss) {
      value_of(loss, teacher, zero).backward();
      CHECK(zero.grad().isfinite().all().template item<bool>());
    });
  }
}

TEST_CASE("examples count by their weights, and those of weight 0 not at all")
{
  const auto teacher = noise(6, 4, 1), student = noise(6, 3, 2);
  const auto some = torch::tensor({0.5, 2.0, 1.0, 0.2, 0.0, 0.0}, torch::kDouble);
  auto with_nan = student.clone();
  with_nan[5] = std::numeric_limits<double>::quiet_NaN();
  for_all_losses(4, 3, [&](const auto& loss) {
    using Loss = std::remove_cvref_t<decltype(loss)>;
    CAPTURE(std::string{Loss::name});
    const auto value = value_of(loss, teacher, student, some);
    const auto cut = [](const torch::Tensor& t) { return t.narrow(0, 0, 4); };
    CHECK(torch::allclose(value, value_of(loss, cut(teacher), cut(student), cut(some))));
    CHECK(torch::allclose(value, value_of(loss, teacher, student, some * 7)));
    CHECK(torch::allclose(value_of(loss, teacher, student),
                          value_of(loss, teacher, student, torch::full({6}, 3.0, torch::kDouble))));
    CHECK(torch::allclose(
        value, value_of(loss, teacher, student, some.unsqueeze(1) * torch::tensor({{0.5, 1.5}}))));
    CHECK_FALSE(torch::allclose(value, value_of(loss, teacher, student)));

    const auto gradient = gradient_of(
        [&](const torch::Tensor& x) { return value_of(loss, teacher, x, some); }, with_nan);
    CHECK(gradient.isfinite().all().template item<bool>());
    CHECK(value_of(loss, teacher, student, torch::zeros({6}, torch::kDouble))
              .template item<double>() == 0.0);
  });
}

TEST_CASE("CC's embeddings have the form of the features, and learn")
{
  correlation_congruence<tap::stage<2>, pooled> loss{.embedding_size = 8, .seed = seed{3}};
  feature_shapes teacher, student;
  teacher.set(tap::stage<2>, {5, 2, 2});
  student.set(pooled, {6});
  loss.configure(teacher, student);
  CHECK(loss.of_teacher.weight->sizes() == at::IntArrayRef{8, 20});
  CHECK(loss.of_student.weight->sizes() == at::IntArrayRef{8, 6});
  CHECK(loss.of_student.weight->abs().max().item<double>() <= 1 / std::sqrt(6.0));

  paired_outputs pair;
  torch::manual_seed(1);
  pair.teacher.features.set(tap::stage<2>, torch::randn({4, 5, 2, 2}));
  pair.student.features.set(pooled, torch::randn({4, 6}));
  loss(pair, {}).backward();
  for (const auto* t : {&*loss.of_teacher.weight, &*loss.of_teacher.bias, &*loss.of_student.weight,
                        &*loss.of_student.bias})
    CHECK(t->grad().abs().sum().item<double>() > 0);

  student.set(pooled, {7});
  CHECK_THROWS_WITH_AS(loss.configure(teacher, student),
                       "rolewise: correlation-congruence: was made with weights [8, 6], these "
                       "features want [8, 7]",
                       std::invalid_argument);
  correlation_congruence<pooled> unmade{.embedding_size = 0};
  CHECK_THROWS_WITH_AS((void)value_of(unmade, noise(2, 3, 1), noise(2, 3, 1)),
                       "rolewise: correlation-congruence: was not configured: the training step "
                       "does it before its optimizer starts",
                       std::invalid_argument);
  teacher.set(pooled, {7});
  CHECK_THROWS_WITH_AS(unmade.configure(teacher, student),
                       "rolewise: correlation-congruence: want an embedding of at least 1 number, "
                       "got 0",
                       std::invalid_argument);
}

TEST_CASE("losses on relations refuse what does not fit, in words")
{
  const similarity_preserving<pooled> loss;
  const auto refused = [&](const auto& of, const torch::Tensor& t, const torch::Tensor& s,
                           const char* words, const torch::Tensor& weights = {}) {
    CHECK_THROWS_WITH_AS((void)value_of(of, t, s, weights), doctest::String{words},
                         std::invalid_argument);
  };
  refused(loss, torch::ones({1, 3}), torch::ones({1, 3}),
          "rolewise: similarity-preserving: want at least two examples to relate to each other, "
          "got one");
  refused(loss, torch::ones({4}), torch::ones({4, 3}),
          "rolewise: similarity-preserving: want features [N, ...] of floating point at "
          "tap::penultimate, got [4] of Float of the teacher");
  refused(loss, torch::ones({4, 3}), torch::ones({4, 3}, torch::kLong),
          "rolewise: similarity-preserving: want features [N, ...] of floating point at "
          "tap::penultimate, got [4, 3] of Long of the student");
  refused(loss, torch::ones({4, 3}), torch::ones({5, 3}),
          "rolewise: similarity-preserving: number of examples at tap::penultimate of teacher 4, "
          "of student 5");
  refused(relational_kd<>{}, torch::ones({4, 3}), torch::ones({4, 3}, torch::kDouble),
          "rolewise: relational-kd: dtype at the logits of teacher Float, of student Double");
  refused(relational_kd<>{.angle_weight = -1.0}, torch::ones({4, 3}), torch::ones({4, 3}),
          "rolewise: relational-kd: want a finite angle_weight of at least 0, got -1");
  refused(loss, torch::ones({4, 3}), torch::ones({4, 3}),
          "rolewise: similarity-preserving: want weights [4] or [4], got [3]", torch::ones({3}));
}
