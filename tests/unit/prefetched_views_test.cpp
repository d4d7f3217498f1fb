// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/counting_allocator.hpp"
#include "support/doctest.hpp"
#include "support/tiny_student.hpp"

#include "laws/training_step.hpp"

#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/hardest_view.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/random_choice.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/support/parallel_for.hpp>
#include <rolewise/support/serial_scope.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/early_stop.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace rolewise;
using rolewise::testing::counting_allocator;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_student;

namespace {

/// 22 images, so that batches of 4 end in a short one.
const dataset& some_data()
{
  static const auto data =
      glyphs({.classes = 4, .height = 9, .width = 8, .channels = 3, .train = 22, .test = 12});
  static const auto train = data.train;
  return train;
}

struct plan_of_threads {
  std::int64_t prefetch, threads;
};
constexpr plan_of_threads all_plans[]{{0, 1}, {0, 4}, {1, 1}, {1, 2}, {3, 1}, {3, 2}, {3, 4}};

/// Whether two histories are equal but for their times.
bool same_numbers(const run_history& a, const run_history& b)
{
  return std::equal(a.epochs.begin(), a.epochs.end(), b.epochs.begin(), b.epochs.end(),
                    [](const epoch_record& x, const epoch_record& y) {
                      return x.numbers == y.numbers && x.learning_rate == y.learning_rate &&
                             x.validation_accuracy == y.validation_accuracy &&
                             x.validation_loss == y.validation_loss;
                    });
}

/// Checks that weights, buffers and history of a run do not depend on what is prepared ahead.
template<typename Make>
void learns_the_same(const Make& make, const fit_options& options)
{
  auto wanted = make();
  const auto history = fit(wanted, some_data(), options);
  for (const auto& [prefetch, threads] : all_plans) {
    CAPTURE(prefetch);
    CAPTURE(threads);
    auto own = options;
    own.prefetch = prefetch;
    own.num_workers = threads;
    auto found = make();
    const auto its_history = fit(found, some_data(), own);
    CHECK(same_tensors(found, wanted));
    CHECK(same_numbers(its_history, history));
  }
}

/// The threads that called an agent, and the number of calls.
struct sightings {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::int64_t calls = 0;
};

/// An agent that records its calls, throws in a certain epoch and step, and is no planned agent.
struct witness {
  static constexpr std::string_view name = "witness";
  static constexpr bool has_state = false;
  std::shared_ptr<sightings> seen = std::make_shared<sightings>();
  std::int64_t breaks_in_epoch = -1;
  std::int64_t breaks_in_step = -1;

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    {
      const std::lock_guard lock{seen->mutex};
      seen->threads.insert(std::this_thread::get_id());
      ++seen->calls;
    }
    if (progress.epoch == breaks_in_epoch && progress.step == breaks_in_step)
      throw std::domain_error{"a broken agent"};
    return rand_augment{}(examples, progress, key);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("breaks_in_epoch", breaks_in_epoch);
    archive.show("breaks_in_step", breaks_in_step);
  }
};
static_assert(IndependentAgent<witness> && !PlannedAgent<witness>);

struct stubborn : witness {
  static constexpr bool stays_in_step = true;
};
static_assert(!IndependentAgent<stubborn>);

/// A callback that counts steps and can throw in one.
struct counter {
  static constexpr bool has_state = false;
  std::int64_t steps = 0, epochs = 0;
  std::int64_t breaks_at = -1;
  void on(const fit_begin&) {}
  void on(const step_end&)
  {
    if (steps++ == breaks_at) throw std::length_error{"a broken callback"};
  }
  void on(const epoch_end&) { ++epochs; }
  void on(const fit_end&) {}
};

struct raises {
  static constexpr bool has_state = false;
  rand_augment* agent;
  void on(const fit_begin&) {}
  void on(const step_end&) {}
  void on(const epoch_end&) { agent->magnitude = 9; }
  void on(const fit_end&) {}
};

/// A temporary folder, removed by the destructor.
struct folder {
  std::string path = [] {
    static int count = 0;
    const auto made =
        std::filesystem::temp_directory_path() /
        ("rolewise-ahead-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(made);
    return made.string();
  }();
  folder() = default;
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
};

/// A step that prepares tensors of a known size and does not learn.
struct hauling_step {
  std::int64_t floats = 0;
  std::int64_t taken = 0;

