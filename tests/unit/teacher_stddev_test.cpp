// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"

#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/hardest_view.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/measurement/teacher_stddev.hpp>

#include <cmath>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
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

/// A teacher that is certain of the class given by the first pixel.
struct reads_the_pixel {
  [[maybe_unused]] static constexpr bool has_state = false;
  std::int64_t classes;
  outputs forward(const batch& examples, taps = {}) const
  {
    const auto pixel = examples.inputs.select(1, 0).select(1, 0).select(1, 0).to(torch::kLong);
    return {torch::zeros({examples.size(), classes}).scatter_(1, pixel.unsqueeze(1), 1000.0), {}};
  }
};

/// A teacher whose probabilities are the row of a table that the first pixel numbers.
struct reads_a_row {
  [[maybe_unused]] static constexpr bool has_state = false;
  torch::Tensor probabilities;
  outputs forward(const batch& examples, taps = {}) const
  {
    const auto pixel = examples.inputs.select(1, 0).select(1, 0).select(1, 0).to(torch::kLong);
    return {probabilities.index_select(0, pixel).log(), {}};
  }
};

/// A teacher that is certain on dark images and uncertain on bright ones.
struct dazzled {
  static constexpr bool has_state = false;
  outputs forward(const batch& examples, taps = {}) const
  {
    const auto dark = 255.0 - examples.inputs.to(torch::kFloat32).mean({1, 2, 3});
    return {torch::stack({dark * 0.01, torch::zeros_like(dark)}, 1), {}};
  }
};

/// An agent that halves every pixel and adds 0 .. 7, drawn from the seed.
struct brighter {
  static constexpr std::string_view name = "brighter";
  static constexpr bool has_state = false;
  batch operator()(const batch& examples, const training_progress& progress, seed key) const
  {
    auto view = examples;
    const auto by = (uniform_draws(key, progress.epoch, examples.ids, 1) * 8).floor();
    view.inputs = (examples.inputs.div(2, "trunc") + by.view({-1, 1, 1, 1})).to(torch::kByte);
    return view;
  }
};

/// An agent that replaces every image by a random pixel of 0 .. 99.
struct any_class {
  static constexpr const char* name = "any-class";
  [[maybe_unused]] static constexpr bool has_state = false;
  batch operator()(const batch& examples, const training_progress& progress, seed key) const
  {
    auto view = examples;
    view.inputs = (uniform_draws(key, progress.epoch, examples.ids, 1) * 100)
                      .floor()
                      .to(torch::kByte)
                      .view({-1, 1, 1, 1});
    return view;
  }
};

}  // namespace

TEST_CASE("T. stddev is the mean over classes of how much group means differ")
{
  // Groups of two rows, and the values of the definition worked out by hand.
  const auto rows =
      torch::tensor({.7, .2, .1, .1, .8, .1, .6, .3, .1, .2, .2, .6, .1, .1, .8, .3, .6, .1},
                    torch::kFloat64)
          .view({3, 2, 3});
  CHECK(measurement::stddev_of_means(rows.mean(1)) ==
        doctest::Approx(.140526).epsilon(1e-5).scale(0));
  CHECK(measurement::stddev_of_means(rows.flip(1).mean(1)) ==
        doctest::Approx(.140526).epsilon(1e-5).scale(0));
  CHECK(measurement::stddev_of_means(rows.mean(1).slice(0, 0, 1).repeat({4, 1})) ==
        doctest::Approx(0.0));
  const auto means = torch::tensor({.4, .5, .1, .4, .25, .35, .2, .35, .45}, torch::kFloat64);
  CHECK((rows.mean(1).flatten() - means).abs().max().item<double>() < 1e-12);
  for (const auto& [k, wanted] : {std::pair{0, .115470}, {1, .125831}, {2, .180278}})
    CHECK(std::abs(measurement::stddev_of_means(rows.mean(1).narrow(1, k, 1)) - wanted) < 1e-6);

  // The measurement itself, on a teacher that gives these rows: three groups of two examples, as
  // the epochs bring them. In another order a group has the same mean.
  dataset data;
  data.shape = {.channels = 1, .height = 1, .width = 1, .classes = 3};
  data.inputs = torch::arange(6).to(torch::kByte).view({6, 1, 1, 1});
  data.labels = torch::zeros({6}, torch::kLong);
  data.ids = torch::arange(6);
  std::vector<std::int64_t> order;
  for (const batch& examples : batches(data, {.size = 2, .drop_last = true}))
    for (std::int64_t n = 0; n < 2; ++n)
      order.push_back(examples.inputs.flatten()[n].item<std::int64_t>());
  for (const bool swapped : {false, true}) {
    auto table = torch::empty({6, 3}, torch::kFloat64);
    for (std::int64_t n = 0; n < 6; ++n)
      table[order[static_cast<std::size_t>(n)]] = rows.view({6, 3})[swapped ? n ^ 1 : n];
    const auto found = measurement::teacher_stddev(
        reads_a_row{table}, data, no_agent{},
        measurement::stddev_options<no_agent>{.batch_size = 2, .steps = 1, .epochs = 1});
    CHECK(found.groups == 3);
    CHECK(found.rows == 4);  // each example and its view
    CHECK(std::abs(found.stddev - .140526) < 1e-6);
  }
  CHECK(refusal([&] { (void)measurement::stddev_of_means(rows.mean(1).slice(0, 0, 1)); }) ==
        "rolewise: teacher_stddev: want the means of 2 groups or more, [J, K], got [1, 3]");
}

