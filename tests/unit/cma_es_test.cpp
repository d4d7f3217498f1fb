// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/search_strategy.hpp"
#include "support/doctest.hpp"
#include "support/simulated_search.hpp"

#include <rolewise/search/cma_es.hpp>
#include <rolewise/search/random_search.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

using namespace rolewise;
using rolewise::tests::simulate;
namespace parts = rolewise::search::detail;

namespace {

const search::search_space mixed{
    {"lr", search::real_interval{1e-4, 1e-1, search::spacing::logarithmic}},
    {"bits", search::integer_interval{1, 8}},
    {"agent", search::choice_of{{"none", "policy", "random"}}}};

search::search_space cube(int dimensions)
{
  std::vector<search::dimension> all;
  for (int i = 0; i < dimensions; ++i)
    all.push_back({"x" + std::to_string(i), search::real_interval{}});
  return search::search_space{all};
}

/// A narrow valley that is not aligned with the axes of the cube; the optimum is 0, at 0.6
/// everywhere.
double valley(const search::configuration& p, std::int64_t, double)
{
  double sum = 0.0, squares = 0.0;
  for (const auto& [name, x] : p.values()) {
    const double off = std::get<double>(x) - 0.6;
    sum += off;
    squares += off * off;
  }
  return -(squares + 10.0 * sum * sum);
}

double entry(const torch::Tensor& matrix, std::size_t row, std::size_t column)
{
  return matrix[static_cast<std::int64_t>(row)][static_cast<std::int64_t>(column)].item<double>();
}

}  // namespace

TEST_CASE("the symmetric roots of a matrix are roots, whatever its eigenvectors")
{
  // In closed form for [N, N] = [2, 2]: (A + sqrt(det A)) / sqrt(trace A + 2 sqrt(det A)).
  const auto two = torch::tensor({{2.0, 1.0}, {1.0, 2.0}}, torch::kFloat64);
  const double root = std::sqrt(3.0);
  const auto wanted = (two + root * torch::eye(2, torch::kFloat64)) / std::sqrt(4.0 + 2.0 * root);
  CHECK(torch::allclose(parts::roots_of(two, 1e-20).root, wanted, 1e-14, 1e-14));

  auto random = torch::empty({7, 9}, torch::kFloat64);
  for (std::int64_t i = 0; i < 7; ++i)
    for (std::int64_t j = 0; j < 9; ++j)
      random[i][j] = draws{seed{4}, 0, i}.normal(static_cast<std::size_t>(j));
  const auto a = random.mm(random.t());
  const auto found = parts::roots_of(a, 1e-20);
  CHECK(torch::allclose(found.root, found.root.t(), 0.0, 1e-12));
  CHECK(torch::allclose(found.root.mm(found.root), a, 0.0, 1e-12));
  CHECK(torch::allclose(found.root.mm(found.inverse), torch::eye(7, torch::kFloat64), 0, 1e-12));
}

TEST_CASE("roots of matrices that are singular, equal to the identity, or not finite")
{
  const auto unit = torch::eye(5, torch::kFloat64);
  CHECK(torch::allclose(parts::roots_of(unit, 1e-20).root, unit, 0.0, 1e-15));
  const auto nothing = parts::roots_of(torch::zeros({3, 3}, torch::kFloat64), 1e-20);
  CHECK(torch::allclose(nothing.root, 1e-10 * torch::eye(3, torch::kFloat64), 1e-12, 0.0));
  CHECK(torch::allclose(nothing.inverse, 1e10 * torch::eye(3, torch::kFloat64), 1e-12, 0.0));
  const auto unknown = parts::roots_of(unit / 0.0, 1e-20);
  CHECK(unknown.root.isnan().all().item<bool>());
  CHECK(unknown.inverse.isnan().all().item<bool>());
}

