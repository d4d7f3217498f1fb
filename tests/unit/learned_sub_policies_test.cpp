// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Learned sub-policies: what is drawn, what is shown, and what reaches the parameters.
#include "support/doctest.hpp"

#include "support/noise_images.hpp"

#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/learned_sub_policies.hpp>
#include <rolewise/agent/straight_through.hpp>
#include <rolewise/core/state.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;

constexpr training_progress third_epoch{.epoch = 3, .step = 0, .epochs = 4, .steps_per_epoch = 1};

/// Sets the parameters of a policy, which are logits.
void set(learned_sub_policies& policy, const std::string& which, const torch::Tensor& values)
{
  const torch::NoGradGuard without_graph;
  for_each_tensor(policy, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    if (name == which) t.copy_(values.expand_as(t));
  });
}

/// One pair, of whose operations so many are always applied, at a share of the magnitudes.
[[nodiscard]] learned_sub_policies only(operation_pair pair, std::initializer_list<bool> applied,
                                        double strength)
{
  learned_sub_policies policy{{pair}};
  std::vector<float> gates;
  for (const bool on : applied) gates.push_back(on ? 60.0F : -60.0F);
  set(policy, "probabilities", torch::tensor(gates));
  set(policy, "magnitudes", torch::full({1}, std::log(strength / (1.0 - strength))));
  return policy;
}

[[nodiscard]] batch plain(std::int64_t count)
{
  auto examples = noise_images(count).examples();
  examples.normalization = {};
  return examples;
}

[[nodiscard]] torch::Tensor unit(const batch& examples)
{
  return examples.inputs.to(torch::kFloat) / 255.0;
}

}  // namespace

TEST_CASE("learned sub-policies begin as all pairs of different operations, alike")
{
  const learned_sub_policies policy;
  CHECK(policy.pairs().size() == 105);
  std::set<std::pair<operation, operation>> seen;
  for (const auto& [a, b] : policy.pairs()) {
    CHECK(a != b);
    seen.insert({std::min(a, b), std::max(a, b)});
  }
  CHECK(seen.size() == 105);
  CHECK(policy.weights().sizes() == at::IntArrayRef{105});
  CHECK(policy.magnitudes().sizes() == at::IntArrayRef{105, 2});
  for (const auto* each : {&policy.weights(), &policy.probabilities(), &policy.magnitudes()}) {
    CHECK(each->requires_grad());
    CHECK(each->count_nonzero().item<std::int64_t>() == 0);
  }
  CHECK_THROWS_AS(learned_sub_policies{std::vector<operation_pair>{}}, std::invalid_argument);
}

TEST_CASE("learned sub-policies: without an applied operation a view is its image")
{
  const auto examples = plain(12);
  const auto policy = only({operation::rotate, operation::invert}, {false, false}, 0.7);
  const auto drawn = policy(examples, third_epoch, seed{1});
  CHECK(drawn.view.inputs.equal(unit(examples)));
  CHECK(drawn.gates[0].choice.count_nonzero().item<std::int64_t>() == 0);
  auto normalized = noise_images(12).examples();
  normalized.normalization = {.mean = {0.5, 0.4, 0.3}, .std = {0.2, 0.3, 0.4}};
  const auto view = policy(normalized, third_epoch, seed{1}).view;
  CHECK(view.inputs.allclose(normalized_inputs(normalized), 1e-5, 1e-6));
  CHECK(view.normalization == normalization{});
  CHECK(view.labels.equal(normalized.labels));
}

TEST_CASE("learned sub-policies: a view is what its operations do at the nearest level")
{
  const auto examples = plain(16);
  const auto original = unit(examples);
  const auto first = [&](operation what, double strength, const torch::Tensor& up = {}) {
    return straight_through_operation(original, what, torch::full({16}, strength), up);
  };
  const auto shown = [&](const learned_sub_policies& policy) {
    return policy(examples, third_epoch, seed{1}).view.inputs;
  };
  // .72 of 9 is 6.48
  CHECK(shown(only({operation::posterize, operation::invert}, {true, false}, 0.72))
            .equal(first(operation::posterize, 6.0 / 9.0)));
  CHECK(shown(only({operation::posterize, operation::invert}, {false, true}, 0.72))
            .equal(first(operation::invert, 0.0)));
  const auto both = shown(only({operation::invert, operation::posterize}, {true, true}, 0.72));
  CHECK(both.equal(straight_through_operation(first(operation::invert, 0.0), operation::posterize,
                                              torch::full({16}, 6.0 / 9.0))));
  // Each operation has a sign of its own, drawn for each image.
  {
    const auto pair = shown(only({operation::rotate, operation::brightness}, {true, true}, 0.72));
    std::set<std::pair<bool, bool>> seen;
    for (const bool turn : {false, true})
      for (const bool bright : {false, true}) {
        const auto strength = torch::full({16}, 6.0 / 9.0);
        const auto one =
            straight_through_operation(first(operation::rotate, 6.0 / 9.0, torch::full({16}, turn)),
                                       operation::brightness, strength, torch::full({16}, bright));
        for (std::int64_t n = 0; n < 16; ++n)
          if (pair[n].equal(one[n])) seen.insert({turn, bright});
      }
    CHECK(seen.size() > 2);
  }
  const auto turned = shown(only({operation::rotate, operation::invert}, {true, false}, 0.72));
  const auto up = first(operation::rotate, 6.0 / 9.0);
  const auto down = first(operation::rotate, 6.0 / 9.0, torch::zeros({16}, torch::kBool));
  int upward = 0;
  for (std::int64_t n = 0; n < 16; ++n) {
    const bool is_up = turned[n].equal(up[n]);
    CHECK((is_up || turned[n].equal(down[n])));
    upward += is_up ? 1 : 0;
  }
  CHECK(upward > 2);
  CHECK(upward < 14);
}

