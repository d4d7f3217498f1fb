// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What makes an augmentation good for distillation, and CutMixPick.
#include "support/doctest.hpp"

#include "laws/training_step.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/candidates.hpp>
#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/hardest_view.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/measurement/rank_correlation.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/systems/cutmix_pick.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/step_refinements.hpp>

#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;
using systems::picked_by;

/// A teacher that counts the calls and examples that it was asked for.
struct counting {
  static constexpr bool has_state = false;
  tiny_student net;
  std::shared_ptr<std::vector<std::int64_t>> asked = std::make_shared<std::vector<std::int64_t>>();

  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    const torch::NoGradGuard without_graph;
    asked->push_back(examples.size());
    return net.predict(examples, wanted);
  }
};

/// Says the same of every example.
struct says {
  static constexpr bool has_state = false;
  torch::Tensor logits;

  [[nodiscard]] outputs forward(const batch& examples, taps = {}) const
  {
    return {logits.repeat({examples.size(), 1}), {}};
  }
};

/// A student whose logits are its parameter.
struct says_its_weights {
  owned_tensor logits;

  [[nodiscard]] outputs forward(const batch& examples, taps = {})
  {
    return {logits->repeat({examples.size(), 1}), {}};
  }
  [[nodiscard]] outputs predict(const batch& examples, taps = {}) const
  {
    return {logits->repeat({examples.size(), 1}), {}};
  }
  [[nodiscard]] std::vector<named_tensor> parameters() const { return {{"logits", *logits}}; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("logits", *logits);
  }
};

[[nodiscard]] auto tiny_step(const systems::picking& pick = {}, seed key = seed{0})
{
  const auto shape = tiny_data(2).shape;
  return systems::cutmix_pick{.teacher = counting{tiny_student{shape, seed{1}}},
                              .student = learner{.model = tiny_student{shape, seed{2}}},
                              .extra = cutmix{},
                              .base = no_agent{},
                              .pick = pick,
                              .seed = key};
}

/// Remembers the labels that it is shown, and tells others.
struct tells_labels {
  static constexpr std::string_view name = "tells-labels";
  static constexpr bool has_state = false;
  std::int64_t label = 77;
  std::shared_ptr<torch::Tensor> seen = std::make_shared<torch::Tensor>();
  [[nodiscard]] batch operator()(const batch& view, const training_progress&, seed) const
  {
    *seen = view.labels;
    auto with_others = view;
    with_others.labels = torch::full({view.size()}, label, torch::kLong);
    return with_others;
  }
};

/// T. stddev of nine augmentations and the students' test losses, WRN-40-2 to WRN-16-2 on
/// CIFAR-100.
const std::vector<double> stddevs{.005473, .005471, .005410, .005255, .005110,
                                  .004988, .004719, .004400, .004154};
const std::vector<double> losses{1.0976, 1.0774, 1.0837, 1.0564, 1.0305,
                                 1.0486, 1.0275, 1.0054, .9746};

}  // namespace

TEST_CASE("three: correlations of the published T. stddev with the students' losses")
{
  // WRN-40-2 -> WRN-16-2 on CIFAR-100, nine augmentations, from the paper's figure.
  CHECK(std::abs(measurement::pearson(stddevs, losses).value() - .958104) < 1e-6);
  CHECK(std::abs(measurement::spearman(stddevs, losses).value() - .966667) < 1e-6);
  CHECK(std::abs(measurement::kendall_tau_b(stddevs, losses).value() - .888889) < 1e-6);
  CHECK(measurement::pearson({1, 2}, {1e308, -1e307}).value() == doctest::Approx(-1.0));
  CHECK(!measurement::pearson({1, 1}, {1, 2}).has_value());
  CHECK_THROWS_WITH_AS((void)measurement::pearson({1}, {1}), doctest::Contains("at least 2"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)measurement::pearson({-1e308, 1e308}, {1, 2}),
                       doctest::Contains("want a finite range"), std::invalid_argument);
}

TEST_CASE("four: the box of CutMix, clipped, and the share that is left")
{
  const auto box = cut_box_around(30, 3, .36, 32, 32);
  CHECK(box == cut_box{.top = 18, .bottom = 32, .left = 0, .right = 15});
  CHECK(std::abs(1.0 - static_cast<double>(box.area()) / (32.0 * 32.0) - .794922) < 1e-6);
}

TEST_CASE("five: no image is its own partner, and a batch of one is refused")
{
  const cutmix agent{.classes = 4};
  for (std::int64_t count = 2; count <= 64; ++count) {
    const auto examples = noise_images(count).examples();
    const auto view = agent(examples, {.epoch = count}, seed{3});
    CHECK(view.partners.ne(view.ids).all().item<bool>());
    CHECK(std::get<0>(view.partners.sort()).equal(view.ids));
  }
  CHECK_THROWS_WITH_AS((void)agent(noise_images(1).examples(), {}, seed{3}),
                       doctest::Contains("a batch of one example has no partner"),
                       std::invalid_argument);
  auto step = tiny_step();
  const auto before = state_sum(step);
  CHECK_THROWS_WITH_AS((void)step(tiny_data(1).examples(), {}),
                       doctest::Contains("a batch of one example has no partner"),
                       std::invalid_argument);
  // `fit` says so before the first epoch instead of after it.
  CHECK_THROWS_AS(fit(step, tiny_data(5), {.epochs = 1, .batch_size = 4}), std::invalid_argument);
  CHECK(state_sum(step) == before);
}

