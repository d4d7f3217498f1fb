// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// TeachAugment: its networks, its replay, and its step.
#include "support/doctest.hpp"

#include "laws/training_step.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/agent_replay.hpp>
#include <rolewise/agent/augmentation_networks.hpp>
#include <rolewise/agent/learned_augmentation.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/batch_parts.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/non_saturating.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/teach_augment.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/step_refinements.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::tiny_student;

[[nodiscard]] std::int64_t parameters_in(auto part)
{
  std::int64_t count = 0;
  for (const auto& each : parameters_of(part)) count += each.value.numel();
  return count;
}

[[nodiscard]] std::uint64_t sum_of(auto part) { return state_sum(part); }

[[nodiscard]] double apart(const torch::Tensor& a, const torch::Tensor& b)
{
  return (a - b).abs().max().item<double>();
}

/// An augmenter that no longer is the identity, as one after some training.
[[nodiscard]] learned_augmentation moved_augmentation(const sample_shape& shape)
{
  learned_augmentation made{shape};
  const torch::NoGradGuard none;
  std::uint64_t k = 0;
  for (const auto& each : parameters_of(made))
    if (each.name.ends_with("last"))
      each.value.copy_(uniform_tensor(each.value.sizes(), seed{++k}, .3));
  return made;
}

/// A student's learner, an augmenter, and what a small image allows.
[[nodiscard]] systems::teach_augment_options small_options()
{
  return {.student_steps = 2, .directions = 8, .group_size = 4, .store_every = 1, .cutout_size = 4};
}

[[nodiscard]] auto published_step()
{
  return systems::teach_augment{.student = learner{.model = tiny_student{noise_shape, seed{3}}},
                                .augmenter = {.model = moved_augmentation(noise_shape)},
                                .options = small_options(),
                                .seed = seed{5}};
}

/// A model of one number.
struct number {
  owned_tensor w{torch::ones({1}, torch::kDouble).set_requires_grad(true)};
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("w", *w);
  }
};

[[nodiscard]] training_progress at_step(std::int64_t step, std::int64_t epoch = 0)
{
  return {.epoch = epoch, .step = step, .epochs = 4, .steps_per_epoch = 4};
}

}  // namespace

TEST_CASE("learned augmentation: as many parameters as in the authors' code")
{
  const auto of = [](std::int64_t classes) {
    return learned_augmentation{{.channels = 3, .height = 32, .width = 32, .classes = classes}};
  };
  CHECK(parameters_in(of(10).color()) == 355210);
  CHECK(parameters_in(of(10).geometry()) == 337930);
  CHECK(parameters_in(of(100).color()) == 412900);
  CHECK(parameters_in(of(100).geometry()) == 384100);
}

TEST_CASE("learned augmentation: one, it begins as the identity")
{
  auto data = noise_images(12);
  data.normalization = {.mean = {.4, .5, .6}, .std = {.2, .25, .3}};
  for (const bool by_class : {true, false}) {
    learned_augmentation fresh{data.shape, {.by_class = by_class}};
    const auto examples = data.examples();
    const auto plain = normalized_inputs(examples);
    const auto std = torch::tensor({.2, .25, .3}).view({1, 3, 1, 1});
    for (const double gate : {-5.0, 0.0, 5.0}) {
      {
        const torch::NoGradGuard none;
        for (const auto& each : parameters_of(fresh))
          if (each.name.ends_with("gate")) each.value.fill_(gate);
      }
      for (const auto epoch : {0, 1, 2}) {
        const auto made = fresh.augmented(examples, at_step(0, epoch), seed{1});
        // Of pixels in [0, 1].
        CHECK(apart(made.tinted * std, plain * std) < 1e-6);
        CHECK(apart(made.view.inputs * std, plain * std) < 1e-6);
        CHECK(apart(fresh.maps(examples, at_step(0, epoch), seed{1}),
                    torch::eye(2, 3).expand({12, 2, 3})) == 0.0);
      }
    }
  }
}

