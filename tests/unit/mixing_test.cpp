// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/mixup.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/partners.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/random_choice.hpp>
#include <rolewise/core/beta_draw.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/keyed_permutation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

std::string refusal(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

/// Noise images with distinct labels, so that mixed labels show the shares.
dataset all_different(std::int64_t count = 30)
{
  torch::manual_seed(9);
  dataset data;
  data.shape = {.channels = 3, .height = 12, .width = 10, .classes = count};
  data.inputs = torch::randint(0, 256, {count, 3, 12, 10}, torch::kByte);
  data.labels = torch::arange(count);
  data.ids = torch::randperm(count) * 7 + 100;
  data.normalization = {{0.5, 0.4, 0.3}, {0.2, 0.2, 0.2}};
  data.name = "all different";
  return data;
}

batch rows_of(const batch& whole, const torch::Tensor& places)
{
  return laws::part_of(whole, places);
}

/// The index of each partner in a batch.
torch::Tensor places_of_partners(const batch& view, const torch::Tensor& ids)
{
  return view.partners.unsqueeze(1).eq(ids).to(torch::kLong).argmax(1);
}

double chi_square(const std::vector<std::int64_t>& counts, const std::vector<double>& chances)
{
  double all = 0.0, sum = 0.0;
  for (const auto count : counts) all += static_cast<double>(count);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double wanted = all * chances[i];
    sum += (static_cast<double>(counts[i]) - wanted) * (static_cast<double>(counts[i]) - wanted) /
           wanted;
  }
  return sum;
}

struct with_state {
  static constexpr const char* name = "with-state";
  std::int64_t calls = 3;
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("calls", calls);
  }
};

struct floating {
  static constexpr const char* name = "floating";
  static constexpr bool has_state = false;
  batch operator()(const batch& examples, const training_progress&, seed) const
  {
    return normalized(examples);
  }
};

static_assert(mixup::mixes && cutmix::mixes && !random_choice<cutout, no_agent>::mixes);
static_assert(random_choice<cutout, mixup>::mixes && !random_choice<cutout, mixup>::has_state);
static_assert(random_choice<cutout, with_state>::has_state);
static_assert(state_must::be_shown<random_choice<cutout, with_state>>);
static_assert(!state_must::be_shown<random_choice<cutout, no_agent>>);
static_assert(random_choice<cutout, no_agent>::name == "cutout | no-agent");
static_assert(AugmentationAgent<random_choice<compose<cutout, mixup>, no_agent>>);
static_assert(keyed_permutation{seed{3}, 10}.inverse(keyed_permutation{seed{3}, 10}(7)) == 7);

}  // namespace

