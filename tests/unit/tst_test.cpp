// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// TST: learned operations, their encoders, and a step that searches and teaches in turn.
#include "support/doctest.hpp"

#include "laws/training_step.hpp"
#include "support/data_files.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/learned_operations.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/tst.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/fit_operation_encoders.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::finite_differences;
using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::tiny_student;

constexpr std::int64_t operations_in_all = 14;

[[nodiscard]] operation_encoders no_encoders() { return operation_encoders::untrained(3, seed{5}); }

[[nodiscard]] learned_operations module_of(const learned_operations_options& options = {})
{
  return learned_operations{no_encoders(), options};
}

template<typename Part>
[[nodiscard]] torch::Tensor tensor_of(Part& part, const std::string& wanted)
{
  torch::Tensor found;
  for_each_tensor(part, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    if (name == wanted) found = t;
  });
  REQUIRE(found.defined());
  return found;
}

template<typename Part>
void set(Part& part, const std::string& name, const torch::Tensor& value)
{
  const torch::NoGradGuard without_graph;
  tensor_of(part, name).copy_(value);
}

[[nodiscard]] outputs said(const torch::Tensor& logits)
{
  return {.logits = logits, .features = {}};
}

[[nodiscard]] torch::Tensor row(std::vector<double> values)
{
  return torch::tensor(values, torch::kDouble).unsqueeze(0);
}

[[nodiscard]] targets of_label_0(std::int64_t count = 1)
{
  return {.labels = torch::zeros({count}, torch::kLong), .ids = {}, .progress = {}};
}

/// Waves of different direction, length and color, with noise.
[[nodiscard]] dataset wavy_images(std::int64_t count, std::int64_t side = 8)
{
  auto data = noise_images(count);
  data.shape.height = data.shape.width = side;
  const auto u = uniform_draws(seed{8}, 0, data.ids, 12).view({count, 12, 1, 1});
  const auto along = torch::arange(static_cast<double>(side)) / static_cast<double>(side) * 10.0;
  const auto column = along.view({1, 1, 1, side}), line = along.view({1, 1, side, 1});
  const auto of = [&](std::int64_t i) { return u.narrow(1, i, 3); };
  const auto wave = ((of(0) - 0.5) * column + (of(3) - 0.5) * line + of(6) * 6.3).sin();
  const auto noise = uniform_tensor({count, 3, side, side}, seed{1}, 40.0);
  data.inputs = (noise + 116.0 + 75.0 * wave).clamp(1.0, 255.0).to(torch::kByte);
  data.normalization = {.mean = {0.5, 0.5, 0.5}, .std = {0.25, 0.25, 0.25}};
  return data;
}

/// Tells two classes apart by color, the brightness of an image, or by its side that is brighter,
/// whatever the contrast.
class side_reader {
 public:
  side_reader(const sample_shape&, bool reads_color) : reads_color_{reads_color} {}

  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {})
  {
    return predict(examples, wanted);
  }
  [[nodiscard]] outputs predict(const batch& examples, taps = {}) const
  {
    const auto x = normalized_inputs(examples).mean(1);
    const auto apart =
        (x.narrow(2, 0, 4) - x.narrow(2, 4, 4)).mean({1, 2}) * 0.3 / (x.flatten(1).std(1) + 1e-3);
    const auto read = (reads_color_ ? x.mean({1, 2}) : apart) * 10.0 * (*gain_);
    return said(torch::stack({-read, read}, 1));
  }
  [[nodiscard]] std::vector<named_tensor> parameters() const { return {{"gain", *gain_}}; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("gain", *gain_);
  }

 private:
  bool reads_color_;
  owned_tensor gain_{torch::ones({1}).set_requires_grad(true)};
};

}  // namespace

