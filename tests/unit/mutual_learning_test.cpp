// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Students that teach each other, and generations that teach the next.
#include "support/doctest.hpp"

#include "laws/training_step.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/loss/attention_transfer.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/systems/generations.hpp>
#include <rolewise/teacher/ensemble_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/mutual_learning.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/types.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

using tiny_learner = learner<tiny_student>;

[[nodiscard]] std::vector<tiny_learner> tiny_peers(const dataset& data, std::uint64_t count)
{
  std::vector<tiny_learner> all;
  for (std::uint64_t k = 0; k < count; ++k)
    all.push_back(
        {.model = tiny_student{data.shape, seed{k}}, .optimizer = sgd{.learning_rate = 0.05}});
  return all;
}

[[nodiscard]] std::uint64_t sum_of(auto part) { return state_sum(part); }

/// CE + KL(teacher, student) at temperature 1, from their definitions.
[[nodiscard]] torch::Tensor mutual_of(const torch::Tensor& student, const torch::Tensor& labels,
                                      const std::vector<torch::Tensor>& peers)
{
  const auto log_q = student.log_softmax(1);
  auto loss = -log_q.gather(1, labels.unsqueeze(1)).mean();
  for (const auto& peer : peers) {
    const auto log_p = peer.detach().log_softmax(1);
    loss = loss + (log_p.exp() * (log_p - log_q)).sum(1).mean() / static_cast<double>(peers.size());
  }
  return loss;
}

}  // namespace

TEST_CASE("the second peer learns from the first as it is after its update, or before it")
{
  const auto data = tiny_data(12);
  const auto examples = data.examples();
  const auto x = normalized(examples);
  for (const auto order : {peer_order::in_turn, peer_order::at_once}) {
    mutual_learning step{.peers = tiny_peers(data, 2), .order = order};
    auto by_hand = tiny_peers(data, 2);
    for (int n = 0; n < 3; ++n) {
      const auto numbers = step(examples, {});
      const auto p1 = by_hand[0].model.forward(x).logits, p2 = by_hand[1].model.forward(x).logits;
      const auto first = mutual_of(p1, x.labels, {p2});
      by_hand[0].minimize(first, {});
      auto copy = by_hand[0].model;
      const auto again = order == peer_order::in_turn ? copy.forward(x).logits : p1;
      const auto second = mutual_of(p2, x.labels, {again});
      by_hand[1].minimize(second, {});
      CHECK(std::abs(numbers[0].value.item<double>() -
                     (first.item<double>() + second.item<double>()) / 2) < 1e-6);
    }
    for (std::size_t k = 0; k < 2; ++k) {
      const auto found = step.peers[k].model.parameters(), wanted = by_hand[k].model.parameters();
      for (std::size_t i = 0; i < found.size(); ++i)
        CHECK(torch::allclose(found[i].value, wanted[i].value, 1e-4, 1e-6));
      // Each batch moves the running statistics once.
      CHECK(step.peers[k].model.all_outputs() == 3);
    }
  }
  mutual_learning in_turn{.peers = tiny_peers(data, 2)}, at_once = in_turn;
  at_once.order = peer_order::at_once;
  (void)in_turn(examples, {});
  (void)at_once(examples, {});
  CHECK(sum_of(in_turn.peers[0]) == sum_of(at_once.peers[0]));
  CHECK(sum_of(in_turn.peers[1]) != sum_of(at_once.peers[1]));
}

TEST_CASE("of more peers, each learns from the mean divergence to the others")
{
  const auto data = tiny_data(12);
  const auto x = normalized(data.examples());
  mutual_learning step{.peers = tiny_peers(data, 3), .order = peer_order::at_once};
  std::vector<torch::Tensor> z;
  for (auto& each : tiny_peers(data, 3)) z.push_back(each.model.forward(x).logits.detach());
  const auto numbers = step(data.examples(), {});
  const double wanted =
      (mutual_of(z[0], x.labels, {z[1], z[2]}) + mutual_of(z[1], x.labels, {z[0], z[2]}) +
       mutual_of(z[2], x.labels, {z[0], z[1]}))
          .item<double>() /
      3;
  CHECK(std::abs(numbers[0].value.item<double>() - wanted) < 1e-6);
  std::vector<std::string> names;
  for (const auto& each : numbers) names.push_back(each.name);
  CHECK(names == std::vector<std::string>{"loss", "cross-entropy", "soft-target-kl", "accuracy",
                                          "accuracy-2", "accuracy-3"});
  CHECK(numbers[1].value.item<double>() + numbers[2].value.item<double>() ==
        doctest::Approx(wanted).epsilon(1e-6).scale(0));
  const double third = (z[2].argmax(1) == x.labels).to(torch::kDouble).mean().item<double>();
  CHECK(numbers[5].value.item<double>() == doctest::Approx(third));
}