TEST_CASE("beta draws have the moments and the distribution of Beta(a, b)")
{
  constexpr std::int64_t count = 20000;
  const auto draw = [](double a, double b, std::int64_t id) {
    return beta_draw(draws{seed{17}, 2, id}, a, b);
  };
  for (const auto& [a, b] : {std::pair{0.2, 0.2},
                             {0.5, 0.5},
                             {1.0, 1.0},
                             {2.0, 2.0},
                             {2.0, 1.0},
                             {1.0, 3.0},
                             {0.3, 7.0},
                             {40.0, 40.0}}) {
    CAPTURE(a);
    CAPTURE(b);
    double sum = 0.0, squares = 0.0;
    const double mean = a / (a + b), variance = a * b / ((a + b) * (a + b) * (a + b + 1));
    for (std::int64_t id = 0; id < count; ++id) {
      const double x = draw(a, b, id);
      REQUIRE((x >= 0.0 && x <= 1.0));
      sum += x;
      squares += (x - mean) * (x - mean);
    }
    CHECK(std::abs(sum / count - mean) < 4.0 * std::sqrt(variance / count));
    CHECK(squares / count == doctest::Approx(variance).epsilon(0.03).scale(0));
  }

  using cdf = double (*)(double);
  const std::vector<std::tuple<double, double, cdf>> known{
      {1.0, 1.0, [](double x) { return x; }},
      {2.0, 2.0, [](double x) { return x * x * (3.0 - 2.0 * x); }},
      {0.5, 0.5, [](double x) { return 2.0 / std::numbers::pi * std::asin(std::sqrt(x)); }},
      {2.0, 1.0, [](double x) { return x * x; }},
      {1.0, 3.0, [](double x) { return 1.0 - (1.0 - x) * (1.0 - x) * (1.0 - x); }}};
  for (const auto& [a, b, below] : known) {
    CAPTURE(a);
    CAPTURE(b);
    std::vector<std::int64_t> counts(20);
    for (std::int64_t id = 0; id < count; ++id)
      ++counts[std::min<std::size_t>(19, static_cast<std::size_t>(20.0 * below(draw(a, b, id))))];
    CHECK(chi_square(counts, std::vector<double>(20, 0.05)) < 43.8);  // 19 degrees, 0.1 %
  }

  // Parameters so small that the draws of the gamma distribution underflow a double.
  int high = 0;
  for (std::int64_t id = 0; id < 1000; ++id) {
    const double x = draw(1e-3, 1e-3, id);
    REQUIRE((x >= 0.0 && x <= 1.0));
    if (x > 0.5) ++high;
  }
  CHECK(std::abs(high - 500) < 70);
  CHECK(draw(0.4, 0.4, 5) == draw(0.4, 0.4, 5));
  CHECK(draw(0.4, 0.4, 5) != draw(0.4, 0.4, 6));
}

TEST_CASE("a keyed permutation is one, place by place, and its circle is whole")
{
  std::vector<std::int64_t> counts{999, 1024, 1025, 4097};
  for (std::int64_t n = 1; n <= 66; ++n) counts.push_back(n);
  for (const auto count : counts) {
    CAPTURE(count);
    const keyed_permutation order{seed{4}, count};
    std::set<std::int64_t> seen, around;
    for (std::int64_t i = 0; i < count; ++i) {
      seen.insert(order(i));
      REQUIRE(order.inverse(order(i)) == i);
      REQUIRE((order(i) >= 0 && order(i) < count));
    }
    CHECK(static_cast<std::int64_t>(seen.size()) == count);
    std::int64_t at = 0;
    do around.insert(at = order.next(at));
    while (at != 0);
    CHECK(static_cast<std::int64_t>(around.size()) == count);
  }
  const keyed_permutation huge{seed{1}, std::int64_t{1} << 61};
  CHECK(huge.inverse(huge(123456789012345)) == 123456789012345);

  // All orders of four are equally likely.
  std::map<std::vector<std::int64_t>, std::int64_t> orders;
  for (std::uint64_t s = 0; s < 12000; ++s) {
    const keyed_permutation order{seed{s}, 4};
    ++orders[{order(0), order(1), order(2), order(3)}];
  }
  REQUIRE(orders.size() == 24);
  std::vector<std::int64_t> found;
  for (const auto& [order, times] : orders) found.push_back(times);
  CHECK(chi_square(found, std::vector<double>(24, 1.0 / 24.0)) < 49.7);  // 23 degrees, 0.1 %
  CHECK(refusal([] { (void)keyed_permutation(seed{1}, 0); }) ==
        "rolewise: keyed_permutation: want a count of 1 or more, got 0");
}