TEST_CASE("learned augmentation: three, scales and shifts of the network's outputs")
{
  color_network network{1, 0, seed{1}};
  {
    // A batch norm of one image gives its bias: units of 1, the mean of which is the first output.
    const torch::NoGradGuard none;
    for (const auto& each : parameters_of(network)) {
      if (each.name == "image.second_norm.bias") each.value.fill_(1.0);
      if (each.name == "image.last") {
        each.value[0].fill_(1.0 / network_draws::path_width);
        each.value[1].fill_(-.5 / network_draws::path_width);
      }
    }
  }
  const auto change = network(torch::ones({1, 1, 2, 3}), torch::zeros({1, 0}),
                              {.noise = torch::zeros({1, network_draws::noise_size}),
                               .pixel_units = torch::ones({1, 2 * network_draws::pixel_width}),
                               .color_units = torch::ones({1, 2 * network_draws::path_width}),
                               .geometry_units = {},
                               .color_gate = torch::full({1}, .5),
                               .geometry_gate = {},
                               .dropout = 0.0});
  CHECK(change.scale.sizes() == torch::IntArrayRef{1, 1, 2, 3});
  CHECK(apart(change.scale, torch::full({1, 1, 2, 3}, 1.184847)) < 1e-6);
  CHECK(apart(change.shift, torch::full({1, 1, 2, 3}, -.122459)) < 1e-6);
}

TEST_CASE("learned augmentation: ranges of scales, shifts and maps; equal draws give equal views")
{
  const auto data = noise_images(12);
  const auto examples = data.examples();
  const auto agent = moved_augmentation(data.shape);
  const auto view = agent(examples, at_step(0), seed{1});
  CHECK(view.inputs.requires_grad());
  CHECK(torch::equal(view.inputs, agent(examples, at_step(3), seed{1}).inputs));
  CHECK_FALSE(torch::equal(view.inputs, agent(examples, at_step(0, 1), seed{1}).inputs));
  CHECK_FALSE(torch::equal(view.inputs, agent(examples, at_step(0), seed{2}).inputs));
  const auto copy = agent;
  CHECK(torch::equal(view.inputs, copy(examples, at_step(0), seed{1}).inputs));
  CHECK(apart(view.inputs, normalized_inputs(examples)) > .05);
  const auto maps = agent.maps(examples, at_step(0), seed{1});
  CHECK(apart(maps, torch::eye(2, 3).expand({12, 2, 3})) <= .25);
  // One that knows labels gives other views for others, one that does not the same.
  auto other = examples;
  other.labels = (examples.labels + 1).remainder(4);
  CHECK_FALSE(torch::equal(view.inputs, agent(other, at_step(0), seed{1}).inputs));
  // Images that are normalized already give the same view.
  CHECK(apart(agent(normalized(examples), at_step(0), seed{1}).inputs, view.inputs) < 1e-4);
  // Soft labels that are certain are classes.
  other.labels = torch::one_hot(examples.labels, 4).to(torch::kFloat);
  CHECK(torch::equal(view.inputs, agent(other, at_step(0), seed{1}).inputs));
}

TEST_CASE("learned augmentation: gradients by finite differences, of the gates' logits too")
{
  const auto data = noise_images(4);
  const auto examples = data.examples();
  auto agent = moved_augmentation(data.shape);
  for_each_tensor(agent, [](const std::string& name, torch::Tensor& t, tensor_kind) {
    t = t.detach().to(torch::kDouble).set_requires_grad(true);
    if (name.ends_with("gate")) t = (t.detach() + .01).set_requires_grad(true);
  });
  // Gates at a temperature at which they are not nearly 0 or 1.
  auto soft = learned_augmentation{data.shape, {.temperature = 2.0}};
  for (const std::string which : {"color.gate", "geometry.gate", "color.image.last"}) {
    CAPTURE(which);
    auto one = soft;
    torch::Tensor found;
    std::vector<torch::Tensor> values;
    for_each_tensor(agent, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      values.push_back(t.detach().clone());
    });
    std::size_t i = 0;
    for_each_tensor(one, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
      t = values[i++].set_requires_grad(true);
      if (name == which) found = t;
    });
    const auto weights = uniform_tensor({4, 3, 8, 8}, seed{9}, 1.0).to(torch::kDouble);
    const auto value = [&] { return (one(examples, at_step(0), seed{1}).inputs * weights).sum(); };
    const auto gradient = torch::autograd::grad({value()}, {found})[0].flatten().narrow(0, 0, 4);
    const auto flat = found.detach().flatten();
    const auto moved = [&](const torch::Tensor& first) {
      flat.narrow(0, 0, 4).copy_(first);
      return value();
    };
    const auto wanted =
        rolewise::testing::finite_differences(moved, flat.narrow(0, 0, 4).clone(), 1e-6);
    CHECK(gradient.abs().max().item<double>() > 0.0);
    CHECK(apart(gradient, wanted) < 1e-5);
  }
}