  [[nodiscard]] auto preparation() const
  {
    return [count = floats](const batch& examples, const training_progress& progress,
                            buffer_pool& buffers) {
      auto cargo = buffers.take({examples.size(), count}, torch::kFloat32);
      cargo.fill_(static_cast<double>(progress.global_step()));
      return std::pair{examples.ids, cargo};
    };
  }
  metrics operator()(const batch& examples, const training_progress& progress)
  {
    buffer_pool buffers;
    return take(preparation()(examples, progress, buffers), progress);
  }
  metrics take(const std::pair<torch::Tensor, torch::Tensor>& prepared,
               const training_progress& progress)
  {
    ++taken;
    const bool is_right =
        prepared.second.eq(static_cast<double>(progress.global_step())).all().item<bool>();
    return {{"loss", torch::tensor(is_right ? 1.0 : 0.0)},
            {"ids", prepared.first.to(torch::kFloat64).mean()}};
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("taken", taken);
  }
};
static_assert(PreparingStep<hauling_step>);

struct evaluated_by_nobody {
  static constexpr bool has_state = false;
  [[nodiscard]] outputs forward(const batch& examples, taps) const
  {
    return {.logits = examples.inputs.to(torch::kFloat32).flatten(1).narrow(1, 0, 4),
            .features = {}};
  }
};

}  // namespace

TEST_CASE("whole runs learn the same bits however much is made ahead by however many")
{
  const auto& data = some_data();
  const fit_options options{.epochs = 2, .batch_size = 4, .seed = seed{3}, .validation = &data};
  SUBCASE("supervised, planned")
  {
    learns_the_same(
        [&] {
          return supervised{.student = tiny_student{data.shape},
                            .agent = compose{rand_augment{}, pad_crop_flip{.padding = 2}},
                            .ema = ema{.decay = 0.5},
                            .seed = seed{8}};
        },
        options);
  }
  SUBCASE("supervised, mixed, by agents that are not planned")
  {
    learns_the_same(
        [&] {
          return supervised{.student = tiny_student{data.shape},
                            .agent = random_choice{cutmix{.partners = data}, witness{}}};
        },
        options);
  }
  SUBCASE("distillation, a policy for each role and a crop for both")
  {
    learns_the_same(
        [&] {
          return distillation{.teacher = frozen(tiny_student{data.shape, seed{9}}),
                              .student = tiny_student{data.shape},
                              .teacher_agent = cyclic_views{1, trivial_augment{}},
                              .student_agent = rand_augment{},
                              .shared_agent = pad_crop_flip{.padding = 2},
                              .loss = 0.5 * cross_entropy{} + 0.5 * soft_target_kl{}};
        },
        options);
  }
  SUBCASE("distillation on the student's view")
  {
    learns_the_same(
        [&] {
          return distillation{.teacher = frozen(tiny_student{data.shape, seed{9}}),
                              .student = tiny_student{data.shape},
                              .teacher_agent = same_view{},
                              .student_agent = rand_augment{},
                              .loss = soft_target_kl{}};
        },
        options);
  }
  SUBCASE("a network with convolutions")
  {
    auto without = options;
    without.validation = nullptr;
    without.batch_size = 6;
    without.drop_last = true;
    learns_the_same(
        [&] { return supervised{.student = resnet8(data.shape), .agent = rand_augment{}}; },
        without);
  }
  SUBCASE("an agent that stays in the step")
  {
    learns_the_same(
        [&] {
          return supervised{
              .student = tiny_student{data.shape},
              .agent = hardest_view{.agent = rand_augment{}, .teacher = evaluated_by_nobody{}}};
        },
        options);
  }
}

TEST_CASE("preparing steps keep their promise, and which steps are such is seen by the compiler")
{
  const auto& data = some_data();
  laws::step_holds_for([] { return hauling_step{.floats = 5}; }, data);
  laws::step_holds_for(
      [&] {
        return distillation{.teacher = frozen(tiny_student{data.shape, seed{9}}),
                            .student = tiny_student{data.shape},
                            .student_agent = rand_augment{},
                            .loss = soft_target_kl{}};
      },
      data);
  using tiny = tiny_student;
  static_assert(PreparingStep<supervised<tiny>>);
  static_assert(PreparingStep<supervised<tiny, random_choice<cutmix, rand_augment>>>);
  static_assert(!PreparingStep<supervised<tiny, stubborn>>);
  static_assert(!PreparingStep<supervised<tiny, compose<rand_augment, stubborn>>>);
  using ordinary = distillation<frozen_teacher<tiny>, tiny, same_view, rand_augment, pad_crop_flip,
                                soft_target_kl>;
  using stays = distillation<frozen_teacher<tiny>, tiny, stubborn, rand_augment, pad_crop_flip,
                             soft_target_kl>;
  static_assert(PreparingStep<ordinary> && TrainingStep<stays> && !PreparingStep<stays>);
}

