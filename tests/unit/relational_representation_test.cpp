// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RRD: the cross-entropy of similarities to a queue of the teacher's embeddings.
#include "laws/distillation_loss.hpp"
#include "laws/training_step.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/odd_features.hpp"
#include "support/pooled_features.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/core/checksum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/relational_representation.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/model_input.hpp>

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
using rrd = relational_representation_distillation<pooled>;

torch::Tensor rows_of(std::vector<double> values, std::int64_t columns)
{
  return torch::tensor(values, torch::kDouble).view({-1, columns});
}

torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key)
{
  return uniform_tensor(sizes, seed{key}, 1.0).to(torch::kDouble);
}

torch::Tensor unit(const torch::Tensor& x) { return x / x.norm(2, 1, true); }

void in_double(rrd& loss)
{
  for_each_tensor(loss, [](const std::string&, torch::Tensor& t, tensor_kind kind) {
    t = t.detach().to(torch::kDouble).set_requires_grad(is_learned(kind));
  });
}

/// For features of 2 numbers that are their own embeddings, and the queue (1, 0), (0, 1), (-1, 0),
/// (0, -1).
rrd in_the_plane(const relational_settings& settings)
{
  rrd loss{.settings = settings, .queue_size = 4, .embedding_size = 2};
  loss.configure(pooled_shape(2), pooled_shape(2));
  in_double(loss);
  const torch::NoGradGuard without_graph;
  for (auto* layer : {&loss.queue.of_teacher, &loss.queue.of_student}) {
    layer->weight->copy_(torch::eye(2));
    layer->bias->zero_();
  }
  loss.queue.rows->copy_(rows_of({1, 0, 0, 1, -1, 0, 0, -1}, 2));
  return loss;
}

/// For a teacher of 5 and a student of 3 features, in double precision.
rrd small(const relational_settings& settings)
{
  rrd loss{.settings = settings, .queue_size = 7, .embedding_size = 4, .seed = seed{2}};
  loss.configure(pooled_shape(5), pooled_shape(3));
  in_double(loss);
  return loss;
}

double value_of(const rrd& loss, const torch::Tensor& teacher, const torch::Tensor& student)
{
  return loss({pooled_outputs(teacher), pooled_outputs(student)}, targets{}).item<double>();
}

}  // namespace

TEST_CASE("relational_representation_distillation keeps the promises of DistillationLoss")
{
  for (const auto& settings : {rrd_of_2024, rrd_of_2025}) {
    laws::hold_for(rrd{.settings = settings, .queue_size = 9, .embedding_size = 3});
    laws::hold_for(relational_representation_distillation<tap::stage<2>, pooled>{
        .settings = settings, .queue_size = 5});
  }
  CHECK((rrd_of_2024.of_teacher.value() > rrd_of_2024.of_student.value()));  // the softer teacher
  CHECK((rrd_of_2025.of_teacher.value() < rrd_of_2025.of_student.value()));  // the sharper one
  CHECK((rrd_of_2024.order == queue_order::similarities_first));
  CHECK((rrd_of_2025.order == queue_order::enqueue_first));
}

TEST_CASE(
    "RRD, one: at least the teacher's entropy, which it is where similarities differ by a "
    "constant")
{
  const auto rows = unit(noise({20, 6}, 1));
  const auto v = unit(noise({8, 6}, 2)), u = unit(noise({8, 6}, 3));
  const auto entropy = [](const torch::Tensor& p) { return -(p * p.log()).sum(1); };
  for (const auto& by : {rrd_of_2024, rrd_of_2025}) {
    const auto least = entropy((v.mm(rows.t()) / by.of_teacher.value()).softmax(1));
    const auto found = rolewise::detail::relational_values(v, u, rows, by);
    CHECK((found > least).all().item<bool>());
  }
  const relational_settings equal{temperature{0.1}, temperature{0.1},
                                  queue_order::similarities_first};
  const auto p = (v.mm(rows.t()) / 0.1).softmax(1);
  CHECK(torch::allclose(rolewise::detail::relational_values(v, v, rows, equal), entropy(p)));
  // Keys of one height: embeddings that differ in their height alone.
  const auto level = rows_of({.8, 0, .6, 0, .8, .6, -.8, 0, .6}, 3);
  const auto above = rows_of({.48, .64, .6}, 3), below = rows_of({.48, .64, -.6}, 3);
  CHECK(torch::allclose(rolewise::detail::relational_values(above, below, level, equal),
                        entropy((above.mm(level.t()) / 0.1).softmax(1))));
}

