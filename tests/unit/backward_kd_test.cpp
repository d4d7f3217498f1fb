// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Backward-pass KD: ascent on inputs and on embeddings, the auxiliary set over periods, and runs.
#include "support/doctest.hpp"

#include "laws/distillation_loss.hpp"
#include "laws/training_step.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/text_transformer.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/systems/backward_kd.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::finite_differences;
using rolewise::testing::goes_on_with_the_same_bits;
using rolewise::testing::noise_images;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

using function = std::function<torch::Tensor(const torch::Tensor&)>;

[[nodiscard]] torch::Tensor numbers(std::vector<double> values)
{
  return torch::tensor(values, torch::kDouble);
}

/// The mean over examples of |student(x) - teacher(x)|^2.
template<typename S, typename T>
[[nodiscard]] function distance(const S& student, const T& teacher)
{
  return [=](const torch::Tensor& x) {
    return squared_logit_distance{}({.teacher = {.logits = teacher(x), .features = {}},
                                     .student = {.logits = student(x), .features = {}}},
                                    {});
  };
}

template<typename F>
[[nodiscard]] std::string refusal(const F& call)
{
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "accepted";
}

/// Whether the message of a refusal has these words.
template<typename F>
[[nodiscard]] bool refuses(const F& call, const std::string& words)
{
  const auto message = refusal(call);
  CAPTURE(message);
  CHECK(message.find(words) != std::string::npos);
  return message.find(words) != std::string::npos;
}

[[nodiscard]] training_progress during(std::int64_t epoch, std::int64_t step = 0)
{
  return {.epoch = epoch, .step = step, .epochs = 8, .steps_per_epoch = 4};
}

constexpr std::int64_t vocabulary = 11, longest = 6;
constexpr auto sentences = sample_shape::tokens(longest, 3);

[[nodiscard]] auto text_network(std::int64_t width, seed key)
{
  auto made = make_text_transformer(
      text_transformer_plan<1>{
          .vocabulary = vocabulary, .width = width, .heads = 2, .mlp_ratio = 2},
      sentences, {}, {}, {.seed = key});
  const torch::NoGradGuard without_graph;  // the head of the start says nearly nothing
  std::uint64_t i = 0;
  for (auto& p : made.parameters())
    p.value.add_(rolewise::testing::drawn(key.split(++i), p.value.sizes()), 0.5);
  return made;
}

/// Sentences whose ends are padding; token 0 stands for a separator.
[[nodiscard]] dataset sentence_data(std::int64_t count)
{
  dataset data;
  data.shape = sentences;
  data.name = "sentences";
  const auto place = torch::arange(count * longest, torch::kLong);
  data.inputs = (place * place + 3).remainder(vocabulary).view({count, longest});
  data.labels = torch::arange(count, torch::kLong).remainder(3);
  data.ids = torch::arange(count);
  data.mask = torch::arange(longest).lt(3 + torch::arange(count).remainder(4).unsqueeze(1));
  return data;
}

/// Whether the same numbers are in every tensor of a part and in what was kept of it.
template<typename P>
[[nodiscard]] bool is_as_before(P part, std::uint64_t before)
{
  return state_sum(part) == before;
}

}  // namespace

