// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Fast AutoAugment's score and search, and the baselines without a search.
#include "support/doctest.hpp"

#include "support/tiny_student.hpp"

#include <rolewise/agent/detail/strength.hpp>
#include <rolewise/agent/image_program.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/measurement/augmented_accuracy.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/systems/fast_auto_augment.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <vector>

using namespace rolewise;

namespace {

using measurement::augmented_accuracy;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

[[nodiscard]] tiny_student trained_on(const dataset& data, seed own)
{
  supervised training{.student = tiny_student{data.shape, own},
                      .optimizer = sgd{.learning_rate = 0.2}};
  fit(training, data, {.epochs = 8, .batch_size = 10});
  return training.evaluated();
}

[[nodiscard]] sub_policy both(operation what, std::int64_t probability, std::int64_t magnitude)
{
  const sub_policy::step step{what, probability, magnitude};
  return {step, step};
}

/// An agent whose view is as bright as its draw says: recognized now and then.
struct flickers {
  static constexpr std::string_view name = "flickers";
  [[maybe_unused]] static constexpr bool has_state = false;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    auto view = examples;
    const auto keeps = uniform_draws(key, progress.epoch, examples.ids, 1).view({-1, 1, 1, 1}) < .3;
    view.inputs = torch::where(keeps, examples.inputs, torch::zeros_like(examples.inputs));
    return view;
  }
};

}  // namespace

TEST_CASE("seven: the score is the held-out accuracy where nothing fires, and grows with draws")
{
  const auto data = tiny_data(60), held_out = tiny_data(40, seed{8});
  const auto judge = trained_on(data, seed{1});
  const double plain = accuracy(judge, held_out);
  CHECK(plain > 0.5);
  const auto_augment silent{.policy = {both(operation::posterize, 0, 9)}};
  for (const std::int64_t draws : {1, 5}) {
    CHECK(augmented_accuracy(judge, held_out, silent, {.draws = draws}) == plain);
    CHECK(augmented_accuracy(frozen(judge), held_out, no_agent{}, {.draws = draws}) == plain);
  }
  double before = 0.0;
  for (std::int64_t draws = 1; draws <= 8; ++draws) {
    const double now = augmented_accuracy(judge, held_out, flickers{}, {.draws = draws});
    CHECK(now >= before);
    before = now;
  }
  CHECK(before > augmented_accuracy(judge, held_out, flickers{}, {.draws = 1}));
  // The same for any size of batches.
  CHECK(augmented_accuracy(judge, held_out, flickers{}, {.draws = 3, .batch_size = 7}) ==
        augmented_accuracy(judge, held_out, flickers{}, {.draws = 3}));
  CHECK_THROWS_WITH_AS((void)augmented_accuracy(judge, held_out, no_agent{}, {.draws = 0}),
                       doctest::Contains("want draws and batch_size of at least 1, got 0"),
                       std::invalid_argument);
  auto soft = held_out;
  soft.labels = torch::one_hot(held_out.labels, 3).to(torch::kFloat);
  CHECK_THROWS_WITH_AS((void)augmented_accuracy(judge, soft, no_agent{}),
                       doctest::Contains("want labels [40] of int64"), std::invalid_argument);
}