TEST_CASE("tst, one: how often gates fire, by the probability itself and as released")
{
  const auto u = uniform_draws(seed{3}, 0, torch::arange(100000), 1).select(1, 0);
  const auto rate = [&](gate_logit logit, double th) {
    auto module = module_of({.logit = logit});
    set(module, "probabilities", torch::full({operations_in_all}, th));
    return module.gates(2, u).gt(0.5).to(torch::kDouble).mean().item<double>();
  };
  CHECK(std::abs(rate(gate_logit::parameter, -9.0) - .000123) < 1.2e-4);
  CHECK(std::abs(rate(gate_logit::parameter, 0.0) - .5) < 5e-3);
  CHECK(std::abs(rate(gate_logit::parameter, 9.0) - .999877) < 1.2e-4);
  CHECK(std::abs(rate(gate_logit::probability, -9.0) - .500031) < 5e-3);
  CHECK(std::abs(rate(gate_logit::probability, 0.0) - .622459) < 5e-3);
  CHECK(std::abs(rate(gate_logit::probability, 9.0) - .731034) < 5e-3);
  CHECK(module_of().gates(0, torch::zeros({1})).isfinite().all().item<bool>());
}

TEST_CASE("tst, two: the slope of a gate, and gradients to probabilities and magnitudes")
{
  const auto module = module_of();
  for (const auto& [wanted, slope] : {std::pair{0.5, 5.0}, std::pair{0.9, 1.8}}) {
    const double noise = 0.05 * std::log(wanted / (1.0 - wanted));
    const auto u = torch::full({1}, 1.0 / (1.0 + std::exp(-noise)), torch::kDouble);
    const auto g = module.gates(4, u);
    CHECK(std::abs(g.item<double>() - wanted) < 1e-5);
    const auto gradient = torch::autograd::grad({g.sum()}, {module.probabilities()})[0];
    CHECK(std::abs(gradient[4].item<double>() - slope) < 1e-4);
    CHECK(gradient.count_nonzero().item<std::int64_t>() == 1);
  }
  const auto data = wavy_images(8);
  const learned_operations all{
      fit_operation_encoders(data, {.color_epochs = 2, .affine_epochs = 2, .batch_size = 4}),
      {.drawn = operations_in_all}};
  const auto view = all(data.examples(), {}, seed{1});
  const auto found =
      torch::autograd::grad({view.inputs.square().mean()}, {all.probabilities(), all.magnitudes()});
  CHECK(found[0].count_nonzero().item<std::int64_t>() == operations_in_all);
  CHECK(found[1].count_nonzero().item<std::int64_t>() == 11);
}

TEST_CASE("tst, three: the parallel sum; with gates of 0 nothing changes")
{
  const auto one = [](double v) { return torch::full({1, 1}, v, torch::kDouble); };
  const auto gate = [](double v) { return torch::full({1}, v, torch::kDouble); };
  const auto sum = parallel_sum(one(.2), {one(.5), one(.1), one(.9)}, {gate(1), gate(.5), gate(0)});
  CHECK(std::abs(sum.item<double>() - .45) < 1e-12);

  const auto data = wavy_images(6);
  auto module = module_of({.drawn = operations_in_all});
  set(module, "probabilities", torch::full({operations_in_all}, -60.0));
  const auto view = module(data.examples(), {}, seed{1});
  CHECK(torch::equal(view.inputs, normalized_inputs(data.examples())));
  CHECK(torch::equal(view.ids, data.ids));
  // The same for images that are normalized already, up to rounding.
  set(module, "probabilities", torch::zeros({operations_in_all}));
  const torch::NoGradGuard without_graph;
  CHECK(torch::allclose(module(data.examples(), {}, seed{1}).inputs,
                        module(normalized(data.examples()), {}, seed{1}).inputs, 1e-4, 1e-4));
}

TEST_CASE("tst, four: the loss of a search, and its gradient to the magnitudes")
{
  const auto terms =
      systems::detail::teachable({said(row({2, 1, .1})), said(row({1, .5, -.5}))}, of_label_0());
  CHECK(std::abs(terms.terms[0].value.item<double>() - .417030) < 1e-6);
  CHECK(std::abs(terms.terms[1].value.item<double>() - .790869) < 1e-6);
  CHECK(std::abs(terms.total.item<double>() - 1.207899) < 1e-6);

  const auto data = wavy_images(5);
  auto module = module_of({.drawn = operations_in_all});
  for_each_tensor(module, [](const std::string& name, torch::Tensor& t, tensor_kind) {
    t = t.detach().to(torch::kDouble);
    if (name.starts_with("encoders"))
      t += 0.1 * uniform_tensor(t.sizes(), seed{t.numel() < 20 ? 1U : 2U}, 1.0).to(torch::kDouble);
    else
      t.set_requires_grad(true);
  });
  const auto weights_of = [](seed key) {
    return uniform_tensor({4, 192}, key, 0.2).to(torch::kDouble).t();
  };
  const auto of_teacher = weights_of(seed{1}), of_student = weights_of(seed{2});
  const auto loss = [&] {
    const auto view = module(data.examples(), {.epoch = 1, .step = 3}, seed{6});
    const auto x = view.inputs.flatten(1);
    return systems::detail::teachable({said(x.matmul(of_teacher)), said(x.matmul(of_student))},
                                      targets_of(view, {}))
        .total;
  };
  const auto gradient = torch::autograd::grad({loss()}, {module.magnitudes()})[0];
  const auto at = module.magnitudes().detach().clone();
  const auto slope = finite_differences(
      [&](const torch::Tensor& moved) {
        set(module, "magnitudes", moved);
        return loss();
      },
      at, 1e-6);
  CHECK(gradient.abs().min().item<double>() > 0.0);
  CHECK(torch::allclose(gradient, slope, 1e-5, 1e-7));
}

