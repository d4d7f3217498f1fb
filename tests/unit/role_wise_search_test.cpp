// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/population_based.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/systems/role_wise_search.hpp>
#include <rolewise/systems/search_cost.hpp>
#include <rolewise/systems/search_rewards.hpp>
#include <rolewise/systems/search_splits.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace rolewise;
using namespace rolewise::testing;

namespace {

std::set<std::int64_t> ids_of(const torch::Tensor& ids)
{
  const auto whole = ids.contiguous();
  const auto* const begin = whole.const_data_ptr<std::int64_t>();
  return {begin, begin + whole.numel()};
}

/// A strategy that starts at the policy of all zeros; in every round the worst trial copies the
/// best and gets its policy with all levels raised by one.
struct small_population {
  static constexpr std::string_view name = "small-population";

  [[nodiscard]] std::vector<search::decision> operator()(
      const search::search_space&, const std::vector<search::trial_state>& trial_states, seed) const
  {
    std::vector<search::decision> decisions;
    const auto better = [](const search::trial_state& a, const search::trial_state& b) {
      return *a.score < *b.score;
    };
    for (const auto& s : trial_states)
      if (!s.at)
        decisions.emplace_back(
            search::start_trial{s.trial, search::configuration_of(augmentation_policy{})});
    if (!decisions.empty()) return decisions;
    const auto worst = std::ranges::min_element(trial_states, better);
    const auto best = std::ranges::max_element(trial_states, better);
    for (const auto& s : trial_states) {
      if (s.finished) continue;
      if (&s != &*worst || worst == best) {
        decisions.emplace_back(search::keep_trial{s.trial});
        continue;
      }
      auto levels = search::policy_at(*best->at).levels();
      for (auto& level : levels) level = std::min<std::int64_t>(9, level + 1);
      decisions.emplace_back(search::exploit_trial{
          best->trial, s.trial, search::configuration_of(augmentation_policy{levels})});
    }
    return decisions;
  }
};

/// One call in evaluation mode: the ids of its examples, and those that the network had been
/// trained on by then.
struct question {
  std::set<std::int64_t> asked, learned;
  bool is_teacher = false;
};
std::vector<question> questions;

/// A linear student that records which examples its weights were trained on: a mask of ids goes
/// with the weights, through training, copies in a search run and `copy_weights`.
class marked_student {
 public:
  marked_student(const sample_shape& shape, std::int64_t ids, bool teaches, seed key)
      : teaches_{teaches},
        weight_{drawn(key, {shape.classes, shape.channels * shape.height * shape.width})
                    .set_requires_grad(true)},
        learned_{torch::zeros({ids})}
  {}
  marked_student(const marked_student& other)
      : teaches_{other.teaches_},
        weight_{other.weight_.detach().clone().set_requires_grad(other.weight_.requires_grad())},
        learned_{other.learned_.clone()}
  {}
  marked_student& operator=(const marked_student& other)
  {
    auto copy = other;
    std::swap(*this, copy);
    return *this;
  }
  marked_student(marked_student&&) noexcept = default;
  marked_student& operator=(marked_student&&) noexcept = default;
  ~marked_student() = default;

  [[nodiscard]] outputs forward(const batch& examples, taps = {})
  {
    learned_.index_fill_(0, examples.ids, 1.0);
    return outputs_of(examples);
  }
  [[nodiscard]] outputs predict(const batch& examples, taps = {}) const
  {
    questions.push_back({ids_of(examples.ids), learned(), teaches_});
    return outputs_of(examples);
  }
  [[nodiscard]] std::vector<named_tensor> parameters() const { return {{"weight", weight_}}; }
  [[nodiscard]] std::vector<named_tensor> buffers() const { return {{"learned", learned_}}; }
  [[nodiscard]] std::set<std::int64_t> learned() const
  {
    return ids_of(learned_.nonzero().flatten());
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("teaches", teaches_);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight_);
    archive.buffer("learned", learned_);
  }

 private:
  [[nodiscard]] outputs outputs_of(const batch& examples) const
  {
    return {.logits = normalized_inputs(examples).flatten(1).matmul(weight_.t()), .features = {}};
  }

  bool teaches_;
  torch::Tensor weight_, learned_;
};

bool meet(const std::set<std::int64_t>& a, const std::set<std::int64_t>& b)
{
  return std::ranges::any_of(a, [&](std::int64_t id) { return b.contains(id); });
}

const dataset& letters()
{
  static const auto data =
      glyphs({.classes = 4, .height = 8, .width = 8, .train = 120, .test = 40});
  return data.train;
}

systems::search_splits parts() { return systems::split_for_search(letters(), 40, 24, seed{3}); }