TEST_CASE("a teacher that is sure gives the law of class counts")
{
  constexpr std::int64_t classes = 100;
  // n distinct images in a group: sqrt((1 / K) (1 - 1 / K) / n).
  for (const auto& [count, wanted] : {std::pair{640, .003933}, {320, .005562}}) {
    std::vector<torch::Tensor> means;
    for (std::int64_t group = 0; group < 1500; ++group) {
      auto mean = torch::zeros({classes}, torch::kFloat64);
      auto* const counted = mean.mutable_data_ptr<double>();
      for (std::int64_t n = 0; n < count; ++n)
        counted[draws{seed{3}, group, n}.below(0, classes)] += 1.0 / static_cast<double>(count);
      means.push_back(mean);
    }
    CHECK(measurement::stddev_of_means(torch::stack(means)) ==
          doctest::Approx(wanted).epsilon(0.03).scale(0));
  }

  dataset data;
  constexpr std::int64_t size = 32040;
  data.shape = {.channels = 1, .height = 1, .width = 1, .classes = classes};
  data.labels = torch::arange(size).remainder(classes);
  data.inputs = data.labels.to(torch::kByte).view({size, 1, 1, 1}).contiguous();
  data.ids = torch::arange(size);
  const measurement::stddev_options<no_agent> options{.epochs = 2};
  const reads_the_pixel teacher{classes};
  const auto found = measurement::teacher_stddev(teacher, data, no_agent{}, options);
  CHECK(found.groups == 200);
  CHECK(found.rows == 640);
  // The identity repeats each image; an epoch draws without replacement, so the variance is lower
  // by a hundredth.
  CHECK(found.stddev == doctest::Approx(.005562 * std::sqrt(.99)).epsilon(0.02).scale(0));
  CHECK(measurement::teacher_stddev(teacher, data, no_agent{}, options).stddev == found.stddev);
  CHECK(measurement::teacher_stddev(
            teacher, data, no_agent{},
            measurement::stddev_options<no_agent>{.epochs = 2, .seed = seed{1}})
            .stddev != found.stddev);

  // More distinct images, less spread: the other half of the rows have other images now.
  CHECK(measurement::teacher_stddev(teacher, data, any_class{}, options).stddev ==
        doctest::Approx(.003933).epsilon(0.02).scale(0));
  CHECK(refusal([&] {
          (void)measurement::teacher_stddev(
              teacher, data, no_agent{},
              measurement::stddev_options<no_agent>{.batch_size = 7000, .epochs = 2});
        }) ==
        "rolewise: teacher_stddev: want two groups or more of 5 batches of 7000, got 1 from 2 "
        "epochs of 32040 examples");
}