TEST_CASE("a LibTorch without LAPACK is refused in words")
{
  CHECK_NOTHROW(parts::require_lapack("cma-es"));
  CHECK_THROWS_WITH_AS(parts::require_lapack("cma-es", false),
                       "rolewise: cma-es: this LibTorch is built without LAPACK, which the search "
                       "strategy needs to decompose matrices; want one that is built with it",
                       std::runtime_error);
}

TEST_CASE("two generations have the mean, the step and the covariance of the reference")
{
  // Computed with numpy from the formulas of the tutorial: 2 coordinates, 6 offspring, step 0.3.
  parts::covariance_adaptation state{2, 6, 0.3};
  REQUIRE(state.parents() == 3);
  CHECK(state.weights()[0] == doctest::Approx(0.637042571241217).epsilon(1e-12).scale(0));
  CHECK(state.weights()[1] == doctest::Approx(0.284570257438033).epsilon(1e-12).scale(0));
  CHECK(state.weights()[2] == doctest::Approx(0.0783871713207503).epsilon(1e-12).scale(0));
  state.update({{0.7, 0.4}, {0.9, 0.6}, {0.5, 0.3}});
  CHECK(state.mean()[0] == doctest::Approx(0.741236617223457).epsilon(1e-12).scale(0));
  CHECK(state.mean()[1] == doctest::Approx(0.449075334355532).epsilon(1e-12).scale(0));
  CHECK(state.step() == doctest::Approx(0.280059216210996).epsilon(1e-12).scale(0));
  CHECK(state.shape()[0][0].item<double>() ==
        doctest::Approx(1.00742812718688).epsilon(1e-12).scale(0));
  CHECK(state.shape()[0][1].item<double>() ==
        doctest::Approx(-0.0376991520547315).epsilon(1e-12).scale(0));
  CHECK(state.shape()[1][1].item<double>() ==
        doctest::Approx(0.803040035872621).epsilon(1e-12).scale(0));
  state.update({{0.8, 0.5}, {0.85, 0.2}, {1.1, 0.45}});
  CHECK(state.mean()[0] == doctest::Approx(0.837744664268127).epsilon(1e-12).scale(0));
  CHECK(state.mean()[1] == doctest::Approx(0.410709564202553).epsilon(1e-12).scale(0));
  CHECK(state.step() == doctest::Approx(0.261416544511999).epsilon(1e-12).scale(0));
  CHECK(state.shape()[0][0].item<double>() ==
        doctest::Approx(0.917485873741984).epsilon(1e-12).scale(0));
  CHECK(state.shape()[0][1].item<double>() ==
        doctest::Approx(-0.06895310725514).epsilon(1e-12).scale(0));
  CHECK(state.shape()[1][1].item<double>() ==
        doctest::Approx(0.657365807398262).epsilon(1e-12).scale(0));
}

TEST_CASE("a draw is the mean and the root of the covariance times normal numbers")
{
  parts::covariance_adaptation state{2, 6, 0.3};
  state.update({{0.7, 0.4}, {0.9, 0.6}, {0.5, 0.3}});
  const draws from{seed{8}, 0, 1};
  const double z[2] = {from.normal(0), from.normal(1)};
  const double a = entry(state.shape(), 0, 0), b = entry(state.shape(), 0, 1),
               d = entry(state.shape(), 1, 1);
  const double root = std::sqrt(a * d - b * b), scale = std::sqrt(a + d + 2.0 * root);
  const auto x = state.draw(from);
  CHECK(x[0] ==
        doctest::Approx(state.mean()[0] + state.step() * ((a + root) * z[0] + b * z[1]) / scale)
            .epsilon(1e-12)
            .scale(0));
  CHECK(x[1] ==
        doctest::Approx(state.mean()[1] + state.step() * (b * z[0] + (d + root) * z[1]) / scale)
            .epsilon(1e-12)
            .scale(0));
}