search_run_options few_trials()
{
  return {.trials = 3, .epochs = 3, .evaluation_interval = 1, .batch_size = 20, .seed = seed{4}};
}

auto maker_of(bool teaches)
{
  return [teaches](const sample_shape& shape, seed own) {
    return marked_student{shape, letters().size(), teaches, own};
  };
}

auto loss() { return 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}}; }

template<typename Strategy>
auto teachers_stage(const Strategy& strategy)
{
  return systems::teacher_search{.network = maker_of(true),
                                 .strategy = strategy,
                                 .optimizer = sgd{.learning_rate = 0.01},
                                 .search = few_trials(),
                                 .retraining = {.epochs = 6, .batch_size = 20, .seed = seed{8}}};
}

template<typename View = same_view, typename Reward = systems::student_accuracy>
auto students_stage(const View& view = {}, const Reward& reward = {})
{
  return systems::student_search{.network = maker_of(false),
                                 .strategy = small_population{},
                                 .loss = loss(),
                                 .teacher_input = view,
                                 .reward = reward,
                                 .optimizer = sgd{.learning_rate = 0.01},
                                 .search = few_trials(),
                                 .retraining = {.epochs = 6, .batch_size = 20, .seed = seed{9}}};
}

}  // namespace

TEST_CASE("parts of a search are apart, balanced, and settled by the seed")
{
  const auto data = parts();
  CHECK(data.search.size() == 40);
  CHECK(data.validation.size() == 24);
  CHECK(data.all.size() == 120);
  CHECK_FALSE(meet(ids_of(data.search.ids), ids_of(data.validation.ids)));
  CHECK(data.search.labels.bincount({}, 4).eq(10).all().item<bool>());
  CHECK(data.validation.labels.bincount({}, 4).eq(6).all().item<bool>());
  CHECK(torch::equal(parts().validation.ids, data.validation.ids));
  const auto more =
      systems::split_for_search(letters(), 40, 40, seed{3});  // contains the smaller part
  for (const auto id : ids_of(data.validation.ids)) CHECK(ids_of(more.validation.ids).contains(id));
  CHECK_THROWS_AS((void)systems::split_for_search(letters(), 100, 24, seed{3}),
                  std::invalid_argument);

  auto mixed = data;
  mixed.validation = mixed.search;
  CHECK_THROWS_WITH_AS((void)teachers_stage(search::random_search{})(mixed),
                       doctest::Contains("is in the search part and in the validation part"),
                       std::invalid_argument);
}

TEST_CASE("the share of validation is counted in passes")
{
  // Role-KD's search: 31 steps against 359 batches of 128 an epoch; in units of a forward pass
  // 124 against 359: a validation share of 74 %.
  const search_run_options published{.trials = 16, .epochs = 200, .evaluation_interval = 1};
  const auto cost = systems::cost_of_search(31 * 128, 359 * 128, published, {.teacher = 1.0});
  CHECK(cost.training == 16.0 * 200.0 * 128.0 * 124.0);
  CHECK(cost.validation == 16.0 * 200.0 * 128.0 * 359.0);
  CHECK(cost.validation_share() == doctest::Approx(359.0 / 483.0));
  CHECK(cost.validation_share() == doctest::Approx(0.743).epsilon(0.001).scale(0));

  // Validated every three epochs, 4000 training images allow 8470 validation images for a share
  // of 15 %.
  const search_run_options ours{.trials = 16, .epochs = 60, .evaluation_interval = 3};
  const auto count = systems::validation_examples(4000, ours, {.teacher = 1.0});
  CHECK(count == 8470);
  CHECK(systems::cost_of_search(4000, count, ours, {.teacher = 1.0}).validation_share() < 0.15);
  CHECK(systems::cost_of_search(4000, count + 1, ours, {.teacher = 1.0}).validation_share() >=
        0.15);
  // If the interval does not divide the epochs, the last round is shorter.
  CHECK(systems::cost_of_search(10, 5, {.trials = 1, .epochs = 4, .evaluation_interval = 3})
            .validation == 10.0);

  CHECK_THROWS_AS((void)systems::cost_of_search(0, 1, ours), std::invalid_argument);
  CHECK_THROWS_AS((void)systems::validation_examples(4000, ours, {}, fraction{1.0}),
                  std::invalid_argument);
  CHECK_THROWS_AS(
      (void)systems::validation_examples(1, {.trials = 1, .epochs = 1}, {}, fraction{0.1}),
      std::invalid_argument);
}