TEST_CASE("backward-pass KD: (1) the ascent in one dimension is its closed form")
{
  const auto student = [](const torch::Tensor& x) { return x; };
  const auto teacher = [](const torch::Tensor& x) { return 3.0 * x; };
  const auto apart = distance(student, teacher);
  const auto start = numbers({1.0}).view({1, 1});
  const std::vector<double> x{1.0, 1.8, 3.24, 5.832}, d{4.0, 12.96, 41.9904, 136.048896};
  CHECK(apart(start).item<double>() == doctest::Approx(d[0]));
  for (std::int64_t n = 1; n <= 3; ++n) {
    const ascent up{.steps = n, .rate = 0.1, .unit = ascent_unit::absolute};
    const auto found = up(start, apart);
    CHECK(found.item<double>() == doctest::Approx(x[static_cast<std::size_t>(n)]));
    CHECK(apart(found).item<double>() == doctest::Approx(d[static_cast<std::size_t>(n)]));
  }
  CHECK(start.item<double>() == 1.0);

  // Linear maps: x^n = (I + 2 eta M)^n x, M = (A - B)' (A - B), for each example by itself.
  const auto a = numbers({1, 2, 0, -1, 1, 3}).view({2, 3});
  const auto b = numbers({0, 1, 1, 2, -1, 0}).view({2, 3});
  const auto points = numbers({1, 0, 0, 0.5, -1, 2, 0, 0, 1, 1, 1, 1}).view({4, 3});
  const auto m = (a - b).t().matmul(a - b);
  const auto once = torch::eye(3, torch::kDouble) + 2.0 * 0.01 * m;
  const auto expected = points.matmul(once).matmul(once).matmul(once).matmul(once);
  const auto linear = distance([=](const torch::Tensor& u) { return u.matmul(a.t()); },
                               [=](const torch::Tensor& u) { return u.matmul(b.t()); });
  const ascent up{.steps = 4, .rate = 0.01, .unit = ascent_unit::absolute};
  CHECK(torch::allclose(up(points, linear), expected, 1e-12, 1e-12));

  // Relative: the first step is `rate` of an example's norm, and its size stays.
  const ascent relative{.steps = 1, .rate = 0.1};
  const auto slope = 2.0 * points.matmul(m);
  const auto eta = 0.1 * points.norm(2, 1, true) / slope.norm(2, 1, true);
  CHECK(torch::allclose(relative(points, linear), points + eta * slope, 1e-12, 1e-12));
  const auto first = points + eta * slope;
  CHECK(torch::allclose(ascent{.steps = 2, .rate = 0.1}(points, linear),
                        first + eta * 2.0 * first.matmul(m), 1e-12, 1e-12));
}

TEST_CASE("backward-pass KD: (1) small steps raise the divergence of smooth networks")
{
  const auto network = [](std::uint64_t key) {
    const auto first = rolewise::testing::drawn(seed{key}, {9, 16}).to(torch::kDouble) * 2.0;
    const auto second = rolewise::testing::drawn(seed{key + 1}, {16, 3}).to(torch::kDouble) * 2.0;
    return [=](const torch::Tensor& x) { return x.matmul(first).tanh().matmul(second); };
  };
  const auto student = network(1), teacher = network(3);
  const auto x = uniform_tensor({400, 9}, seed{5}, 1.0).to(torch::kDouble);
  const auto each = [](const torch::Tensor& s, const torch::Tensor& t) {
    return (s - t).square().sum(1);
  };
  const auto each_kl = [](const torch::Tensor& s, const torch::Tensor& t) {
    return (t.softmax(1) * (t.log_softmax(1) - s.log_softmax(1))).sum(1);
  };
  const function by_kl = [&](const torch::Tensor& u) {
    return two_sided_kl{temperature{1.0}}({.teacher = {.logits = teacher(u), .features = {}},
                                           .student = {.logits = student(u), .features = {}}},
                                          {});
  };
  for (const auto unit : {ascent_unit::absolute, ascent_unit::relative}) {
    const ascent up{.steps = 5, .rate = 0.001, .unit = unit};
    const auto far = up(x, distance(student, teacher));
    const auto raised = each(student(far), teacher(far)) > each(student(x), teacher(x));
    CHECK(raised.to(torch::kDouble).mean().item<double>() > 0.99);
    const auto far_by_kl = up(x, by_kl);
    const auto raised_kl =
        each_kl(student(far_by_kl), teacher(far_by_kl)) > each_kl(student(x), teacher(x));
    CHECK(raised_kl.to(torch::kDouble).mean().item<double>() > 0.99);
  }
  // An example moves as it moves alone.
  const ascent up{.steps = 3, .rate = 0.05};
  const auto apart = distance(student, teacher);
  CHECK(torch::allclose(up(x, apart).narrow(0, 7, 1), up(x.narrow(0, 7, 1), apart), 1e-10, 1e-12));
}