TEST_CASE("six: the candidates of highest entropy are kept, of the whole pool")
{
  const auto p =
      torch::tensor({.9, .05, .05, .5, .3, .2, .34, .33, .33, .6, .39, .01}, torch::kDouble)
          .view({4, 3});
  const auto h = entropy_of(p.log());
  CHECK(h.allclose(torch::tensor({.394398, 1.029653, 1.098513, .719774}, torch::kDouble), 0, 1e-6));
  CHECK(places_of_highest(h, 2).equal(torch::tensor({1, 2})));
  CHECK(places_of_highest(h, 9).equal(torch::arange(4)));
  CHECK(places_of_highest(torch::ones({4}), 2).equal(torch::arange(2)));
  CHECK_THROWS_AS((void)places_of_highest(h, 0), std::invalid_argument);
  CHECK_THROWS_AS((void)places_of_highest(h / 0.0 - h / 0.0, 1), std::invalid_argument);

  // One run is CutMix itself, bit by bit; more make a pool, each candidate with its own label.
  const auto examples = noise_images(6).examples();
  const cutmix agent{.classes = 4};
  const auto one = candidate_views(agent, examples, {}, seed{5}, 1);
  CHECK(one.inputs.equal(agent(examples, {}, seed{5}.split(0)).inputs));
  const auto pool = candidate_views(agent, examples, {}, seed{5}, 3);
  CHECK(pool.size() == 18);
  const auto third = agent(examples, {}, seed{5}.split(2));
  const auto some = examples_at(pool, torch::tensor({12, 17, 17}));
  CHECK(some.inputs[1].equal(third.inputs[5]));
  CHECK(some.labels[2].equal(third.labels[5]));
  CHECK(some.partners.equal(third.partners.index_select(0, torch::tensor({0, 5, 5}))));
  CHECK_THROWS_AS((void)candidate_views(agent, examples, {}, seed{5}, 0), std::invalid_argument);

  // The divergence as a criterion.
  const auto z = torch::tensor({{2.0, 1.0, .1}}, torch::kDouble),
             s = torch::tensor({{1.0, .5, -.5}}, torch::kDouble);
  CHECK(std::abs(16.0 * divergence_of(z, s, temperature{4}).item<double>() - .025805) < 1e-6);
}

TEST_CASE("dissimilarity is the squared distance of probabilities to the closest original")
{
  const auto log_of = [](std::vector<double> p) {
    return torch::tensor(p, torch::kDouble).view({-1, 3}).log();
  };
  const auto originals = log_of({.9, .05, .05, .1, .8, .1});
  const auto candidates =
      log_of({.5, .4, .1, .1, .8, .1, .2, .2, .6}) + 5.0;  // logits have no zero
  // To the second .16 + .16; itself; to the second .01 + .36 + .25, to the first .49 + .0225 +
  // .3025.
  const auto found = distance_to_closest(candidates, originals);
  CHECK((found.scalar_type() == torch::kDouble));
  CHECK(found.allclose(torch::tensor({.285, 0.0, .62}, torch::kDouble), 0, 1e-12));
  CHECK(places_of_highest(found, 2).equal(torch::tensor({0, 2})));
  CHECK(distance_to_closest(torch::tensor({{1e4F, 0.0F}}), torch::tensor({{0.0F, 1e4F}}))
            .item<double>() == doctest::Approx(2.0));
  // Close probabilities are told apart.
  const auto near = distance_to_closest(log_of({.4, .3, .3}), log_of({.4 + 1e-9, .3 - 1e-9, .3}));
  CHECK(near.item<double>() == doctest::Approx(2e-18).epsilon(1e-5).scale(0));
  CHECK_THROWS_WITH_AS((void)distance_to_closest(torch::zeros({2, 3}), torch::zeros({0, 3})),
                       "rolewise: distance_to_closest: want logits [N, C] and [M, C] with M > 0, "
                       "got [2, 3] and [0, 3]",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)distance_to_closest(torch::zeros({2, 3}), torch::zeros({2, 4})),
                  std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)distance_to_closest(torch::zeros({2, 3}), {}),
                       doctest::Contains("got [2, 3] and an undefined tensor"),
                       std::invalid_argument);
}

