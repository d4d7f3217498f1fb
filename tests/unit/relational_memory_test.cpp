// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RRD with a memory: the cross-entropy of similarities to rows of both networks' memories.
#include "laws/distillation_loss.hpp"
#include "laws/training_step.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/odd_features.hpp"
#include "support/pooled_features.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/relational_representation.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace rolewise;
using rolewise::testing::pooled_outputs;
using rolewise::testing::pooled_shape;

namespace {

constexpr auto pooled = tap::penultimate;
using rrd = relational_memory_distillation<pooled>;

torch::Tensor rows_of(std::vector<double> values, std::int64_t columns)
{
  return torch::tensor(values, torch::kDouble).view({-1, columns});
}

torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key)
{
  return uniform_tensor(sizes, seed{key}, 1.0).to(torch::kDouble);
}

torch::Tensor numbers(std::vector<std::int64_t> values) { return torch::tensor(values); }

torch::Tensor unit(const torch::Tensor& x) { return x / x.norm(2, 1, true); }

targets of(const torch::Tensor& ids, const torch::Tensor& weights = {})
{
  return {.labels = {}, .ids = ids, .progress = {}, .weights = weights};
}

void in_double(rrd& loss)
{
  for_each_tensor(loss, [](const std::string&, torch::Tensor& t, tensor_kind kind) {
    t = t.detach().to(torch::kDouble).set_requires_grad(is_learned(kind));
  });
}

/// For a teacher of 5 and a student of 3 features and 12 examples of 3 classes, in double
/// precision.
rrd small(memory_similarity similarity)
{
  rrd loss{.labels = torch::arange(12).remainder(3),
           .negatives = 6,
           .embedding_size = 4,
           .similarity = similarity,
           .of_teacher = temperature{0.2},
           .of_student = temperature{0.3},
           .seed = seed{2}};
  loss.configure(pooled_shape(5), pooled_shape(3));
  in_double(loss);
  return loss;
}

torch::Tensor value_of(const rrd& loss, const torch::Tensor& teacher, const torch::Tensor& student,
                       const targets& wanted)
{
  return loss({pooled_outputs(teacher), pooled_outputs(student)}, wanted);
}

constexpr memory_similarity both[] = {memory_similarity::exponential, memory_similarity::cosine};

}  // namespace

TEST_CASE("relational_memory_distillation keeps the promises of DistillationLoss")
{
  for (const auto similarity : both) {
    laws::hold_for(rrd{.labels = numbers({0, 1, 2, 0, 1}),
                       .negatives = 4,
                       .embedding_size = 3,
                       .similarity = similarity});
    laws::hold_for(relational_memory_distillation<tap::stage<2>, pooled>{
        .labels = numbers({0, 1, 2, 0, 1}),
        .ids = numbers({4, 3, 2, 1, 0}),
        .negatives_from = negative_examples::any_other,
        .negatives = 3,
        .similarity = similarity});
  }
}