TEST_CASE("tst, non-saturating: value, gradient, smoothing, and logits at which 1 - q rounds to 0")
{
  const auto value = [](const torch::Tensor& z, double e = 0.0) {
    return non_saturating{.smoothing = fraction{e}}({.teacher = {}, .student = said(z)},
                                                    of_label_0(z.size(0)));
  };
  const auto z = row({1, .5, -.5}).set_requires_grad(true);
  CHECK(std::abs(value(z).item<double>() - .790869) < 1e-6);
  CHECK(std::abs(value(z, .1).item<double>() - .755903) < 1e-6);
  for (const double e : {0.0, .1}) {
    const auto gradient = torch::autograd::grad({value(z, e)}, {z})[0];
    CHECK(torch::allclose(
        gradient, finite_differences([&](const torch::Tensor& x) { return value(x, e); }, z), 1e-6,
        1e-8));
  }
  const auto gradient = torch::autograd::grad({value(z)}, {z})[0];
  CHECK(torch::allclose(gradient, row({.546549, -.399560, -.146990}), 0.0, 2e-6));
  const auto sure =
      torch::tensor({{1e4F, 0.0F, -3.0F}, {-1e4F, 0.0F, 3.0F}}).set_requires_grad(true);
  const auto of_sure = value(sure);
  CHECK(std::abs(of_sure.item<double>() - 5e3) < 1.0);
  const auto slopes = torch::autograd::grad({of_sure}, {sure})[0];
  CHECK(slopes.isfinite().all().item<bool>());
  CHECK(std::abs(slopes[0][0].item<double>() - 0.5) < 1e-6);
}

TEST_CASE("tst, five: the student's loss on both halves")
{
  const auto twice = [](const torch::Tensor& z) { return said(torch::cat({z, z})); };
  const paired_outputs pair{twice(row({2, 1, .1})), twice(row({1, .5, -.5}))};
  const auto value = [&](double alpha) {
    return evaluate_loss(systems::tst_loss(alpha), pair, of_label_0(2)).item<double>();
  };
  CHECK(std::abs(value(1.0) - .629936) < 1e-6);
  CHECK(std::abs(value(.5) - .617033) < 1e-6);

  // A step's loss is the mean of that on the view and that on the images.
  const auto data = wavy_images(8);
  systems::tst training{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                        .student = learner{.model = tiny_student{data.shape, seed{2}}},
                        .policy = systems::policy_of(no_encoders()),
                        .searches = {},
                        .seed = seed{4}};
  const training_progress first{.epoch = 2, .step = 1, .epochs = 3, .steps_per_epoch = 2};
  auto student = training.student.model;
  const auto x = data.examples();
  const torch::NoGradGuard without_graph;
  const auto view = training.policy.model(x, first, training.seed);
  auto both = view;
  both.inputs = torch::cat({view.inputs, normalized_inputs(x)});
  (void)student.forward(both);  // moves its running mean
  const auto loss_on = [&](const batch& part) {
    return evaluate_loss(training.loss, {training.teacher.forward(part), student.predict(part)},
                         targets_of(part, first))
        .item<double>();
  };
  const double wanted = 0.5 * (loss_on(view) + loss_on(x));
  CHECK(std::abs(training(x, first)[0].value.item<double>() - wanted) < 1e-5);
}

