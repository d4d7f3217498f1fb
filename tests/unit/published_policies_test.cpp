// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"
#include "support/sanitized.hpp"
#include "support/tally.hpp"

#include <rolewise/agent/aug_mix.hpp>
#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/agent/detail/strength.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/agent/trivial_augment_wide.hpp>
#include <rolewise/agent/uniform_augment.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace policies = rolewise::auto_augment_policies;
using rw::operation;
using rw::tests::tally;
using scale = rw::auto_augment_scale;

namespace {

std::string text_of(const auto& value)
{
  std::ostringstream out;
  out << value;
  return out.str();
}

std::uint32_t crc32(const std::string& text)
{
  auto crc = ~0U;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

/// CRC-32 of a policy, as support/auto_augment_tables.py computes it.
std::uint32_t crc32_of(std::vector<rw::sub_policy> policy, bool with_unread_levels)
{
  std::string text;
  for (auto& of : policy) {
    for (auto* const step : {&of.first, &of.second})
      if (!with_unread_levels &&
          (step->what == operation::invert || step->what == operation::equalize ||
           step->what == operation::autocontrast))
        step->magnitude = 0;
    text += text_of(of) + "\n";
  }
  return crc32(text);
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

constexpr rw::training_progress progress{.epoch = 4};
constexpr rw::seed key{23};

/// The steps that an agent plans for each image, for ids 0 .. count - 1 and images of 32 x 32.
template<typename Plan>
std::vector<std::vector<rw::image_step>> steps_of(const Plan& plan, std::int64_t count)
{
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  rw::image_program program{ids.size()};
  plan(rw::image_subjects{ids, 3, 32, 32}, program);
  std::vector<std::vector<rw::image_step>> steps(ids.size());
  for (const auto& layer : program.layers())
    if (layer.does == rw::image_program::kind::operations)
      for (std::size_t n = 0; n < ids.size(); ++n) steps[n].push_back(program.operations(layer)[n]);
  return steps;
}

template<rw::PlannedAgent A>
std::vector<std::vector<rw::image_step>> steps_of(const A& agent, std::int64_t count)
{
  return steps_of([&](const rw::image_subjects& subjects,
                      rw::image_program& program) { agent.plan(subjects, progress, key, program); },
                  count);
}

std::string outcome(operation what, double value)
{
  std::ostringstream out;
  out << rw::name(what) << ' ' << std::lround(1000.0 * value) << ';';
  return out.str();
}

/// The outcomes of one step of a sub-policy, with their probabilities.
std::map<std::string, double> outcomes_of(const rw::sub_policy::step& step, scale how)
{
  const double fires = static_cast<double>(step.probability) / 10.0;
  const auto value = rw::auto_augment_parameter(step.what, step.magnitude, 32, 32, how);
  const bool turns = rw::has_sign(step.what) || (how == scale::even && rw::is_enhancer(step.what));
  std::map<std::string, double> result;
  result[outcome(operation::identity, 0.0)] += 1.0 - fires;
  result[outcome(step.what, value)] += fires * (turns ? 0.5 : 1.0);
  if (turns)
    result[outcome(step.what, rw::has_sign(step.what) ? -value : 2.0 - value)] += fires * 0.5;
  return result;
}

constexpr std::int64_t many = rw::tests::repetitions(60000, 12000);

/// The output of the tensor operations for a program; kernels must give the same bits.
template<rw::PlannedAgent A>
torch::Tensor by_reference(const A& agent, const rw::batch& examples)
{
  const auto& x = examples.inputs;
  const auto count = static_cast<std::size_t>(examples.size());
  rw::image_program program{count};
  agent.plan(
      {{examples.ids.const_data_ptr<std::int64_t>(), count}, x.size(1), x.size(2), x.size(3)},
      progress, key, program);
  return rw::detail::carry_out(program, x, rw::mean_color(examples.normalization, x.size(1)));
}

rw::images operated(operation what, double value, const rw::images& from)
{
  const auto number = [](double v) { return torch::full({1}, v, torch::kFloat64); };
  return rw::apply(what, from, {number(value), number(0.0), number(0.0)});
}

const auto every_agent = [](const auto& check) {
  for (const auto how : {scale::published, scale::even}) {
    check(rw::auto_augment{.scale = how});
    check(rw::auto_augment{.policy = policies::imagenet(), .scale = how});
    check(rw::auto_augment{.policy = policies::svhn(), .scale = how});
    check(rw::auto_augment{.policy = {{{operation::cutout, 10, 9}, {operation::cutout, 9, 4}}},
                           .scale = how});
  }
  check(rw::trivial_augment_wide{});
  check(rw::uniform_augment{});
  check(rw::uniform_augment{.operations = 4});
};

}  // namespace

TEST_CASE("AutoAugment's policies are those that other programs have")
{
  CHECK(policies::cifar10().size() == 25);
  CHECK(policies::imagenet().size() == 25);
  CHECK(policies::svhn().size() == 25);
  // From support/auto_augment_tables.py on tf-models-official 2.20.0.
  CHECK(crc32_of(policies::cifar10(), true) == 0xF88DD2F8);
  CHECK(crc32_of(policies::imagenet(), true) == 0x0151998C);
  CHECK(crc32_of(policies::svhn(), true) == 0x7F832C73);
  // The same on torchvision 0.28.0.
  CHECK(crc32_of(policies::cifar10(), false) == 0x81B09229);
  CHECK(crc32_of(policies::imagenet(), false) == 0xDF06641D);
  CHECK(crc32_of(policies::svhn(), false) == 0x04CE4E7C);

  CHECK(text_of(policies::cifar10().at(0)) == "Invert 0.1@7, Contrast 0.2@6");
  CHECK(text_of(policies::cifar10().at(1)) == "Rotate 0.7@2, TranslateX 0.3@9");
  CHECK(text_of(policies::cifar10().at(14)) == "Solarize 0.5@2, Invert 0.0@3");
  CHECK(text_of(policies::imagenet().at(0)) == "Posterize 0.4@8, Rotate 0.6@9");
  CHECK(text_of(policies::imagenet().at(14)) == "Color 0.6@4, Contrast 1.0@8");
  CHECK(text_of(policies::svhn().at(24)) == "ShearX 0.7@2, Invert 0.1@5");
}

TEST_CASE("a sub-policy is a value")
{
  const rw::sub_policy one{{operation::rotate, 7, 2}, {operation::translate_x, 3, 9}};
  CHECK(one == policies::cifar10()[1]);
  auto other = one;
  other.second.magnitude = 8;
  CHECK_FALSE(one == other);
  CHECK(policies::imagenet()[4] == policies::imagenet()[20]);
  CHECK(text_of(rw::sub_policy{}) == "Identity 0.0@0, Identity 0.0@0");
}

TEST_CASE("magnitude levels mean what the authors' code and torchvision mean by them")
{
  const auto at = [](operation what, scale how, std::int64_t height = 32, std::int64_t width = 32) {
    std::vector<double> found;
    for (std::int64_t level = 0; level <= 9; ++level)
      found.push_back(rw::auto_augment_parameter(what, level, height, width, how));
    return found;
  };
  using values = std::vector<double>;
  const auto near = [](const values& found, const values& wanted) {
    return found.size() == wanted.size() &&
           std::equal(found.begin(), found.end(), wanted.begin(),
                      [](double a, double b) { return std::abs(a - b) < 1e-6; });
  };
  CHECK(at(operation::rotate, scale::published) == values{0, 3, 6, 9, 12, 15, 18, 21, 24, 27});
  CHECK(at(operation::translate_x, scale::published) == values{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(at(operation::translate_y, scale::published, 64, 32) ==
        values{0, 2, 4, 6, 8, 10, 12, 14, 16, 18});
  CHECK(at(operation::posterize, scale::published) == values{4, 4, 4, 3, 3, 2, 2, 2, 1, 1});
  CHECK(at(operation::solarize, scale::published) ==
        values{256, 231, 205, 180, 154, 128, 103, 77, 52, 26});
  CHECK(near(at(operation::color, scale::published),
             {0.1, 0.28, 0.46, 0.64, 0.82, 1.0, 1.18, 1.36, 1.54, 1.72}));
  CHECK(near(at(operation::shear_y, scale::published),
             {0, 0.03, 0.06, 0.09, 0.12, 0.15, 0.18, 0.21, 0.24, 0.27}));

  // The magnitudes of torchvision 0.28.0, with thresholds rounded up.
  CHECK(near(at(operation::rotate, scale::even), {0, 3.3333333, 6.6666667, 10, 13.3333333,
                                                  16.6666667, 20, 23.3333333, 26.6666667, 30}));
  CHECK(near(at(operation::shear_x, scale::even),
             {0, 0.0333333, 0.0666667, 0.1, 0.1333333, 0.1666667, 0.2, 0.2333333, 0.2666667, 0.3}));
  CHECK(at(operation::translate_x, scale::even) == values{0, 1, 3, 4, 6, 8, 9, 11, 12, 14});
  CHECK(at(operation::translate_y, scale::even, 224, 32) ==
        values{0, 11, 22, 33, 45, 56, 67, 78, 90, 101});
  CHECK(at(operation::translate_x, scale::even, 224, 331) ==
        values{0, 16, 33, 50, 66, 83, 100, 116, 133, 150});
  CHECK(at(operation::posterize, scale::even) == values{8, 8, 7, 7, 6, 6, 5, 5, 4, 4});
  CHECK(at(operation::solarize, scale::even) ==
        values{255, 227, 199, 170, 142, 114, 85, 57, 29, 0});
  CHECK(
      near(at(operation::contrast, scale::even), {1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9}));
  CHECK(at(operation::cutout, scale::even, 331, 400).at(9) == 30);
  CHECK(at(operation::invert, scale::even) == values(10, 0.0));

  CHECK(refusal([] {
          (void)rw::auto_augment_parameter(operation::rotate, 10, 32, 32, scale::published);
        }) == "rolewise: auto_augment_parameter: level is 10, want 0 .. 9");
}

TEST_CASE("levels of the wide space mean what TrivialAugment's code means by them")
{
  const auto at = [](operation what) {
    std::vector<double> found;
    for (std::int64_t level = 0; level <= 30; ++level)
      found.push_back(rw::wide_parameter(what, level));
    return found;
  };
  using values = std::vector<double>;
  CHECK(at(operation::rotate) == values{0,  4,   9,   13,  18,  22,  27,  31,  36, 40, 45,
                                        49, 54,  58,  63,  67,  72,  76,  81,  85, 90, 94,
                                        99, 103, 108, 112, 117, 121, 126, 130, 135});
  CHECK(at(operation::translate_y) == values{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                             11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 22,
                                             23, 24, 25, 26, 27, 28, 29, 30, 32});
  CHECK(at(operation::posterize) == values{8, 8, 8, 8, 8, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 5,
                                           5, 5, 5, 5, 4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 2});
  CHECK(at(operation::solarize) == values{256, 248, 239, 231, 222, 214, 205, 197, 188, 180, 171,
                                          163, 154, 146, 137, 128, 120, 111, 103, 94,  86,  77,
                                          69,  60,  52,  43,  35,  26,  18,  9,   0});
  CHECK(at(operation::shear_x).at(30) == doctest::Approx(0.99));
  CHECK(at(operation::brightness).at(0) == doctest::Approx(0.01));
  CHECK(at(operation::brightness).at(15) == doctest::Approx(1.005));
  CHECK(at(operation::sharpness).at(30) == doctest::Approx(2.0));
  CHECK(refusal([] { (void)rw::wide_parameter(operation::rotate, 31); }) ==
        "rolewise: wide_parameter: level is 31, want 0 .. 30");
}

TEST_CASE("strengths mean what UniformAugment and AugMix mean by them")
{
  const auto uniform = [](operation what, double strength) {
    return rw::uniform_parameter(what, strength, 32, 64);
  };
  CHECK(uniform(operation::rotate, 0.5) == 15);
  CHECK(uniform(operation::shear_x, 0.5) == doctest::Approx(0.15));
  CHECK(uniform(operation::translate_x, 0.999) == 28);
  CHECK(uniform(operation::translate_y, 0.999) == 14);
  CHECK(uniform(operation::posterize, 0.0) == 4);
  CHECK(uniform(operation::posterize, 0.999) == 7);
  CHECK(uniform(operation::solarize, 0.0) == 0);
  CHECK(uniform(operation::solarize, 0.4) == 103);
  CHECK(uniform(operation::color, 0.0) == doctest::Approx(0.1));
  CHECK(uniform(operation::color, 1.0) == doctest::Approx(1.9));
  CHECK(uniform(operation::cutout, 0.999) == 3);
  CHECK(uniform(operation::cutout, 0.1) == 0);

  const auto mix = [](operation what, double level) {
    return rw::aug_mix_parameter(what, level, 32, 60);
  };
  CHECK(mix(operation::rotate, 2.99) == 8);
  CHECK(mix(operation::shear_y, 2.0) == doctest::Approx(0.06));
  CHECK(mix(operation::translate_x, 2.99) == 5);
  CHECK(mix(operation::translate_y, 2.99) == 3);
  CHECK(mix(operation::posterize, 2.4) == 4);
  CHECK(mix(operation::posterize, 2.6) == 3);
  CHECK(mix(operation::solarize, 2.99) == 180);
  CHECK(mix(operation::contrast, 3.0) == doctest::Approx(0.64));
}

TEST_CASE("agents of published policies keep the promises of AugmentationAgent")
{
  for (const std::int64_t channels : {1, 3}) {
    every_agent([&](const auto& agent) { rw::laws::hold_for(agent, channels); });
    rw::laws::hold_for(rw::aug_mix{}, channels);
    rw::laws::hold_for(rw::aug_mix{.width = 1, .depth = 4, .severity = 10, .alpha = 0.3}, channels);
    rw::laws::hold_for(rw::compose{rw::auto_augment{}, rw::pad_crop_flip{}}, channels);
    rw::laws::hold_for(rw::compose{rw::aug_mix{}, rw::pad_crop_flip{}}, channels);
  }
  every_agent([](const auto& agent) { rw::laws::refuses_what_are_no_images(agent); });
  every_agent([](const auto& agent) { rw::laws::draws_matter_for(agent); });
  rw::laws::refuses_what_are_no_images(rw::aug_mix{});
  rw::laws::draws_matter_for(rw::aug_mix{});
}

TEST_CASE("agents of published policies refuse settings out of range")
{
  const auto ids = torch::arange(1);
  const rw::batch images{torch::zeros({1, 1, 2, 2}, torch::kByte), ids, ids, {}};
  const auto said = [&](const auto& agent) {
    return refusal([&] { (void)agent(images, {}, key); });
  };
  CHECK(said(rw::auto_augment{.policy = {}}) ==
        "rolewise: auto-augment: got no sub-policy, want at least one");
  CHECK(said(rw::auto_augment{.policy = {{}, {{operation::color, 11, 0}, {}}}}) ==
        "rolewise: auto-augment: probability level of Color in sub-policy 1 is 11, want 0 .. 10");
  CHECK(said(rw::auto_augment{.policy = {{{}, {operation::rotate, 0, -1}}}}) ==
        "rolewise: auto-augment: magnitude level of Rotate in sub-policy 0 is -1, want 0 .. 9");
  CHECK(said(rw::uniform_augment{.operations = -1}) ==
        "rolewise: uniform-augment: operations is -1, want at least 0");
  CHECK(said(rw::aug_mix{.width = 0}) == "rolewise: aug-mix: width is 0, want 1 .. 1024");
  CHECK(said(rw::aug_mix{.depth = 0}) == "rolewise: aug-mix: depth is 0, want at least 1, or -1");
  CHECK(said(rw::aug_mix{.severity = 11}) == "rolewise: aug-mix: severity is 11, want 1 .. 10");
  CHECK(said(rw::aug_mix{.alpha = 0.0}) ==
        "rolewise: aug-mix: alpha is 0, want more than 0, and finite");
}

TEST_CASE("kernels carry out published policies as the reference does")
{
  static_assert(rw::PlannedAgent<rw::compose<rw::auto_augment, rw::uniform_augment>>);
  for (const std::int64_t channels : {1, 3}) {
    const auto examples = rw::laws::images_for_agents(channels);
    every_agent([&](const auto& agent) {
      CAPTURE(agent.name);
      CHECK(torch::equal(agent(examples, progress, key).inputs, by_reference(agent, examples)));
    });
  }
}

TEST_CASE("AutoAugment is the operations that its draws say, one after the other")
{
  auto examples = rw::laws::images_for_agents(3);
  examples.ids = torch::arange(examples.size()) * 7 + 1;
  const auto color = rw::mean_color(examples.normalization, 3);
  for (const auto how : {scale::published, scale::even}) {
    const rw::auto_augment agent{.policy = policies::svhn(), .scale = how};
    const auto view = agent(examples, progress, key).inputs;
    std::int64_t fired = 0;
    for (std::int64_t n = 0; n < examples.size(); ++n) {
      const rw::draws of{key.split(rw::purpose{"auto-augment"}), progress.epoch, 7 * n + 1};
      const auto chosen = agent.policy[static_cast<std::size_t>(of.below(0, 25))];
      rw::images image{examples.inputs.narrow(0, n, 1), {}};
      std::uint64_t draw = 1;
      for (const auto& [what, probability, level] : {chosen.first, chosen.second}) {
        auto value = rw::auto_augment_parameter(what, level, 40, 36, how);
        if (of.coin(draw + 1) && rw::has_sign(what)) value = -value;
        if (of.coin(draw + 1) && rw::is_enhancer(what) && how == scale::even) value = 2.0 - value;
        if (of.uniform(draw) < static_cast<double>(probability) / 10.0) {
          image = operated(what, value, image);
          ++fired;
        }
        draw += 4;
      }
      CHECK(torch::equal(view.narrow(0, n, 1), rw::filled(image, color)));
    }
    CHECK(fired > 20);
  }
}

TEST_CASE("AutoAugment draws sub-policies equally often; operations fire and turn as they should")
{
  for (const auto& policy : {policies::cifar10(), policies::imagenet(), policies::svhn()})
    for (const auto how : {scale::published, scale::even}) {
      tally both;
      for (const auto& of : policy)
        for (const auto& [first, p] : outcomes_of(of.first, how))
          for (const auto& [second, q] : outcomes_of(of.second, how))
            both.expect(first + second, p * q / 25.0);
      for (const auto& steps : steps_of(rw::auto_augment{.policy = policy, .scale = how}, many)) {
        REQUIRE(steps.size() == 2);
        both.count(outcome(steps[0].what, steps[0].value) + outcome(steps[1].what, steps[1].value));
      }
      CHECK(both.fits());
    }
}

TEST_CASE("a tally tells a wrong distribution from a right one")
{
  tally right, wrong, unexpected;
  for (auto* const of : {&right, &wrong, &unexpected}) {
    of->expect("a", 0.5);
    of->expect("b", 0.5);
  }
  for (int i = 0; i < 10000; ++i) {
    right.count(i % 2 == 0 ? "a" : "b");
    wrong.count(i % 100 < 53 ? "a" : "b");
    unexpected.count(i == 0 ? "c" : i % 2 == 0 ? "a" : "b");
  }
  CHECK(right.fits());
  CHECK_FALSE(wrong.fits());
  CHECK_FALSE(unexpected.fits());
}

TEST_CASE("TrivialAugment draws operations, levels and directions of the wide space equally often")
{
  tally found;
  for (const auto what : rw::detail::unsearched_operations)
    for (std::int64_t level = 0; level <= 30; ++level) {
      const auto value = rw::wide_parameter(what, level);
      const double probability = 1.0 / (14.0 * 31.0);
      if (rw::has_sign(what)) {
        found.expect(outcome(what, value), probability / 2.0);
        found.expect(outcome(what, -value), probability / 2.0);
      } else {
        found.expect(outcome(what, value), probability);
      }
    }
  for (const auto& steps : steps_of(rw::trivial_augment_wide{}, many)) {
    REQUIRE(steps.size() == 1);
    found.count(outcome(steps[0].what, steps[0].value));
  }
  CHECK(found.fits());
}

TEST_CASE("TrivialAugment draws operations and levels of RandAugment's ranges equally often")
{
  tally found;
  for (const auto what : rw::detail::unsearched_operations)
    for (std::int64_t level = 0; level <= 30; ++level) {
      const auto expect = [&](double strength, double share) {
        found.expect(outcome(what, rw::detail::parameter_of(what, strength, 32, 32)),
                     share / (14.0 * 31.0));
      };
      const double strength = static_cast<double>(level) / 30.0;
      if (rw::is_enhancer(what)) {
        expect(2.0 * strength - 1.0, 1.0);
      } else {
        expect(strength, 0.5);
        expect(-strength, 0.5);
      }
    }
  for (const auto& steps : steps_of(rw::trivial_augment{}, many)) {
    REQUIRE(steps.size() == 1);
    found.count(outcome(steps[0].what, steps[0].value));
  }
  CHECK(found.fits());
}

TEST_CASE("UniformAugment draws operations and strengths uniformly; half of them fire")
{
  tally which, strengths, directions;
  std::map<std::string, double> one{{"Identity", 0.5}};
  for (std::int64_t i = 0; i < rw::policy_operations; ++i)
    one[std::string{rw::name(static_cast<operation>(i))}] = 0.5 / 15.0;
  for (const auto& [first, p] : one)
    for (const auto& [second, q] : one) which.expect(first + second, p * q);
  for (int i = 0; i < 10; ++i) strengths.expect(std::to_string(i), 0.1);
  for (int i = 0; i < 20; ++i) directions.expect(std::to_string(i - 10), 0.05);
  for (const auto& steps : steps_of(rw::uniform_augment{}, many)) {
    REQUIRE(steps.size() == 2);
    which.count(std::string{rw::name(steps[0].what)} + std::string{rw::name(steps[1].what)});
    for (const auto& step : steps) {
      if (rw::is_enhancer(step.what))
        strengths.count(std::to_string(static_cast<int>((step.value - 0.1) / 0.18)));
      if (step.what == operation::rotate)
        directions.count(std::to_string(static_cast<int>(std::floor(step.value / 3.0))));
    }
  }
  CHECK(which.fits());
  CHECK(strengths.fits());
  CHECK(directions.fits());
}

TEST_CASE("UniformAugment cuts anywhere, and nothing where it has no operations")
{
  auto examples = rw::laws::images_for_agents(3);
  CHECK(rw::uniform_augment{.operations = 0}(examples, progress, key)
            .inputs.is_same(examples.inputs));
  tally rows;
  for (int i = 0; i < 32; ++i) rows.expect(std::to_string(i), 1.0 / 32.0);
  for (const auto& steps : steps_of(rw::uniform_augment{.operations = 1}, 4 * many))
    if (steps[0].what == operation::cutout) rows.count(std::to_string(steps[0].row));
  CHECK(rows.fits());
}

TEST_CASE("AugMix is the blend that its draws say")
{
  const auto examples = rw::laws::images_for_agents(3);
  const auto color = rw::mean_color(examples.normalization, 3);
  for (const auto& agent :
       {rw::aug_mix{},
        rw::aug_mix{.width = 2, .depth = 4, .severity = 9, .alpha = 0.4, .all_operations = true}}) {
    const auto shares = agent.shares_of(examples, progress, key);
    CHECK(shares.sizes() == torch::IntArrayRef{examples.size(), 1 + agent.width});
    CHECK(shares.ge(0).all().item<bool>());
    CHECK(torch::allclose(shares.sum(1), torch::ones({examples.size()}), 0.0, 1e-5));
    auto blend = examples.inputs.to(torch::kFloat64) * shares.select(1, 0).view({-1, 1, 1, 1});
    for (std::int64_t chain = 0; chain < agent.width; ++chain) {
      const auto count = static_cast<std::size_t>(examples.size());
      rw::image_program program{count};
      agent.plan_chain(chain, {{examples.ids.const_data_ptr<std::int64_t>(), count}, 3, 40, 36},
                       progress, key, program);
      const auto end = rw::detail::carry_out(program, examples.inputs, color);
      blend += end.to(torch::kFloat64) * shares.select(1, 1 + chain).view({-1, 1, 1, 1});
    }
    const auto off = agent(examples, progress, key).inputs.to(torch::kFloat64).sub(blend).abs();
    CHECK(off.max().item<double>() <= 0.5001);
  }
}

TEST_CASE("AugMix has the same bits in a large batch, which is blended in pieces")
{
  torch::manual_seed(2);
  const std::int64_t count = 70;
  const rw::batch examples{
      torch::randint(0, 256, {count, 3, 64, 64}, torch::kLong).to(torch::kByte),
      torch::zeros({count}, torch::kLong),
      torch::arange(count),
      {}};
  const auto view = rw::aug_mix{}(examples, progress, key);
  for (std::int64_t n = 0; n < count; ++n) {
    const auto place = torch::tensor({n});
    const auto alone = rw::aug_mix{}(rw::laws::part_of(examples, place), progress, key);
    CHECK(torch::equal(alone.inputs, view.inputs.narrow(0, n, 1)));
  }
}

TEST_CASE("AugMix draws its weights from Dirichlet and Beta")
{
  const auto ids = torch::arange(many / 3);
  const rw::batch examples{torch::zeros({ids.size(0), 1, 1, 1}, torch::kByte), ids, ids, {}};
  const auto shares = rw::aug_mix{}.shares_of(examples, progress, key).to(torch::kFloat64);
  const auto mixed = 1.0 - shares.select(1, 0);
  // Beta(1, 1) is uniform; each weight of Dirichlet(1, 1, 1) is Beta(1, 2): P(w < x) = 1 - (1-x)^2.
  const auto fits = [](const torch::Tensor& uniform) {
    tally found;
    for (int i = 0; i < 20; ++i) found.expect(std::to_string(i), 0.05);
    const auto cells = uniform.mul(20).to(torch::kLong).clamp_(0, 19).contiguous();
    for (std::int64_t n = 0; n < cells.numel(); ++n)
      found.count(std::to_string(cells.const_data_ptr<std::int64_t>()[n]));
    return found.fits();
  };
  CHECK(fits(mixed));
  for (std::int64_t chain = 1; chain <= 3; ++chain) {
    const auto weight = shares.select(1, chain) / mixed;
    CHECK(fits(1.0 - (1.0 - weight).square()));
  }
  // Beta(a, a) has variance 1 / (4 (2 a + 1)).
  const auto wide = rw::aug_mix{.alpha = 0.25}.shares_of(examples, progress, key).select(1, 0);
  CHECK(wide.var().item<double>() == doctest::Approx(1.0 / 6.0).epsilon(0.02).scale(0));
}

TEST_CASE("AugMix draws operations equally often, chains of 1, 2 or 3, levels up to its severity")
{
  tally depths, which, degrees;
  for (const char* depth : {"1", "2", "3"}) depths.expect(depth, 1.0 / 3.0);
  for (const auto what : {operation::autocontrast, operation::equalize, operation::posterize,
                          operation::rotate, operation::solarize, operation::shear_x,
                          operation::shear_y, operation::translate_x, operation::translate_y})
    which.expect(std::string{rw::name(what)}, 1.0 / 9.0);
  // Level uniform in [0.1, 3): trunc(3 L) is 0 for L < 1/3, then d for a third of a level each.
  for (int d = 0; d <= 8; ++d)
    for (const int sign : {-1, 1})
      degrees.expect(std::to_string(sign * d), (d == 0 ? 1.0 / 3.0 - 0.1 : 1.0 / 3.0) / 2.9 / 2.0);
  const rw::aug_mix agent{};
  const auto chain = [&](std::int64_t number) {
    return steps_of(
        [&](const rw::image_subjects& subjects, rw::image_program& program) {
          agent.plan_chain(number, subjects, progress, key, program);
        },
        many);
  };
  const auto second = chain(1);
  for (const auto& steps : second) {
    REQUIRE(steps.size() == 3);
    std::int64_t depth = 0;
    for (const auto& step : steps) {
      if (step.what == operation::identity) continue;
      ++depth;
      which.count(std::string{rw::name(step.what)});
      if (step.what == operation::rotate) degrees.count(std::to_string(std::lround(step.value)));
    }
    depths.count(std::to_string(depth));
  }
  CHECK(depths.fits());
  CHECK(which.fits());
  CHECK(degrees.fits());
  CHECK((second != chain(0)));
}
