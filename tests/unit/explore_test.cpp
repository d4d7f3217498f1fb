// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/policy/policy_log.hpp>
#include <rolewise/search/explore.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/support/file.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

// The root of the repository; the working directory if CMake does not define it.
#ifndef ROLEWISE_SOURCE_FOLDER
#define ROLEWISE_SOURCE_FOLDER "."
#endif

namespace rw = rolewise;

namespace {

/// The exploration rule, or a slightly different one.
struct rule {
  double resample = 0.2;
  std::vector<std::int64_t> steps{0, 1, 2, 3};  // equally likely
};

/// The closed form: the probability of each child value 0 .. highest, given the parent's value.
std::vector<double> law(const rule& of, std::int64_t highest, std::int64_t parent)
{
  const auto values = static_cast<std::size_t>(highest + 1);
  std::vector<double> share(values, of.resample / static_cast<double>(values));
  const double each = (1.0 - of.resample) / static_cast<double>(2 * of.steps.size());
  for (const auto step : of.steps) {
    share[static_cast<std::size_t>(std::max<std::int64_t>(0, parent - step))] += each;
    share[static_cast<std::size_t>(std::min(highest, parent + step))] += each;
  }
  return share;
}

/// A level before and after exploration.
struct change {
  std::int64_t highest = 0;
  std::int64_t parent = 0;
  std::int64_t child = 0;
};

std::vector<rw::exploit_event> recorded_events()
{
  std::vector<rw::exploit_event> events;
  for (const char* name : {"rcifar10_16_wrn.txt", "rsvhn_16_wrn.txt"}) {
    const auto path = std::string{ROLEWISE_SOURCE_FOLDER "/examples/schedules/"} + name;
    for (auto& event : rw::read_policy_log(path)) events.push_back(std::move(event));
    if (const char* const data = std::getenv("ROLEWISE_TEST_DATA"))
      CHECK(rw::support::text_of_file(std::string{data} + "/pba-schedules/" + name) ==
            rw::support::text_of_file(path));
  }
  return events;
}

void add_changes(std::vector<change>& all, const rw::augmentation_policy& parent,
                 const rw::augmentation_policy& child)
{
  for (std::size_t place = 0; place < 60; ++place)
    all.push_back(
        {rw::search::detail::highest_level(place), parent.levels()[place], child.levels()[place]});
}

std::vector<change> recorded_changes()
{
  std::vector<change> all;
  for (const auto& event : recorded_events()) add_changes(all, event.old_policy, event.new_policy);
  return all;
}

std::vector<change> explored_changes(std::uint64_t run, const rw::search::exploration& how = {})
{
  std::vector<change> all;
  const auto space = rw::search::policy_space();
  std::uint64_t number = 0;
  for (const auto& event : recorded_events()) {
    const auto key = rw::seed{17}.split(run).split(number++);
    const auto child =
        rw::search::explore(space, rw::search::configuration_of(event.old_policy), key, how);
    add_changes(all, event.old_policy, rw::search::policy_at(child));
  }
  return all;
}

/// Bins with expected and found counts; neighbors are joined until at least 5 are expected.
struct bins {
  double chi_square = 0.0;
  int count = 0;
  double expected = 0.0, found = 0.0;

  void add(double more_expected, double more_found)
  {
    expected += more_expected;
    found += more_found;
    if (expected >= 5.0) close();
  }
  void close()
  {
    if (expected > 0.0) {
      chi_square += (found - expected) * (found - expected) / expected;
      ++count;
    }
    expected = found = 0.0;
  }
};

/// The z-score of Pearson's chi-square (Wilson and Hilferty's approximation): above 3.09 once in
/// a thousand times.
double surprise(double chi_square, int freedom)
{
  const double part = 2.0 / (9.0 * freedom);
  return (std::cbrt(chi_square / freedom) - (1.0 - part)) / std::sqrt(part);
}

/// The z-score over cells of kind of level, parent value and child value: tests the whole
/// distribution.
double surprise_by_parent(const std::vector<change>& changes, const rule& of)
{
  std::map<std::pair<std::int64_t, std::int64_t>, std::map<std::int64_t, double>> found;
  for (const auto& one : changes) found[{one.highest, one.parent}][one.child] += 1.0;
  double chi_square = 0.0;
  int freedom = 0;
  for (auto& [parent, children] : found) {
    double count = 0.0;
    for (const auto& [child, times] : children) count += times;
    const auto share = law(of, parent.first, parent.second);
    std::vector<std::pair<double, double>> cells;  // likely ones first, so that rare ones join
    for (std::size_t child = 0; child < share.size(); ++child)
      cells.emplace_back(count * share[child], children[static_cast<std::int64_t>(child)]);
    std::sort(cells.begin(), cells.end(), std::greater<>{});
    bins row;
    for (const auto& [expected, times] : cells) row.add(expected, times);
    // The rest has fewer than 5 expected counts: it is not a bin, and is not tested.
    chi_square += row.chi_square;
    const bool has_rest = row.expected > 0.0;
    freedom += has_rest ? row.count : std::max(0, row.count - 1);
  }
  REQUIRE(freedom > 50);
  return surprise(chi_square, freedom);
}

/// The z-score over kind of level and difference, for all parents together: fewer bins, so more
/// sensitive to how often and how far levels move.
double surprise_by_difference(const std::vector<change>& changes, const rule& of)
{
  std::map<std::pair<std::int64_t, std::int64_t>, std::pair<double, double>> cells;
  for (const auto& one : changes) {
    cells[{one.highest, one.child - one.parent}].second += 1.0;
    const auto share = law(of, one.highest, one.parent);
    for (std::size_t child = 0; child < share.size(); ++child)
      cells[{one.highest, static_cast<std::int64_t>(child) - one.parent}].first += share[child];
  }
  double chi_square = 0.0;
  int freedom = 0;
  for (const std::int64_t highest : {9, 10}) {
    bins row;
    for (const auto& [cell, counts] : cells)
      if (cell.first == highest) row.add(counts.first, counts.second);
    row.close();
    chi_square += row.chi_square;
    freedom += row.count - 1;
  }
  REQUIRE(freedom > 20);
  return surprise(chi_square, freedom);
}

constexpr double once_in_a_thousand = 3.09, once_in_a_hundred_thousand = 4.26;

const std::vector<rule> near_misses{
    {.resample = 0.1},    {.resample = 0.3},          {.steps = {0, 1, 2}},
    {.steps = {1, 2, 3}}, {.steps = {0, 1, 2, 3, 4}}, {.steps = {0, 0, 1, 1, 2, 2, 3}},
};

}  // namespace