TEST_CASE("tst, six: encoders imitate their operations")
{
  const encoder_fit_options of_colors{.color_epochs = 250,
                                      .affine_epochs = 0,
                                      .optimizer = {.learning_rate = 3e-3, .weight_decay = 0.0},
                                      .rate_decay = 0.997};
  const encoder_fit_options of_places{.color_epochs = 0,
                                      .affine_epochs = 100,
                                      .optimizer = {.learning_rate = 1e-2, .weight_decay = 0.0},
                                      .rate_decay = 0.99};
  // By 16 pixels, so that a small rotation moves something.
  const auto small = wavy_images(256), large = wavy_images(64, 16);
  auto encoders = fit_operation_encoders(large, of_places);
  encoders.color = fit_operation_encoders(small, of_colors).color;

  const auto check = [&](const dataset& all, std::size_t from, std::size_t to) {
    const auto count = all.ids.size(0) - 64;  // held out: the last
    const auto pixels = all.inputs.narrow(0, count, 64);
    const auto x = pixels.to(torch::kFloat) / 255.0;
    const auto noise =
        normal_draws(seed{2}, 0, all.ids.narrow(0, count, 64), color_encoder::features);
    const auto fill = torch::full({1, 3, 1, 1}, 128.0 / 255.0);
    for (auto k = from; k < to; ++k)
      for (const double size : {.25, .5, .75}) {
        const auto r = torch::full({64}, size);
        const auto truth =
            at_magnitude(encoded_operations[k], pixels, r, all.normalization).to(torch::kFloat) /
            255.0;
        const auto error = [&](const torch::Tensor& y) {
          return (y - truth).square().mean().item<double>();
        };
        CAPTURE(name(encoded_operations[k]));
        CAPTURE(size);
        CHECK(error(encoders(k, x, r, noise, fill)) < error(x));
      }
  };
  check(wavy_images(256 + 64), 0, color_encoders);
  check(wavy_images(64 + 64, 16), color_encoders, encoded_operations.size());

  const auto shear = encoders.affine[0].maps(torch::full({1}, .5))[0];
  const double table = .3 * 5 / 9;
  CHECK(std::abs(shear[0][1].item<double>() - table) < .2 * table);
  for_each_tensor(encoders, [](const std::string&, torch::Tensor& t, tensor_kind) {
    CHECK_FALSE(t.requires_grad());
  });
  const encoder_fit_options brief{.color_epochs = 1, .affine_epochs = 1};
  auto once = fit_operation_encoders(large, brief), again = fit_operation_encoders(large, brief);
  CHECK(state_sum(once) == state_sum(again));
}

TEST_CASE("tst, six: the table of magnitudes")
{
  auto data = wavy_images(2);
  data.inputs.fill_(200);
  const auto value_of = [&](operation what, double r) {
    return at_magnitude(what, data.inputs, torch::full({2}, r), {})[0][0][4][4].item<int>();
  };
  CHECK(value_of(operation::brightness, -.55) == 100);
  CHECK(value_of(operation::brightness, .55) == 255);
  CHECK(value_of(operation::brightness, .09) == 200);
  CHECK(value_of(operation::solarize, .0) == 200);
  CHECK(value_of(operation::solarize, .25) == 55);
  CHECK(value_of(operation::posterize, .99) == 192);
  CHECK_THROWS_AS((void)value_of(operation::invert, .5), std::invalid_argument);
}