TEST_CASE("mixup blends pixels and labels by one share")
{
  const auto data = all_different();
  const auto examples = data.examples();
  for (const mixup& agent : {mixup{.alpha = 0.7, .partners = data},
                             mixup{.alpha = 0.7, .classes = data.shape.classes}}) {
    const auto view = agent(examples, {.epoch = 2}, seed{6});
    REQUIRE(view.labels.sizes() == torch::IntArrayRef{30, 30});
    CHECK((view.labels.scalar_type() == torch::kFloat32));
    CHECK(view.labels.sum(1).sub(1).abs().max().item<double>() < 1e-6);
    const auto places = places_of_partners(view, data.ids);
    CHECK_FALSE(view.partners.eq(data.ids).any().item<bool>());
    CHECK(std::get<0>(places.sort()).equal(torch::arange(30)));  // each image is a partner once
    double mean = 0.0;
    for (std::int64_t n = 0; n < 30; ++n) {
      const auto other = places[n].item<std::int64_t>();
      const double share = view.labels[n][n].item<double>();
      CHECK(share == doctest::Approx(beta_draw(draws{seed{6}.split(purpose{"mixup"}), 2,
                                                     data.ids[n].item<std::int64_t>()},
                                               0.7, 0.7)));
      CHECK(view.labels[n][other].item<double>() == doctest::Approx(1.0 - share));
      const auto wanted = data.inputs[n].to(torch::kFloat64) * share +
                          data.inputs[other].to(torch::kFloat64) * (1.0 - share);
      CHECK((view.inputs[n].to(torch::kFloat64) - wanted).abs().max().item<double>() < 0.5001);
      mean += share / 30.0;
    }
    CHECK(std::abs(mean - 0.5) < 0.25);
  }
  // Rounding is half to even: (1 + 2) / 2 and (2 + 3) / 2 are both 2. Here shares are close to 0
  // or 1, so each view equals the image or its partner.
  const auto alone = mixup{.alpha = 1e-6, .partners = data}(examples, {}, seed{1});
  const auto others = data.inputs.index_select(0, places_of_partners(alone, data.ids));
  for (std::int64_t n = 0; n < 30; ++n)
    CHECK((torch::equal(alone.inputs[n], data.inputs[n]) ||
           torch::equal(alone.inputs[n], others[n])));
}

TEST_CASE("cutmix cuts the box of the paper and mixes labels by its area")
{
  CHECK(cut_box_around(30, 3, 0.36, 32, 32) == cut_box{18, 32, 0, 15});
  CHECK(1.0 - static_cast<double>(cut_box_around(30, 3, 0.36, 32, 32).area()) / 1024.0 ==
        doctest::Approx(0.794922).epsilon(1e-6).scale(0));
  CHECK(cut_box_around(16, 16, 0.0, 32, 32) == cut_box{0, 32, 0, 32});
  CHECK(cut_box_around(9, 9, 1.0, 32, 32).area() == 0);
  CHECK(cut_box_around(5, 20, 0.75, 11, 40) == cut_box{3, 7, 10, 30});
  CHECK(cut_box_around(0, 31, 0.75, 32, 32) == cut_box{0, 8, 23, 32});

  const auto data = all_different();
  const auto examples = data.examples();
  for (const cutmix& agent : {cutmix{.partners = data}, cutmix{.classes = data.shape.classes}}) {
    const auto view = agent(examples, {.epoch = 2}, seed{6});
    const auto places = places_of_partners(view, data.ids);
    CHECK(std::get<0>(places.sort()).equal(torch::arange(30)));
    CHECK(view.labels.sum(1).sub(1).abs().max().item<double>() < 1e-6);
    std::set<std::int64_t> areas;
    for (std::int64_t n = 0; n < 30; ++n) {
      const auto other = places[n].item<std::int64_t>();
      REQUIRE(other != n);
      // In noise, a partner's pixel differs from the image's own in at least one channel.
      const auto cut = view.inputs[n].ne(data.inputs[n]).any(0);
      const auto area = cut.sum().item<std::int64_t>();
      areas.insert(area);
      CHECK(view.labels[n][other].item<double>() ==
            doctest::Approx(static_cast<double>(area) / 120.0).epsilon(1e-5).scale(0));
      CHECK(torch::equal(view.inputs[n],
                         torch::where(cut.unsqueeze(0), data.inputs[other], data.inputs[n])));
      const auto rows = cut.any(1).sum().item<std::int64_t>(),
                 columns = cut.any(0).sum().item<std::int64_t>();
      CHECK(rows * columns == area);
    }
    CHECK(areas.size() > 8);
  }

  // Without clipping the mean of the share cut is 1 / 2 for alpha = 1; clipping and rounding lower
  // it.
  const auto many = all_different(600);
  double cut = 0.0;
  const auto labels = cutmix{.partners = many}(many.examples(), {}, seed{2}).labels;
  for (std::int64_t n = 0; n < 600; ++n) cut += 1.0 - labels[n][n].item<double>();
  CHECK(cut / 600.0 > 0.2);
  CHECK(cut / 600.0 < 0.4);
}