TEST_CASE("agents work in the background if they are to and may, else in the thread of the step")
{
  const auto& data = some_data();
  const auto here = std::set{std::this_thread::get_id()};
  const auto threads_of = [&](auto agent, std::int64_t prefetch, std::int64_t threads) {
    supervised pretraining{.student = tiny_student{data.shape}, .agent = agent};
    (void)fit(pretraining, data,
              {.epochs = 2, .batch_size = 4, .prefetch = prefetch, .num_workers = threads});
    CHECK(agent.seen->calls == 12);
    return agent.seen->threads;
  };
  CHECK(threads_of(witness{}, 0, 2) == here);
  CHECK(threads_of(stubborn{}, 3, 2) == here);
  const auto others = threads_of(witness{}, 3, 2);
  CHECK_FALSE(others.contains(std::this_thread::get_id()));
  CHECK(others.size() >= 1);
  CHECK(others.size() <= 4);  // two threads for each of two epochs
}

TEST_CASE("what an agent throws comes out of fit at its step")
{
  const auto& data = some_data();
  for (const auto& [prefetch, threads] : all_plans)
    for (const std::int64_t step : {0, 1, 4, 5}) {
      CAPTURE(prefetch);
      CAPTURE(threads);
      CAPTURE(step);
      supervised pretraining{.student = tiny_student{data.shape},
                             .agent = witness{.breaks_in_epoch = 1, .breaks_in_step = step}};
      counter watching;
      CHECK_THROWS_WITH_AS(
          (void)fit(pretraining, data,
                    {.epochs = 3, .batch_size = 4, .prefetch = prefetch, .num_workers = threads},
                    watching),
          "a broken agent", std::domain_error);
      CHECK(watching.steps == 6 + step);
      CHECK(pretraining.learner_state.updates() == 6 + step);
      CHECK(pretraining.agent.seen->calls <= 6 + step + 1 + prefetch);
    }
  // A data set whose ids have no partners: the agent's own exception is thrown.
  auto strangers = data;
  strangers.ids = data.ids + 1000;
  for (const std::int64_t prefetch : {0, 2}) {
    supervised pretraining{.student = tiny_student{data.shape}, .agent = cutmix{.partners = data}};
    CHECK_THROWS_AS((void)fit(pretraining, strangers, {.batch_size = 4, .prefetch = prefetch}),
                    std::invalid_argument);
    CHECK(pretraining.learner_state.updates() == 0);
  }
}

TEST_CASE("ending a run early waits only for work under way")
{
  const auto& data = some_data();
  for (const auto& [prefetch, threads] : all_plans) {
    CAPTURE(prefetch);
    CAPTURE(threads);
    const fit_options options{.epochs = 9,
                              .batch_size = 4,
                              .validation = &data,
                              .prefetch = prefetch,
                              .num_workers = threads};
    {
      supervised pretraining{.student = tiny_student{data.shape}, .agent = witness{}};
      counter watching{.breaks_at = 8};
      CHECK_THROWS_AS((void)fit(pretraining, data, options, watching), std::length_error);
      const auto calls = pretraining.agent.seen->calls;
      CHECK(calls >= 9);
      CHECK(calls <= 9 + prefetch);
    }
    supervised pretraining{
        .student = tiny_student{data.shape},
        .agent = witness{},
        .optimizer = sgd{.learning_rate = 0.0, .momentum = 0.0, .weight_decay = 0.0}};
    const auto history = fit(pretraining, data, options, early_stop{.patience = 1});
    CHECK(history.stopped_early);
    // Nothing is prepared past the end of an epoch.
    CHECK(pretraining.agent.seen->calls == 6 * static_cast<std::int64_t>(history.epochs.size()));
  }
}