TEST_CASE("RRD, two: reference values of both configurations")
{
  const auto u = rows_of({1, 1}, 2), v = rows_of({2, 1}, 2);
  auto later = rrd_of_2025, softer = rrd_of_2024;
  later.order = queue_order::similarities_first;
  softer.order = queue_order::enqueue_first;
  CHECK(std::abs(value_of(in_the_plane(later), v, u) - .693148) < 1e-6);
  CHECK(std::abs(value_of(in_the_plane(rrd_of_2025), v, u) - .085534) < 1e-6);
  CHECK(std::abs(value_of(in_the_plane(softer), v, u) - .026310) < 1e-6);
  // Embeddings have length 1.
  CHECK(std::abs(value_of(in_the_plane(rrd_of_2025), 3.0 * v, 0.1 * u) - .085534) < 1e-6);
}

TEST_CASE("RRD, three: at a low temperature of the teacher it is InfoNCE, the nearest row positive")
{
  const auto rows = unit(noise({20, 6}, 1));
  const auto v = unit(noise({8, 6}, 2)), u = unit(noise({8, 6}, 3));
  const relational_settings cold{temperature{1e-6}, temperature{0.1},
                                 queue_order::similarities_first};
  const auto nearest = v.mm(rows.t()).argmax(1);
  const auto info_nce =
      torch::cross_entropy_loss(u.mm(rows.t()) / 0.1, nearest, {}, at::Reduction::None);
  CHECK(torch::allclose(rolewise::detail::relational_values(v, u, rows, cold), info_nce));
}

TEST_CASE("RRD, four: the queue holds the last embeddings of the teacher, and goes round")
{
  auto loss = small(rrd_of_2024);
  const auto embedded = [&](const torch::Tensor& t) {
    const auto& layer = loss.queue.of_teacher;
    return unit(torch::linear(t, *layer.weight, *layer.bias));
  };
  const auto push = [&](const torch::Tensor& t) {
    loss.after_step(
        {pooled_outputs(t), pooled_outputs(torch::zeros({t.size(0), 3}, torch::kDouble))}, {});
  };
  const auto row = [&](std::int64_t first, std::int64_t count) {
    return loss.queue.rows->narrow(0, first, count);
  };
  CHECK(torch::allclose(row(0, 7).norm(2, 1), torch::ones({7}, torch::kDouble)));
  std::vector<torch::Tensor> batches;
  for (std::uint64_t i = 0; i < 4; ++i) batches.push_back(noise({3, 5}, 10 + i));
  push(batches[0]);
  CHECK(torch::allclose(row(0, 3), embedded(batches[0])));
  push(batches[1]);
  CHECK(loss.queue.next == 6);
  CHECK(torch::allclose(row(0, 6), embedded(torch::cat({batches[0], batches[1]}))));
  push(batches[2]);  // 7 is no multiple of 3
  CHECK(loss.queue.next == 2);
  CHECK(torch::allclose(row(6, 1), embedded(batches[2].narrow(0, 0, 1))));
  CHECK(torch::allclose(row(0, 2), embedded(batches[2].narrow(0, 1, 2))));
  CHECK(torch::allclose(row(2, 1), embedded(batches[0].narrow(0, 2, 1))));  // the oldest one left
  push(batches[3]);
  CHECK(loss.queue.next == 5);
  CHECK(torch::allclose(row(2, 3), embedded(batches[3])));

  // After N / B + 1 batches the first one is gone, where B divides N.
  auto even = in_the_plane(rrd_of_2024);
  for (const double x : {1.0, 2.0, 3.0})
    even.after_step(
        {pooled_outputs(rows_of({x, 1, -x, 1}, 2)), pooled_outputs(rows_of({1, 1, 1, 1}, 2))}, {});
  CHECK(even.queue.next == 2);
  CHECK(torch::allclose(*even.queue.rows, unit(rows_of({3, 1, -3, 1, 2, 1, -2, 1}, 2))));
}