TEST_CASE("agents that mix keep the laws of agents and refuse what they cannot mix")
{
  auto pool = all_different();
  const auto shown = laws::images_for_agents(3);
  pool.inputs = shown.inputs;
  pool.labels = shown.labels;
  pool.ids = shown.ids;
  pool.shape.classes = 7;
  for (const std::int64_t channels : {1, 3}) {
    laws::hold_for(mixup{.classes = 7}, channels);
    laws::hold_for(cutmix{.classes = 7}, channels);
  }
  laws::hold_for(cutmix{.partners = pool}, 3);
  laws::draws_matter_for(mixup{.classes = 7});
  laws::draws_matter_for(cutmix{.classes = 7});
  laws::refuses_what_are_no_images(mixup{.classes = 7});
  laws::refuses_what_are_no_images(cutmix{.classes = 7});

  const auto says = [&](const auto& agent, const batch& examples) {
    return refusal([&] { (void)agent(examples, {}, seed{1}); });
  };
  CHECK(says(mixup{.alpha = 0.0, .classes = 7}, shown) ==
        "rolewise: mixup: alpha is 0, want above 0 and finite");
  CHECK(says(cutmix{.alpha = std::numeric_limits<double>::quiet_NaN(), .classes = 7}, shown) ==
        "rolewise: cutmix: alpha is nan, want above 0 and finite");
  CHECK(says(mixup{}, shown) ==
        "rolewise: mixup: the number of classes is unknown; set .classes or .partners");
  CHECK(says(mixup{.classes = 6}, shown) == "rolewise: mixup: want labels in 0 .. 5, got 6");
  CHECK(says(compose{cutmix{.classes = 7}, mixup{}}, shown) ==
        "rolewise: mixup: the examples are mixed already");
  const auto one = rows_of(shown, torch::tensor({3}, torch::kLong));
  CHECK(says(cutmix{.classes = 7}, one) ==
        "rolewise: cutmix: a batch of one example has no partner in it; set .partners to the data "
        "set");
  CHECK(says(cutmix{.partners = pool}, one) == "accepted");
  auto stranger = one;
  stranger.ids = one.ids * 0 - 4;
  CHECK(says(cutmix{.partners = pool}, stranger) ==
        "rolewise: cutmix: example -4 is not in the data set of the partners");
  auto small = one;
  small.inputs = one.inputs.narrow(2, 0, 39);
  CHECK(says(mixup{.partners = pool}, small) ==
        "rolewise: mixup: images are [3, 39, 36], their partners [3, 40, 36]");
  auto unlabeled = shown;
  unlabeled.labels = torch::Tensor{};
  CHECK(says(mixup{.classes = 7}, unlabeled) ==
        "rolewise: mixup: want labels to mix, got an undefined tensor");
  unlabeled.labels = torch::zeros({24, 3});
  CHECK(says(mixup{.classes = 7}, unlabeled) ==
        "rolewise: mixup: want labels [24] of Long or [24, 7] of floating point, got [24, 3] of "
        "Float");
  CHECK(refusal([&] { (void)partner_pool{subset(pool, torch::arange(1))}; }) ==
        "rolewise: partners: want a data set of 2 examples or more, got 1");
  auto twice = pool;
  twice.ids = pool.ids.clone();
  twice.ids[0] = twice.ids[1];
  CHECK(refusal([&] { (void)partner_pool{twice}; }) ==
        "rolewise: partners: the data set has the id " +
            std::to_string(twice.ids[1].item<std::int64_t>()) + " twice");

  // Soft labels are mixed too.
  auto soft = shown;
  soft.labels = torch::full({24, 5}, 0.2, torch::kFloat64);
  CHECK(mixup{}(soft, {}, seed{1}).labels.allclose(torch::full({24, 5}, 0.2F)));
}

