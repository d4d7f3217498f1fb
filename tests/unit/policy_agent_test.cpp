// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/sanitized.hpp"
#include "support/tally.hpp"

#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/policy/augmentation_policy.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::operation;
using rw::tests::tally;

namespace {

constexpr std::int64_t pairs = rw::augmentation_policy::pairs;

/// The draws of Population Based Augmentation: probabilities of at most 0, 1 and 2 operations,
/// and of a negative sign.
struct chances {
  std::array<double, 3> at_most{0.2, 0.3, 0.5};
  double negative = 0.5;
};

std::string outcome(operation what, double value)
{
  return std::string{rw::name(what)} + " " + std::to_string(std::lround(1000.0 * value)) + ";";
}

/// The outcomes of a pair that fires, with their probabilities.
std::map<std::string, double> outcomes_of(const rw::augmentation_policy& policy, std::int64_t pair,
                                          const chances& with)
{
  const auto what = rw::augmentation_policy::operation_of(pair);
  const auto value = rw::policy_parameter(what, policy.magnitude(pair));
  if (!rw::has_sign(what)) return {{outcome(what, value), 1.0}};
  std::map<std::string, double> both;
  both[outcome(what, value)] += 1.0 - with.negative;
  both[outcome(what, -value)] += with.negative;
  return both;
}

/// The probabilities that 0, 1, 2, ... pairs fire, without the pairs in `without`.
std::vector<double> number_that_fire(const rw::augmentation_policy& policy,
                                     const std::vector<std::int64_t>& without)
{
  std::vector<double> chance{1.0};
  for (std::int64_t pair = 0; pair < pairs; ++pair) {
    bool is_left = true;
    for (const auto out : without) is_left = is_left && out != pair;
    if (!is_left) continue;
    const double fires = static_cast<double>(policy.probability(pair)) / 10.0;
    chance.push_back(0.0);
    for (auto k = chance.size() - 1; k > 0; --k)
      chance[k] = chance[k] * (1.0 - fires) + chance[k - 1] * fires;
    chance[0] *= 1.0 - fires;
  }
  return chance;
}

/// The distribution of an image's operations in closed form, independent of the drawing: of all
/// pairs that would fire, the first in a random order are taken, so each ordered choice of them
/// is equally likely.
tally expected_of(const rw::augmentation_policy& policy, const chances& with)
{
  tally expected;
  const auto fires = [&](std::int64_t pair) {
    return static_cast<double>(policy.probability(pair)) / 10.0;
  };
  expected.expect("",
                  with.at_most[0] + (1.0 - with.at_most[0]) * number_that_fire(policy, {}).front());
  for (std::int64_t i = 0; i < pairs; ++i) {
    if (fires(i) == 0.0) continue;
    const auto others = number_that_fire(policy, {i});
    double alone = with.at_most[2] * others[0];
    for (std::size_t k = 0; k < others.size(); ++k)
      alone += with.at_most[1] * others[k] / static_cast<double>(k + 1);
    for (const auto& [first, p] : outcomes_of(policy, i, with))
      expected.expect(first, fires(i) * alone * p);

    for (std::int64_t j = 0; j < pairs; ++j) {
      if (j == i || fires(j) == 0.0) continue;
      const auto rest = number_that_fire(policy, {i, j});
      double together = 0.0;
      for (std::size_t k = 0; k < rest.size(); ++k)
        together += with.at_most[2] * rest[k] / static_cast<double>((k + 2) * (k + 1));
      for (const auto& [first, p] : outcomes_of(policy, i, with))
        for (const auto& [second, q] : outcomes_of(policy, j, with))
          expected.expect(first + second, fires(i) * fires(j) * together * p * q);
    }
  }
  return expected;
}

/// The steps that are planned for each of `count` images of 8 x 8.
std::vector<std::vector<rw::image_step>> planned(const rw::augmentation_policy& policy,
                                                 std::int64_t count)
{
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  rw::image_program program{ids.size()};
  rw::policy_agent{.policy = policy}.plan(rw::image_subjects{ids, 3, 8, 8}, {.epoch = 3},
                                          rw::seed{17}, program);
  std::vector<std::vector<rw::image_step>> steps(ids.size());
  for (const auto& layer : program.layers())
    if (layer.does == rw::image_program::kind::operations)
      for (std::size_t n = 0; n < ids.size(); ++n)
        if (const auto& step = program.operations(layer)[n]; step.what != operation::identity)
          steps[n].push_back(step);
  return steps;
}

rw::augmentation_policy busy_policy()
{
  std::vector<std::int64_t> levels;
  for (std::int64_t i = 0; i < pairs; ++i) {
    levels.push_back(7 * i % 11);
    levels.push_back((3 * i + 1) % 10);
  }
  return rw::augmentation_policy{levels};
}

/// A policy of few pairs, so that often fewer fire than may; one (TranslateX at 0) changes
/// nothing but counts.
rw::augmentation_policy sparse_policy()
{
  std::vector<std::int64_t> levels(2 * pairs);
  const std::map<std::size_t, std::pair<std::int64_t, std::int64_t>> used{
      {0, {3, 9}}, {1, {4, 0}}, {5, {1, 4}}, {15, {2, 5}}, {23, {6, 9}}, {28, {10, 3}}};
  for (const auto& [pair, level] : used) {
    levels[2 * pair] = level.first;
    levels[2 * pair + 1] = level.second;
  }
  return rw::augmentation_policy{levels};
}

constexpr std::int64_t many = rw::tests::repetitions(300000, 30000);

}  // namespace