TEST_CASE("RRD: enqueued first is what similarities first say after the step, and changes nothing")
{
  auto first = small(rrd_of_2025);
  auto then = first;
  then.settings.order = queue_order::similarities_first;
  const auto t = noise({5, 5}, 1), s = noise({5, 3}, 2);
  for (int step = 0; step < 3; ++step) {
    const auto before = state_sum(first);
    const auto found = value_of(first, t * step, s);
    CHECK(state_sum(first) == before);
    CHECK(value_of(then, t * step, s) != found);
    for (auto* loss : {&first, &then})
      loss->after_step({pooled_outputs(t * step), pooled_outputs(s)}, {});
    CHECK(value_of(then, t * step, s) == found);
  }
}

TEST_CASE("RRD, five: gradients are those of the value, and none reaches the teacher's side")
{
  for (const auto& settings : {rrd_of_2024, rrd_of_2025}) {
    auto loss = small(settings);
    const auto s = noise({4, 3}, 2);
    const auto t = noise({4, 5}, 1).set_requires_grad(true);
    const auto f = [&](const torch::Tensor& x) {
      return loss({pooled_outputs(t), pooled_outputs(x)},
                  {.labels = {}, .ids = {}, .progress = {}});
    };
    const auto x = s.clone().set_requires_grad(true);
    f(x).backward();
    CHECK(torch::allclose(x.grad(), testing::finite_differences(f, s), 1e-5, 1e-8));
    CHECK_FALSE(t.grad().defined());
    for (const auto* fixed :
         {&*loss.queue.of_teacher.weight, &*loss.queue.of_teacher.bias, &*loss.queue.rows}) {
      CHECK_FALSE(fixed->requires_grad());
      CHECK_FALSE(fixed->grad().defined());
    }
    const auto of_weight = [&](const torch::Tensor& w) {
      auto other = loss;
      *other.queue.of_student.weight = w;
      return other({pooled_outputs(t), pooled_outputs(s)},
                   {.labels = {}, .ids = {}, .progress = {}});
    };
    CHECK(torch::allclose(
        loss.queue.of_student.weight->grad(),
        testing::finite_differences(of_weight, loss.queue.of_student.weight->detach().clone()),
        1e-5, 1e-8));
  }
}

TEST_CASE("RRD: weights, and zero, huge and 16-bit features")
{
  const auto loss = small(rrd_of_2024);
  const auto t = noise({4, 5}, 1), s = noise({4, 3}, 2);
  const auto value = [&](const torch::Tensor& teacher, const torch::Tensor& student) {
    return loss({pooled_outputs(teacher), pooled_outputs(student)}, targets{});
  };
  for (const auto& of : {loss, small(rrd_of_2025)})
    testing::is_finite_for_odd_features(
        [&](const torch::Tensor& x) {
          return of({pooled_outputs(t), pooled_outputs(x)}, targets{});
        },
        s);
  CHECK(value(torch::zeros_like(t), s).isfinite().item<bool>());
  testing::is_close_in_16_bits(value, t, s, 5e-2);
  const auto weighted = loss({pooled_outputs(t), pooled_outputs(s)},
                             {.labels = {},
                              .ids = {},
                              .progress = {},
                              .weights = torch::tensor({1.0, 0.0, 0.0, 1.0}, torch::kDouble)});
  const auto some = torch::tensor({0, 3});
  CHECK(torch::allclose(weighted, value(t.index_select(0, some), s.index_select(0, some))));
}