TEST_CASE("learned sub-policies: every pixel moves a magnitude that made its image, by 1")
{
  const auto examples = plain(6);
  const auto slope_of = [&](const learned_sub_policies& policy) {
    const auto view = policy(examples, third_epoch, seed{1}).view.inputs;
    torch::manual_seed(3);
    const auto upstream = torch::randn(view.sizes());
    return std::pair{torch::autograd::grad({view}, {policy.magnitudes()}, {upstream})[0],
                     upstream.sum().item<double>() * 0.72 * 0.28};
  };
  {
    const auto [slope, wanted] =
        slope_of(only({operation::posterize, operation::rotate}, {true, false}, 0.72));
    CHECK(slope[0][0].item<double>() == doctest::Approx(wanted).epsilon(1e-4).scale(0));
    CHECK(slope[0][1].item<double>() == 0.0);
  }
  {
    const auto [slope, wanted] =
        slope_of(only({operation::autocontrast, operation::rotate}, {true, true}, 0.72));
    CHECK(slope[0][0].item<double>() == 0.0);  // has no magnitude
    CHECK(slope[0][1].item<double>() == doctest::Approx(wanted).epsilon(1e-4).scale(0));
  }
}

TEST_CASE("learned sub-policies: pairs and gates are as frequent as they are probable")
{
  const std::int64_t count = 6000;
  batch examples{.inputs = torch::zeros({count, 1, 2, 2}, torch::kByte),
                 .labels = torch::zeros({count}, torch::kLong),
                 .ids = torch::arange(count)};
  learned_sub_policies policy{{{operation::invert, operation::rotate},
                               {operation::posterize, operation::invert},
                               {operation::rotate, operation::posterize}}};
  set(policy, "weights", torch::tensor({0.7F, -0.4F, 0.1F}));
  set(policy, "probabilities", torch::tensor({{1.0F, -1.0F}, {0.0F, 2.0F}, {-2.0F, 0.5F}}));
  const auto drawn = policy(examples, third_epoch, seed{5});
  const auto share = [](const torch::Tensor& of) {
    return of.to(torch::kDouble).mean().item<double>();
  };
  for (std::int64_t s = 0; s < 3; ++s) {
    const auto chosen = drawn.pair.choice.eq(s);
    CHECK(std::abs(share(chosen) - policy.weights().softmax(0)[s].item<double>()) < 0.02);
    for (std::int64_t slot = 0; slot < 2; ++slot) {
      const auto on = drawn.gates[static_cast<std::size_t>(slot)].choice.masked_select(chosen);
      CHECK(std::abs(share(on) - policy.probabilities().sigmoid()[s][slot].item<double>()) < 0.04);
    }
  }
  // Gates do not know of each other, nor the second draws of the first.
  const auto both = drawn.gates[0].choice * drawn.gates[1].choice;
  const auto on = policy.probabilities().sigmoid();
  const auto wanted = (policy.weights().softmax(0) * on.prod(1)).sum().item<double>();
  CHECK(std::abs(share(both) - wanted) < 0.02);
  const auto correlation = [](const torch::Tensor& a, const torch::Tensor& b) {
    return torch::corrcoef(torch::stack({a.detach(), b.detach()}))[0][1].item<double>();
  };
  const auto third = drawn.pair.choice.eq(2);  // of which the first two are drawn below a third
  CHECK(std::abs(correlation(drawn.pair.relaxed.select(1, 2).masked_select(third),
                             drawn.pair.conditional.select(1, 2).masked_select(third))) < 0.08);
  const auto closed = drawn.gates[0].choice.eq(0);
  CHECK(std::abs(correlation(drawn.gates[0].relaxed.select(1, 0).masked_select(closed),
                             drawn.gates[0].conditional.select(1, 0).masked_select(closed))) <
        0.08);
}