TEST_CASE("seven: the loss has a term of distillation on each view")
{
  const auto data = tiny_data(4);
  auto examples = data.examples();
  examples.labels.zero_();
  for (const auto& pick : {systems::picking{.runs = 1}, systems::picking{.runs = 3},
                           systems::picking{.by = picked_by::divergence},
                           systems::picking{.by = picked_by::dissimilarity}}) {
    systems::cutmix_pick step{
        .teacher = says{torch::tensor({{2.0F, 1.0F, .1F}})},
        .student = learner{.model = says_its_weights{owned_tensor{
                               torch::tensor({{1.0F, .5F, -.5F}}).set_requires_grad(true)}}},
        .extra = cutmix{},
        .base = no_agent{},
        .pick = pick};
    const auto numbers = step(examples, {});
    CHECK(std::abs(numbers[0].value.item<double>() - (.1 * .604131 + .9 * 2 * .025805)) < 1e-6);
    CHECK(std::abs(numbers[0].value.item<double>() - .106862) < 2e-6);
  }
}

TEST_CASE("eight: labels of the extra view are not read, and the teacher is asked twice a step")
{
  const auto data = tiny_data(8);
  const auto examples = data.examples();
  const auto calls = [&](const systems::picking& pick) {
    auto step = tiny_step(pick);
    (void)step(examples, {});
    return *step.teacher.asked;
  };
  using sizes = std::vector<std::int64_t>;
  CHECK(calls({.runs = 1}) == sizes{8, 8});
  CHECK(calls({}) == sizes{8, 16});  // the pool: what is kept is not asked again
  CHECK(calls({.by = picked_by::divergence}) == sizes{8, 16});
  CHECK(calls({.by = picked_by::dissimilarity}) == sizes{8, 16});
  CHECK(calls({.by = picked_by::student_entropy}) == sizes{8, 8});
  CHECK(calls({.runs = 3, .keep = 5}) == sizes{8, 24});
  CHECK(calls({.runs = 2, .keep = 99}) == sizes{8, 16});

  // An extra agent is never shown the labels, so no permutation of them can change the view.
  // Those that it tells are dropped.
  const auto after_step = [&](const auto& extra) {
    systems::cutmix_pick step{.teacher = counting{tiny_student{data.shape, seed{1}}},
                              .student = learner{.model = tiny_student{data.shape, seed{2}}},
                              .extra = extra,
                              .base = no_agent{}};
    const auto loss = step(examples, {})[0].value.template item<double>();
    return std::pair{loss, state_sum(step.student.model)};
  };
  const tells_labels one_label, other_label{.label = 1};
  const auto without = after_step(no_agent{});
  CHECK(std::isfinite(without.first));
  CHECK(after_step(one_label) == without);
  CHECK(after_step(other_label) == without);
  CHECK(one_label.seen->eq(0).all().item<bool>());
}

TEST_CASE("what is kept depends on the criterion, and rejected candidates move no statistics")
{
  const auto data = tiny_data(16);
  const auto examples = data.examples();
  const auto trained = [&](const systems::picking& pick) {
    auto step = tiny_step(pick);
    (void)step(examples, {});
    CHECK(step.student.model.all_outputs() == 2);  // training passes: x and x'
    return state_sum(step.student.model);
  };
  const auto by_teacher = trained({}), by_student = trained({.by = picked_by::student_entropy}),
             by_divergence = trained({.by = picked_by::divergence}),
             by_dissimilarity = trained({.by = picked_by::dissimilarity}),
             all = trained({.runs = 1});
  CHECK(by_teacher != by_student);
  CHECK(by_teacher != by_divergence);
  CHECK(by_teacher != all);
  CHECK(by_dissimilarity != by_teacher);
  CHECK(by_dissimilarity != by_divergence);
  CHECK(trained({}) == by_teacher);
  auto step = tiny_step({.keep = -1});
  CHECK_THROWS_WITH_AS((void)step(examples, {}), doctest::Contains("pick.keep is -1"),
                       std::invalid_argument);
}

TEST_CASE("cutmix_pick keeps the laws of steps, goes on with the same bits, and trains few bits")
{
  const auto data = tiny_data(12);
  static_assert(EvaluatedStep<decltype(tiny_step())> && ScheduledStep<decltype(tiny_step())> &&
                SeededStep<decltype(tiny_step())>);
  const auto make = [] { return tiny_step({.runs = 3}); };
  laws::step_holds_for(make, data);
  rolewise::testing::goes_on_with_the_same_bits(make, data, {.epochs = 4, .batch_size = 6});

  const auto images = noise_images(16);
  const auto normal = frozen(resnet8(images.shape, {.seed = seed{1}}));
  const auto loss_of = [&](auto student) {
    // [pick]
    systems::cutmix_pick training{.teacher = normal,
                                  .student = learner{.model = student},
                                  .pick = {.runs = 2, .by = picked_by::teacher_entropy}};
    const auto history = fit(training, images, {.epochs = 1, .batch_size = 8});
    // [/pick]
    return history.epochs.back()["loss"];
  };
  CHECK(std::isfinite(loss_of(resnet8(images.shape, {.seed = seed{2}}))));
  CHECK(std::isfinite(loss_of(resnet8(images.shape, dorefa{}, inner_bits<2>))));
}