TEST_CASE("RRD refuses what does not fit, in words")
{
  const std::string who = "rolewise: relational-representation-distillation: ";
  const auto refuses = [&](rrd loss, const std::string& words) {
    CHECK_THROWS_WITH_AS(loss.configure(pooled_shape(5), pooled_shape(3)), (who + words).c_str(),
                         std::invalid_argument);
  };
  refuses({.settings = rrd_of_2024, .queue_size = 0}, "want a queue of at least 1 row, got 0");
  refuses({.settings = rrd_of_2024, .embedding_size = 0},
          "want an embedding of at least 1 number, got 0");
  auto loss = small(rrd_of_2025);
  loss.queue_size = 9;
  CHECK_THROWS_WITH_AS(loss.configure(pooled_shape(5), pooled_shape(3)),
                       (who + "was made with a queue of 7 rows, .queue_size is 9").c_str(),
                       std::invalid_argument);
  const auto large = who + "want batches of at most .queue_size = 7 examples, got 8";
  CHECK_THROWS_WITH_AS((void)value_of(loss, noise({8, 5}, 1), noise({8, 3}, 1)), large.c_str(),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      loss.after_step({pooled_outputs(noise({8, 5}, 1)), pooled_outputs(noise({8, 3}, 1))}, {}),
      large.c_str(), std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)value_of(rrd{.settings = rrd_of_2024}, noise({2, 5}, 1), noise({2, 3}, 1)),
      doctest::Contains("was not configured"), std::invalid_argument);
}

TEST_CASE("RRD is a training step that goes on with the same bits, and the projection stays")
{
  using testing::tiny_tapped_student;
  const auto data = testing::tiny_data(24);
  const auto teacher = frozen(tiny_tapped_student{data.shape, seed{1}, 8});
  const auto make = [&] {
    // A queue longer than the data set, and no multiple of the batch.
    return distillation{.teacher = teacher,
                        .student = tiny_tapped_student{data.shape, seed{2}},
                        .loss = systems::rrd_with_kd_loss<pooled>(
                            {.settings = rrd_of_2024, .queue_size = 31, .embedding_size = 5})};
  };
  laws::step_holds_for(make, data);
  testing::goes_on_with_the_same_bits(make, data, {.epochs = 4, .batch_size = 8});

  auto training = make();
  std::vector<torch::Tensor> fixed;
  const auto projection = [&] {
    std::vector<torch::Tensor> found;
    for_each_tensor(training, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
      if (name.find("loss.") == 0 && name.find(".teacher.") != std::string::npos)
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

TEST_CASE("RRD: a student learns the relations of a full queue")
{
  using testing::tiny_tapped_student;
  const auto data = testing::tiny_data(24);
  const auto teacher = frozen(tiny_tapped_student{data.shape, seed{1}, 8});
  for (const auto& settings : {rrd_of_2024, rrd_of_2025}) {
    distillation training{.teacher = teacher,
                          .student = tiny_tapped_student{data.shape, seed{2}},
                          .loss = rrd{.settings = settings, .queue_size = 24}};
    fit(training, data, {.epochs = 30, .batch_size = 8});
    const auto examples = model_input(data.examples(), training.student);
    const auto said = teacher.forward(examples, taps{pooled});
    const auto value = [&](const tiny_tapped_student& student) {
      return training.loss({said, student.predict(examples, taps{pooled})}, targets{})
          .item<double>();
    };
    CHECK(value(training.student) < 0.9 * value(tiny_tapped_student{data.shape, seed{2}}));
  }
}

TEST_CASE("RRD: in a network of few bits")
{
  const auto data = testing::noise_images(16);
  // [rrd]
  const auto teacher = frozen(resnet8(data.shape, {.seed = seed{1}}));
  distillation training{
      .teacher = teacher,
      .student = resnet8(data.shape, dorefa{}, inner_bits<2>),
      .loss = systems::rrd_loss<tap::penultimate>({.settings = rrd_of_2025, .queue_size = 64})};
  const auto history = fit(training, data, {.epochs = 3, .batch_size = 8});
  // [/rrd]
  CHECK(std::isfinite(history.epochs.back()["loss"]));
}
