// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/search_strategy.hpp"
#include "support/doctest.hpp"
#include "support/played_search.hpp"
#include "support/sanitized.hpp"
#include "support/tally.hpp"

#include <rolewise/search/explore.hpp>
#include <rolewise/search/joined.hpp>
#include <rolewise/search/policy_space.hpp>
#include <rolewise/search/population_based.hpp>
#include <rolewise/search/population_based_asynchronous.hpp>
#include <rolewise/search/ready_spaces.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace rolewise;
using rolewise::tests::played;
using rolewise::tests::tally;

namespace {

const search::search_space mixed{
    {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}},
    {"momentum", search::real_interval{-1.0, 1.0}},
    {"bits", search::integer_interval{1, 8}},
    {"agent", search::choice_of{{"none", "policy", "random"}}}};

std::vector<search::trial_state> waiting(std::int64_t trials)
{
  std::vector<search::trial_state> all;
  for (std::int64_t t = 0; t < trials; ++t) all.push_back({.trial = t});
  return all;
}

/// Trials after a round, with these scores.
std::vector<search::trial_state> scored(const std::vector<double>& scores)
{
  std::vector<search::trial_state> all;
  for (const double score : scores) {
    const auto trial = static_cast<std::int64_t>(all.size());
    const auto at = mixed.sample(seed{5}.split(all.size()));
    all.push_back({.trial = trial, .epoch = 3, .score = score, .at = at, .past = {{3, score, at}}});
  }
  return all;
}

std::vector<search::exploit_trial> copies_in(const std::vector<search::decision>& decisions)
{
  std::vector<search::exploit_trial> copies;
  for (const auto& made : decisions)
    if (const auto* copy = std::get_if<search::exploit_trial>(&made)) copies.push_back(*copy);
  return copies;
}

std::string refusal(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("both population based searches keep the promises of SearchStrategy")
{
  laws::hold_for(search::population_based{}, mixed);
  laws::hold_for(search::population_based{}, mixed, 16, 8);
  laws::hold_for(search::population_based{.quantile = fraction{0.5}}, mixed, 7, 5);
  laws::hold_for(search::population_based{}, mixed, 1, 3);
  laws::hold_for(search::population_based{.first = search::configuration_of(augmentation_policy{})},
                 search::policy_space(), 8, 4);
  laws::hold_for(search::population_based_asynchronous{}, mixed, 16, 8);
  laws::hold_for(search::population_based_asynchronous{.delay = fraction{0.0}}, mixed, 5, 8);
  laws::hold_for(search::population_based_asynchronous{}, mixed, 1, 3);
}

TEST_CASE("trials begin where they are told to, or where draws put them")
{
  const auto space = joined(search::policy_space("student."), search::learning_rate_space());
  const search::population_based zeros{
      .first = search::configuration_of(augmentation_policy{}, "student.")};
  const search::population_based_asynchronous later{.first = zeros.first};
  for (const auto& decisions :
       {zeros(space, waiting(8), seed{3}), later(space, waiting(8), seed{3})}) {
    std::set<double> rates;
    REQUIRE(decisions.size() == 8);
    for (const auto& made : decisions) {
      const auto& at = std::get<search::start_trial>(made).at;
      CHECK(space.contains(at));
      CHECK(search::policy_at(at, "student.") == augmentation_policy{});
      rates.insert(at.real("learning_rate"));
    }
    CHECK(rates.size() == 8);
  }
  std::set<std::int64_t> levels;
  for (const auto& made : search::population_based{}(space, waiting(20), seed{3}))
    levels.insert(std::get<search::start_trial>(made).at.integer("student.Rotate.1.probability"));
  CHECK(levels.size() > 5);
}

TEST_CASE("the lower quarter become changed copies of the upper quarter")
{
  std::vector<double> scores;
  for (int i = 0; i < 16; ++i) scores.push_back(0.01 * ((7 * i) % 16));  // rank: 7 i mod 16
  const auto trial_states = scored(scores);
  tally donors;
  for (const int rank : {12, 13, 14, 15}) donors.expect(std::to_string(rank), 0.25);
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto copies = copies_in(search::population_based{}(mixed, trial_states, seed{i}));
    REQUIRE(copies.size() == 4);
    for (const auto& copy : copies) {
      CHECK(7 * copy.to % 16 < 4);
      CHECK(copy.evaluations_ago == 0);
      donors.count(std::to_string(7 * copy.from % 16));
    }
  }
  CHECK(donors.fits());

  // A copy's configuration is the donor's after exploration: the same configuration if exploration
  // changes nothing.
  const search::population_based still{.exploring = {.resample = fraction{0.0},
                                                     .longest_step = 0,
                                                     .longest_share = fraction{0.0},
                                                     .raised = 1.0,
                                                     .lowered = 1.0}};
  for (const auto& copy : copies_in(still(mixed, trial_states, seed{1})))
    CHECK(copy.at == *trial_states[static_cast<std::size_t>(copy.from)].at);
  int rates = 0;
  for (std::uint64_t i = 0; i < 100; ++i)
    for (const auto& copy : copies_in(search::population_based{}(mixed, trial_states, seed{i}))) {
      const auto parent = trial_states[static_cast<std::size_t>(copy.from)].at->real("lr");
      const auto child = copy.at.real("lr");
      rates +=
          child == std::min(parent * 1.2, 0.1) || child == std::max(parent * 0.8, 1e-4) ? 1 : 0;
    }
  CHECK(rates > 250);  // 320 of 400 are expected
  CHECK(rates < 370);
}

