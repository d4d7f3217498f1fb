// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// CRD: draws, memories, values, and runs that go on from a checkpoint.
#include "laws/distillation_loss.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/odd_features.hpp"
#include "support/pooled_features.hpp"
#include "support/resumed_run.hpp"

#include <rolewise/loss.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

using namespace rolewise;
using rolewise::testing::pooled_outputs;
using rolewise::testing::pooled_shape;

namespace {

constexpr auto pooled = tap::penultimate;
using crd = contrastive_representation_distillation<pooled>;

torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key)
{
  torch::manual_seed(key);
  return torch::randn(sizes, torch::kDouble);
}

torch::Tensor numbers(std::vector<std::int64_t> values) { return torch::tensor(values); }

/// For a teacher of 5 and a student of 3 features and 12 examples of 3 classes, in double
/// precision.
crd contrast(crd loss = {.negatives = 6, .embedding_size = 4, .seed = seed{2}})
{
  loss.labels = torch::arange(12).remainder(3);
  loss.configure(pooled_shape(5), pooled_shape(3));
  for_each_tensor(loss, [](const std::string&, torch::Tensor& t, tensor_kind kind) {
    t = t.detach().to(torch::kDouble).set_requires_grad(is_learned(kind));
  });
  return loss;
}

targets of(const torch::Tensor& ids, const torch::Tensor& weights = {})
{
  return {.labels = {}, .ids = ids, .progress = {}, .weights = weights};
}

torch::Tensor unit(const torch::Tensor& x) { return x / x.norm(2, 1, true); }

}  // namespace

TEST_CASE("contrastive_representation_distillation keeps the promises of DistillationLoss")
{
  crd loss{.labels = numbers({0, 1, 2, 0, 1}), .negatives = 4, .embedding_size = 3};
  laws::hold_for(loss);
  loss.negatives_from = negative_examples::any_other;
  laws::hold_for(loss);
  laws::hold_for(contrastive_representation_distillation<tap::stage<2>, pooled>{
      .labels = numbers({0, 1, 2, 0, 1}), .ids = numbers({4, 3, 2, 1, 0}), .negatives = 3});
}

TEST_CASE("contrastive values have the reference value, and stay finite")
{
  const auto ratios = torch::tensor({0.5, 0.1, 0.2}, torch::kDouble).view({1, 3}) / (2.0 / 10.0);
  // The reference has the code's constants 1e-7 in it.
  CHECK(rolewise::detail::contrastive_values(ratios.log()).item<double>() ==
        doctest::Approx(1.4350852).epsilon(1e-6).scale(0));
  const auto far = torch::tensor({-1e4, 1e4, -1e4}, torch::kFloat).view({1, 3});
  const auto x = far.clone().set_requires_grad(true);
  const auto value = rolewise::detail::contrastive_values(x);
  value.sum().backward();
  CHECK(value.item<double>() == doctest::Approx(2e4));
  CHECK(x.grad().isfinite().all().item<bool>());
}

TEST_CASE("negatives are other examples of other classes, the same for an id in each batch")
{
  rolewise::detail::contrastive_examples examples;
  const auto labels = numbers({7, 2, 7, 7, 2, 5}), ids = numbers({30, 10, 20, 60, 50, 40});
  const auto key = seed{3};
  examples.configure(labels, ids, negative_examples::of_other_classes, "test");
  const auto places = examples.places(ids, 600, key, 0, "test");
  CHECK(torch::equal(places.select(1, 0), torch::arange(6)));
  const auto drawn = places.narrow(1, 1, 600);
  const auto classes = labels.index_select(0, drawn.flatten()).view({6, 600});
  CHECK_FALSE(classes.eq(labels.unsqueeze(1)).any().item<bool>());
  for (std::int64_t n = 0; n < 6; ++n) {  // each with the same probability
    const auto others = labels.ne(labels[n]).nonzero().flatten();
    for (std::int64_t i = 0; i < others.numel(); ++i) {
      const auto share = drawn[n].eq(others[i]).to(torch::kDouble).mean().item<double>();
      CHECK(std::abs(share * static_cast<double>(others.numel()) - 1.0) < 0.3);
    }
  }
  const auto turned = examples.places(ids.flip(0), 600, key, 0, "test");
  CHECK(torch::equal(turned, places.flip(0)));
  CHECK(torch::equal(examples.places(ids, 10, key, 0, "test"), places.narrow(1, 0, 11)));
  CHECK_FALSE(torch::equal(examples.places(ids, 600, key, 1, "test"), places));
  CHECK_FALSE(torch::equal(examples.places(ids, 600, seed{4}, 0, "test"), places));

  examples.configure(labels, {}, negative_examples::any_other, "test");
  const auto any = examples.places(torch::arange(6), 600, key, 0, "test");
  CHECK_FALSE(any.narrow(1, 1, 600).eq(any.select(1, 0).unsqueeze(1)).any().item<bool>());
  CHECK(any.narrow(1, 1, 600).max().item<std::int64_t>() == 5);
}