TEST_CASE("a copy of a distribution does not move with the original")
{
  parts::covariance_adaptation state{2, 6, 0.3};
  const auto before = state;
  const auto x = before.draw(draws{seed{8}, 0, 1});
  state.update({{0.7, 0.4}, {0.9, 0.6}, {0.5, 0.3}});
  CHECK(before.draw(draws{seed{8}, 0, 1}) == x);
  CHECK(torch::equal(before.shape(), torch::eye(2, torch::kFloat64)));
}

TEST_CASE("draws have the mean and the covariance that they are drawn from")
{
  parts::covariance_adaptation state{2, 6, 0.3};
  state.update({{0.7, 0.4}, {0.9, 0.6}, {0.5, 0.3}});
  constexpr int count = 20000;
  double mean[2] = {}, products[2][2] = {};
  for (int i = 0; i < count; ++i) {
    const auto x = state.draw(draws{seed{8}, 0, i});
    for (std::size_t a = 0; a < 2; ++a) {
      mean[a] += x[a] / count;
      for (std::size_t b = 0; b < 2; ++b)
        products[a][b] += (x[a] - state.mean()[a]) * (x[b] - state.mean()[b]) / count;
    }
  }
  const double variance = state.step() * state.step();
  for (std::size_t a = 0; a < 2; ++a) {
    CHECK(std::abs(mean[a] - state.mean()[a]) < 5 * state.step() * 1.2 / std::sqrt(count));
    for (std::size_t b = 0; b < 2; ++b)
      CHECK(std::abs(products[a][b] - variance * entry(state.shape(), a, b)) <
            5 * variance * 2.0 / std::sqrt(count));
  }
}

TEST_CASE("cma_es keeps the promises of SearchStrategy")
{
  for (const auto& space : {mixed, search::search_space{}, cube(1)}) {
    laws::hold_for(search::cma_es{}, space);
    laws::hold_for(search::cma_es{.offspring = 2}, space, 7, 12);
    laws::hold_for(search::cma_es{.offspring = 4, .step = 5.0}, space, 9, 12);
  }
}

TEST_CASE("cma_es begins a generation when the one before it is through")
{
  CHECK(search::cma_es{}.generation(cube(10)) == 10);  // 4 + floor(3 ln 10)
  CHECK(search::cma_es{}.generation(mixed) == 8);      // 1 + 1 + 3 coordinates: 4 + floor(3 ln 5)
  const auto run =
      simulate(search::cma_es{.offspring = 4}, mixed,
               [](const search::configuration& p, std::int64_t, double) { return p.real("lr"); },
               {.trials = 10, .epochs = 3});
  CHECK(run.epochs == 30);
  REQUIRE(run.decisions.size() == 9);
  for (std::size_t look = 0; look < 9; ++look) {
    std::int64_t born = 0;
    for (const auto& d : run.decisions[look])
      born += std::holds_alternative<search::start_trial>(d) ? 1 : 0;
    CHECK(born == (look == 0 || look == 3 ? 4 : look == 6 ? 2 : 0));
  }
}

TEST_CASE("cma_es refuses what makes no sense")
{
  CHECK_THROWS_WITH_AS((void)(search::cma_es{.offspring = 1}.generation(mixed)),
                       "rolewise: cma-es: want offspring 0 or >= 2 and step > 0, got 1 and 0.2",
                       std::invalid_argument);
  CHECK_THROWS_AS((void)(search::cma_es{.step = 0.0}(mixed, {{.trial = 0}}, seed{})),
                  std::invalid_argument);
}

TEST_CASE("cma_es goes down a valley that lies across the axes")
{
  const auto space = cube(4);
  double adapted = 0.0, random = 0.0;
  for (std::uint64_t s = 0; s < 8; ++s) {
    const tests::simulation_options options{.trials = 300, .epochs = 1, .seed = seed{s}};
    adapted += simulate(search::cma_es{}, space, valley, options).best() / 8;
    random += simulate(search::random_search{}, space, valley, options).best() / 8;
  }
  MESSAGE("cma_es " << adapted << " random " << random);
  CHECK(adapted > random / 20.0);  // both are negative; the optimum is 0
}