TEST_CASE("quarters are rounded up, equals go by number, and finished trials are left out")
{
  const auto replaced = [](std::vector<search::trial_state> trial_states,
                           const search::population_based& by) {
    std::vector<std::int64_t> trials;
    for (const auto& copy : copies_in(by(mixed, trial_states, seed{1}))) trials.push_back(copy.to);
    return trials;
  };
  using trials = std::vector<std::int64_t>;
  CHECK(replaced(scored({0.5}), {}) == trials{});
  CHECK(replaced(scored({0.5, 0.4}), {}) == trials{1});
  CHECK(replaced(scored({0.5, 0.4, 0.3, 0.6}), {}) == trials{2});
  CHECK(replaced(scored({0.5, 0.4, 0.3, 0.6, 0.7}), {}) == trials{1, 2});
  CHECK(replaced(scored({0.1, 0.1, 0.1, 0.1}), {}) == trials{3});
  CHECK(replaced(scored({0.1, 0.2, 0.3}), {.quantile = fraction{0.5}}) == trials{0});
  CHECK(replaced(scored({0.1, 0.2, 0.3}), {.quantile = fraction{0.0}}) == trials{});
  CHECK(
      copies_in(search::population_based{}(mixed, scored({0.1, 0.1, 0.1, 0.1}), seed{1}))[0].from ==
      0);

  auto some = scored({0.5, 0.1, 0.3, 0.6, 0.2});
  some[1].finished = true;
  some[3].score.reset();
  some[3].past.clear();
  CHECK(replaced(some, {}) == trials{4});
  CHECK(copies_in(search::population_based{}(mixed, some, seed{1}))[0].from == 0);

  // A trial that ranks low again in the next round is replaced again, with other donors and
  // configurations.
  auto later = scored({0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2});
  std::set<std::int64_t> donors;
  std::set<double> rates;
  for (int round = 0; round < 20; ++round) {
    for (const auto& copy : copies_in(search::population_based{}(mixed, later, seed{1})))
      if (copy.to == 7) {
        donors.insert(copy.from);
        rates.insert(copy.at.real("lr"));
      }
    for (auto& s : later) {
      s.past.push_back(s.past.back());
      s.epoch += round % 2;
    }
  }
  CHECK(donors.size() == 2);
  CHECK(rates.size() > 2);
}

TEST_CASE("population based searches refuse what they cannot search")
{
  CHECK(refusal(
            [] { (void)search::population_based{}(search::search_space{}, waiting(2), seed{}); }) ==
        "rolewise: population-based: the space has no dimension, want at least one to search");
  CHECK(refusal([] {
          (void)search::population_based_asynchronous{}(search::search_space{}, waiting(2), seed{});
        }) ==
        "rolewise: population-based-asynchronous: the space has no dimension, want at least one to "
        "search");
  CHECK(refusal([] {
          (void)search::population_based{.quantile = fraction{0.6}}(mixed, waiting(2), seed{});
        }) == "rolewise: population-based: quantile is 0.6, want at most 0.5");
  CHECK(refusal([] {
          (void)search::population_based{.first = search::configuration{}.set(
                                             "bits", std::int64_t{9})}(mixed, waiting(2), seed{});
        }) ==
        "rolewise: population-based: the configuration 'bits' is the integer 9, want an integer 1 "
        ".. 8");
  CHECK(
      refusal([] {
        (void)search::population_based{.first = search::configuration{}.set(
                                           "bit", std::int64_t{9})}(mixed, waiting(2), seed{});
      })
          .starts_with(
              "rolewise: population-based: the configuration has 'bit', which the space does not"));
}