TEST_CASE("tst, seven: a search moves colors to where the teacher knows and the student does not")
{
  // Classes differ in brightness and in which side is brighter.
  auto data = noise_images(32);
  data.shape.classes = 2;
  data.labels = torch::arange(32).remainder(2);
  const auto sign = (data.labels * 2 - 1).view({32, 1, 1, 1});
  const auto side = torch::where(torch::arange(8).lt(4), 1, -1).view({1, 1, 1, 8});
  data.inputs = (128 + sign * 40 + sign * side * 30).expand({32, 3, 8, 8}).to(torch::kByte);
  data.normalization = {.mean = {0.5, 0.5, 0.5}, .std = {}};

  // All encoders of colors draw towards gray as the magnitude grows: scale 2 q, shift 1/2 - q.
  auto encoders = no_encoders();
  for (std::size_t k = 0; k < color_encoders; ++k) {
    const auto name = "color" + std::to_string(k);
    set(encoders, name + ".features", torch::zeros({10}));
    auto maps = torch::zeros({2, 2, 11});
    maps[0][0][10] = -2.0;
    maps[0][1][10] = 2.0;
    set(encoders, name + ".maps", maps);
  }
  const auto moved = [&](bool teacher_reads_color) {
    systems::tst training{
        .teacher = frozen(side_reader{data.shape, teacher_reads_color}),
        .student = learner{.model = side_reader{data.shape, !teacher_reads_color}},
        .policy = systems::policy_of(encoders, {.drawn = 1, .both_signs = false}),
        .searches = {.before = {0}, .passes = 20}};
    training.policy.optimizer.learning_rate = 0.5;
    fit(training, data, {.epochs = 20 + 1, .batch_size = 8});
    return training.policy.model.magnitudes().detach().narrow(0, 0, 6).clone();
  };
  CHECK(moved(false).min().item<double>() > 0.05);
  CHECK(moved(true).max().item<double>() < -0.05);
}

TEST_CASE("tst, eight: a search moves the policy alone, teaching the student alone")
{
  const auto data = noise_images(16);
  systems::tst training{
      .teacher = frozen(resnet8(data.shape, {.seed = seed{1}})),
      .student = learner{.model = resnet8(data.shape, {.seed = seed{2}}), .ema = ema{}},
      .policy = systems::policy_of(no_encoders(), {.drawn = operations_in_all}),
      .searches = {.before = {1}, .passes = 1}};
  const auto at = [](std::int64_t epoch, std::int64_t step) {
    return training_progress{.epoch = epoch, .step = step, .epochs = 3, .steps_per_epoch = 2};
  };
  (void)training(data.examples(), at(0, 0));  // momentum and average exist
  const auto teacher = training.teacher.fingerprint();
  const auto sums = [&] {
    return std::pair{state_sum(training.student), state_sum(training.policy)};
  };
  for (const auto& progress : {at(0, 1), at(1, 0), at(1, 1), at(2, 0)}) {
    const auto before = sums();
    const auto encoders = state_sum(training.policy.model);
    (void)training(data.examples(), progress);
    const auto after = sums();
    const bool is_search = progress.epoch == 1;
    CHECK((after.first == before.first) == is_search);
    CHECK((after.second == before.second) == !is_search);
    CHECK((state_sum(training.policy.model) == encoders) == !is_search);
  }
  CHECK(training.teacher.fingerprint() == teacher);
  auto left = training.policy.model.encoders(), at_first = no_encoders();
  CHECK(state_sum(left) == state_sum(at_first));
  for (const auto& p : training.student.model.parameters()) CHECK_FALSE(p.value.grad().defined());
}

TEST_CASE("tst: each search has a new optimizer and rate, and goes on from the values of the last")
{
  const auto data = noise_images(8);
  systems::tst training{.teacher = frozen(resnet8(data.shape, {.seed = seed{1}})),
                        .student = learner{.model = resnet8(data.shape, {.seed = seed{2}})},
                        .policy = systems::policy_of(no_encoders(), {.drawn = operations_in_all}),
                        .searches = {.before = {0, 1}, .passes = 2}};
  const auto at = [](std::int64_t epoch) {
    return training_progress{.epoch = epoch, .step = 0, .epochs = 6, .steps_per_epoch = 1};
  };
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) (void)training(data.examples(), at(epoch));
  CHECK(training.policy.learner_state.updates() == 2);
  CHECK(training.policy.lr_schedule.observed == 2);

  // The same values with nothing else of the first search.
  auto anew = training;
  anew.policy.learner_state = {};
  anew.policy.lr_schedule = anew.policy.lr_schedule.restarted();
  for (auto* each : {&training, &anew}) (void)(*each)(data.examples(), at(3));
  CHECK(training.policy.learner_state.updates() == 1);
  CHECK(training.policy.lr_schedule.observed == 1);
  CHECK(state_sum(training.policy) == state_sum(anew.policy));
}