TEST_CASE("products with a memory are the same in both ways")
{
  const auto embeddings = noise({3, 2}, 1), memory = noise({40, 2}, 2);
  torch::manual_seed(3);
  for (const std::int64_t drawn : {4, 30}) {  // rows of each example, or of all
    const auto places = torch::randint(40, {3, drawn}, torch::kLong);
    const auto plain =
        (memory.index_select(0, places.flatten()).view({3, drawn, 2}) * embeddings.unsqueeze(1))
            .sum(2);
    const auto x = embeddings.clone().set_requires_grad(true);
    const auto found = rolewise::detail::memory_products(x, memory, places);
    CHECK(torch::allclose(found, plain, 1e-12, 1e-14));
    const auto slope = noise({3, drawn}, 4);
    (found * slope).sum().backward();
    const auto rows = memory.index_select(0, places.flatten()).view({3, drawn, 2});
    CHECK(torch::allclose(x.grad(), (rows * slope.unsqueeze(2)).sum(1), 1e-12, 1e-14));
  }
}

TEST_CASE("contrastive_representation_distillation follows its formula, and moves its memory")
{
  auto loss = contrast();
  const auto ids = numbers({3, 11, 0, 7});
  const auto t = noise({4, 5}, 1), s = noise({4, 3}, 2);
  const auto places = loss.examples.places(
      ids, 6, loss.seed.split(purpose{"contrastive"}).split(purpose{"negatives"}), 0, "test");
  const auto embedding = [](const rolewise::detail::linear_layer& layer, const torch::Tensor& x) {
    return unit(torch::linear(x, *layer.weight, *layer.bias)).detach();
  };
  const auto& memory = loss.memory;
  const auto exponentials = [&](const torch::Tensor& u, const torch::Tensor& of_memory) {
    return (u.mm(of_memory.t()).gather(1, places) / 0.07).exp();
  };
  torch::Tensor z;
  const auto plain = [&] {
    auto total = torch::zeros({4}, torch::kDouble);
    const auto e_s = exponentials(embedding(memory.of_student, s), *memory.teacher_rows);
    const auto e_t = exponentials(embedding(memory.of_teacher, t), *memory.student_rows);
    if (!z.defined()) z = torch::stack({e_s.mean() * 12, e_t.mean() * 12});
    for (const auto& e : {e_s / z[0], e_t / z[1]}) {
      const auto h = e / (e + 6.0 / 12.0);
      total = total - h.select(1, 0).log() - (1 - h.narrow(1, 1, 6)).log().sum(1);
    }
    return total;
  };
  const auto value = [&](const torch::Tensor& x, const torch::Tensor& weights = {}) {
    return loss({pooled_outputs(t), pooled_outputs(x)}, of(ids, weights));
  };
  CHECK(torch::allclose(value(s), plain().mean()));
  const auto weights = torch::tensor({1.0, 3.0, 0.0, 0.0}, torch::kDouble);
  CHECK(torch::allclose(value(s, weights), (plain() * weights).sum() / 4));

  const auto before = memory.teacher_rows->clone(), of_student = memory.student_rows->clone();
  CHECK(before.abs().max().item<double>() ==
        doctest::Approx(std::sqrt(3.0 / 4.0)).epsilon(0.1).scale(0));
  loss.after_step({pooled_outputs(t), pooled_outputs(s)}, of(ids));
  CHECK(torch::allclose(memory.log_scale->exp(), z));
  const auto mine = embedding(memory.of_teacher, t);
  CHECK(torch::allclose(memory.teacher_rows->index_select(0, ids),
                        unit(before.index_select(0, ids) / 2 + mine / 2)));
  CHECK(torch::allclose(
      memory.student_rows->index_select(0, ids),
      unit(of_student.index_select(0, ids) / 2 + embedding(memory.of_student, s) / 2)));
  const auto others = numbers({1, 2, 4, 5, 6, 8, 9, 10});
  CHECK(torch::equal(memory.teacher_rows->index_select(0, others), before.index_select(0, others)));
  CHECK(torch::allclose(value(s), plain().mean()));  // Z stays
  auto later = of(ids);
  later.progress.epoch = 1;
  CHECK_FALSE(torch::allclose(loss({pooled_outputs(t), pooled_outputs(s)}, later),
                              value(s)));  // other negatives

  // The embedding alone is seen, not its length.
  for (auto* bias : {&*loss.memory.of_student.bias, &*loss.memory.of_teacher.bias})
    *bias = torch::zeros_like(*bias);
  CHECK(torch::allclose(value(s * 3), value(s)));
}