TEST_CASE("RRD with a memory: reference values, each network compared with the other's memory")
{
  // The negatives of example 0 are the three others, each once: of many draws, the first such.
  for (const auto& [similarity, of_teacher, of_student, wanted] :
       {std::tuple{memory_similarity::exponential, 0.02, 0.10, .0077315},
        std::tuple{memory_similarity::cosine, 0.02, 0.10, .0017934},
        std::tuple{memory_similarity::exponential, 0.5, 0.4, 1.4217952},
        std::tuple{memory_similarity::cosine, 0.5, 0.4, 1.5175817}}) {
    using memory = rolewise::detail::contrastive_memory;
    const auto u = unit(rows_of({3, 1}, 2)), v = unit(rows_of({2, 1}, 2));
    const auto of_t = rows_of({1, 0, 0, 1, -1, 0, 0, -1}, 2);
    const auto of_s = rows_of({.6, .8, .8, -.6, -.6, .8, 0, 1}, 2);
    const auto side = [&](const torch::Tensor& x, const torch::Tensor& rows) {
      const auto cosines = x.mm(rows.t());
      return memory::similarities{cosines, ((cosines / 0.5).exp().mean() * 4).log(), 0.5};
    };
    const auto found = rolewise::detail::relational_memory_values(
        {side(u, of_t), side(v, of_s)}, similarity, temperature{of_teacher},
        temperature{of_student});
    CHECK(std::abs(found.item<double>() - wanted) < 1e-6);

    rrd loss{.labels = torch::arange(4),
             .negatives = 3,
             .embedding_size = 2,
             .similarity = similarity,
             .of_teacher = temperature{of_teacher},
             .of_student = temperature{of_student},
             .temperature = 0.5};
    const auto draws_each_once = [&] {
      const auto places = loss.examples.places(
          of(numbers({0})), 1, 3, loss.seed.split(purpose{"relational memory"}), "test");
      return torch::equal(std::get<0>(places.flatten().sort()), torch::arange(4));
    };
    loss.configure(pooled_shape(2), pooled_shape(2));
    for (std::uint64_t i = 0; !draws_each_once(); ++i) loss.seed = seed{i};
    in_double(loss);
    const torch::NoGradGuard without_graph;
    for (auto* layer : {&loss.memory.of_teacher, &loss.memory.of_student}) {
      layer->weight->copy_(torch::eye(2));
      layer->bias->zero_();
    }
    loss.memory.teacher_rows->copy_(of_t);
    loss.memory.student_rows->copy_(of_s);
    CHECK(std::abs(value_of(loss, 3.0 * v, 0.1 * u, of(numbers({0}))).item<double>() - wanted) <
          1e-6);
  }
}

TEST_CASE("RRD with a memory: at least the teacher's entropy, which it is where both agree")
{
  const rolewise::detail::contrastive_memory::similarities one{noise({8, 7}, 1), noise({}, 2),
                                                               0.07};
  const rolewise::detail::contrastive_memory::similarities other{noise({8, 7}, 3), noise({}, 4),
                                                                 0.07};
  for (const auto similarity : both) {
    const auto logits =
        similarity == memory_similarity::cosine ? one.cosines : one.log_exponentials().exp();
    const auto p = (logits / 0.1).softmax(1);
    const auto entropy = -(torch::xlogy(p, p)).sum(1);
    const auto value = [&](const auto& student) {
      return rolewise::detail::relational_memory_values({student, one}, similarity,
                                                        temperature{0.1}, temperature{0.1});
    };
    CHECK(torch::allclose(value(one), entropy));
    CHECK((value(other) > entropy).all().item<bool>());
  }
}