TEST_CASE("tst, nine: each operation is drawn as often as the others")
{
  const auto module = module_of();
  std::vector<std::int64_t> count(operations_in_all);
  constexpr std::int64_t calls = 20000;
  for (std::int64_t i = 0; i < calls; ++i) {
    auto drawn = module.drawn_operations({.epoch = i / 100, .step = i % 100}, seed{2});
    REQUIRE(drawn.size() == 4);
    std::sort(drawn.begin(), drawn.end());
    CHECK(std::adjacent_find(drawn.begin(), drawn.end()) == drawn.end());
    for (const auto k : drawn) ++count[static_cast<std::size_t>(k)];
  }
  for (const auto each : count)
    CHECK(std::abs(static_cast<double>(each) / static_cast<double>(calls) - .285714) < .015);
  CHECK(module.drawn_operations({.epoch = 3, .step = 1}, seed{2}) ==
        module.drawn_operations({.epoch = 3, .step = 1, .epochs = 9}, seed{2}));
}

TEST_CASE("tst, ten: the learning rate falls where the loss stands still")
{
  for (const auto& [loss, falls] : {std::pair{.99, true}, std::pair{.9, false},
                                    std::pair{1.01, true}, std::pair{1.05, false}}) {
    plateau_lr rule;
    rule.observe(1.0);
    CHECK(rule({}) == 1.0);
    rule.observe(loss);
    CHECK(rule({}) == (falls ? .9 : 1.0));
    rule.observe(std::numeric_limits<double>::quiet_NaN());
    CHECK(rule.last == loss);
    CHECK(rule.restarted()({}) == 1.0);
  }
  plateau_lr bad{.factor = 0.0};
  CHECK_THROWS_WITH_AS(bad.observe(1.0), "rolewise: plateau_lr: want a factor in (0, 1], got 0",
                       std::invalid_argument);
}

TEST_CASE("interludes: which epoch of a run is what")
{
  const interludes searches{.before = {1, 3}, .passes = 2};
  CHECK(searches.epochs_with(4) == 8);
  std::string kinds;
  std::vector<std::int64_t> epochs, begun;
  for (std::int64_t epoch = 0; epoch < 8; ++epoch) {
    const auto at = searches({.epoch = epoch, .step = 2, .epochs = 8, .steps_per_epoch = 5});
    kinds += at.is_inside ? 'i' : 't';
    epochs.push_back(at.progress.epoch);
    begun.push_back(at.begun);
    CHECK(at.progress.epochs == (at.is_inside ? 2 : 4));
    CHECK(at.progress.step == 2);
    CHECK(at.progress.steps_per_epoch == 5);
  }
  CHECK(kinds == "tiittiit");
  CHECK(epochs == std::vector<std::int64_t>{0, 0, 1, 1, 2, 0, 1, 3});
  CHECK(begun == std::vector<std::int64_t>{0, 1, 1, 1, 1, 2, 2, 2});
  CHECK_FALSE(interludes{}({.epoch = 3, .epochs = 4}).is_inside);
  CHECK_THROWS_AS((void)interludes{.before = {2}}({.epochs = 3}), std::invalid_argument);
  CHECK_THROWS_AS((void)(interludes{.before = {2, 1}})({.epochs = 9}), std::invalid_argument);
  CHECK_THROWS_AS((void)(interludes{.before = {-1}})({.epochs = 9}), std::invalid_argument);
  CHECK_THROWS_AS((void)(interludes{.before = {1}, .passes = 0})({.epochs = 9}),
                  std::invalid_argument);
}

