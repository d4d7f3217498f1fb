// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"

#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/detail/strength.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/agent/views.hpp>
#include <rolewise/policy/augmentation_policy.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::operation;

namespace {

using levels = std::vector<std::int64_t>;

levels all_at(std::int64_t probability, std::int64_t magnitude)
{
  levels result;
  for (int i = 0; i < 30; ++i) result.insert(result.end(), {probability, magnitude});
  return result;
}

/// A policy with the given probability and magnitude for both pairs of each listed operation; all
/// other levels are 0.
rw::augmentation_policy policy_of(
    const std::map<operation, std::pair<std::int64_t, std::int64_t>>& wanted)
{
  levels result(60);
  for (const auto& [what, pair] : wanted)
    for (const std::size_t copy : {0U, 30U}) {
      result[copy + 2 * static_cast<std::size_t>(what)] = pair.first;
      result[copy + 2 * static_cast<std::size_t>(what) + 1] = pair.second;
    }
  return rw::augmentation_policy{result};
}

rw::augmentation_policy busy_policy()
{
  levels result;
  for (std::int64_t i = 0; i < 30; ++i) {
    result.push_back(2 + i % 7);
    result.push_back((3 * i + 1) % 10);
  }
  return rw::augmentation_policy{result};
}

/// `count` copies of one image, with ids 0 .. count - 1.
rw::batch copies(const torch::Tensor& image, std::int64_t count, double mean = 0.0)
{
  const auto channels = static_cast<std::size_t>(image.size(0));
  return {image.unsqueeze(0).repeat({count, 1, 1, 1}),
          torch::zeros({count}, torch::kLong),
          torch::arange(count),
          {std::vector<double>(channels, mean), std::vector<double>(channels, 0.25)}};
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

/// Whether a count of successes lies within five standard deviations of its expectation. With a
/// fixed seed the result is deterministic; a correct probability fails with a chance of one in a
/// million.
bool plausible(std::int64_t successes, std::int64_t trials, double probability)
{
  const auto n = static_cast<double>(trials);
  const double deviation = std::sqrt(n * probability * (1.0 - probability));
  return std::abs(static_cast<double>(successes) - n * probability) <= 5.0 * deviation;
}

std::int64_t changed(const rw::batch& before, const rw::batch& after)
{
  return before.inputs.ne(after.inputs).flatten(1).any(1).sum().item<std::int64_t>();
}

constexpr std::int64_t many = 20000;

}  // namespace

TEST_CASE("every agent keeps the promises of AugmentationAgent")
{
  const rw::policy_agent policy{.policy = busy_policy()};
  const rw::policy_agent every_operation{.policy = rw::augmentation_policy{all_at(10, 7)}};
  for (const std::int64_t channels : {1, 3}) {
    rw::laws::hold_for(rw::no_agent{}, channels);
    rw::laws::hold_for(policy, channels);
    rw::laws::hold_for(every_operation, channels);
    rw::laws::hold_for(rw::rand_augment{.operations = 3, .magnitude = 7}, channels);
    rw::laws::hold_for(rw::trivial_augment{}, channels);
    rw::laws::hold_for(rw::cutout{.size = 9}, channels);
    rw::laws::hold_for(rw::pad_crop_flip{}, channels);
    rw::laws::hold_for(rw::compose{policy, rw::pad_crop_flip{}, rw::cutout{}}, channels);
  }
}

TEST_CASE("seed, epoch and id matter to every agent that draws")
{
  rw::laws::draws_matter_for(rw::policy_agent{.policy = busy_policy()});
  rw::laws::draws_matter_for(rw::rand_augment{});
  rw::laws::draws_matter_for(rw::trivial_augment{});
  rw::laws::draws_matter_for(rw::cutout{});
  rw::laws::draws_matter_for(rw::pad_crop_flip{});
  rw::laws::draws_matter_for(rw::compose{rw::rand_augment{}, rw::pad_crop_flip{}});
}

TEST_CASE("agents for images refuse what are none, and take an empty batch")
{
  rw::laws::refuses_what_are_no_images(rw::policy_agent{});
  rw::laws::refuses_what_are_no_images(rw::rand_augment{});
  rw::laws::refuses_what_are_no_images(rw::trivial_augment{});
  rw::laws::refuses_what_are_no_images(rw::cutout{});
  rw::laws::refuses_what_are_no_images(rw::pad_crop_flip{});
}

TEST_CASE("agents refuse settings out of range")
{
  const auto images = copies(torch::zeros({1, 2, 2}, torch::kByte), 1);
  CHECK(refusal([&] { (void)rw::rand_augment{.operations = -1}(images, {}, rw::seed{1}); }) ==
        "rolewise: rand-augment: operations is -1, want at least 0");
  CHECK(refusal([&] { (void)rw::rand_augment{.magnitude = 11}(images, {}, rw::seed{1}); }) ==
        "rolewise: rand-augment: magnitude is 11, want 0 .. 10");
  CHECK(refusal([&] { (void)rw::cutout{.size = -2}(images, {}, rw::seed{1}); }) ==
        "rolewise: cutout: size is -2, want at least 0");
  CHECK(refusal([&] { (void)rw::pad_crop_flip{.padding = -1}(images, {}, rw::seed{1}); }) ==
        "rolewise: pad-crop-flip: padding is -1, want at least 0");
}

TEST_CASE("settings that do nothing give back the tensors of the batch")
{
  const auto images = copies(torch::ones({3, 8, 8}, torch::kByte), 4);
  const auto unchanged = [&](const auto& agent) {
    return agent(images, {}, rw::seed{1}).inputs.is_same(images.inputs);
  };
  CHECK(unchanged(rw::no_agent{}));
  CHECK(unchanged(rw::policy_agent{}));
  CHECK(unchanged(rw::rand_augment{.operations = 0}));
  CHECK(unchanged(rw::cutout{.size = 1}));
  CHECK(unchanged(rw::pad_crop_flip{.padding = 0, .flip = false}));
}

TEST_CASE("a policy checks its 60 levels and keeps them")
{
  auto good = all_at(10, 9);
  const rw::augmentation_policy policy{good};
  CHECK(levels(policy.levels().begin(), policy.levels().end()) == good);
  CHECK(policy == rw::augmentation_policy{good});
  CHECK_FALSE(policy == rw::augmentation_policy{});
  CHECK(rw::augmentation_policy::operation_of(29) == operation::contrast);

  CHECK(refusal([&] { rw::augmentation_policy{levels(59)}; }) ==
        "rolewise: augmentation_policy: got 59 levels, want 60: probability and magnitude of 30 "
        "pairs");
  good[2 * 18] = 11;
  CHECK(refusal([&] { rw::augmentation_policy{good}; }) ==
        "rolewise: augmentation_policy: probability level of pair 18 (Brightness) is 11, want 0 .. "
        "10");
  good[2 * 18] = 10;
  good[1] = 10;
  CHECK(refusal([&] { rw::augmentation_policy{good}; }) ==
        "rolewise: augmentation_policy: magnitude level of pair 0 (Rotate) is 10, want 0 .. 9");
  good[1] = -1;
  CHECK(refusal([&] { rw::augmentation_policy{good}; }) ==
        "rolewise: augmentation_policy: magnitude level of pair 0 (Rotate) is -1, want 0 .. 9");
}

TEST_CASE("magnitude levels mean what Population Based Augmentation means by them")
{
  const auto at = [](operation what) {
    std::vector<double> found;
    for (std::int64_t level = 0; level <= 10; ++level)
      found.push_back(rw::policy_parameter(what, level));
    return found;
  };
  CHECK(at(operation::posterize) == std::vector<double>{4, 4, 4, 3, 3, 2, 2, 2, 1, 1, 0});
  CHECK(at(operation::solarize) ==
        std::vector<double>{256, 231, 205, 180, 154, 128, 103, 77, 52, 26, 0});
  CHECK(at(operation::rotate).at(9) == 27);
  CHECK(at(operation::translate_x).at(9) == 9);
  CHECK(at(operation::cutout).at(9) == 9);
  CHECK(at(operation::shear_y).at(9) == doctest::Approx(0.27));
  CHECK(at(operation::color).at(0) == doctest::Approx(0.1));
  CHECK(static_cast<float>(at(operation::color).at(5)) == 1.0F);
  CHECK(at(operation::sharpness).at(9) == doctest::Approx(1.72));
  CHECK(refusal([] { (void)rw::policy_parameter(operation::rotate, 11); }) ==
        "rolewise: policy_parameter: level is 11, want 0 .. 10");
}

TEST_CASE("a schedule of policies changes at its epochs and refuses disorder")
{
  const auto invert = policy_of({{operation::invert, {10, 0}}});
  const rw::policy_schedule schedule{
      std::vector<rw::policy_segment>{{0, {}}, {57, invert}, {60, busy_policy()}}};
  CHECK(schedule.at(0) == rw::augmentation_policy{});
  CHECK(schedule.at(56) == rw::augmentation_policy{});
  CHECK(schedule.at(57) == invert);
  CHECK(schedule.at(59) == invert);
  CHECK(schedule.at(60) == busy_policy());
  CHECK(schedule.at(1000) == busy_policy());

  using segments = std::vector<rw::policy_segment>;
  CHECK(refusal([] { rw::policy_schedule{segments{}}; }) ==
        "rolewise: policy_schedule: got no segment, want at least one");
  CHECK(refusal([] { rw::policy_schedule{segments{{1, {}}}}; }) ==
        "rolewise: policy_schedule: first segment begins at epoch 1, want 0");
  CHECK(refusal([] { rw::policy_schedule{segments{{0, {}}, {3, {}}, {3, {}}}}; }) ==
        "rolewise: policy_schedule: segment 2 begins at epoch 3, want a later one than 3");

  const rw::policy_agent agent{.policy = schedule};
  const auto images = copies(torch::full({3, 4, 4}, 9, torch::kByte), 50);
  CHECK(changed(images, agent(images, {.epoch = 56}, rw::seed{1})) == 0);
  CHECK(changed(images, agent(images, {.epoch = 57}, rw::seed{1})) > 0);
}

TEST_CASE("a policy fires at most 0, 1 or 2 operations with probability 0.2, 0.3, 0.5")
{
  // Two pairs that always fire, each moving by one to the left or to the right.
  const rw::policy_agent agent{.policy = policy_of({{operation::translate_x, {10, 1}}})};
  auto image = torch::zeros({1, 1, 9}, torch::kByte);
  image[0][0][4] = 255;
  const auto images = copies(image, many);
  const auto found = agent(images, {}, rw::seed{7}).inputs.flatten(1).argmax(1).to(torch::kLong);
  const auto at = torch::bincount(found, {}, 9);
  const auto count = [&](std::int64_t place) { return at[place].item<std::int64_t>(); };
  CHECK(count(0) + count(1) + count(7) + count(8) == 0);
  CHECK(plausible(count(3) + count(5), many, 0.3));
  CHECK(plausible(count(2), many, 0.5 * 0.25));  // both to the left
  CHECK(plausible(count(6), many, 0.5 * 0.25));
  CHECK(plausible(count(4), many, 0.2 + 0.5 * 0.5));
  CHECK(plausible(count(3), count(3) + count(5), 0.5));
}

TEST_CASE("each pair fires with its own probability, and counts where it changes nothing")
{
  const auto image = torch::arange(48, torch::kLong).mul(5).to(torch::kByte).view({3, 4, 4});
  const auto images = copies(image, many);
  const auto share_changed = [&](const rw::augmentation_policy& policy) {
    return changed(images, rw::policy_agent{.policy = policy}(images, {}, rw::seed{11}));
  };
  // The image changes if an odd number of inversions fires; each of the two pairs has probability
  // q.
  const double q = 0.4;
  CHECK(plausible(share_changed(policy_of({{operation::invert, {4, 0}}})), many,
                  0.3 * (1 - (1 - q) * (1 - q)) + 0.5 * 2 * q * (1 - q)));
  // Four pairs always fire; two of them rotate by 0 and take half of the places.
  CHECK(plausible(
      share_changed(policy_of({{operation::invert, {10, 0}}, {operation::rotate, {10, 0}}})), many,
      0.3 * 0.5 + 0.5 * 4.0 / 6.0));
  CHECK(share_changed(policy_of({{operation::rotate, {10, 0}}})) == 0);
  CHECK(share_changed({}) == 0);
}

TEST_CASE("all 30 pairs are equally likely where all fire")
{
  // Posterizing is idempotent here and all the rest does nothing, so a change means posterize.
  auto wanted = all_at(10, 0);
  for (const std::size_t copy : {0U, 30U})
    for (const auto what :
         {operation::brightness, operation::color, operation::sharpness, operation::contrast})
      wanted[copy + 2 * static_cast<std::size_t>(what) + 1] = 5;
  for (const std::size_t copy : {0U, 30U})
    for (const auto what : {operation::invert, operation::equalize, operation::autocontrast})
      wanted[copy + 2 * static_cast<std::size_t>(what)] = 0;
  const auto images = copies(torch::full({1, 2, 2}, 255, torch::kByte), many);
  const rw::policy_agent agent{.policy = rw::augmentation_policy{wanted}};
  // 24 pairs fire, 2 of them posterize.
  const double both_miss = (22.0 / 24.0) * (21.0 / 23.0);
  CHECK(plausible(changed(images, agent(images, {}, rw::seed{13})), many,
                  0.3 * 2.0 / 24.0 + 0.5 * (1.0 - both_miss)));
}

TEST_CASE("a policy cuts boxes of 2 L pixels and fills them with the mean color")
{
  const rw::policy_agent agent{.policy = policy_of({{operation::cutout, {10, 2}}})};
  const auto images = copies(torch::full({3, 12, 12}, 200, torch::kByte), 400, 0.5);
  const auto view = agent(images, {}, rw::seed{3}).inputs;
  const auto holes = view.eq(128).flatten(1).sum(1).div(3, "floor");
  CHECK(torch::logical_or(view.eq(128), view.eq(200)).all().item<bool>());
  CHECK(holes.max().item<std::int64_t>() == 32);  // two boxes that do not overlap
  CHECK(holes.eq(16).any().item<bool>());
  CHECK(holes.eq(0).any().item<bool>());
}

TEST_CASE("RandAugment draws each of its 14 operations equally often")
{
  // At full strength each operation and direction gives a different image.
  auto image = torch::full({3, 32, 32}, 60, torch::kByte);
  image[0].fill_(90);
  image.narrow(1, 4, 15).narrow(2, 3, 20).fill_(20);
  image.narrow(1, 21, 8).narrow(2, 5, 10).fill_(40);
  const std::int64_t count = 7000;
  const auto images = copies(image, count, 0.9);
  const rw::rand_augment agent{.operations = 1, .magnitude = 10};
  const auto view = agent(images, {}, rw::seed{17}).inputs.flatten(1).to(torch::kLong);
  const auto weights = torch::arange(view.size(1)).mul(7919).add(13).remainder(1000003);
  const auto fingerprints = view.mul(weights).sum(1);
  const auto counts = std::get<2>(at::_unique2(fingerprints, true, false, true));
  // The five geometric operations and the four enhancers have two directions; identity,
  // autocontrast, equalize, solarize and posterize have one.
  CHECK(counts.size(0) == 5 + 2 * 9);
  std::int64_t one_way = 0;
  for (std::int64_t i = 0; i < counts.size(0); ++i) {
    const auto found = counts[i].item<std::int64_t>();
    const bool often = plausible(found, count, 1.0 / 14.0);
    one_way += often ? 1 : 0;
    CHECK((often || plausible(found, count, 1.0 / 28.0)));
  }
  CHECK(one_way == 5);
}

TEST_CASE("RandAugment at magnitude 0 changes nothing but for autocontrast and equalize")
{
  const auto image = torch::arange(3 * 40 * 40, torch::kLong).remainder(97).to(torch::kByte);
  const auto images = copies(image.view({3, 40, 40}), many / 10);
  const rw::rand_augment agent{.operations = 1, .magnitude = 0};
  CHECK(plausible(changed(images, agent(images, {}, rw::seed{5})), many / 10, 2.0 / 14.0));
}

TEST_CASE("full strength means what RandAugment and TrivialAugment say")
{
  const auto of = [](operation what, double strength) {
    return rw::detail::parameter_of(what, strength, 32, 64);
  };
  CHECK(of(operation::rotate, 1) == 30);
  CHECK(of(operation::rotate, -0.5) == -15);
  CHECK(of(operation::shear_x, 1) == doctest::Approx(0.3));
  CHECK(of(operation::translate_x, 1) == 20);
  CHECK(of(operation::translate_y, -1) == -10);
  CHECK(of(operation::posterize, -1) == 4);
  CHECK(of(operation::posterize, 0) == 8);
  CHECK(of(operation::solarize, 0) == 256);
  CHECK(of(operation::solarize, -1) == 0);
  CHECK(of(operation::color, 1) == doctest::Approx(1.9));
  CHECK(of(operation::color, -1) == doctest::Approx(0.1));
  CHECK(of(operation::contrast, 0) == 1.0);
}

TEST_CASE("TrivialAugment draws each operation and each of 31 levels equally often")
{
  // One gray pixel: brightness at level L gives trunc(100 (0.1 + 0.06 L)), 31 different values.
  // Other operations give such a value at few levels only.
  const auto images = copies(torch::full({1, 1, 1}, 100, torch::kByte), 10 * many);
  const auto view = rw::trivial_augment{}(images, {}, rw::seed{23}).inputs.flatten();
  const auto counts = torch::bincount(view.to(torch::kLong), {}, 256);
  const auto count = [&](std::int64_t value) { return counts[value].item<std::int64_t>(); };
  const double cell = 1.0 / 14.0 / 31.0;
  for (const std::int64_t level : {1, 2, 8, 13, 17, 21, 22, 28, 29, 30}) {
    CAPTURE(level);
    const auto value = static_cast<std::int64_t>(
        std::floor(100.0 * (0.1 + 0.06 * static_cast<double>(level)) + 1e-4));
    CHECK(plausible(count(value), 10 * many, cell));
  }
  // Solarized: the threshold 256 - trunc(256 L / 30) reaches 100 from level 19 on.
  CHECK(plausible(count(155), 10 * many, 12 * cell));
}

TEST_CASE("cutout hides one box of twice half its size, smaller at the border")
{
  const std::int64_t side = 16;
  const auto images = copies(torch::full({1, side, side}, 200, torch::kByte), many, 0.5);
  const auto hidden = rw::cutout{.size = 5}(images, {}, rw::seed{2}).inputs.eq(128).squeeze(1);
  const auto rows = hidden.any(2).sum(1), columns = hidden.any(1).sum(1);
  CHECK(torch::equal(hidden.flatten(1).sum(1), rows * columns));  // a box
  CHECK(rows.max().item<std::int64_t>() == 4);
  CHECK(rows.min().item<std::int64_t>() == 2);
  // The center is uniform over rows: 4 rows unless the center is 0, 1 or the last.
  CHECK(plausible(rows.eq(4).sum().item<std::int64_t>(), many, 13.0 / 16.0));
  CHECK(plausible(columns.eq(2).sum().item<std::int64_t>(), many, 1.0 / 16.0));
  CHECK(plausible(hidden.select(1, 0).any(1).sum().item<std::int64_t>(), many, 3.0 / 16.0));
}

TEST_CASE("pad-crop-flip shows every window equally often, each mirrored half of the time")
{
  auto image = torch::zeros({1, 5, 6}, torch::kByte);
  image[0][2][2] = 255;
  const auto images = copies(image, many);
  const auto view = rw::pad_crop_flip{.padding = 1}(images, {}, rw::seed{29}).inputs;
  const auto counts = torch::bincount(view.flatten(1).argmax(1), {}, 30).view({5, 6});
  // Not mirrored, the dot is in columns 1 .. 3; mirrored in 2 .. 4.
  const double wanted[6] = {0.0, 1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6, 0.0};
  for (std::int64_t row = 0; row < 5; ++row)
    for (std::int64_t column = 0; column < 6; ++column) {
      const bool reached = row >= 1 && row <= 3;
      CHECK(plausible(counts[row][column].item<std::int64_t>(), many,
                      reached ? wanted[column] / 3.0 : 0.0));
    }
}

TEST_CASE("pad-crop-flip pads with the rounded mean and equals padding, cutting and mirroring")
{
  torch::manual_seed(1);
  const auto image = torch::randint(0, 256, {3, 6, 5}, torch::kLong).to(torch::kByte);
  auto images = copies(image, 300);
  images.normalization.mean = {0.1, 0.5, 0.9};
  const auto view = rw::pad_crop_flip{.padding = 2}(images, {}, rw::seed{31}).inputs;
  auto padded = rw::as_pixel({26, 128, 230}, torch::kCPU).expand({1, 3, 10, 9}).clone();
  padded.narrow(2, 2, 6).narrow(3, 2, 5).copy_(image);
  std::vector<torch::Tensor> windows;
  for (std::int64_t y = 0; y <= 4; ++y)
    for (std::int64_t x = 0; x <= 4; ++x) {
      const auto window = padded.narrow(2, y, 6).narrow(3, x, 5);
      windows.push_back(window);
      windows.push_back(window.flip(3));
    }
  const auto all = torch::cat(windows);  // [50, 3, 6, 5]
  const auto match = view.unsqueeze(1).eq(all.unsqueeze(0)).flatten(2).all(2);
  CHECK(match.sum(1).eq(1).all().item<bool>());  // each view is exactly one window
  CHECK(match.any(0).all().item<bool>());        // every window occurs
}

TEST_CASE("a sequence is its parts one after the other, each with a seed of its own")
{
  const auto images = rw::laws::images_for_agents(3);
  const rw::rand_augment first{};
  const rw::pad_crop_flip second{};
  const rw::compose both{first, second};
  CHECK(both.name == "rand-augment + pad-crop-flip");
  const rw::training_progress progress{.epoch = 2};
  const rw::seed key{9};
  const auto by_hand = second(first(images, progress, key.split(std::uint64_t{0})), progress,
                              key.split(std::uint64_t{1}));
  CHECK(torch::equal(both(images, progress, key).inputs, by_hand.inputs));

  // The same agent twice in a sequence: the two shifts are independent.
  auto dot = torch::zeros({1, 9, 9}, torch::kByte);
  dot[0][4][4] = 255;
  const rw::pad_crop_flip shift{.padding = 1, .flip = false};
  const auto moved = rw::compose{shift, shift}(copies(dot, many), {}, key).inputs;
  const auto row = moved.flatten(1).argmax(1).div(9, "floor");
  CHECK(plausible(row.eq(2).sum().item<std::int64_t>(), many, 1.0 / 9.0));
  CHECK(plausible(row.eq(3).sum().item<std::int64_t>(), many, 2.0 / 9.0));
  CHECK(both.part<0>().operations == 2);
}

TEST_CASE("views: each role has its own agent and both share one crop")
{
  const auto images = rw::laws::images_for_agents(3);
  const rw::training_progress progress{.epoch = 1};
  const rw::seed key{77};
  const rw::rand_augment agent{};
  const rw::pad_crop_flip crop{};

  const auto own = rw::make_views(images, agent, agent, crop, progress, key);
  CHECK_FALSE(own.same);
  CHECK_FALSE(torch::equal(own.teacher.inputs, own.student.inputs));
  CHECK(torch::equal(own.student.inputs, crop(agent(images, progress, key.split(rw::role::student)),
                                              progress, key.split(rw::role::both))
                                             .inputs));
  CHECK(torch::equal(own.teacher.inputs, crop(agent(images, progress, key.split(rw::role::teacher)),
                                              progress, key.split(rw::role::both))
                                             .inputs));
  CHECK(torch::equal(own.teacher.ids, own.student.ids));

  const auto plain_teacher = rw::make_views(images, rw::no_agent{}, agent, crop, progress, key);
  CHECK_FALSE(plain_teacher.same);
  CHECK(torch::equal(plain_teacher.teacher.inputs,
                     crop(images, progress, key.split(rw::role::both)).inputs));
  CHECK(torch::equal(plain_teacher.student.inputs, own.student.inputs));
}

TEST_CASE("views: where both roles see the same, the tensors are shared")
{
  const auto images = rw::laws::images_for_agents(3);
  const rw::seed key{77};
  const auto judged =
      rw::make_views(images, rw::same_view{}, rw::rand_augment{}, rw::pad_crop_flip{}, {}, key);
  CHECK(judged.same);
  CHECK(judged.teacher.inputs.is_same(judged.student.inputs));
  const auto own =
      rw::make_views(images, rw::no_agent{}, rw::rand_augment{}, rw::pad_crop_flip{}, {}, key);
  CHECK(torch::equal(judged.student.inputs, own.student.inputs));

  const auto plain =
      rw::make_views(images, rw::no_agent{}, rw::no_agent{}, rw::pad_crop_flip{}, {}, key);
  CHECK(plain.same);
  CHECK(plain.teacher.inputs.is_same(plain.student.inputs));
  const auto bare = rw::make_views(images, rw::no_agent{}, rw::no_agent{}, rw::no_agent{}, {}, key);
  CHECK(bare.same);
  CHECK(bare.student.inputs.is_same(images.inputs));
}