TEST_CASE("RRD with a memory follows its formula, and moves its rows")
{
  for (const auto similarity : both) {
    auto loss = small(similarity);
    const auto ids = numbers({3, 11, 0, 7});
    const auto t = noise({4, 5}, 1), s = noise({4, 3}, 2);
    const auto places = loss.examples.places(
        ids, 6, loss.seed.split(purpose{"relational memory"}).split(purpose{"negatives"}), 0,
        "test");
    CHECK(torch::equal(places.select(1, 0), ids));
    CHECK_FALSE(
        places.narrow(1, 1, 6).remainder(3).eq(ids.remainder(3).unsqueeze(1)).any().item<bool>());
    const auto& memory = loss.memory;
    const auto embedding = [](const rolewise::detail::linear_layer& layer, const torch::Tensor& x) {
      return unit(torch::linear(x, *layer.weight, *layer.bias)).detach();
    };
    torch::Tensor z;
    const auto plain = [&] {
      const auto c_s =
          embedding(memory.of_student, s).mm(memory.teacher_rows->t()).gather(1, places);
      const auto c_t =
          embedding(memory.of_teacher, t).mm(memory.student_rows->t()).gather(1, places);
      const auto e_s = (c_s / 0.07).exp(), e_t = (c_t / 0.07).exp();
      if (!z.defined()) z = torch::stack({e_s.mean() * 12, e_t.mean() * 12});
      const bool cosine = similarity == memory_similarity::cosine;
      const auto p = ((cosine ? c_t : e_t / z[1]) / 0.2).softmax(1);
      const auto q = ((cosine ? c_s : e_s / z[0]) / 0.3).softmax(1);
      return -(p * q.log()).sum(1);
    };
    CHECK(torch::allclose(value_of(loss, t, s, of(ids)), plain().mean()));
    const auto weights = torch::tensor({1.0, 3.0, 0.0, 0.0}, torch::kDouble);
    CHECK(torch::allclose(value_of(loss, t, s, of(ids, weights)), (plain() * weights).sum() / 4));

    const auto before = memory.teacher_rows->clone(), of_student = memory.student_rows->clone();
    loss.after_step({pooled_outputs(t), pooled_outputs(s)}, of(ids));
    CHECK(torch::allclose(memory.log_scale->exp(), z));
    CHECK(torch::allclose(
        memory.teacher_rows->index_select(0, ids),
        unit(before.index_select(0, ids) / 2 + embedding(memory.of_teacher, t) / 2)));
    CHECK(torch::allclose(
        memory.student_rows->index_select(0, ids),
        unit(of_student.index_select(0, ids) / 2 + embedding(memory.of_student, s) / 2)));
    const auto others = numbers({1, 2, 4, 5, 6, 8, 9, 10});
    CHECK(
        torch::equal(memory.teacher_rows->index_select(0, others), before.index_select(0, others)));
    CHECK(torch::allclose(value_of(loss, t, s, of(ids)), plain().mean()));  // Z stays
  }
}

TEST_CASE("RRD with a memory: gradients are those of the value, and none on the teacher's side")
{
  for (const auto similarity : both) {
    auto loss = small(similarity);
    const auto ids = numbers({3, 11, 0, 7});
    const auto s = noise({4, 3}, 2);
    const auto t = noise({4, 5}, 1).set_requires_grad(true);
    loss.after_step({pooled_outputs(t.detach()), pooled_outputs(s)}, of(ids));
    const auto f = [&](const torch::Tensor& x) { return value_of(loss, t, x, of(ids)); };
    const auto x = s.clone().set_requires_grad(true);
    f(x).backward();
    CHECK(x.grad().abs().max().item<double>() > 1e-4);
    CHECK(torch::allclose(x.grad(), testing::finite_differences(f, s), 1e-5, 1e-8));
    CHECK_FALSE(t.grad().defined());
    for (const auto* fixed : {&*loss.memory.of_teacher.weight, &*loss.memory.of_teacher.bias,
                              &*loss.memory.teacher_rows, &*loss.memory.student_rows}) {
      CHECK_FALSE(fixed->requires_grad());
      CHECK_FALSE(fixed->grad().defined());
    }
    const auto of_weight = [&](const torch::Tensor& w) {
      auto other = loss;
      *other.memory.of_student.weight = w;
      return value_of(other, t, s, of(ids));
    };
    const auto weight = loss.memory.of_student.weight->detach().clone();
    CHECK(torch::allclose(loss.memory.of_student.weight->grad(),
                          testing::finite_differences(of_weight, weight), 1e-5, 1e-8));
  }
}

TEST_CASE("RRD with a memory: zero, huge and 16-bit features")
{
  for (const auto similarity : both) {
    const auto loss = small(similarity);
    const auto ids = numbers({3, 11, 0, 7});
    const auto t = noise({4, 5}, 1), s = noise({4, 3}, 2);
    testing::is_finite_for_odd_features(
        [&](const torch::Tensor& x) { return value_of(loss, t, x, of(ids)); }, s);
    CHECK(value_of(loss, torch::zeros_like(t), s, of(ids)).isfinite().item<bool>());
    testing::is_close_in_16_bits(
        [&](const torch::Tensor& teacher, const torch::Tensor& student) {
          return value_of(loss, teacher, student, of(ids));
        },
        t, s, 5e-2);
  }
}