TEST_CASE("no validation example trains anybody of a search, in any way")
{
  const auto data = parts();
  const auto judged = ids_of(data.validation.ids);
  const auto whole = ids_of(data.all.ids);
  questions.clear();
  const auto found = systems::role_wise_search(teachers_stage(small_population{}), students_stage(),
                                               data, pad_crop_flip{.padding = 1});

  // A validation call has all validation examples, as they fit into one batch.
  std::vector<std::size_t> judgments;
  for (std::size_t i = 0; i < questions.size(); ++i)
    if (questions[i].asked == judged) judgments.push_back(i);
  REQUIRE(judgments.size() == 2 * 3 * 3);  // two stages of three trials and three rounds
  std::size_t of_teachers = 0, of_students = 0, trainings = 0;
  for (std::size_t i = 0; i <= judgments.back(); ++i) {
    CHECK_FALSE(meet(questions[i].learned, judged));
    if (questions[i].asked == judged)
      ++(questions[i].is_teacher ? of_teachers : of_students);
    else
      trainings += questions[i].is_teacher ? 1U : 0U;  // the teacher's calls on the search part
  }
  CHECK(of_teachers == 9);
  CHECK(of_students == 9);
  CHECK(trainings == 3 * 3 * 2);  // trials, epochs, steps

  // The retraining uses all examples, with a teacher that was trained on all of them.
  CHECK(found.teacher.retrained.network.learned() == whole);
  CHECK(found.student.retrained.network.learned() == whole);
  CHECK(questions.back().is_teacher);
  CHECK(questions.back().learned == whole);
  CHECK(found.teacher.found.of_search->learned() == ids_of(data.search.ids));
  CHECK(found.student.found.of_search->learned() == ids_of(data.search.ids));
}

TEST_CASE("a stage follows the best trial's ancestors and trains with what they followed")
{
  const auto data = parts();
  const auto one = teachers_stage(small_population{})(data, pad_crop_flip{.padding = 1});
  CHECK(one.found.best == search::best_trial(one.found.history, 3));
  CHECK(one.found.policies == search_segments(one.found.history, one.found.best));
  CHECK(one.found.history.strategy == "small-population");
  CHECK(one.retrained.run.epochs.size() == 6);
  CHECK(one.found.cost.validation_share() ==
        systems::cost_of_search(40, 24, few_trials()).validation_share());

  // The retraining, by hand.
  const auto own = seed{8};
  supervised pretraining{.student = maker_of(true)(letters().shape, own.split(purpose{"network"})),
                         .agent = compose{policy_agent{.policy = stretched(one.found.policies, 6)},
                                          pad_crop_flip{.padding = 1}},
                         .optimizer = sgd{.learning_rate = 0.01},
                         .seed = own.split(purpose{"views"})};
  (void)fit(pretraining, data.all,
            {.epochs = 6, .batch_size = 20, .seed = own.split(purpose{"order"})});
  auto again = one.retrained.network;
  CHECK(same_tensors(pretraining.student, again));

  // Run alone, the search is the same.
  auto alone =
      teachers_stage(small_population{}).look_for_policies(data, pad_crop_flip{.padding = 1});
  CHECK((alone.history == one.found.history));
  CHECK(alone.best == one.found.best);
  auto found = *one.found.of_search;
  CHECK(same_tensors(*alone.of_search, found));
}

TEST_CASE("students start from their teacher, which sees its own view if so set")
{
  const auto data = parts();
  const auto one = teachers_stage(search::random_search{})(data, pad_crop_flip{.padding = 1});
  const auto teachers = systems::teachers_from(one);
  const auto run = [&](const auto& stage) {
    return stage.look_for_policies(data, teachers, pad_crop_flip{.padding = 1}).history;
  };
  const auto code_faithful = run(students_stage());
  const auto own_view = run(students_stage(systems::teachers_policies{}));
  CHECK_FALSE((code_faithful == own_view));
  auto apart = students_stage();
  apart.starts_from_teacher = false;
  CHECK_FALSE((run(apart) == code_faithful));

  // A student that does not learn equals the teacher that it starts from.
  auto idle = students_stage();
  idle.optimizer.learning_rate = 0.0;
  const auto unchanged = idle.look_for_policies(data, teachers, pad_crop_flip{.padding = 1});
  for (const auto& event : unchanged.history.events)
    if (event.score) CHECK(*event.score == accuracy(teachers.of_search, data.validation));
  auto untrained = systems::search_teachers<marked_student>{teachers};
  CHECK(untrained.policies == one.found.policies);
}