namespace {

/// The published scheduler: it keeps last scores and checkpoints, and handles one report after
/// the other.
struct scheduler {
  struct trial {
    std::optional<double> score{};
    std::int64_t checkpoint = -1;  ///< the round in which it was made
  };
  std::vector<trial> trials;

  struct verdict {
    bool is_lower = false;
    std::vector<std::pair<std::int64_t, std::int64_t>>
        donors{};  ///< trial, round of its checkpoint
  };

  verdict report(std::int64_t which, double score, std::int64_t round)
  {
    auto& one = trials[static_cast<std::size_t>(which)];
    one.score = score;
    std::vector<std::int64_t> known;
    for (std::size_t i = 0; i < trials.size(); ++i)
      if (trials[i].score) known.push_back(static_cast<std::int64_t>(i));
    std::sort(known.begin(), known.end(), [&](std::int64_t a, std::int64_t b) {
      return *trials[static_cast<std::size_t>(a)].score <
             *trials[static_cast<std::size_t>(b)].score;
    });
    const auto count = static_cast<std::ptrdiff_t>(
        known.size() <= 1 ? 0 : std::ceil(0.25 * static_cast<double>(known.size())));
    const std::vector<std::int64_t> lower(known.begin(), known.begin() + count);
    const std::vector<std::int64_t> upper(known.end() - count, known.end());
    one.checkpoint = std::ranges::count(upper, which) > 0 ? round : -1;
    verdict found{.is_lower = std::ranges::count(lower, which) > 0};
    for (const auto donor : upper)
      found.donors.emplace_back(donor, trials[static_cast<std::size_t>(donor)].checkpoint);
    return found;
  }
};

struct frequencies {
  double decisions = 0.0, copies = 0.0, behind = 0.0;
};

/// Frequencies in an asynchronous search whose trials differ by `apart`, with score noise
/// `scatter` and a gain of `rise` per round.
frequencies frequencies_of(const search::population_based_asynchronous& by, double apart,
                           double scatter, double rise)
{
  frequencies found;
  for (std::uint64_t search = 0; search < tests::repetitions(20U, 4U); ++search) {
    const auto history =
        played(by, mixed,
               [&](double, const search::configuration&, std::int64_t trial, std::int64_t round) {
                 const draws drawn{seed{9}.split(search), round, trial};
                 return apart * static_cast<double>(trial) + scatter * drawn.normal(0) +
                        rise * static_cast<double>(round);
               },
               {.trials = 16, .epochs = 200, .seed = seed{search}});
    for (const auto& event : history.events) {
      if (event.round < 2 || event.round > 64) continue;
      found.decisions += event.what == search::search_event::kind::scored ? 1.0 : 0.0;
      if (event.what != search::search_event::kind::copied) continue;
      found.copies += 1.0;
      const auto copied_then =
          std::find_if(history.events.begin(), history.events.end(), [&](const auto& other) {
            return other.what == search::search_event::kind::scored &&
                   other.round == event.round - 1 && other.trial == *event.from;
          });
      found.behind += copied_then->epoch != *event.from_epoch ? 1.0 : 0.0;
    }
  }
  return found;
}

}  // namespace