TEST_CASE("RRD with a memory refuses what does not fit, in words")
{
  const std::string who = "rolewise: relational-memory-distillation: ";
  const auto refuses = [&](rrd loss, const std::string& words) {
    CHECK_THROWS_WITH_AS(loss.configure(pooled_shape(5), pooled_shape(3)), (who + words).c_str(),
                         std::invalid_argument);
  };
  refuses({}, "want .labels [N] of Long on the CPU, got an undefined tensor");
  refuses({.labels = numbers({1, 1, 1})},
          "want negatives for each example, got 3 with the label 1 alone");
  refuses({.labels = numbers({1, 2}), .negatives = 0}, "want at least 1 negative, got 0");
  refuses({.labels = numbers({1, 2}), .embedding_size = 0},
          "want an embedding of at least 1 number, got 0");
  refuses({.labels = numbers({1, 2}), .temperature = 0},
          "want a finite temperature above 0, got 0");
  refuses({.labels = numbers({1, 2}), .momentum = -0.5}, "want a momentum in 0 .. 1, got -0.5");
  auto loss = small(memory_similarity::cosine);
  const auto t = noise({2, 5}, 1), s = noise({2, 3}, 2);
  CHECK_THROWS_WITH_AS((void)value_of(loss, t, s, of(numbers({3, 12}))),
                       (who + "want ids of the 12 examples of the memory, got 12").c_str(),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)value_of(loss, t, s, {}),
                       (who + "want ids [2] of Long, got an undefined tensor").c_str(),
                       std::invalid_argument);
  loss.labels = torch::arange(13).remainder(3);
  CHECK_THROWS_WITH_AS(loss.configure(pooled_shape(5), pooled_shape(3)),
                       (who + "was made with a memory of 12 examples, there are 13").c_str(),
                       std::invalid_argument);
}

TEST_CASE("RRD with a memory goes on with the same bits, and the projection stays")
{
  using testing::tiny_tapped_student;
  const auto data = testing::tiny_data(24);
  const auto teacher = frozen(tiny_tapped_student{data.shape, seed{1}, 8});
  const auto make = [&] {
    return distillation{
        .teacher = teacher,
        .student = tiny_tapped_student{data.shape, seed{2}},
        .loss = systems::rrd_with_kd_loss<pooled>({.labels = data.labels,
                                                   .ids = data.ids,
                                                   .negatives = 9,
                                                   .embedding_size = 5,
                                                   .similarity = memory_similarity::cosine})};
  };
  laws::step_holds_for(make, data);
  testing::goes_on_with_the_same_bits(make, data, {.epochs = 4, .batch_size = 8});

  auto training = make();
  std::vector<torch::Tensor> fixed;
  const auto projection = [&] {
    std::vector<torch::Tensor> found;
    for_each_tensor(training, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
      if (name.find("loss.") == 0 && name.find(".teacher.") != std::string::npos &&
          name.find(".memory") == std::string::npos)
        found.push_back(t.clone());
    });
    return found;
  };
  const auto before = projection();
  fit(training, data, {.epochs = 2, .batch_size = 8});
  const auto after = projection();
  REQUIRE(before.size() == 2);
  CHECK(torch::equal(before[0], after[0]));
  CHECK(torch::equal(before[1], after[1]));
}

TEST_CASE("RRD with a memory: in a network of few bits")
{
  const auto data = testing::noise_images(16);
  // [memory]
  const auto teacher = frozen(resnet8(data.shape, {.seed = seed{1}}));
  distillation training{
      .teacher = teacher,
      .student = resnet8(data.shape, dorefa{}, inner_bits<2>),
      .loss = systems::rrd_loss<tap::penultimate>({.labels = data.labels,
                                                   .ids = data.ids,
                                                   .negatives = 64,
                                                   .similarity = memory_similarity::cosine})};
  const auto history = fit(training, data, {.epochs = 3, .batch_size = 8});
  // [/memory]
  CHECK(std::isfinite(history.epochs.back()["loss"]));
}