TEST_CASE("contrastive_representation_distillation has the gradient of its value")
{
  auto loss = contrast();
  const auto ids = numbers({3, 11, 0, 7});
  const auto t = noise({4, 5}, 1), s = noise({4, 3}, 2);
  const auto gradient = [&](const crd& of_loss) {
    const auto x = s.clone().set_requires_grad(true);
    of_loss({pooled_outputs(t), pooled_outputs(x)}, of(ids)).backward();
    return x.grad();
  };
  auto fixed =
      loss;  // with the Z of this batch, a constant of the gradient before it is fixed, too
  const auto of_batch = gradient(loss);
  loss.after_step({pooled_outputs(t), pooled_outputs(s)}, of(ids));
  *fixed.memory.log_scale = loss.memory.log_scale->clone();
  fixed.memory.has_scale = true;
  CHECK(torch::allclose(of_batch, gradient(fixed)));
  for_each_tensor(
      loss, [](const std::string&, torch::Tensor& x, tensor_kind) { x.mutable_grad().reset(); });
  const auto f = [&](const torch::Tensor& x) {
    return loss({pooled_outputs(t), pooled_outputs(x)}, of(ids));
  };
  const auto x = s.clone().set_requires_grad(true);
  f(x).backward();
  CHECK(torch::allclose(x.grad(), testing::finite_differences(f, s), 1e-5, 1e-8));
  for (const auto* p : {&*loss.memory.of_teacher.weight, &*loss.memory.of_student.bias})
    CHECK(p->grad().abs().sum().item<double>() > 0);
  const auto weight = loss.memory.of_teacher.weight->detach().clone();
  const auto of_weight = [&](const torch::Tensor& w) {
    auto other = loss;
    *other.memory.of_teacher.weight = w;
    return other({pooled_outputs(t), pooled_outputs(s)}, of(ids));
  };
  CHECK(torch::allclose(loss.memory.of_teacher.weight->grad(),
                        testing::finite_differences(of_weight, weight), 1e-5, 1e-8));
}

TEST_CASE("contrastive_representation_distillation: zero, huge and 16-bit features")
{
  const auto loss = contrast();
  const auto ids = numbers({3, 11, 0, 7});
  const auto t = noise({4, 5}, 1), s = noise({4, 3}, 2);
  const auto value = [&](const torch::Tensor& teacher, const torch::Tensor& student) {
    return loss({pooled_outputs(teacher), pooled_outputs(student)}, of(ids));
  };
  testing::is_finite_for_odd_features([&](const torch::Tensor& x) { return value(t, x); }, s);
  testing::is_close_in_16_bits(value, t, s);
}