TEST_CASE("tst: trains a student of few bits as one of many, with checkpoints")
{
  const auto data = noise_images(16);
  const auto pretrained = resnet8(data.shape, {.seed = seed{1}});
  // [use]
  const auto encoders = fit_operation_encoders(data, {.color_epochs = 2, .affine_epochs = 1});
  systems::tst training{
      .teacher = frozen(pretrained),
      .student = learner{.model = resnet8(data.shape, dorefa{}, inner_bits<2>),
                         .optimizer = sgd{.learning_rate = 0.05},
                         .lr_schedule = cosine_annealing{}},
      .policy = systems::policy_of(encoders),
      .searches = {.before = {1}, .passes = 2},  // 2 passes of stage II before the second epoch
      .agent = pad_crop_flip{.padding = 1}};
  const auto history =
      fit(training, data, {.epochs = training.searches.epochs_with(2), .batch_size = 8});
  // What the search found: sigmoids are how often an operation acts, and how strongly.
  const auto probabilities = training.policy.model.probabilities().sigmoid();
  // [/use]
  CHECK(history.epochs.size() == 4);
  CHECK(history.epochs[1].learning_rate == 0.01);
  CHECK(history.epochs[3].learning_rate == 0.025);
  CHECK(probabilities.ne(0.5).any().item<bool>());
  for (const auto& epoch : history.epochs)
    for (const auto* name : {"loss", "teacher-cross-entropy", "non-saturating", "accuracy"})
      CHECK(std::isfinite(epoch[name]));
  CHECK(training.policy.model.magnitudes().ne(0).any().item<bool>());

  const rolewise::testing::scratch_folder folder;
  const auto kept = [&](std::int64_t until) {
    systems::tst full{.teacher = frozen(pretrained),
                      .student = learner{.model = resnet8(data.shape, {.seed = seed{2}})},
                      .policy = systems::policy_of(encoders),
                      .searches = {.before = {1}, .passes = 2}};
    fit(full, data, {.epochs = 4, .batch_size = 8, .resume = true, .until = until},
        checkpoints{.folder = folder / "run"});
    return state_sum(full);
  };
  std::filesystem::create_directories(folder / "run");
  (void)kept(2);
  const auto resumed = kept(-1);
  CHECK(kept(-1) == resumed);
}

TEST_CASE("tst: it is a training step, and goes on with the same bits")
{
  const auto data = noise_images(12);
  const auto make = [&] {
    systems::tst training{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                          .student = learner{.model = tiny_student{data.shape, seed{2}}},
                          .policy = systems::policy_of(no_encoders()),
                          .searches = {.before = {0, 1}, .passes = 2},
                          .seed = seed{3}};
    training.policy.optimizer.learning_rate = 0.3;
    training.policy.lr_schedule.least_gain = 10.0;
    training.policy.lr_schedule.least_change = 10.0;  // falls after each pass
    return training;
  };
  // From within an interlude of the second stage: epoch 3 is a pass.
  rolewise::testing::goes_on_with_the_same_bits(make, data, {.epochs = 6, .batch_size = 4});
  rolewise::testing::goes_on_with_the_same_bits(make, data, {.epochs = 8, .batch_size = 4});
  const auto in_the_midst = [&] {
    auto training = make();
    training.searches = {.before = {0}, .passes = 1};
    return training;
  };
  laws::step_holds_for(in_the_midst, data);
  const auto teaching = [&] {
    auto training = make();
    training.searches = {};
    return training;
  };
  laws::step_holds_for(teaching, data);

  auto training = make();
  fit(training, data, {.epochs = 6, .batch_size = 4});
  CHECK(training.policy.lr_schedule.observed == 2);  // of the second search alone
  CHECK(training.policy.lr_schedule({}) == .9);
}

TEST_CASE("tst: what it refuses")
{
  CHECK_THROWS_AS((void)module_of({.drawn = 0}), std::invalid_argument);
  CHECK_THROWS_AS((void)module_of({.drawn = 15}), std::invalid_argument);
  CHECK_THROWS_AS((void)module_of({.temperature = 0.0}), std::invalid_argument);
  CHECK_THROWS_AS((void)module_of({.cutout_side = 1.5}), std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)learned_operations{operation_encoders{}},
                       "rolewise: learned_operations: want 6 encoders of colors and 5 affine ones, "
                       "as fit_operation_encoders returns, got 0 and 0",
                       std::invalid_argument);
  CHECK_THROWS_AS(parallel_sum(torch::zeros({1}), {torch::zeros({1})}, {}), std::invalid_argument);
  const auto module = module_of();
  auto maps = noise_images(2).examples();
  maps.labels = torch::zeros({2, 8, 8}, torch::kLong);
  CHECK_THROWS_AS((void)module(maps, {}, seed{1}), std::invalid_argument);
  auto flat = noise_images(2).examples();
  flat.inputs = torch::zeros({2, 2, 8, 8}, torch::kByte);
  CHECK_THROWS_WITH_AS((void)module(flat, {}, seed{1}),
                       "rolewise: learned_operations: want images of 3 channels, for which the "
                       "encoders were made, got 2",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)fit_operation_encoders(noise_images(4), {.color_epochs = -1}),
                  std::invalid_argument);
}