TEST_CASE("learned augmentation: other inputs are refused in words")
{
  const auto data = noise_images(4);
  const learned_augmentation agent{data.shape};
  auto examples = data.examples();
  examples.labels = torch::full({4}, 7, torch::kLong);
  CHECK_THROWS_AS((void)agent(examples, {}, seed{1}), std::invalid_argument);
  examples.labels = torch::full({4}, -100, torch::kLong);
  examples.ignore_index = -100;
  CHECK(agent(examples, {}, seed{1}).inputs.isfinite().all().item<bool>());
  examples.labels = torch::zeros({4, 8, 8}, torch::kLong);
  CHECK_THROWS_WITH_AS((void)agent(examples, {}, seed{1}), doctest::Contains("label maps"),
                       std::invalid_argument);
  examples = data.examples();
  examples.inputs = examples.inputs.narrow(1, 0, 1);
  CHECK_THROWS_WITH_AS((void)agent(examples, {}, seed{1}),
                       doctest::Contains("learned-augmentation: want images of 3 channels"),
                       std::invalid_argument);
  CHECK_THROWS_AS((learned_augmentation{data.shape, {.temperature = 0.0}}), std::invalid_argument);
  CHECK_THROWS_AS((learned_augmentation{data.shape, {.dropout = 1.0}}), std::invalid_argument);
  CHECK_THROWS_AS(learned_augmentation{sample_shape::tokens(4, 3)}, std::invalid_argument);
  // No images, and one.
  const auto none = torch::empty({0}, torch::kLong);
  CHECK(agent({torch::empty({0, 3, 8, 8}, torch::kByte), none, none, {}}, {}, seed{1})
            .inputs.size(0) == 0);
  CHECK(moved_augmentation(data.shape)(noise_images(1).examples(), {}, seed{1})
            .inputs.isfinite()
            .all()
            .item<bool>());
}

TEST_CASE("teach augment: four, the losses of the augmenter")
{
  const auto z = torch::tensor({{1., .5, -.5}}, torch::kDouble).set_requires_grad(true);
  const auto of_teacher = torch::tensor({{2., 1., .1}}, torch::kDouble);
  const targets of_0{.labels = torch::zeros({1}, torch::kLong), .ids = {}, .progress = {}};
  const auto adversarial = [&](double smoothing) {
    return non_saturating{fraction{smoothing}}(
        {.teacher = {}, .student = {.logits = z, .features = {}}}, of_0);
  };
  CHECK(std::abs(adversarial(0.0).item<double>() - .790869) < 1e-6);
  CHECK(std::abs(adversarial(0.1).item<double>() - .755903) < 1e-6);
  const auto legible =
      cross_entropy{}({.teacher = {}, .student = {.logits = of_teacher, .features = {}}}, of_0);
  CHECK(std::abs(legible.item<double>() - .417030) < 1e-6);
  const systems::detail::adversarial_terms terms{adversarial(0.0), legible,
                                                 torch::zeros({}, torch::kDouble)};
  CHECK(std::abs(terms.total({}).item<double>() - 1.207899) < 1e-6);
  CHECK(apart(torch::autograd::grad({adversarial(0.0)}, {z})[0],
              torch::tensor({{.546549, -.399560, -.146990}}, torch::kDouble)) < 1e-6);
  // Exact where 1 - p rounds to 0.
  const auto sure = torch::tensor({{60.f, 0.f, 0.f}}).set_requires_grad(true);
  const auto loss =
      non_saturating{}({.teacher = {}, .student = {.logits = sure, .features = {}}}, of_0);
  CHECK(std::abs(loss.item<double>() - (60.0 - std::log(2.0))) < 1e-4);
  CHECK(std::abs(torch::autograd::grad({loss}, {sure})[0][0][0].item<double>() - 1.0) < 1e-6);
}