TEST_CASE("contrastive_representation_distillation refuses what does not fit, in words")
{
  const auto refuses = [](crd loss, const char* words) {
    CHECK_THROWS_WITH_AS(loss.configure(pooled_shape(5), pooled_shape(3)), words,
                         std::invalid_argument);
  };
  refuses({},
          "rolewise: contrastive-representation-distillation: want .labels [N] of Long on the CPU, "
          "got an undefined tensor");
  refuses({.labels = torch::rand({4, 3})},
          "rolewise: contrastive-representation-distillation: want .labels [N] of Long on the CPU, "
          "got [4, 3] of Float on cpu");
  refuses({.labels = numbers({1, 1, 1})},
          "rolewise: contrastive-representation-distillation: want negatives for each example, got "
          "3 with the label 1 alone");
  refuses({.labels = numbers({1, 2, 1}), .ids = numbers({4, 5})},
          "rolewise: contrastive-representation-distillation: want as many ids as labels, got 2 "
          "and 3");
  refuses({.labels = numbers({1, 2, 1}), .ids = numbers({4, 5, 4})},
          "rolewise: contrastive-representation-distillation: want different ids, got 4 twice");
  refuses({.labels = numbers({1, 2}), .negatives = 0},
          "rolewise: contrastive-representation-distillation: want at least 1 negative, got 0");
  refuses({.labels = numbers({1, 2}), .temperature = 0},
          "rolewise: contrastive-representation-distillation: want a finite temperature above 0, "
          "got 0");
  refuses({.labels = numbers({1, 2}), .momentum = 1.5},
          "rolewise: contrastive-representation-distillation: want a momentum in 0 .. 1, got 1.5");

  auto loss = contrast();
  const auto t = noise({2, 5}, 1), s = noise({2, 3}, 2);
  CHECK_THROWS_WITH_AS((void)loss({pooled_outputs(t), pooled_outputs(s)}, of(numbers({3, 12}))),
                       "rolewise: contrastive-representation-distillation: want ids of the 12 "
                       "examples of the memory, got 12",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)loss({pooled_outputs(t), pooled_outputs(s)}, {}),
                       "rolewise: contrastive-representation-distillation: want ids [2] of Long, "
                       "got an undefined tensor",
                       std::invalid_argument);
  loss.labels = torch::arange(13).remainder(3);
  CHECK_THROWS_WITH_AS(loss.configure(pooled_shape(5), pooled_shape(3)),
                       "rolewise: contrastive-representation-distillation: was made with a memory "
                       "of 12 examples, there are 13",
                       std::invalid_argument);
}

TEST_CASE("contrastive_representation_distillation trains, and a resumed run has the same bits")
{
  constexpr auto shape = testing::noise_shape;
  auto data = testing::noise_images(16);
  data.ids = torch::arange(16) * 3 + 100;
  const auto teacher = frozen(resnet8(shape, {.seed = seed{1}}));
  const auto make = [&] {
    return distillation{.teacher = teacher,
                        .student = resnet8(shape),
                        .loss = cross_entropy{} +
                                0.8 * contrastive_representation_distillation<tap::penultimate>{
                                          .labels = data.labels, .ids = data.ids, .negatives = 32}};
  };
  testing::goes_on_with_the_same_bits(make, data, {.epochs = 4, .batch_size = 8});
  auto training = make();
  const auto history = fit(training, data, {.epochs = 12, .batch_size = 8});
  const auto contrast_of = [](const epoch_record& epoch) { return epoch.numbers.at(2).value; };
  CHECK(std::isfinite(contrast_of(history.epochs.back())));
  // It rises while embeddings take the place of the random first rows of the memories.
  CHECK(contrast_of(history.epochs.back()) < contrast_of(history.epochs.at(5)));
}