TEST_CASE("backward-pass KD: (2) the teacher's Jacobian is in the step")
{
  const auto b = numbers({1, 2, 0, -1, 1, 3}).view({2, 3});
  const auto teacher = [=](const torch::Tensor& x) { return x.matmul(b.t()); };
  const auto nothing = [](const torch::Tensor& x) {
    return torch::zeros({x.size(0), 2}, x.options());
  };
  const auto x = numbers({1, 0.5, -1}).view({1, 3});
  const ascent up{.steps = 1, .rate = 0.1, .unit = ascent_unit::absolute};
  const auto direction = 2.0 * x.matmul(b.t().matmul(b));
  CHECK(torch::allclose(up(x, distance(nothing, teacher)) - x, 0.1 * direction, 1e-12, 1e-12));
  // A teacher without a graph gives no direction: it is refused rather than 0.
  const auto cut = [=](const torch::Tensor& u) {
    const torch::NoGradGuard without_graph;
    return teacher(u);
  };
  CHECK(refuses([&] { (void)up(x, distance(nothing, cut)); }, "no graph to its inputs"));

  // In the step: a student of zeros, whose weights all vanish, and a frozen network as the teacher.
  const auto data = tiny_data(6);
  tiny_student silent{data.shape, seed{2}};
  {
    const torch::NoGradGuard without_graph;
    for (auto& p : silent.parameters()) p.value.zero_();
  }
  systems::backward_kd step{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                            .student = learner{.model = silent}};
  step.past.begin(silent);
  const auto view = model_input(data.examples(), silent);
  CHECK_FALSE(torch::equal(step.moved(view, during(1)), view.inputs));
}

TEST_CASE("backward-pass KD: (3) equal networks move nothing")
{
  const auto data = tiny_data(6);
  const tiny_student network{data.shape, seed{1}};
  for (const auto unit : {ascent_unit::absolute, ascent_unit::relative}) {
    systems::backward_kd step{
        .teacher = frozen(network), .student = learner{.model = network}, .ascent = {.unit = unit}};
    step.past.begin(network);
    const auto view = model_input(data.examples(), network);
    CHECK(torch::equal(step.moved(view, during(1)), view.inputs));
  }
}

TEST_CASE("backward-pass KD: (4) the maximization moves no weights and leaves no gradient")
{
  const auto data = noise_images(8);
  const auto check = [&](const auto& student) {
    systems::backward_kd step{.teacher = frozen(resnet8(data.shape, {.seed = seed{1}})),
                              .student = learner{.model = student}};
    (void)step(data.examples(), during(0));
    (void)step(data.examples(), during(1));  // there is an optimizer state, and a copy
    const auto before = state_sum(step);
    const auto teacher = step.teacher.fingerprint();
    const auto view = model_input(data.examples(), step.student.model);
    const auto inputs = view.inputs.clone();
    const auto moved = step.moved(view, during(1));
    CHECK(state_sum(step) == before);
    CHECK(step.teacher.fingerprint() == teacher);
    CHECK(torch::equal(view.inputs, inputs));
    CHECK_FALSE(moved.requires_grad());
    CHECK_FALSE(torch::equal(moved, inputs));
    for (const auto& parameters : {step.student.model.parameters(), step.past->parameters()})
      for (const auto& p : parameters) CHECK_FALSE(p.value.grad().defined());
    // Minimization: the student moves; neither its copy of the period nor the teacher does.
    auto past = *step.past;
    const auto of_past = state_sum(past);
    const auto of_student = state_sum(step.student.model);
    (void)step(data.examples(), during(1, 1));
    CHECK(state_sum(step.student.model) != of_student);
    CHECK(is_as_before(*step.past, of_past));
    CHECK(step.teacher.fingerprint() == teacher);
  };
  check(resnet8(data.shape, {.seed = seed{2}}));
  check(resnet8(data.shape, dorefa{}, inner_bits<2>, {.seed = seed{2}}));
}