TEST_CASE("without delay, the asynchronous search does what the published scheduler does")
{
  const search::population_based_asynchronous strategy{.delay = fraction{0.0}};
  constexpr std::int64_t trials = 16, rounds = 40;
  constexpr std::uint64_t searches = tests::repetitions(8U, 2U);
  std::uint64_t copies = 0, behind = 0, without_checkpoint = 0;
  for (std::uint64_t search = 0; search < searches; ++search) {
    const seed key{search};
    scheduler books{std::vector<scheduler::trial>(trials)};
    std::vector<search::trial_state> trial_states;
    for (std::int64_t t = 0; t < trials; ++t)
      trial_states.push_back(
          {.trial = t, .at = mixed.sample(seed{1}.split(static_cast<std::uint64_t>(t)))});
    for (std::int64_t round = 0; round < rounds; ++round) {
      std::vector<std::pair<double, std::int64_t>> order;
      for (auto& s : trial_states) {
        const draws drawn{seed{2}.split(search), round, s.trial};
        s.epoch += 3;
        s.score = 0.002 * static_cast<double>(round) + 0.03 * static_cast<double>(s.trial % 5) +
                  0.1 * drawn.uniform(0);
        s.past.push_back({s.epoch, *s.score, *s.at});
        order.emplace_back(
            search::population_based_asynchronous::report_time(key, s.trial, s.past.size()),
            s.trial);
      }
      std::sort(order.begin(), order.end());
      const auto decisions = strategy(mixed, trial_states, key);
      REQUIRE(decisions.size() == trials);
      for (const auto& [time, trial] : order) {
        const auto place = static_cast<std::size_t>(trial);
        const auto said = books.report(trial, *trial_states[place].score, round);
        const auto* copy = std::get_if<search::exploit_trial>(&decisions[place]);
        if (copy == nullptr) {
          const bool may_keep =
              !said.is_lower || std::any_of(said.donors.begin(), said.donors.end(),
                                            [](const auto& donor) { return donor.second < 0; });
          CHECK(may_keep);
          without_checkpoint += said.is_lower ? 1 : 0;
          continue;
        }
        CHECK(said.is_lower);
        CHECK(std::ranges::count(said.donors,
                                 std::pair{copy->from, round - copy->evaluations_ago}) == 1);
        ++copies;
        behind += static_cast<std::uint64_t>(copy->evaluations_ago);
      }
    }
  }
  CHECK(8 * copies > 500 * searches);
  CHECK(8 * behind > 50 * searches);
  CHECK(8 * without_checkpoint > 5 * searches);
}

TEST_CASE("where ranks last, copies and donors behind are as frequent as in the recorded search")
{
  const auto found = frequencies_of({}, 1.0, 0.0, 0.0);
  // Four standard deviations of independent draws.
  CHECK(std::abs(found.copies / found.decisions - 0.25) <
        4 * std::sqrt(0.25 * 0.75 / found.decisions));
  const double recorded = 102.0 / 279.0;
  CHECK(std::abs(found.behind / found.copies - recorded) <
        4 * std::sqrt(recorded * (1.0 - recorded) / found.copies));
  CHECK(search::population_based_asynchronous{}.delay.value() ==
        doctest::Approx(1.0 - std::sqrt(2.0 * recorded)).epsilon(1e-12).scale(0));

  const auto max_concurrent_trials = frequencies_of({.delay = fraction{0.0}}, 1.0, 0.0, 0.0);
  CHECK(std::abs(max_concurrent_trials.behind / max_concurrent_trials.copies - 0.5) <
        4 * std::sqrt(0.25 / max_concurrent_trials.copies));
  CHECK(frequencies_of({.delay = fraction{1.0}}, 1.0, 0.0, 0.0).behind == 0.0);
}

TEST_CASE("scores that rise make donors behind rarer, scores that scatter make copies rarer")
{
  const auto lasting = frequencies_of({}, 1.0, 0.0, 0.0);
  const auto rising = frequencies_of({}, 1.0, 1.0, 4.0);
  const auto steep = frequencies_of({}, 0.0, 1.0, 100.0);
  const auto scattered = frequencies_of({}, 0.0, 1.0, 0.0);
  const auto share = [](const frequencies& of) { return of.behind / of.copies; };
  CHECK(share(rising) < share(lasting) - 0.03);
  CHECK(steep.copies > 0.0);
  CHECK(steep.behind == 0.0);
  CHECK(scattered.copies / scattered.decisions < 0.24);
}

TEST_CASE("a population moves to where scores are high")
{
  const search::search_space space{{"x", search::integer_interval{0, 100}},
                                   {"rate", search::real_interval{}}};
  const auto train = [](double skill, const search::configuration& at, std::int64_t, std::int64_t) {
    return skill + static_cast<double>(at.integer("x")) / 100.0 - std::abs(at.real("rate") - 0.5);
  };
  const auto best_of = [](const search::search_history& history) {
    double best = -1e9;
    for (const auto& event : history.events)
      if (event.score && event.epoch == history.epochs) best = std::max(best, *event.score);
    return best;
  };
  const search::configuration first =
      search::configuration{}.set("x", std::int64_t{0}).set("rate", 0.0);
  for (std::uint64_t i = 0; i < 3; ++i) {
    const tests::play how{.trials = 16, .epochs = 90, .seed = seed{i}};
    const auto moved = best_of(played(search::population_based{.first = first}, space, train, how));
    const auto later =
        best_of(played(search::population_based_asynchronous{.first = first}, space, train, how));
    const auto stayed = best_of(played(
        search::population_based{.quantile = fraction{0.0}, .first = first}, space, train, how));
    CHECK(stayed == -15.0);
    CHECK(moved > 10.0);
    CHECK(later > 10.0);
  }
}