TEST_CASE("which operations a policy plans, how many, in which order, with which signs")
{
  for (const auto& policy : {busy_policy(), sparse_policy()}) {
    CAPTURE(policy);
    auto right = expected_of(policy, {});
    auto more_single = expected_of(policy, {.at_most = {0.2, 0.33, 0.47}});
    auto fewer_empty = expected_of(policy, {.at_most = {0.18, 0.3, 0.52}});
    auto lopsided = expected_of(policy, {.negative = 0.54});
    auto other = policy.levels();
    other[56] -= 1;
    auto other_probability = expected_of(rw::augmentation_policy{other}, {});
    for (const auto& steps : planned(policy, many)) {
      std::string found;
      for (const auto& step : steps) found += outcome(step.what, step.value);
      for (auto* const of : {&right, &more_single, &fewer_empty, &lopsided, &other_probability})
        of->count(found);
    }
    CHECK(right.fits());
    if (rw::tests::sanitized) continue;  // near misses show in many draws alone
    CHECK_FALSE(more_single.fits());
    CHECK_FALSE(fewer_empty.fits());
    CHECK_FALSE(lopsided.fits());
    CHECK_FALSE(other_probability.fits());
  }
}

TEST_CASE("where all pairs fire, 0, 1 or 2 operations do with probability 0.2, 0.3, 0.5")
{
  std::vector<std::int64_t> levels;
  for (std::int64_t i = 0; i < pairs; ++i) levels.insert(levels.end(), {10, 4});
  tally count, which, signs, boxes;
  count.expect("0", 0.2);
  count.expect("1", 0.3);
  count.expect("2", 0.5);
  for (std::int64_t i = 0; i < rw::policy_operations; ++i) {
    const auto what = static_cast<operation>(i);
    which.expect(std::string{rw::name(what)}, 1.0 / 15.0);
    for (const char* sign : {"+", "-"})
      if (rw::has_sign(what)) signs.expect(std::string{rw::name(what)} + sign, 0.1);
  }
  for (int place = 0; place < 64; ++place) boxes.expect(std::to_string(place), 1.0 / 64.0);
  for (const auto& steps : planned(rw::augmentation_policy{levels}, many)) {
    count.count(std::to_string(steps.size()));
    for (const auto& [what, value, row, column] : steps) {
      which.count(std::string{rw::name(what)});
      if (rw::has_sign(what)) signs.count(std::string{rw::name(what)} + (value < 0 ? "-" : "+"));
      if (what == operation::cutout) boxes.count(std::to_string(8 * row + column));
    }
  }
  CHECK(count.fits());
  CHECK(which.fits());
  CHECK(signs.fits());
  CHECK(boxes.fits());
}