TEST_CASE("backward-pass KD: (5) the map of embeddings")
{
  const auto from = numbers({1, 0, 0, 1, 1, 1}).view({3, 2});
  const auto r = numbers({2, 1, 0, 3}).view({2, 2});
  CHECK(torch::allclose(embedding_map(from, from.matmul(r)), r, 1e-12, 1e-12));
  // Least squares: the residual is orthogonal to the table.
  const auto to = numbers({1, 2, 3, -1, 0, 4, 2, 2, 5}).view({3, 3});
  const auto q = embedding_map(from, to);
  CHECK(q.sizes() == at::IntArrayRef{{2, 3}});
  CHECK(from.t().matmul(from.matmul(q) - to).abs().max().item<double>() < 1e-12);
  // More dimensions than tokens: exact, of least norm.
  const auto wide = from.t().contiguous();
  const auto of_wide = embedding_map(wide, r);
  CHECK(torch::allclose(wide.matmul(of_wide), r, 1e-12, 1e-12));
  // The order of singular values does not matter, and a table without rank gives 0.
  CHECK(torch::equal(embedding_map(torch::zeros_like(from), to), torch::zeros_like(q)));
  CHECK((embedding_map(from, to.to(torch::kFloat)).scalar_type() == torch::kFloat));

  CHECK(refuses([&] { (void)embedding_map(from, to.narrow(0, 0, 2)); },
                "tables of the same tokens, got [3, 2] and [2, 3]"));
  CHECK(refuses([&] { (void)embedding_map(from, {}); }, "want two tables [V, D]"));
  const auto broken = from * std::numeric_limits<double>::infinity();
  CHECK(refuses([&] { (void)embedding_map(broken, to); }, "not finite"));
}

TEST_CASE("backward-pass KD: an ascent that leaves the range of the data, or the finite numbers")
{
  const function square = [](const torch::Tensor& x) {
    return x.square().flatten(1).sum(1).mean();
  };
  const auto x = numbers({0.5, -0.5, 0.25, 0.125}).view({2, 2, 1, 1});
  const ascent free{.steps = 5, .rate = 1.0, .unit = ascent_unit::absolute};
  CHECK(free(x, square).abs().max().item<double>() == doctest::Approx(0.5 * 243));
  auto bound = free;
  bound.within = input_range{.low = {0.0, -1.0}, .high = {1.0, 2.0}};
  CHECK(torch::equal(bound(x, square).flatten(), numbers({1.0, -1.0, 1.0, 2.0})));
  bound.within = input_range{.low = {0.0}, .high = {1.0}};
  CHECK(torch::equal(bound(x, square).flatten(), numbers({1.0, 0.0, 1.0, 1.0})));

  const auto range = pixel_range({.mean = {0.5, 0.25}, .std = {0.5, 0.25}});
  CHECK(range == input_range{.low = {-1.0, -1.0}, .high = {1.0, 3.0}});
  CHECK(pixel_range({}) == input_range{.low = {0.0}, .high = {1.0}});
  CHECK(pixel_range({.mean = {0.5, 0.25}, .std = {}}) ==
        input_range{.low = {-0.5, -0.25}, .high = {0.5, 0.75}});
  CHECK(refuses([&] { (void)pixel_range({.mean = {0.5, 0.25}, .std = {0.5}}); },
                "want as many means as deviations, got 2 and 1"));
  CHECK(refuses([&] { (void)pixel_range({.mean = {0.5}, .std = {0.0}}); },
                "want deviations above 0, got 0"));

  // 1e38 times 3 is no float: the example stays at its last finite point, the others move on.
  const auto large = torch::tensor({{1.0F}, {1e38F}});
  const function linear = [](const torch::Tensor& u) {
    return (u * torch::tensor({{1.0F}, {3e38F}})).sum() / 2.0;
  };
  const auto moved = ascent{.steps = 3, .rate = 1.0, .unit = ascent_unit::absolute}(large, linear);
  CHECK(torch::equal(moved, torch::tensor({{4.0F}, {1e38F}})));
  const auto unknown = numbers({std::nan(""), 1.0}).view({2, 1});
  const auto of_unknown = free(unknown, square);
  CHECK(std::isnan(of_unknown[0].item<double>()));
  CHECK(of_unknown[1].item<double>() == doctest::Approx(243.0));

  // Steps relative to norms whose squares are no numbers; a gradient of 0; no examples.
  const auto tiny = torch::full({1, 4}, 1e-30F);
  CHECK(torch::allclose(ascent{.steps = 1, .rate = 0.5}(tiny, square), 1.5 * tiny, 1e-5, 0.0));
  const auto still = torch::zeros({2, 3});
  CHECK(torch::equal(ascent{}(still, square), still));
  CHECK(ascent{}(torch::zeros({0, 3}), square).numel() == 0);

  const ascent up{};
  CHECK(refuses([&] { (void)ascent{.steps = 0}(x, square); }, "want .steps of at least 1, got 0"));
  CHECK(
      refuses([&] { (void)ascent{.rate = -0.1}(x, square); }, "a finite .rate above 0, got -0.1"));
  CHECK(refuses([&] { (void)up(x.to(torch::kByte), square); },
                "of floating point, got [2, 2, 1, 1]"));
  CHECK(refuses([&] { (void)up({}, square); }, "got an undefined tensor"));
  CHECK(refuses([&] { (void)up(x, [](const torch::Tensor& u) { return u.sum(1); }); },
                "want one number [], the mean over examples, got [2, 1, 1]"));
  CHECK(refuses([&] { (void)up(x, [](const torch::Tensor&) { return torch::ones({}); }); },
                "no graph to its inputs"));
  CHECK(refuses([&] { (void)up(x, square, torch::ones_like(x)); }, "what may move as bool"));
  bound.within = input_range{.low = {0, 0, 0}, .high = {1, 1, 1}};
  CHECK(refuses([&] { (void)bound(x, square); }, "one for each channel, got 3 and 3"));
  bound.within = input_range{.low = {1.0}, .high = {0.0}};
  CHECK(refuses([&] { (void)bound(x, square); }, "from low to high, got 1 to 0"));
  // Where gradients are switched off around it, it has its own.
  const torch::NoGradGuard without_graph;
  CHECK_FALSE(torch::equal(up(x, square), x));
}