TEST_CASE("agent replay: seven, draws by age; with none stored the agent as it is")
{
  tiny_student agent{noise_shape, seed{1}};
  agent_replay replay;
  for (const double u : {0.0, .3, .999999}) CHECK(replay.place_of(u) == 0);
  CHECK(replay.size() == 0);

  std::vector<std::uint64_t> kept;
  const auto weights_of = [](auto part) {
    checksum sum;
    for (const auto& each : parameters_of(part)) sum.add(each.value);
    return sum.value();
  };
  for (int k = 0; k < 3; ++k) {
    const torch::NoGradGuard none;
    for (const auto& each : agent.parameters()) each.value.add_(1.0);
    kept.push_back(weights_of(agent));
    replay.store(agent);
  }
  CHECK(replay.priorities().at(0) == doctest::Approx(.729));
  CHECK(replay.priorities().at(2) == doctest::Approx(.9));

  const std::array wanted{.211980, .235534, .261704, .290782};
  std::array<double, 4> seen{};
  constexpr int drawn = 100000;
  const draws of{seed{2}, 0, 0};
  for (int i = 0; i < drawn; ++i)
    ++seen.at(static_cast<std::size_t>(replay.place_of(of.uniform(static_cast<std::uint64_t>(i)))));
  double chi_square = 0.0;
  for (std::size_t k = 0; k < 4; ++k)
    chi_square += std::pow(seen.at(k) - drawn * wanted.at(k), 2) / (drawn * wanted.at(k));
  CHECK(chi_square < 16.27);  // 3 degrees of freedom, p = 0.001
  // The borders, from the priorities.
  CHECK(replay.place_of(.21197) == 0);
  CHECK(replay.place_of(.21199) == 1);
  CHECK(replay.place_of(.70922) == 3);

  for (std::int64_t k = 0; k < 3; ++k) {
    auto earlier = agent;
    replay.load(k, earlier);
    CHECK(weights_of(earlier) == kept.at(static_cast<std::size_t>(k)));
  }
  auto same = agent;
  replay.load(3, same);
  CHECK(sum_of(same) == sum_of(agent));
  CHECK_THROWS_WITH_AS(replay.load(4, same), doctest::Contains("want a place in 0 .. 3, got 4"),
                       std::invalid_argument);
  tiny_student larger{noise_shape, seed{1}, 7};
  CHECK_THROWS_AS(replay.store(larger), std::invalid_argument);
  CHECK_THROWS_AS(replay.load(0, larger), std::invalid_argument);
  CHECK_THROWS_AS(agent_replay{0.0}, std::invalid_argument);
}

TEST_CASE("agent replay: each group of a batch is shown by the agent that was drawn for it")
{
  const auto shown = noise_images(32).examples();
  auto agent = moved_augmentation(noise_shape);
  agent_replay replay;
  for (int k = 0; k < 3; ++k) {
    replay.store(agent);
    const torch::NoGradGuard none;
    for (const auto& each : parameters_of(agent))
      if (each.name.ends_with("last")) each.value.mul_(1.5);
  }
  const auto at = at_step(1);
  const seed key{7};
  const systems::teach_augment_options options{.group_size = 4, .cutout_size = 0};
  const auto view = systems::detail::replayed_view(shown, agent, replay, options, at, key);

  const torch::NoGradGuard none;
  const draws of{key.split(purpose{"replay"}), at.epoch, at.step};
  std::array<int, 4> seen{};
  for (std::int64_t g = 0; g < 8; ++g) {
    const auto place = replay.place_of(of.uniform(static_cast<std::uint64_t>(g)));
    ++seen.at(static_cast<std::size_t>(place));
    auto own = agent;
    replay.load(place, own);
    const auto group = examples_between(shown, 4 * g, 4);
    CHECK(torch::equal(view.inputs.narrow(0, 4 * g, 4),
                       own(group, at, key.split(role::student)).inputs));
  }
  CHECK(std::count(seen.begin(), seen.end(), 0) <= 1);  // several were drawn, in turn
}