TEST_CASE("eight: TrivialAugment draws each of 14 x 31 cells as often, RandAugment shares M")
{
  std::vector<std::int64_t> ids(434 * 200);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  const image_subjects subjects{.ids = ids, .channels = 3, .height = 32, .width = 32};
  image_program program{ids.size()};
  trivial_augment{}.plan(subjects, {}, seed{3}, program);
  std::map<operation, double> drawn;
  std::map<std::int64_t, double> degrees;
  const auto share = 1.0 / static_cast<double>(ids.size());
  for (const auto& step : program.operations(program.layers().front())) {
    drawn[step.what] += share;
    if (step.what == operation::rotate) degrees[std::lround(std::abs(step.value))] += share;
  }
  CHECK(drawn.size() == 14);
  CHECK(drawn.contains(operation::identity));
  for (const auto& [what, often] : drawn) CHECK(std::abs(often - 1.0 / 14) < 0.004);
  CHECK(degrees.size() == 31);
  for (const auto& [level, often] : degrees) CHECK(std::abs(often - .002304) < .0008);

  image_program random{ids.size()};
  rand_augment{.operations = 2, .magnitude = 9}.plan(subjects, {}, seed{3}, random);
  // Each operation of an image, first and second, has the strength .9.
  std::size_t layers = 0;
  for (const auto& layer : random.layers()) {
    if (layer.does != image_program::kind::operations) continue;
    ++layers;
    std::map<operation, double> seen;
    for (const auto& step : random.operations(layer)) {
      seen[step.what] += share;
      const auto is = [&](double strength) {
        return step.value == rolewise::detail::parameter_of(step.what, strength, 32, 32);
      };
      CHECK((is(.9) || is(-.9)));
    }
    CHECK(seen.size() == 14);
    for (const auto& [what, often] : seen) CHECK(std::abs(often - 1.0 / 14) < 0.004);
  }
  CHECK(layers == 2);
  CHECK(rolewise::detail::parameter_of(operation::rotate, .9, 32, 32) == doctest::Approx(27.0));
  CHECK(rolewise::detail::parameter_of(operation::shear_x, .9, 32, 32) == doctest::Approx(.27));
  const auto images = tiny_data(9).examples();
  CHECK(rand_augment{.operations = 0}(images, {}, seed{1}).inputs.equal(images.inputs));
}

TEST_CASE("Fast AutoAugment finds policies of which its networks recognize the images")
{
  const auto data = tiny_data(60);
  // [fast]
  const systems::fast_auto_augment search{
      .network = [](const dataset& train, seed own) { return trained_on(train, own); },
      .strategy = search::tree_parzen{.start_up = 6},
      .folds = 2,
      .trials = 24,
      .best = 3,
      .sub_policies = 2,
      .measured = {.draws = 2}};
  const auto found = search(data);
  const auto_augment agent{.policy = found.policy, .scale = search.scale};
  // [/fast]
  CHECK(found.policy.size() == 2 * 3 * 2);
  CHECK(found.folds.size() == 2);
  CHECK(search(data).policy == found.policy);
  for (std::size_t k = 0; k < 2; ++k) {
    double best = 0.0, sum = 0.0;
    for (const auto& event : found.folds[k].events)
      if (event.score) {
        best = std::max(best, *event.score);
        sum += *event.score;
      }
    CHECK(best > sum / 24);
    CHECK(best > 0.5);
  }
  CHECK(agent(data.examples(), {}, seed{1}).size() == 60);
  CHECK_THROWS_AS((void)(systems::fast_auto_augment{.network = search.network, .folds = 0}(data)),
                  std::invalid_argument);
}

TEST_CASE("a search that trains nothing: every strategy that starts trials, and what is refused")
{
  const auto space = search::sub_policy_space(1);
  const auto played = [&](const auto& strategy, const auto& score) {
    return systems::scored_search(
        strategy.name, [&](const auto& states) { return strategy(space, states, seed{2}); }, space,
        12, seed{2}, score);
  };
  const auto magnitude = [](const search::configuration& at) {
    return static_cast<double>(search::sub_policies_at(at, 1)[0].first.magnitude);
  };
  const auto of_random = played(search::random_search{}, magnitude);
  const auto best = systems::best_sub_policies(of_random, 2, 1);
  CHECK(best.size() == 2);
  CHECK(best[0].first.magnitude >= best[1].first.magnitude);
  CHECK(systems::best_sub_policies(of_random, 99, 1).size() == 12);
  CHECK(systems::best_sub_policies(of_random, 99, 1)[0] == best[0]);

  // A score that is no number is a failure; the search goes on.
  const auto failing = played(search::tree_parzen{.start_up = 4}, [&](const auto& at) {
    const double found = magnitude(at);
    return found > 4.0 ? std::numeric_limits<double>::quiet_NaN() : found;
  });
  std::int64_t failed = 0;
  for (const auto& event : failing.events)
    failed += event.what == search::search_event::kind::failed ? 1 : 0;
  CHECK(failed > 0);
  for (const auto& each : systems::best_sub_policies(failing, 99, 1))
    CHECK(each.first.magnitude <= 4);
  CHECK_THROWS_WITH_AS((void)systems::scored_search(
                           "waits", [](const auto&) { return std::vector<search::decision>{}; },
                           space, 2, seed{2}, magnitude),
                       doctest::Contains("'waits' started no trial in round 0"),
                       std::invalid_argument);
}