TEST_CASE("learned sub-policies: holes have the mean color, as those of auto_augment")
{
  auto black = plain(6);
  black.inputs = torch::zeros_like(black.inputs);
  black.normalization = {.mean = {1.0, 1.0, 1.0}, .std = {0.2, 0.3, 0.4}};
  const auto policy = only({operation::translate_x, operation::invert}, {true, false}, 0.999);
  const auto view = policy(black, third_epoch, seed{1}).view.inputs;
  CHECK(view.eq(0.0).to(torch::kDouble).mean().item<double>() == doctest::Approx(3.0 / 8.0));
}

TEST_CASE("learned sub-policies: a draw is a function of seed, epoch and id")
{
  const auto examples = plain(20);
  const learned_sub_policies policy;
  const auto drawn = policy(examples, third_epoch, seed{5});
  const auto some = torch::tensor({17, 3, 8}, torch::kLong);
  const batch few{.inputs = examples.inputs.index_select(0, some),
                  .labels = examples.labels.index_select(0, some),
                  .ids = examples.ids.index_select(0, some)};
  const auto again = policy(few, third_epoch, seed{5});
  CHECK(again.view.inputs.equal(drawn.view.inputs.index_select(0, some)));
  CHECK(again.pair.choice.equal(drawn.pair.choice.index_select(0, some)));
  CHECK(again.gates[1].relaxed.equal(drawn.gates[1].relaxed.index_select(0, some)));
  auto fourth = third_epoch;
  fourth.epoch = 4;
  CHECK_FALSE(policy(examples, fourth, seed{5}).pair.choice.equal(drawn.pair.choice));
  CHECK_FALSE(policy(examples, third_epoch, seed{6}).pair.choice.equal(drawn.pair.choice));
}

TEST_CASE("learned sub-policies: the best of them, as a policy of auto_augment")
{
  learned_sub_policies policy{{{operation::invert, operation::rotate},
                               {operation::posterize, operation::invert},
                               {operation::rotate, operation::posterize}}};
  set(policy, "weights", torch::tensor({0.1F, -0.4F, 0.7F}));
  set(policy, "probabilities", torch::tensor({1.0F, -1.0F}));  // .731, .269
  set(policy, "magnitudes", torch::tensor({-9.0F, 0.3F}));     // 0, .574: level 5.17
  const auto found = policy.best(2);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == sub_policy{{operation::rotate, 7, 0}, {operation::posterize, 3, 5}});
  CHECK(found[1] == sub_policy{{operation::invert, 7, 0}, {operation::rotate, 3, 5}});
  CHECK(policy.best(9).size() == 3);
  CHECK(policy.best(0).empty());
  CHECK_THROWS_WITH_AS((void)policy.best(-1), doctest::Contains("want a count of at least 0"),
                       std::invalid_argument);

  const auto examples = plain(8);
  auto always = only({operation::posterize, operation::invert}, {true, true}, 0.72);
  const auto by_levels = auto_augment{.policy = always.best(1), .scale = auto_augment_scale::even}(
      examples, third_epoch, seed{1});
  CHECK(always(examples, third_epoch, seed{1}).view.inputs.equal(unit(by_levels)));
}

TEST_CASE("learned sub-policies refuse what they cannot show")
{
  const learned_sub_policies policy;
  auto maps = plain(2);
  maps.labels = torch::zeros({2, 8, 8}, torch::kLong);
  CHECK_THROWS_WITH_AS((void)policy(maps, third_epoch, seed{}),
                       doctest::Contains("learned_sub_policies"), std::invalid_argument);
  auto broken = plain(2);
  broken.inputs = torch::full({2, 3, 8, 8}, std::numeric_limits<float>::quiet_NaN());
  CHECK_THROWS_WITH_AS((void)policy(broken, third_epoch, seed{}), doctest::Contains("got NaN"),
                       std::invalid_argument);
  CHECK(policy(plain(0), third_epoch, seed{}).view.inputs.size(0) == 0);
  const auto refuses = [&](const batch& examples, const char* words) {
    CHECK_THROWS_WITH_AS((void)policy(examples, third_epoch, seed{}), doctest::Contains(words),
                         std::invalid_argument);
  };
  refuses({}, "got an undefined tensor");
  auto other = plain(2);
  other.inputs = torch::zeros({}, torch::kByte);
  refuses(other, "want images [N, C, H, W]");
  other = plain(2);
  for (const auto type : {torch::kByte, torch::kFloat}) {
    other.inputs = other.inputs.to(type);
    other.normalization = {.mean = {}, .std = {0.5, 0.5}};
    refuses(other, "normalization has 2 channels");
  }
  auto diverged = only({operation::rotate, operation::invert}, {false, false}, 0.5);
  set(diverged, "magnitudes", torch::full({1}, std::numeric_limits<float>::quiet_NaN()));
  CHECK_THROWS_WITH_AS((void)diverged(plain(2), third_epoch, seed{}),
                       doctest::Contains("whose search diverged"), std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)diverged.best(1), doctest::Contains("whose search diverged"),
                       std::invalid_argument);
}