TEST_CASE("hardest_view keeps the view with the highest entropy of the teacher's logits")
{
  const auto p =
      torch::tensor({.9, .05, .05, .5, .3, .2, .34, .33, .33, .6, .39, .01}, torch::kFloat64)
          .view({4, 3});
  const auto h = entropy_of(p.log());
  CHECK(
      h.allclose(torch::tensor({.394398, 1.029653, 1.098513, .719774}, torch::kFloat64), 0, 1e-6));
  CHECK(entropy_of(torch::tensor({{0.0F, 1e30F}})).item<double>() == 0.0);

  const hardest_view agent{.agent = brighter{}, .teacher = dazzled{}, .candidates = 4};
  laws::hold_for(agent, 3);
  laws::draws_matter_for(agent);
  laws::hold_for(hardest_view{.agent = cutmix{.classes = 7}, .teacher = dazzled{}}, 1);
  static_assert(hardest_view<cutmix, dazzled>::mixes && !hardest_view<cutout, dazzled>::mixes);

  const auto examples = laws::images_for_agents(3);
  const training_progress progress{.epoch = 2};
  const auto view = agent(examples, progress, seed{7});
  std::vector<torch::Tensor> candidates;
  for (std::uint64_t i = 0; i < 4; ++i)
    candidates.push_back(brighter{}(examples, progress, seed{7}.split(i)).inputs);
  const auto all = torch::stack(candidates);  // the teacher is less sure the brighter an image is
  const auto brightest = all.to(torch::kFloat64).mean({2, 3, 4}).argmax(0);
  for (std::int64_t n = 0; n < examples.size(); ++n)
    CHECK(torch::equal(view.inputs[n], all[brightest[n].item<std::int64_t>()][n]));

  // Labels and partners are those of the selected view.
  const cutmix cuts{.classes = 7};
  const auto picked =
      hardest_view{.agent = cuts, .teacher = dazzled{}}(examples, progress, seed{7});
  const batch options[]{cuts(examples, progress, seed{7}.split(0)),
                        cuts(examples, progress, seed{7}.split(1))};
  bool seen[]{false, false};
  for (std::int64_t n = 0; n < examples.size(); ++n) {
    const auto bright = [&](const batch& b) {
      return b.inputs[n].to(torch::kFloat64).mean().item<double>();
    };
    const std::size_t harder = bright(options[1]) > bright(options[0]) ? 1 : 0;
    seen[harder] = true;
    CHECK(torch::equal(picked.inputs[n], options[harder].inputs[n]));
    CHECK(torch::equal(picked.labels[n], options[harder].labels[n]));
    CHECK(torch::equal(picked.partners[n], options[harder].partners[n]));
  }
  CHECK((seen[0] && seen[1]));
  const hardest_view one{.agent = brighter{}, .teacher = dazzled{}, .candidates = 1};
  CHECK(torch::equal(one(examples, progress, seed{7}).inputs, candidates[0]));
  CHECK(refusal([&] {
          (void)hardest_view{.agent = brighter{}, .teacher = dazzled{}, .candidates = 0}(
              examples, progress, seed{7});
        }) == "rolewise: hardest_view: candidates is 0, want at least 1");
}

namespace {

/// Multiplies each example's values by 0 in one of two columns, by seed.
struct hides_one {
  static constexpr std::string_view name = "hides-one";
  static constexpr bool has_state = false;

  batch operator()(const batch& examples, const training_progress&, seed key) const
  {
    auto view = examples;
    view.inputs = examples.inputs.clone();
    for (std::int64_t n = 0; n < view.size(); ++n)
      view.inputs[n][static_cast<std::int64_t>(draws{key, 0, n}.below(0, 2))] = 0.0;
    return view;
  }
};

/// Two classes for each column, as uncertain as its value is close to 0.
struct sees_columns {
  static constexpr bool has_state = false;
  outputs forward(const batch& view, taps = {}) const
  {
    return {.logits = torch::stack({view.inputs, torch::zeros_like(view.inputs)}, 1),
            .features = {}};
  }
};

}  // namespace

TEST_CASE("the hardest view of tokens is that of the tokens that count")
{
  constexpr std::int64_t count = 16;
  const hardest_view agent{.agent = hides_one{}, .teacher = sees_columns{}, .candidates = 16};
  batch examples;
  examples.inputs = torch::tensor({5.0, 1.0}).repeat({count, 1});
  examples.labels = torch::zeros({count, 2}, torch::kLong);
  examples.ids = torch::arange(count);
  const auto hidden = [&](const batch& given) {
    const auto view = agent(given, training_progress{}, seed{2});
    const auto is_first = view.inputs.select(1, 0).eq(0.0);
    CHECK((is_first.all().item<bool>() || !is_first.any().item<bool>()));
    return is_first.all().item<bool>() ? 0 : 1;
  };
  CHECK(hidden(examples) == 0);  // the teacher is surest of the first column

  // By the mean of entropies h(0) = .693, h(1) = .582, h(5) = .040.
  auto weighted = examples;
  weighted.weights = torch::tensor({1.0, 7.0}).repeat({count, 1});
  CHECK(hidden(weighted) == 1);  // .040 + 7 * .693 against .693 + 7 * .582
  weighted.weights = torch::tensor({1.0, 5.0}).repeat({count, 1});
  CHECK(hidden(weighted) == 0);  // .040 + 5 * .693 against .693 + 5 * .582
  auto by_example = examples;
  by_example.weights = torch::full({count}, 0.5);
  CHECK(hidden(by_example) == 0);
  auto padded = examples;
  padded.mask = torch::tensor({false, true}).repeat({count, 1});
  CHECK(hidden(padded) == 1);
  auto ignored = examples;
  ignored.labels.select(1, 0).fill_(ignored.ignore_index);
  CHECK(hidden(ignored) == 1);
  ignored.labels.fill_(ignored.ignore_index);  // nothing counts: the first view
  CHECK(torch::equal(agent(ignored, training_progress{}, seed{2}).inputs,
                     hides_one{}(ignored, training_progress{}, seed{2}.split(0)).inputs));
}