TEST_CASE("backward-pass KD: divergences have gradients to both networks, by finite differences")
{
  const auto teacher = uniform_tensor({4, 3}, seed{5}, 2.0).to(torch::kDouble);
  const auto student = uniform_tensor({4, 3}, seed{6}, 2.0).to(torch::kDouble);
  const auto value = [](const auto& loss, const torch::Tensor& t, const torch::Tensor& s) {
    return loss(
        {.teacher = {.logits = t, .features = {}}, .student = {.logits = s, .features = {}}},
        targets{});
  };
  const auto check = [&](const auto& loss) {
    auto t = teacher.clone().set_requires_grad(true), s = student.clone().set_requires_grad(true);
    const auto slopes = torch::autograd::grad({value(loss, t, s)}, {t, s});
    CHECK(torch::allclose(
        slopes[0],
        finite_differences([&](const torch::Tensor& z) { return value(loss, z, student); },
                           teacher),
        1e-6, 1e-8));
    CHECK(torch::allclose(
        slopes[1],
        finite_differences([&](const torch::Tensor& z) { return value(loss, teacher, z); },
                           student),
        1e-6, 1e-8));
    laws::hold_for(loss);
  };
  check(squared_logit_distance{});
  check(two_sided_kl{temperature{1.0}});
  check(two_sided_kl{temperature{2.0}});
  CHECK(value(squared_logit_distance{}, numbers({1, 2, 3, 0}).view({2, 2}),
              numbers({0, 0, 1, 1}).view({2, 2}))
            .item<double>() == doctest::Approx((5.0 + 5.0) / 2.0));
  CHECK(value(two_sided_kl{temperature{2.0}}, teacher, student).item<double>() ==
        doctest::Approx(value(soft_target_kl{temperature{2.0}}, teacher, student).item<double>()));
}