TEST_CASE("a partner from a data set is a function of one id, from a batch of the ids in it")
{
  const auto data = all_different(64);
  const auto whole = data.examples();
  const training_progress progress{.epoch = 3};
  const auto check_parts = [&](const auto& agent) {
    const auto view = agent(whole, progress, seed{8});
    for (const std::int64_t size : {1, 2, 7, 64}) {
      const auto places = torch::randperm(64).narrow(0, 0, size);
      const auto part = agent(rows_of(whole, places), progress, seed{8});
      CHECK(torch::equal(part.inputs, view.inputs.index_select(0, places)));
      CHECK(torch::equal(part.labels, view.labels.index_select(0, places)));
      CHECK(torch::equal(part.partners, view.partners.index_select(0, places)));
    }
    CHECK_FALSE(torch::equal(agent(whole, {.epoch = 4}, seed{8}).partners, view.partners));
    CHECK_FALSE(torch::equal(agent(whole, progress, seed{9}).partners, view.partners));
  };
  check_parts(mixup{.partners = data});
  check_parts(cutmix{.partners = data});

  const cutmix inside{.classes = 64};
  for (std::int64_t size = 2; size <= 64; ++size) {
    const auto places = torch::randperm(64).narrow(0, 0, size);
    const auto examples = rows_of(whole, places);
    const auto view = inside(examples, progress, seed{8});
    CHECK_FALSE(view.partners.eq(examples.ids).any().item<bool>());
    CHECK(torch::equal(std::get<0>(view.partners.sort()), std::get<0>(examples.ids.sort())));
    const auto order = torch::randperm(size);
    const auto turned = inside(rows_of(examples, order), progress, seed{8});
    CHECK(torch::equal(turned.inputs, view.inputs.index_select(0, order)));
    CHECK(torch::equal(turned.partners, view.partners.index_select(0, order)));
  }
}

TEST_CASE("a mixture gives each example the view of one agent, with the agent's own bits")
{
  laws::hold_for(random_choice{rand_augment{}, cutout{.size = 12}}, 3);
  laws::hold_for(random_choice{compose{pad_crop_flip{}, cutout{}}, no_agent{}}, 1);
  laws::draws_matter_for(random_choice{rand_augment{}, cutout{}});

  const auto examples = laws::images_for_agents(3);
  const training_progress progress{.epoch = 1};
  const random_choice agent{
      {6.0, 3.0, 0.0, 1.0}, cutout{.size = 30}, pad_crop_flip{}, floating{}, rand_augment{}};
  const auto key = seed{2};
  const auto view = agent(examples, progress, key);
  const auto first = cutout{.size = 30}(examples, progress, key.split(0)).inputs,
             second = pad_crop_flip{}(examples, progress, key.split(1)).inputs,
             last = rand_augment{}(examples, progress, key.split(3)).inputs;
  CHECK(torch::equal(agent.part<0>()(examples, progress, key.split(0)).inputs, first));
  int own = 0;
  for (std::int64_t n = 0; n < examples.size(); ++n) {
    const bool is_first = torch::equal(view.inputs[n], first[n]),
               is_second = torch::equal(view.inputs[n], second[n]),
               is_last = torch::equal(view.inputs[n], last[n]);
    CHECK((is_first || is_second || is_last));
    if (is_first != is_second) ++own;
  }
  CHECK(own > 12);

  // The frequency of each agent, read off the images.
  constexpr std::int64_t count = 20000;
  const batch white{torch::full({count, 1, 8, 8}, 255, torch::kByte),
                    torch::zeros({count}, torch::kLong),
                    torch::arange(count),
                    {}};
  const random_choice told{
      {0.7, 0.2, 0.0, 0.1}, no_agent{}, cutout{.size = 2}, floating{}, cutout{.size = 16}};
  const auto dark = told(white, progress, key).inputs.eq(0).sum({1, 2, 3});
  // A box of 2 hides 1 to 4 pixels, one of 16 hides 64 .. 8 x 8 and never fewer than 32.
  const std::vector<std::int64_t> counts{
      dark.eq(0).sum().item<std::int64_t>(),
      dark.gt(0).logical_and(dark.lt(5)).sum().item<std::int64_t>(),
      dark.ge(32).sum().item<std::int64_t>()};
  CHECK(counts[0] + counts[1] + counts[2] == count);
  CHECK(chi_square(counts, {0.7, 0.2, 0.1}) < 13.8);  // 2 degrees, 0.1 %

  auto idless = examples;
  idless.ids = torch::arange(3);
  CHECK(refusal([&] { (void)random_choice{no_agent{}, cutout{}}(idless, progress, key); }) ==
        "rolewise: no-agent | cutout: want ids of int64 [24], got Long [3]");
  CHECK(refusal([] { (void)random_choice({-1.0, 2.0}, cutout{}, no_agent{}); }) ==
        "rolewise: random_choice: a weight is -1, want 0 or more, and finite");
  CHECK(refusal([] { (void)random_choice({0.0, 0.0}, cutout{}, no_agent{}); }) ==
        "rolewise: random_choice: want a weight above 0");
  CHECK(refusal([&] { (void)random_choice{no_agent{}, floating{}}(examples, progress, key); }) ==
        "rolewise: random_choice: one agent makes images of Byte [3, 40, 36], another one of Float "
        "[3, "
        "40, 36]");

  // The state of a mixture is the state of its agents.
  random_choice stateful{cutout{}, with_state{}}, other{cutout{}, with_state{.calls = 4}};
  CHECK(state_sum(stateful) == state_sum(stateful));
  CHECK(state_sum(stateful) != state_sum(other));
}