TEST_CASE("a kept search is not continued under another teacher or validation set")
{
  const auto data = parts();
  const auto folder =
      std::filesystem::temp_directory_path() / ("rolewise-stages-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  auto stage = students_stage(systems::teachers_policies{});
  stage.search.folder = folder.string();
  const auto one = teachers_stage(search::random_search{})(data, pad_crop_flip{.padding = 1});
  const auto teachers = systems::teachers_from(one);
  const auto run = [&](const auto& of, const auto& by) {
    return stage.look_for_policies(of, by, pad_crop_flip{.padding = 1}).history;
  };
  const auto refused = [&](const auto& of, const auto& by) {
    try {
      (void)run(of, by);
    } catch (const std::invalid_argument& e) {
      return std::string_view{e.what()}.find("of another search: its conditions is") !=
             std::string_view::npos;
    }
    return false;
  };
  const auto first = run(data, teachers);
  CHECK((run(data, teachers) == first));
  auto others = teachers;
  others.of_search = others.after_search;
  CHECK(refused(data, others));
  others = teachers;
  ++others.policies.front().epochs;
  CHECK(refused(data, others));
  auto fewer = data;
  fewer.validation = subset(data.validation, torch::arange(data.validation.size() - 1));
  CHECK(refused(fewer, teachers));
  CHECK((run(data, teachers) == first));
  std::filesystem::remove_all(folder);
}

TEST_CASE("both stages go on around a trial that diverges, and end with networks of healthy ones")
{
  const auto data = parts();
  const auto is_finite = [](const marked_student& network) {
    return network.parameters()[0].value.isfinite().all().item<bool>();
  };
  const auto fails_in = [](const search::search_history& history, std::int64_t trial) {
    return std::ranges::count_if(history.events, [&](const search::search_event& event) {
      return event.what == search::search_event::kind::failed && event.trial == trial;
    });
  };
  // The first network that is made is broken, that of trial 0.
  const auto first_is_broken = [](bool teaches, int broken = 1) {
    return [make = maker_of(teaches), left = std::make_shared<int>(broken)](
               const sample_shape& shape, seed own) {
      auto network = make(shape, own);
      if ((*left)-- > 0) network.parameters()[0].value.detach().fill_(std::nan(""));
      return network;
    };
  };
  const auto search = [&](const auto& strategy) {
    const systems::teacher_search one{.network = first_is_broken(true),
                                      .strategy = strategy,
                                      .optimizer = sgd{.learning_rate = 0.01},
                                      .search = few_trials(),
                                      .retraining = {.epochs = 3, .batch_size = 20}};
    const systems::student_search two{.network = first_is_broken(false),
                                      .strategy = strategy,
                                      .loss = loss(),
                                      .optimizer = sgd{.learning_rate = 0.01},
                                      .starts_from_teacher = false,
                                      .search = few_trials(),
                                      .retraining = {.epochs = 3, .batch_size = 20}};
    return systems::role_wise_search(one, two, data, pad_crop_flip{.padding = 1});
  };
  const auto check = [&](const auto& found) {
    const auto of_one = [&](const auto& stage) {
      CHECK(fails_in(stage.found.history, 0) == 1);
      CHECK(is_finite(stage.found.of_search.value()));
      CHECK(is_finite(stage.retrained.network));
      const auto failed = search::failed_trials(stage.found.history);
      CHECK(std::ranges::none_of(
          failed, [&](const search::failed_trial& one) { return one.trial == stage.found.best; }));
    };
    of_one(found.teacher);
    of_one(found.student);
  };
  const auto stopped = search(search::random_search{});
  check(stopped);
  CHECK(stopped.teacher.found.best != 0);
  check(search(search::population_based{}));
  const systems::teacher_search hopeless{.network = first_is_broken(true, 3),
                                         .strategy = search::random_search{},
                                         .search = few_trials(),
                                         .retraining = {.epochs = 3, .batch_size = 20}};
  CHECK_THROWS_WITH_AS(
      (void)hopeless(data, pad_crop_flip{.padding = 1}),
      doctest::Contains("rolewise: run_search: all trials have failed: trial 0 ({"),
      std::runtime_error);
}

TEST_CASE("the teacher's T. stddev can be searched for without a student")
{
  const auto data = parts();
  const auto one = teachers_stage(search::random_search{})(data, pad_crop_flip{.padding = 1});
  const auto teachers = systems::teachers_from(one);
  const systems::low_teacher_stddev<no_agent> reward{
      .measured = {.batch_size = 4, .steps = 2, .epochs = 2, .seed = seed{1}}};
  const auto stage = students_stage(same_view{}, reward);
  questions.clear();
  const auto found = stage.look_for_policies(data, teachers, pad_crop_flip{.padding = 1});
  for (const auto& asked : questions) CHECK(asked.is_teacher);
  CHECK_FALSE(found.of_search.has_value());
  CHECK(found.cost.training == 0.0);
  CHECK(found.cost.validation == 3 * 3 * 24 * (2 * 2 + 2));  // trials, rounds, examples, passes
  REQUIRE(found.policies.size() == 1);
  CHECK(found.policies[0].epochs == 3);

  // The winner's last score is that of its policy.
  const auto policy = found.policies[0].policy;
  const frozen_teacher teacher{teachers.of_search};
  CHECK(search::ranked_trials(found.history, 1).front().mean ==
        reward(teacher, policy_agent{.policy = policy}, data.validation));
  CHECK_THROWS_AS((void)systems::teachers_from(systems::stage_result<marked_student>{
                      found, {one.retrained.network, one.retrained.run}}),
                  std::invalid_argument);
  const auto both = stage(data, teachers, pad_crop_flip{.padding = 1});
  CHECK(both.retrained.network.learned() == ids_of(data.all.ids));
}

namespace {

/// A teacher whose logits depend on the mean of the image, so that darkening changes its
/// predictions.
struct by_brightness {
  [[maybe_unused]] static constexpr bool has_state = false;
  [[nodiscard]] outputs forward(const batch& examples, taps = {}) const
  {
    const auto x = examples.inputs.to(torch::kFloat32).mean({1, 2, 3}) / 255.0 - 0.5;
    return {.logits = torch::stack({-20.0 * x, 20.0 * x}, 1), .features = {}};
  }
};

struct blacken {
  static constexpr std::string_view name = "blacken";
  [[maybe_unused]] static constexpr bool has_state = false;
  [[nodiscard]] batch operator()(const batch& examples, const training_progress&, seed) const
  {
    auto view = examples;
    view.inputs = torch::zeros_like(examples.inputs);
    return view;
  }
};

}  // namespace

TEST_CASE("an augmentation that blurs a teacher's answers is held to its accuracy")
{
  auto data = tiny_data(64);
  data.shape.classes = 2;
  data.labels = torch::arange(64).remainder(2);
  data.inputs = (data.labels.view({64, 1, 1, 1}) * 255).to(torch::kByte).expand({64, 1, 3, 3});
  data.inputs = data.inputs.contiguous();
  const systems::low_teacher_stddev<no_agent> free{
      .measured = {.batch_size = 8, .steps = 1, .epochs = 2, .seed = seed{1}},
      .accuracy_kept = 0.0};
  auto bound = free;
  bound.accuracy_kept = 0.8;
  const by_brightness teacher;
  const double spread =
      measurement::teacher_stddev(teacher, data, no_agent{}, free.measured).stddev;
  CHECK(spread > 0.0);
  CHECK(free(teacher, no_agent{}, data) == -spread);
  CHECK(bound(teacher, no_agent{}, data) == -spread);
  // All black: half the stddev, and an accuracy of 0.5, which is 0.3 below the bound of 0.8.
  CHECK(free(teacher, blacken{}, data) == doctest::Approx(-spread / 2.0));
  CHECK(bound(teacher, blacken{}, data) == doctest::Approx(-spread / 2.0 - 0.3));
  bound.accuracy_kept = 1.5;
  CHECK_THROWS_AS((void)bound(teacher, no_agent{}, data), std::invalid_argument);
}

TEST_CASE("low-bit ResNets are evaluated with running statistics, example by example")
{
  const auto data = parts();
  const systems::teacher_search one{
      .network = [](const sample_shape& shape, seed own) { return resnet8(shape, {.seed = own}); },
      .strategy = small_population{},
      .search = {.trials = 2, .epochs = 1, .batch_size = 20},
      .retraining = {.epochs = 1, .batch_size = 40}};
  const systems::student_search two{
      .network = [](const sample_shape& shape,
                    seed own) { return resnet8(shape, dorefa{}, inner_bits<2>, {.seed = own}); },
      .strategy = small_population{},
      .loss = loss(),
      .search = {.trials = 2, .epochs = 1, .batch_size = 20},
      .retraining = {.epochs = 1, .batch_size = 40}};
  const auto found = systems::role_wise_search(one, two, data, pad_crop_flip{.padding = 1});
  const auto last = found.student.found.history.events.back().score;
  CHECK(last.has_value());
  // With one example at a time, batch statistics would give another result, and would fail for a
  // map of one value.
  const auto& best = *found.student.found.of_search;
  CHECK(accuracy(best, data.validation, {.batch_size = 1}) ==
        search::ranked_trials(found.student.found.history).front().mean);
  CHECK(found.student.retrained.network.layers()[1].widths.weights.value() == 2);
}