TEST_CASE("backward-pass KD: the auxiliary set is of the student as the period began")
{
  const auto data = tiny_data(12);
  systems::backward_kd step{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                            .student = learner{.model = tiny_student{data.shape, seed{2}}},
                            .ascent = {.steps = 2},
                            .every = 2};
  const auto view = model_input(data.examples(), step.student.model);
  const auto term = [](const metrics& found) { return found[3]; };
  for (std::int64_t s = 0; s < 4; ++s) {  // period 0 has none
    const auto found = step(data.examples(), during(s / 2, s));
    CHECK(term(found).name == "auxiliary");
    CHECK(term(found).value.item<double>() == 0.0);
    CHECK(step.past.period() == 0);
  }
  auto student = step.student.model;
  const auto began = state_sum(student);
  const auto loss_at = [&](std::int64_t epoch, std::int64_t s) {
    return term(step(data.examples(), during(epoch, s))).value.item<double>();
  };
  CHECK(loss_at(2, 0) > 0.0);
  const auto first = step.moved(view, during(2));
  CHECK(loss_at(2, 1) > 0.0);
  CHECK(loss_at(3, 0) > 0.0);
  CHECK(step.past.period() == 1);
  CHECK(is_as_before(*step.past, began));
  CHECK(torch::equal(step.moved(view, during(3)), first));
  CHECK(loss_at(4, 0) > 0.0);
  CHECK(step.past.period() == 2);
  CHECK_FALSE(torch::equal(step.moved(view, during(4)), first));

  // An example moves alike whatever it weighs, also if that is nothing.
  auto weighted = view;
  weighted.weights = torch::arange(12).to(torch::kFloat);
  CHECK(torch::equal(step.moved(weighted, during(4)), step.moved(view, during(4))));

  step.every = 0;
  CHECK(refuses([&] { (void)step(data.examples(), during(5)); },
                "periods of at least 1 epoch, got 0"));
}

TEST_CASE("backward-pass KD: the update is that of both losses, and only originals have labels")
{
  const auto data = tiny_data(10);
  const auto make = [&] {
    return systems::backward_kd{
        .teacher = frozen(tiny_student{data.shape, seed{1}}),
        .student = learner{.model = tiny_student{data.shape, seed{2}},
                           .optimizer = sgd{.learning_rate = 0.1}},
        .loss = systems::backward_kd_loss(0.25, temperature{2.0}),
        .auxiliary_loss = systems::auxiliary_kd_loss(0.25, temperature{2.0}),
        .ascent = {.steps = 2}};
  };
  auto step = make();
  (void)step(data.examples(), during(0));
  auto by_hand = step.student;
  const auto view = model_input(data.examples(), by_hand.model);
  (void)step(data.examples(), during(1));

  const auto points = step.moved(view, during(1));
  auto there = view;
  there.inputs = points;
  const soft_target_kl kl{temperature{2.0}};
  const auto of_auxiliary =
      kl({.teacher = step.teacher.forward(there), .student = by_hand.model.forward(there)});
  const paired_outputs pair{.teacher = step.teacher.forward(view),
                            .student = by_hand.model.forward(view)};
  by_hand.minimize(0.75 * cross_entropy{}(pair, targets_of(view, during(1))) + 0.25 * kl(pair) +
                       0.25 * of_auxiliary,
                   during(1));
  const auto expected = by_hand.model.parameters(), found = step.student.model.parameters();
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(torch::allclose(found[i].value, expected[i].value, 1e-5, 1e-7));

  // Images without a label still have an auxiliary one.
  auto unlabeled = data.examples();
  unlabeled.labels = torch::full_like(unlabeled.labels, unlabeled.ignore_index);
  auto other = make();
  (void)other(unlabeled, during(0));
  CHECK(other(unlabeled, during(1))[3].value.item<double>() > 0.0);
  CHECK(torch::isfinite(other.student.model.parameters().front().value).all().item<bool>());
}