TEST_CASE("the closed form of the rule is a distribution, with the clamped steps at the ends")
{
  for (const std::int64_t highest : {9, 10})
    for (std::int64_t parent = 0; parent <= highest; ++parent) {
      double sum = 0.0;
      for (const double share : law({}, highest, parent)) sum += share;
      CHECK(sum == doctest::Approx(1.0));
    }
  const auto at_zero = law({}, 10, 0);
  CHECK(at_zero[0] == doctest::Approx(0.2 / 11 + 0.8 * (0.5 + 0.125)));
  CHECK(at_zero[1] == doctest::Approx(0.2 / 11 + 0.1));
  CHECK(at_zero[4] == doctest::Approx(0.2 / 11));
  const auto inside = law({}, 9, 8);
  CHECK(inside[9] == doctest::Approx(0.02 + 0.3));
  CHECK(inside[8] == doctest::Approx(0.02 + 0.2));
  CHECK(inside[5] == doctest::Approx(0.02 + 0.1));
}

TEST_CASE("the recorded searches followed the rule, and none that is nearly it")
{
  const auto recorded = recorded_changes();
  REQUIRE(recorded.size() == 1740);
  CHECK(surprise_by_parent(recorded, {}) < once_in_a_thousand);
  CHECK(surprise_by_difference(recorded, {}) < once_in_a_thousand);
  for (const auto& near : near_misses) {
    CAPTURE(near.resample);
    CAPTURE(near.steps.size());
    CHECK(surprise_by_difference(recorded, near) > once_in_a_hundred_thousand);
  }
}

TEST_CASE("exploring from the recorded parents follows the rule, and none that is nearly it")
{
  for (std::uint64_t run = 0; run < 10; ++run) {
    const auto explored = explored_changes(run);
    REQUIRE(explored.size() == 1740);
    CHECK(surprise_by_parent(explored, {}) < once_in_a_thousand);
    CHECK(surprise_by_difference(explored, {}) < once_in_a_thousand);
  }
  std::vector<change> many;
  for (std::uint64_t run = 100; run < 120; ++run) {
    const auto explored = explored_changes(run);
    many.insert(many.end(), explored.begin(), explored.end());
  }
  CHECK(surprise_by_parent(many, {}) < once_in_a_thousand);
  CHECK(surprise_by_difference(many, {}) < once_in_a_thousand);
  for (const auto& near : near_misses) {
    CHECK(surprise_by_parent(many, near) > once_in_a_hundred_thousand);
    CHECK(surprise_by_difference(many, near) > once_in_a_hundred_thousand);
  }
  // This sample is large enough to detect a difference that 1,740 changes do not show.
  CHECK(surprise_by_difference(many, {.resample = 0.23}) > once_in_a_thousand);
}

TEST_CASE("exploration with other settings is noticed")
{
  CHECK(surprise_by_difference(explored_changes(1, {.resample = rw::fraction{0.35}}), {}) >
        once_in_a_hundred_thousand);
  CHECK(surprise_by_difference(explored_changes(1, {.longest_step = 2}), {}) >
        once_in_a_hundred_thousand);
  CHECK(surprise_by_difference(explored_changes(1, {.longest_step = 4}), {}) >
        once_in_a_hundred_thousand);
  CHECK(surprise_by_difference(explored_changes(1, {.longest_step = 4}),
                               {.steps = {0, 1, 2, 3, 4}}) < once_in_a_thousand);
}