TEST_CASE("mutual learning has the laws of training steps and goes on with the same bits")
{
  const auto data = tiny_data(20);
  const auto of_one_type = [&] {
    return mutual_learning{.peers = tiny_peers(data, 3), .agent = horizontal_flip{}};
  };
  const auto of_two_types = [&] {
    return mutual_learning{
        .peers = std::tuple{tiny_peers(data, 1).front(),
                            learner{.model = tiny_student{data.shape, seed{5}, 9},
                                    .optimizer = adam{},
                                    .lr_schedule = cosine_annealing{},
                                    .ema = ema{.decay = 0.9}}},
        .order = peer_order::at_once};
  };
  using step = decltype(of_two_types());
  static_assert(EvaluatedStep<step> && ScheduledStep<step> && SeededStep<step>);
  static_assert(PreparingStep<step> && !TaughtStep<step> && Described<step>);
  laws::step_holds_for(of_one_type, data);
  laws::step_holds_for(of_two_types, data);
  testing::goes_on_with_the_same_bits(of_one_type, data, {.epochs = 4, .batch_size = 10});
  testing::goes_on_with_the_same_bits(of_two_types, data, {.epochs = 4, .batch_size = 10});
}

TEST_CASE("networks of two kinds teach each other and make an ensemble")
{
  const auto data = noise_images(16);
  // [mutual]
  mutual_learning training{
      .peers = std::tuple{learner{.model = resnet8(data.shape, {.seed = seed{1}}),
                                  .optimizer = sgd{.learning_rate = 0.05},
                                  .lr_schedule = cosine_annealing{}},
                          learner{.model = wide_resnet(10, 1, data.shape, {.seed = seed{2}}),
                                  .optimizer = sgd{.learning_rate = 0.05},
                                  .lr_schedule = cosine_annealing{}}}};
  const auto history = fit(training, data, {.epochs = 6, .batch_size = 8});
  const auto& [narrow, wide] = training.peers;
  const auto teacher = ensemble(std::tuple{frozen(narrow.evaluated()), frozen(wide.evaluated())});
  const double together = accuracy(teacher, data);
  // [/mutual]
  CHECK(history.epochs.back()["loss"] < history.epochs.front()["loss"]);
  CHECK(history.epochs.back()["accuracy-2"] >= 0.0);
  CHECK(together >= 0.0);

  // Features as well, where all peers offer them.
  mutual_learning on_features{.peers = training.peers,
                              .loss = cross_entropy{} + 10.0 * attention_transfer<tap::stage<3>>{}};
  (void)fit(on_features, data, {.epochs = 1, .batch_size = 8});
}

TEST_CASE("one peer alone is refused")
{
  const auto data = tiny_data(8);
  mutual_learning alone{.peers = tiny_peers(data, 1)};
  CHECK_THROWS_WITH_AS((void)alone(data.examples(), {}),
                       "rolewise: mutual_learning: want at least two peers, got 1",
                       std::invalid_argument);
}

TEST_CASE("each generation is taught by the one before, from first weights of its own")
{
  const auto data = tiny_data(20);
  supervised pretraining{.student = tiny_student{data.shape, seed{1}}};
  fit(pretraining, data, {.epochs = 2, .batch_size = 10});
  const auto first = frozen(pretraining.student);

  std::vector<std::uint64_t> teachers, beginnings;
  std::vector<seed> seeds;
  const auto train = [&](const auto& teacher, const systems::generation& at) {
    CHECK(at.number == static_cast<std::int64_t>(teachers.size()));
    distillation training{.teacher = teacher,
                          .student = tiny_student{data.shape, at.seed},
                          .loss = cross_entropy{} + soft_target_kl{temperature{1}}};
    teachers.push_back(teacher.fingerprint());
    beginnings.push_back(sum_of(training.student));
    seeds.push_back(at.seed);
    fit(training, data, {.epochs = 2, .batch_size = 10, .seed = at.seed});
    return training.evaluated();
  };
  const auto line = systems::generations(first, {.count = 3, .seed = seed{4}}, train);
  REQUIRE(line.size() == 3);
  CHECK(teachers == std::vector<std::uint64_t>{first.fingerprint(), line[0].fingerprint(),
                                               line[1].fingerprint()});
  CHECK(beginnings[0] != beginnings[1]);
  CHECK(beginnings[1] != beginnings[2]);
  CHECK(accuracy(ensemble(line), data) >= 0.0);

  const auto seeds_at_first = seeds;
  teachers.clear();
  const auto again = systems::generations(first, {.count = 3, .seed = seed{4}}, train);
  CHECK(again[2].fingerprint() == line[2].fingerprint());
  CHECK(seeds[3] == seeds_at_first[0]);
  CHECK_THROWS_WITH_AS((void)systems::generations(first, {.count = 0}, train),
                       "rolewise: generations: want at least 1 generation, got 0",
                       std::invalid_argument);
}

TEST_CASE("teacher assistants are generations of falling size")
{
  const auto data = noise_images(8);
  const auto large = frozen(wide_resnet(10, 1, data.shape, {.seed = seed{1}}));
  // [generations]
  constexpr std::array depths{20, 14, 8};
  const auto line = systems::generations(
      large, {.count = std::ssize(depths), .seed = seed{2}},
      [&](const auto& teacher, const systems::generation& at) {
        const auto depth = depths.at(static_cast<std::size_t>(at.number));
        distillation training{
            .teacher = teacher,
            .student = make_residual_network(resnet_plan(depth), data.shape, no_quantizer{},
                                             full_precision{}, {.seed = at.seed}),
            .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}}};
        fit(training, data, {.epochs = 1, .batch_size = 4, .seed = at.seed});
        return training.evaluated();
      });
  const auto& student = line.back().network();
  // [/generations]
  CHECK(line[0].network().name() == "resnet20");
  CHECK(student.name() == "resnet8");
}