TEST_CASE("backward-pass KD: trains in full precision and in 2 bits")
{
  const auto data = noise_images(16);
  const auto trains = [&](auto student) {
    // [backward]
    const auto teacher = frozen(resnet8(data.shape, {.seed = seed{1}}));
    systems::backward_kd training{
        .teacher = teacher,
        .student = learner{.model = std::move(student), .lr_schedule = cosine_annealing{}},
        .agent = pad_crop_flip{.padding = 1},
        .ascent = {.steps = 5, .rate = 0.005, .within = pixel_range(data.normalization)}};
    const auto history = fit(training, data, {.epochs = 2, .batch_size = 8});
    // [/backward]
    const auto& last = history.epochs.back();
    CHECK(std::isfinite(last["loss"]));
    CHECK(last["auxiliary"] > 0.0);
    CHECK(history.epochs.front()["auxiliary"] == 0.0);
    // What moved stays among the images.
    const auto view = model_input(data.examples(), training.student.model);
    const torch::Tensor moved = training.moved(view, during(1));
    CHECK(moved.min().item<double>() >= 0.0);
    CHECK(moved.max().item<double>() <= 1.0);
    CHECK_FALSE(torch::equal(moved, view.inputs));
    CHECK(moved.suggest_memory_format() == view.inputs.suggest_memory_format());
  };
  trains(resnet8(data.shape, {.seed = seed{2}}));
  trains(resnet8(data.shape, dorefa{}, inner_bits<2>, {.seed = seed{2}}));
}

TEST_CASE("backward-pass KD: laws of the step, and the same bits after a restore, within a period")
{
  const auto data = noise_images(12);
  const auto goes_on = [&](const auto& student, std::int64_t every, std::int64_t epochs) {
    const auto make = [&] {
      return systems::backward_kd{.teacher = frozen(resnet8(data.shape, {.seed = seed{1}})),
                                  .student = learner{.model = student, .ema = ema{}},
                                  .agent = pad_crop_flip{.padding = 1},
                                  .ascent = {.steps = 1},
                                  .every = every};
    };
    goes_on_with_the_same_bits(make, data, {.epochs = epochs, .batch_size = 6});
  };
  goes_on(resnet8(data.shape, {.seed = seed{2}}), 1, 4);
  goes_on(resnet8(data.shape, dorefa{}, inner_bits<2>, {.seed = seed{2}}), 2, 6);

  const auto small = tiny_data(9);
  const auto make = [&] {
    return systems::backward_kd{.teacher = frozen(tiny_student{small.shape, seed{1}}),
                                .student = learner{.model = tiny_student{small.shape, seed{2}}}};
  };
  laws::step_holds_for(make, small);
  const auto later = [&] {
    auto step = make();
    (void)step(small.examples(), during(0));
    return step;
  };
  auto whole = later(), resumed = make();
  (void)whole(small.examples(), during(1));
  restore(resumed, snapshot_of(whole));
  const auto a = whole(small.examples(), during(1, 1)), b = resumed(small.examples(), during(1, 1));
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(torch::equal(a[i].value, b[i].value));
  CHECK(state_sum(whole) == state_sum(resumed));
}

TEST_CASE("backward-pass KD: a text network reads embeddings in the place of tokens")
{
  auto network = text_network(8, seed{1});
  const auto data = sentence_data(5);
  const auto examples = data.examples();
  auto by_embeddings = examples;
  by_embeddings.inputs = embeddings_of(examples, token_table(network)).detach();
  CHECK(torch::equal(network.predict(examples).logits, network.predict(by_embeddings).logits));
  CHECK(torch::equal(token_table(frozen(network)), token_table(network)));
  CHECK(torch::equal(frozen(network).forward(by_embeddings).logits,
                     network.predict(examples).logits.detach()));

  // The gradient to embeddings, by finite differences.
  network.cast(torch::kFloat64);
  auto point = by_embeddings;
  point.inputs = by_embeddings.inputs.to(torch::kDouble).requires_grad_(true);
  const auto value = [&](const batch& at_point) {
    return network.predict(at_point).logits.square().sum();
  };
  const auto slope = torch::autograd::grad({value(point)}, {point.inputs})[0];
  const auto expected = finite_differences(
      [&](const torch::Tensor& moved) {
        auto other = point;
        other.inputs = moved;
        return value(other);
      },
      point.inputs.detach());
  CHECK(torch::allclose(slope, expected, 1e-5, 1e-7));

  auto wrong = by_embeddings;
  wrong.inputs = torch::zeros({5, longest, 7});
  CHECK(refuses([&] { (void)network.predict(wrong); },
                "want embeddings [N, L, 8] of floating point or token indices [N, L] of int64, got "
                "[5, 6, 7] of Float"));
  wrong.inputs = torch::zeros({5, longest + 1, 8});
  CHECK(refuses([&] { (void)network.predict(wrong); }, "up to 6 tokens, got 7"));
  CHECK(refuses([&] { (void)embeddings_of(by_embeddings, token_table(network)); },
                "want token indices [N, L] of int64, got [5, 6, 8] of Float"));
}