TEST_CASE("teach augment: five, who moves in which step")
{
  const auto data = noise_images(8);
  auto step = published_step();
  const auto of_student = [&] { return sum_of(step.student.model); };
  const auto of_augmenter = [&] { return sum_of(step.augmenter.model); };

  // A step of the student alone: the augmenter stays.
  (void)step(data.examples(), at_step(0));
  auto augmenter = of_augmenter(), student = of_student();
  (void)step(data.examples(), at_step(1));
  CHECK(of_augmenter() == augmenter);
  CHECK(of_student() != student);

  // A step of the augmenter, with a student that does not learn: it, its buffers and the average
  // stay.
  step.student.optimizer = {.learning_rate = 0.0, .weight_decay = 0.0};
  augmenter = of_augmenter();
  const auto mean_before = [&] {
    std::vector<torch::Tensor> all;
    for_each_tensor(step.student.model, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      all.push_back(t.clone());
    });
    return all;
  };
  const auto alone = [&](bool moves_augmenter) {
    auto copy = step;
    (void)copy(data.examples(), at_step(moves_augmenter ? 2 : 3));
    return copy;
  };
  auto with = alone(true), without = alone(false);
  CHECK(sum_of(with.augmenter.model) != augmenter);
  CHECK(sum_of(without.augmenter.model) == augmenter);
  // Both had one forward pass of the student: the augmenter's step has left its buffers alone.
  CHECK(with.student.model.all_outputs() == without.student.model.all_outputs());
  CHECK(with.student.model.all_outputs() == step.student.model.all_outputs() + 1);
  CHECK(sum_of(with.average) == sum_of(without.average));
  for (const auto& each : with.student.model.parameters()) CHECK_FALSE(each.value.grad().defined());
  std::size_t i = 0;
  const auto before = mean_before();
  for_each_tensor(with.student.model, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
    if (kind == tensor_kind::parameter) CHECK(torch::equal(t, before[i]));
    ++i;
  });
}

TEST_CASE("teach augment: five, a frozen teacher and the buffers of batch norms stay")
{
  const auto data = noise_images(8);
  systems::teach_augment step{
      .teacher = frozen(resnet8(data.shape, {.seed = seed{1}})),
      .student = learner{.model = resnet8(data.shape, {.seed = seed{2}}),
                         .optimizer = sgd{.learning_rate = 0.0, .weight_decay = 0.0}},
      .augmenter = {.model = learned_augmentation{data.shape}},
      .loss = 0.5 * cross_entropy{} + 0.5 * soft_target_kl{temperature{4}},
      .options = small_options()};
  static_assert(TaughtStep<decltype(step)>);
  const auto teacher = step.teacher.fingerprint(), student = sum_of(step.student.model),
             augmenter = sum_of(step.augmenter.model);
  auto copy = step.student.model;
  (void)step(data.examples(), at_step(0));
  CHECK(step.teacher.fingerprint() == teacher);
  CHECK(sum_of(step.augmenter.model) != augmenter);
  CHECK(sum_of(step.student.model) != student);
  // Without learning, all that moves in the student is its statistics, by its own view alone.
  const auto view = systems::detail::replayed_view(
      data.examples(), step.augmenter.model, step.replay, step.options, at_step(0), step.seed);
  {
    const torch::NoGradGuard none;
    (void)copy.forward(view);
  }
  CHECK(sum_of(copy) == sum_of(step.student.model));
}

TEST_CASE("teach augment: five, without the teacher's term maps leave the identity faster")
{
  const auto data = glyphs({.classes = 4, .train = 128, .test = 0, .seed = seed{1}}).train;
  supervised pretraining{.student = tiny_student{data.shape, seed{1}, 16},
                         .optimizer = sgd{.learning_rate = 0.1}};
  fit(pretraining, data, {.epochs = 8, .batch_size = 32});
  const auto teacher = frozen(pretraining.student);
  // Mean |A - I| of the augmenter after as many updates.
  const auto distance = [&](double teacher_weight, seed key) {
    auto options = small_options();
    options.student_steps = 1;
    options.teacher_weight = teacher_weight;
    systems::teach_augment step{.teacher = teacher,
                                .student = learner{.model = tiny_student{data.shape, key, 16}},
                                .augmenter = {.model = learned_augmentation{data.shape}},
                                .options = options,
                                .seed = key};
    fit(step, data, {.epochs = 10, .batch_size = 32, .seed = key});
    const auto maps = step.augmenter.model.maps(data.examples(), at_step(0), key);
    return (maps - torch::eye(2, 3)).abs().mean().item<double>();
  };
  for (const auto key : {seed{2}, seed{3}, seed{4}}) {
    const auto with = distance(1.0, key), without = distance(0.0, key);
    CAPTURE(with);
    CAPTURE(without);
    CHECK(without > 1.15 * with);
  }
}