TEST_CASE("a run that is resumed with another number of batches ahead is the same run")
{
  const auto& data = some_data();
  const auto make = [&] {
    return supervised{
        .student = tiny_student{data.shape}, .agent = rand_augment{}, .ema = ema{.decay = 0.5}};
  };
  const fit_options options{.epochs = 5, .batch_size = 4, .validation = &data};
  auto whole = make();
  const auto history = fit(whole, data, options);

  const folder in;
  const std::int64_t aheads[]{2, 0, 3};
  const std::int64_t breaks[]{9, 8, -1};
  auto last = make();
  for (std::size_t i = 0; i < 3; ++i) {
    auto part = make();
    auto own = options;
    own.prefetch = aheads[i];
    own.num_workers = 2;
    own.resume = true;
    counter watching{.breaks_at = breaks[i]};
    const auto run = [&] { return fit(part, data, own, watching, checkpoints{.folder = in.path}); };
    if (breaks[i] >= 0) {
      CHECK_THROWS_AS((void)run(), std::length_error);
      continue;
    }
    const auto its_history = run();
    CHECK(same_tensors(part, whole));
    CHECK(same_numbers(its_history, history));
  }
}

TEST_CASE("an agent that is changed between two epochs is followed")
{
  // A schedule by hand: the magnitude grows after the first epoch.
  const auto& data = some_data();
  const auto learned = [&](std::int64_t prefetch) {
    supervised pretraining{.student = tiny_student{data.shape},
                           .agent = rand_augment{.magnitude = 1}};
    (void)fit(pretraining, data, {.epochs = 2, .batch_size = 4, .prefetch = prefetch},
              raises{&pretraining.agent});
    return pretraining;
  };
  auto in_step = learned(0), before = learned(3);
  CHECK(same_tensors(in_step, before));
}

TEST_CASE("memory of what is prepared is bounded and used again")
{
  const auto& data = some_data();
  constexpr std::int64_t floats = 1 << 14;
  constexpr std::size_t bytes = floats * 4;  // of one example
  for (const std::int64_t prefetch : {1, 2, 5})
    for (const std::int64_t threads : {1, 3}) {
      CAPTURE(prefetch);
      CAPTURE(threads);
      hauling_step step{.floats = floats};
      counting_allocator memory{2 * bytes};
      const auto history = fit(
          step, data, {.epochs = 4, .batch_size = 4, .prefetch = prefetch, .num_workers = threads});
      CHECK(step.taken == 24);
      for (const auto& epoch : history.epochs) {
        CHECK(epoch["loss"] == 1.0);  // each step got its own tensors
        CHECK(epoch["ids"] == doctest::Approx(data.ids.to(torch::kFloat64).mean().item<double>()));
      }
      // ahead + 1 buffers of 4 examples and one of 2, in all four epochs.
      const auto slots = std::min<std::int64_t>(prefetch + 1, 6);
      CHECK(memory.count() <= slots + 1);
      CHECK(memory.bytes() <= (4 * static_cast<std::size_t>(prefetch + 1) + 2) * bytes);
    }
}

TEST_CASE("views of whole runs stay within the bound that fit states")
{
  const auto& data = some_data();
  constexpr std::int64_t n = 11, image = 3 * 9 * 8;
  distillation training{.teacher = evaluated_by_nobody{},
                        .student = tiny_student{data.shape},
                        .teacher_agent = trivial_augment{},
                        .student_agent = rand_augment{},
                        .loss = soft_target_kl{}};
  using step_type = decltype(training);
  const auto source = batches(data, {.size = n});
  for (const std::int64_t prefetch : {1, 3}) {
    std::vector<rolewise::detail::preparation_memory> memories(static_cast<std::size_t>(prefetch) +
                                                               1);
    (void)training(data.examples(), {});  // allocations that are made once are done
    counting_allocator memory{8};
    rolewise::detail::prepared_epoch<step_type> prepare{
        source, {}, training.preparation(), memories};
    std::int64_t made = 0;
    for (std::int64_t round = 0; round < 20; ++round)
      for (std::int64_t step = 0; step < 2; ++step) {
        made += prepare(step).size;
      }
    CHECK(made == 20 * 22);
    CHECK(memory.bytes() <=
          static_cast<std::size_t>((prefetch + 2) * n * (image * (1 + 4 * 2) + 16)) + 64);
  }
}

TEST_CASE("fit refuses a negative prefetch, and prefetching without workers")
{
  supervised pretraining{.student = tiny_student{some_data().shape}};
  CHECK_THROWS_WITH_AS((void)fit(pretraining, some_data(), {.prefetch = -1}),
                       "rolewise: fit: want prefetch >= 0 and num_workers >= 1, got -1 and 1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)fit(pretraining, some_data(), {.prefetch = 2, .num_workers = 0}),
                       "rolewise: fit: want prefetch >= 0 and num_workers >= 1, got 2 and 0",
                       std::invalid_argument);
}