TEST_CASE("backward-pass KD: sentences move as embeddings, without padding and special tokens")
{
  const auto data = sentence_data(12);
  const auto large = text_network(12, seed{1}), small = text_network(8, seed{2});
  const embedding_space space{.special_tokens = {0, 3}};
  systems::backward_kd step{.teacher = frozen(large),
                            .student = learner{.model = small},
                            .ascent = {.steps = 3, .rate = 0.05},
                            .space = space};
  (void)step(data.examples(), during(0));
  const auto& map = *step.space.map;
  CHECK(torch::allclose(map, embedding_map(token_table(small), token_table(large)), 1e-5, 1e-6));
  // Each period has the map of its own copy.
  const auto table = token_table(*step.past).clone();
  (void)step(data.examples(), during(1));
  CHECK_FALSE(torch::equal(token_table(*step.past), table));
  CHECK(torch::equal(*step.space.map, embedding_map(token_table(*step.past), token_table(large))));
  const auto view = data.examples();
  const auto start = embeddings_of(view, token_table(*step.past)).detach();
  const auto moved = step.moved(view, during(1));
  const auto has_moved = (moved != start).any(2);
  const auto may_move = view.mask & view.inputs.ne(0) & view.inputs.ne(3);
  CHECK(torch::equal(has_moved, may_move));
  CHECK(may_move.sum().item<std::int64_t>() < view.mask.sum().item<std::int64_t>());

  // The divergence is higher there, for nearly all sentences.
  const auto apart = [&](const torch::Tensor& points) {
    const auto t = step.teacher.forward(step.space.for_teacher(view, points)).logits;
    const auto s = step.past->predict(step.space.for_student(view, points)).logits;
    return (s - t).square().sum(1);
  };
  CHECK((apart(moved) > apart(start)).all().item<bool>());
  CHECK(torch::equal(step.space.for_teacher(view, moved).inputs, moved.matmul(map)));

  CHECK(refuses([&] { (void)embedding_space{}.for_teacher(view, moved); },
                "want begin(student, teacher) first"));
  systems::backward_kd on_tokens{.teacher = frozen(large), .student = learner{.model = small}};
  (void)on_tokens(view, during(0));
  CHECK(refuses([&] { (void)on_tokens(view, during(1)); }, "tokens move as embeddings"));
}

TEST_CASE("backward-pass KD: text students train, in few bits as well, and go on after a restore")
{
  const auto data = sentence_data(12);
  const auto trains = [&](const auto& student) {
    const auto large = text_network(12, seed{1});
    const auto make = [&] {
      // [text]
      systems::backward_kd training{
          .teacher = frozen(large),
          .student = learner{.model = student},
          .loss = systems::backward_kd_loss(0.5, temperature{2.0}),
          .auxiliary_loss = systems::auxiliary_kd_loss(0.5, temperature{2.0}),
          .ascent = {.steps = 2},
          .space = embedding_space{.special_tokens = {0}},
          .every = 2};
      // [/text]
      return training;
    };
    auto step = make();
    const auto history = fit(step, data, {.epochs = 4, .batch_size = 6});
    CHECK(history.epochs.back()["auxiliary"] > 0.0);
    goes_on_with_the_same_bits(make, data, {.epochs = 6, .batch_size = 6});
  };
  trains(text_network(8, seed{2}));
  trains(make_text_transformer(
      text_transformer_plan<1>{.vocabulary = vocabulary, .width = 8, .heads = 2, .mlp_ratio = 2},
      sentences, lsq_plus{}, inner_bits<2>, {.seed = seed{2}}));
}