TEST_CASE("a mixture of agents that mix and others has soft labels and partners for all")
{
  const auto data = all_different(200);
  const auto examples = data.examples();
  const training_progress progress{.epoch = 1};
  const auto check = [&](const auto& agent, const auto& alone, std::uint64_t number) {
    const batch view = agent(examples, progress, seed{4});
    const batch wanted = alone(examples, progress, seed{4}.split(number));
    REQUIRE(view.labels.sizes() == torch::IntArrayRef{200, 200});
    CHECK(torch::equal(view.ids, data.ids));
    std::int64_t mixed = 0;
    for (std::int64_t n = 0; n < 200; ++n)
      if (view.partners[n].item<std::int64_t>() != data.ids[n].item<std::int64_t>()) {
        ++mixed;
        CHECK(torch::equal(view.inputs[n], wanted.inputs[n]));
        CHECK(torch::equal(view.labels[n], wanted.labels[n]));
        CHECK(torch::equal(view.partners[n], wanted.partners[n]));
      } else {
        CHECK(torch::equal(view.inputs[n], data.inputs[n]));
        CHECK(view.labels[n][n].item<double>() == 1.0);
        CHECK(view.labels[n].sum().item<double>() == 1.0);
      }
    CHECK(mixed > 70);
    CHECK(mixed < 130);
  };
  check(random_choice{no_agent{}, mixup{.partners = data}}, mixup{.partners = data}, 1);
  check(random_choice{cutmix{.classes = 200}, no_agent{}}, cutmix{.classes = 200}, 0);
  laws::hold_for(random_choice{cutmix{.classes = 7}, mixup{.classes = 7}, cutout{}}, 3);
}

TEST_CASE("a student learns from mixed examples")
{
  const auto data = rolewise::testing::tiny_data(200);
  supervised step{.student = rolewise::testing::tiny_student{data.shape, seed{1}},
                  .agent = mixup{.alpha = 0.4, .partners = data},
                  .optimizer = sgd{.learning_rate = 0.05}};
  const auto history = fit(step, data, {.epochs = 12, .batch_size = 20, .validation = &data});
  CHECK(history.epochs.back().validation_accuracy.value() > 0.7);
}