TEST_CASE("teach augment: nine, the moving average and the schedule of the code")
{
  number student;
  systems::detail::student_average<number> average;
  const auto teacher = systems::detail::default_teacher<ema>();
  const auto after = [&](double value) {
    student.w->detach().fill_(value);
    average.update(teacher, student, {});
    return average.model().w->item<double>();
  };
  CHECK(after(1.0) == 1.0);
  CHECK(after(2.0) == doctest::Approx(1.001).epsilon(1e-9).scale(0));
  CHECK(after(3.0) == doctest::Approx(1.002999).epsilon(1e-9).scale(0));
  CHECK(after(4.0) == doctest::Approx(1.005996).epsilon(1e-6).scale(0));

  const auto rate = [](std::int64_t half_epochs) {
    return 0.1 * systems::teach_augment_lr{}({.epoch = half_epochs / 2,
                                              .step = half_epochs % 2,
                                              .epochs = 200,
                                              .steps_per_epoch = 2});
  };
  CHECK(rate(5) == doctest::Approx(.05));
  CHECK(rate(10) == doctest::Approx(.1));
  CHECK(rate(210) == doctest::Approx(.05));
  CHECK(std::abs(rate(400) - .000154) < 1e-6);
}

TEST_CASE("teach augment: ten, a restored run goes on with the same bits, replay and all")
{
  const auto data = noise_images(16);
  rolewise::testing::goes_on_with_the_same_bits([] { return published_step(); }, data,
                                                {.epochs = 4, .batch_size = 8});
  auto step = published_step();
  (void)fit(step, data, {.epochs = 3, .batch_size = 8});
  REQUIRE(step.replay.size() == 3);
  auto resumed = published_step();
  restore(resumed, snapshot_of(step));
  CHECK(resumed.replay.priorities() == step.replay.priorities());
  for (std::int64_t k = 0; k < 3; ++k) {
    auto a = step.augmenter.model, b = resumed.augmenter.model;
    step.replay.load(k, a);
    resumed.replay.load(k, b);
    CHECK(sum_of(a) == sum_of(b));
  }
  laws::step_holds_for([] { return published_step(); }, noise_images(8));
}

TEST_CASE("teach augment: trains students of few and of all bits, with both teachers")
{
  const auto data = noise_images(16);
  // [train]
  const auto large = resnet8(data.shape, {.seed = seed{1}});
  systems::teach_augment training{
      .teacher = frozen(large),
      .student = learner{.model = resnet8(data.shape, dorefa{}, inner_bits<2>)},
      .augmenter = {.model = learned_augmentation{data.shape}},
      .agent = pad_crop_flip{.padding = 1},
      .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}},
      .options = {.store_every = 1, .cutout_size = 4}};
  const auto history = fit(training, data, {.epochs = 2, .batch_size = 8});
  // [/train]
  for (const auto* name : {"loss", "accuracy", "adversarial", "teacher-cross-entropy"})
    CHECK(std::isfinite(history.epochs.back()[name]));
  CHECK(history.epochs.back()["teacher-cross-entropy"] > 0.0);
  CHECK(training.replay.size() == 2);

  systems::teach_augment published{.student = learner{.model = large,
                                                      .optimizer = sgd{.learning_rate = 0.1},
                                                      .lr_schedule = systems::teach_augment_lr{},
                                                      .clipping = clip_gradients{.norm = 5.0}},
                                   .augmenter = {.model = learned_augmentation{data.shape}},
                                   .options = {.cutout_size = 4}};
  const auto plain = fit(published, data, {.epochs = 2, .batch_size = 8});
  CHECK(std::isfinite(plain.epochs.back()["loss"]));
  CHECK(published.evaluated().layers().size() == large.layers().size());

  auto wrong = published_step();
  wrong.options.group_size = 0;
  CHECK_THROWS_WITH_AS((void)wrong(data.examples(), at_step(0)),
                       doctest::Contains("teach_augment: group_size is 0, want at least 1"),
                       std::invalid_argument);
}
