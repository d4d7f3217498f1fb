// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"

#include <rolewise/agent/color_jitter.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/random_erasing.hpp>
#include <rolewise/agent/random_grayscale.hpp>
#include <rolewise/agent/random_resized_crop.hpp>
#include <rolewise/agent/vertical_flip.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/agent/views.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::operation;
using kind = rw::image_program::kind;

namespace {

constexpr std::int64_t many = 20000;
const rw::training_progress progress{.epoch = 2};
const rw::seed key{19};

std::string refusal(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

/// Whether a count of successes lies within five standard deviations of its expectation.
bool plausible(std::int64_t successes, std::int64_t trials, double probability)
{
  const auto n = static_cast<double>(trials);
  const double deviation = std::sqrt(n * probability * (1.0 - probability));
  return std::abs(static_cast<double>(successes) - n * probability) <= 5.0 * deviation;
}

/// Whether counts could be those of equally likely cases: chi-square within five standard
/// deviations of its mean, by its normal approximation. Deterministic, as seeds are fixed.
bool equally_likely(const std::vector<std::int64_t>& counts)
{
  const auto cases = static_cast<double>(counts.size());
  const auto sum =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  double chi_square = 0.0;
  for (const auto count : counts)
    chi_square += std::pow(static_cast<double>(count) - sum / cases, 2) / (sum / cases);
  return chi_square < cases - 1.0 + 5.0 * std::sqrt(2.0 * (cases - 1.0));
}

/// A histogram of [0, 1) with ten equal bins.
class histogram {
 public:
  void add(double value)
  {
    ++counts_[static_cast<std::size_t>(std::clamp(value * 10.0, 0.0, 9.0))];
  }
  [[nodiscard]] bool is_uniform() const { return equally_likely(counts_); }

 private:
  std::vector<std::int64_t> counts_ = std::vector<std::int64_t>(10);
};

template<rw::PlannedAgent A>
rw::image_program program_of(const A& agent, std::int64_t count, std::int64_t height,
                             std::int64_t width)
{
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  rw::image_program program{ids.size()};
  agent.plan({ids, 3, height, width}, progress, key, program);
  return program;
}

rw::batch copies(const torch::Tensor& image, std::int64_t count)
{
  return {image.unsqueeze(0).repeat({count, 1, 1, 1}),
          torch::zeros({count}, torch::kLong),
          torch::arange(count),
          {std::vector<double>(static_cast<std::size_t>(image.size(0)), 0.5), {}}};
}

rw::batch examples_of(std::int64_t channels, std::int64_t height, std::int64_t width)
{
  auto examples = rw::laws::images_for_agents(channels);
  examples.inputs = torch::randint(0, 256, {examples.size(), channels, height, width}, torch::kLong)
                        .to(torch::kByte);
  return examples;
}

/// The output of the reference implementation for the program of an agent.
template<rw::PlannedAgent A>
torch::Tensor by_reference(const A& agent, const rw::batch& examples)
{
  const auto& x = examples.inputs;
  rw::image_program program{static_cast<std::size_t>(examples.size())};
  agent.plan({{examples.ids.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(x.size(0))},
              x.size(1),
              x.size(2),
              x.size(3)},
             progress, key, program);
  return rw::detail::carry_out(program, x, rw::mean_color(examples.normalization, x.size(1)));
}

const rw::color_jitter full_jitter{
    .brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1};

template<typename Check>
void for_each_agent(const Check& check)
{
  check(rw::random_resized_crop{});
  check(rw::random_resized_crop{.interpolation = rw::resampling::nearest});
  check(rw::random_resized_crop{
      .scale = {0.3, 1}, .ratio = {0.5, 3}, .interpolation = rw::resampling::bicubic});
  check(rw::horizontal_flip{});
  check(rw::vertical_flip{});
  check(rw::random_erasing{});
  check(rw::random_erasing{.probability = 1, .with = rw::image_paint::kind::mean_color});
  check(rw::random_erasing{.with = rw::image_paint::kind::color, .color = {1, 2, 3}});
  check(full_jitter);
  check(rw::color_jitter{.hue = 0.5});
  check(rw::color_jitter{.brightness = 1.5, .saturation = 2});
  check(rw::random_grayscale{.probability = 0.5});
  check(rw::compose{rw::random_resized_crop{}, rw::horizontal_flip{}, rw::rand_augment{},
                    full_jitter, rw::random_erasing{}});
}

/// An agent without a fill: its holes stay open for the next agent.
struct leaves_holes {
  static constexpr std::string_view name = "leaves-holes";
  static constexpr bool has_state = false;
  [[nodiscard]] rw::batch operator()(const rw::batch& examples, const rw::training_progress&,
                                     rw::seed) const
  {
    return examples;
  }
  void plan(const rw::image_subjects&, const rw::training_progress&, rw::seed,
            rw::image_program& program) const
  {
    for (auto& step : program.add_operations()) step = {operation::rotate, 20.0};
  }
};

/// An agent that violates the contract: the output size depends on the number of ids.
struct fickle : leaves_holes {
  [[nodiscard]] rw::batch operator()(const rw::batch& examples, const rw::training_progress& at,
                                     rw::seed seed) const
  {
    return rw::detail::planned_view(
        [&](const rw::image_subjects& subjects, rw::image_program& program) {
          plan(subjects, at, seed, program);
        },
        examples);
  }
  void plan(const rw::image_subjects& subjects, const rw::training_progress&, rw::seed,
            rw::image_program& program) const
  {
    if (subjects.size() == 0) return;
    for (auto& box : program.add_resizes({50, 50})) box = {0, 0, 1, 1};
  }
};

}  // namespace

TEST_CASE("every agent keeps the promises of AugmentationAgent")
{
  for (const std::int64_t channels : {1, 3})
    for_each_agent([&](const auto& agent) { rw::laws::hold_for(agent, channels); });
}

TEST_CASE("seed, epoch and id matter, and what are no images is refused")
{
  for_each_agent([](const auto& agent) {
    rw::laws::draws_matter_for(agent);
    if constexpr (!requires { agent.template part<0>(); })
      rw::laws::refuses_what_are_no_images(agent);
  });
}

TEST_CASE("kernels carry out what agents plan as the reference does")
{
  for (const std::int64_t channels : {1, 3})
    for (const auto& [height, width] : std::initializer_list<std::pair<std::int64_t, std::int64_t>>{
             {1, 1}, {2, 1}, {32, 32}, {17, 30}, {63, 45}}) {
      const auto examples = examples_of(channels, height, width);
      const auto check = [&](const auto& agent) {
        CAPTURE(std::string_view{agent.name});
        CAPTURE(channels);
        CAPTURE(height);
        CHECK(torch::equal(agent(examples, progress, key).inputs, by_reference(agent, examples)));
      };
      for_each_agent(check);
      check(rw::random_resized_crop{.height = 24, .width = 41});
      check(rw::compose{rw::pad_crop_flip{}, rw::random_resized_crop{.height = 20}, rw::cutout{},
                        rw::random_resized_crop{.width = 33}, rw::random_erasing{},
                        rw::vertical_flip{}});
      check(rw::compose{leaves_holes{}, rw::vertical_flip{}, full_jitter});
      check(rw::compose{leaves_holes{}, rw::random_erasing{}});
      check(rw::compose{leaves_holes{}, rw::random_resized_crop{.height = 9}});
    }
}

TEST_CASE("parts after a resize plan for the new size")
{
  const auto examples = examples_of(3, 40, 36);
  const rw::random_resized_crop crop{.height = 24, .width = 50};
  const auto check = [&](const auto& second, const auto& third) {
    auto step_by_step = crop(examples, progress, key.split(std::uint64_t{0}));
    CHECK(step_by_step.inputs.sizes() == torch::IntArrayRef{24, 3, 24, 50});
    step_by_step = second(step_by_step, progress, key.split(std::uint64_t{1}));
    step_by_step = third(step_by_step, progress, key.split(std::uint64_t{2}));
    CHECK(torch::equal(rw::compose(crop, second, third)(examples, progress, key).inputs,
                       step_by_step.inputs));
  };
  check(rw::cutout{.size = 12}, rw::random_erasing{.probability = 1});
  check(rw::rand_augment{}, rw::pad_crop_flip{});
  check(rw::random_resized_crop{.width = 13}, rw::cutout{});

  rw::buffer_pool buffers;
  const rw::compose agent{crop, rw::rand_augment{}, rw::random_erasing{}};
  const auto plain = agent(examples, progress, key);
  for (const auto dtype : {torch::kByte, torch::kFloat32, torch::kBFloat16, torch::kFloat64})
    for (const bool last : {true, false}) {
      const auto view = rw::view_of(agent, examples, progress, key, {dtype, last}, buffers).inputs;
      CHECK(torch::equal(
          view, dtype == torch::kByte ? plain.inputs : rw::normalized_inputs(plain, dtype)));
    }
  const auto pair = rw::make_views(examples, crop, agent, rw::cutout{.size = 20}, progress, key);
  const auto formed =
      rw::make_views(examples, crop, agent, rw::cutout{.size = 20}, progress, key, {}, buffers);
  CHECK(torch::equal(formed.teacher.inputs, rw::normalized_inputs(pair.teacher)));
  CHECK(torch::equal(formed.student.inputs, rw::normalized_inputs(pair.student)));
}

TEST_CASE("an empty batch gets the new size, and views of one batch have one size")
{
  const auto none = torch::empty({0}, torch::kLong);
  const rw::batch empty{torch::empty({0, 3, 4, 5}, torch::kByte), none, none, {}};
  CHECK(rw::random_resized_crop{.height = 7}(empty, progress, key).inputs.sizes() ==
        torch::IntArrayRef{0, 3, 7, 5});
  CHECK(refusal([] { (void)fickle{}(examples_of(3, 8, 9), progress, key); }) ==
        "rolewise: image_program: some images become 8 x 9, others 50 x 50");
}

TEST_CASE("views of one size and another follow each other in the same memory")
{
  const auto small = examples_of(3, 9, 11), large = examples_of(3, 70, 64);
  const rw::random_resized_crop agent{.height = 33, .width = 31};
  const auto wanted_small = by_reference(agent, small), wanted_large = by_reference(agent, large);
  for (int i = 0; i < 3; ++i) {
    CHECK(torch::equal(agent(small, progress, key).inputs, wanted_small));
    CHECK(torch::equal(agent(large, progress, key).inputs, wanted_large));
  }
}

TEST_CASE("a random resized crop draws area and aspect as it says, and lays the box uniformly")
{
  const std::int64_t height = 1500, width = 1100;
  const rw::random_resized_crop agent{.height = 8, .width = 8, .scale = {0.1, 0.3}};
  const auto program = program_of(agent, many, height, width);
  REQUIRE(program.layers().size() == 1);
  CHECK(program.size(program.layers()[0]) == rw::image_size{8, 8, rw::resampling::bilinear});
  histogram area, aspect, left, top;
  for (const auto& box : program.boxes(program.layers()[0])) {
    const double w = box.right - box.left, h = box.bottom - box.top;
    CHECK((box.left >= 0 && box.top >= 0 && box.right <= width && box.bottom <= height));
    CHECK((w == std::floor(w) && h == std::floor(h) && box.left == std::floor(box.left)));
    area.add((w * h / static_cast<double>(height * width) - 0.1) / 0.2);
    aspect.add((std::log(w / h) - std::log(0.75)) / std::log(16.0 / 9.0));
    left.add(box.left / (width - w + 1));
    top.add(box.top / (height - h + 1));
  }
  CHECK(area.is_uniform());
  CHECK(aspect.is_uniform());
  CHECK(left.is_uniform());
  CHECK(top.is_uniform());
}

TEST_CASE("where no box fits, a random resized crop shows the largest one in the middle")
{
  const rw::random_resized_crop agent{.scale = {1, 1}};
  const auto box = [&](std::int64_t height, std::int64_t width) {
    const auto program = program_of(agent, 1, height, width);
    return program.boxes(program.layers()[0])[0];
  };
  CHECK(box(10, 1000) == rw::image_box{493, 0, 506, 10});
  CHECK(box(1000, 10) == rw::image_box{0, 493, 10, 506});
  const rw::random_resized_crop whole{.scale = {1, 1}, .ratio = {1.001, 1.002}};
  const auto program = program_of(whole, 1, 500, 500);
  CHECK(program.boxes(program.layers()[0])[0] == rw::image_box{0, 0, 500, 500});
  const auto examples = examples_of(3, 16, 16);
  CHECK(torch::equal(
      rw::random_resized_crop{.scale = {1, 1}, .ratio = {1, 1}}(examples, progress, key).inputs,
      examples.inputs));
}

TEST_CASE("flips and grays happen as often as they should")
{
  const auto image = torch::arange(12, torch::kLong).mul(9).to(torch::kByte).view({3, 2, 2});
  const auto images = copies(image, many);
  const auto count = [&](const torch::Tensor& views, const torch::Tensor& changed) {
    const auto is = views.eq(changed).flatten(1).all(1);
    CHECK(is.logical_or(views.eq(image).flatten(1).all(1)).all().item<bool>());
    return is.sum().item<std::int64_t>();
  };
  for (const double p : {0.5, 0.2, 1.0}) {
    CAPTURE(p);
    const auto sideways = rw::horizontal_flip{.probability = p}(images, progress, key).inputs;
    CHECK(plausible(count(sideways, image.flip(2)), many, p));
    const auto over = rw::vertical_flip{.probability = p}(images, progress, key).inputs;
    CHECK(plausible(count(over, image.flip(1)), many, p));
    const auto both = sideways.ne(images.inputs)
                          .flatten(1)
                          .any(1)
                          .logical_and(over.ne(images.inputs).flatten(1).any(1));
    CHECK(plausible(both.sum().item<std::int64_t>(), many, p * p));
    const auto gray =
        rw::detail::gray(image.unsqueeze(0), rw::gray_rounding::nearest)[0].expand({3, 2, 2}).to(
            torch::kByte);
    CHECK(
        plausible(count(rw::random_grayscale{.probability = p}(images, progress, key).inputs, gray),
                  many, p));
  }
}

TEST_CASE("random erasing draws whether, how much, of what aspect and where as it says")
{
  const std::int64_t height = 1000, width = 1400;
  const rw::random_erasing agent{.probability = 0.3, .scale = {0.02, 0.2}};
  const auto program = program_of(agent, 3 * many, height, width);
  histogram area, aspect, left, top;
  std::int64_t fired = 0;
  for (const auto& box : program.rectangles(program.layers().at(0))) {
    if (box.height == 0) continue;
    ++fired;
    const auto w = static_cast<double>(box.width), h = static_cast<double>(box.height);
    CHECK((box.left >= 0 && box.left + box.width <= width && box.width < width));
    CHECK((box.top >= 0 && box.top + box.height <= height && box.height < height));
    area.add((w * h / static_cast<double>(height * width) - 0.02) / 0.18);
    aspect.add((std::log(h / w) - std::log(0.3)) / (-2.0 * std::log(0.3)));
    left.add(static_cast<double>(box.left) / (static_cast<double>(width) - w + 1));
    top.add(static_cast<double>(box.top) / (static_cast<double>(height) - h + 1));
  }
  CHECK(plausible(fired, 3 * many, 0.3));
  CHECK(area.is_uniform());
  CHECK(aspect.is_uniform());
  CHECK(left.is_uniform());
  CHECK(top.is_uniform());
  // No rectangle fits strictly into a single pixel.
  const auto pixel = program_of(rw::random_erasing{.probability = 1}, 50, 1, 1);
  CHECK(pixel.changes_nothing());
}

TEST_CASE("random erasing paints noise that is uniform and keyed, a color or the mean color")
{
  const auto images = copies(torch::zeros({3, 30, 40}, torch::kByte), 500);
  const auto view = [&](const auto& agent, std::int64_t epoch) {
    return agent(images, {.epoch = epoch}, key).inputs;
  };
  const rw::random_erasing noisy{.probability = 1};
  const auto plan = [&] {
    const auto program = program_of(noisy, 500, 30, 40);
    const auto boxes = program.rectangles(program.layers()[0]);
    return std::vector<rw::image_rectangle>(boxes.begin(), boxes.end());
  }();
  const auto bytes = view(noisy, progress.epoch), others = view(noisy, progress.epoch + 1);
  std::vector<std::int64_t> counts(256);
  std::int64_t alike = 0, neighbors = 0;
  for (std::size_t n = 0; n < plan.size(); ++n) {
    const auto& box = plan[n];
    const auto inside = [&](const torch::Tensor& from) {
      return from.narrow(1, box.top, box.height).narrow(2, box.left, box.width).contiguous();
    };
    const auto place = static_cast<std::int64_t>(n);
    const auto own = inside(bytes[place]);
    const auto found = own.flatten().to(torch::kLong).bincount({}, 256);
    for (std::int64_t v = 0; v < 256; ++v)
      counts[static_cast<std::size_t>(v)] += found[v].item<std::int64_t>();
    // Pixels outside the rectangle are unchanged.
    CHECK(bytes[place].ne(0).sum().item<std::int64_t>() == own.ne(0).sum().item<std::int64_t>());
    alike += torch::equal(own, inside(others[place])) ? 1 : 0;
    if (box.width > 1)
      neighbors += torch::equal(own.narrow(2, 1, box.width - 1), own.narrow(2, 0, box.width - 1));
  }
  CHECK(equally_likely(counts));
  CHECK(alike < 3);
  CHECK(neighbors < 3);
  const auto painted = view(
      rw::random_erasing{
          .probability = 1, .with = rw::image_paint::kind::color, .color = {7, 80, 255}},
      progress.epoch);
  const auto mean =
      view(rw::random_erasing{.probability = 1, .with = rw::image_paint::kind::mean_color},
           progress.epoch);
  std::int64_t erased = 0;
  for (const auto& box : plan) erased += box.height * box.width;
  CHECK(painted.select(1, 0).eq(7).sum().item<std::int64_t>() == erased);
  CHECK(painted.select(1, 1).eq(80).sum().item<std::int64_t>() == erased);
  CHECK(painted.select(1, 2).eq(255).sum().item<std::int64_t>() == erased);
  CHECK(mean.eq(128).sum().item<std::int64_t>() == 3 * erased);
}

TEST_CASE("color jitter draws uniform factors, in every order equally often")
{
  const rw::color_jitter agent{.brightness = 0.4, .contrast = 0.1, .saturation = 1.5, .hue = 0.2};
  const auto program = program_of(agent, many, 32, 32);
  REQUIRE(program.layers().size() == 8);
  histogram brightness, contrast, saturation, turn;
  std::vector<std::int64_t> orders(256);
  for (std::size_t n = 0; n < many; ++n) {
    std::size_t order = 0;
    for (const auto& layer : program.layers()) {
      if (layer.does == kind::operations) {
        const auto& [what, factor, row, column] = program.operations(layer)[n];
        if (what == operation::brightness) brightness.add((factor - 0.6) / 0.8);
        if (what == operation::contrast) contrast.add((factor - 0.9) / 0.2);
        if (what == operation::color) saturation.add(factor / 2.5);
        if (what != operation::identity)
          order = 4 * order + (what == operation::brightness ? 0
                               : what == operation::contrast ? 1
                                                             : 2);
      } else if (program.hues(layer)[n].turned) {
        // Integers from -51 to 51; 0 is twice as frequent as the others, as numbers are truncated
        // toward 0.
        const int by = static_cast<std::int8_t>(program.hues(layer)[n].by);
        CHECK(std::abs(by) <= 51);
        if (by != 0) turn.add(by < 0 ? (by + 50) / 100.0 : (by + 49) / 100.0);
        order = 4 * order + 3;
      }
    }
    ++orders[order];
  }
  CHECK(brightness.is_uniform());
  CHECK(contrast.is_uniform());
  CHECK(saturation.is_uniform());
  CHECK(turn.is_uniform());
  std::erase(orders, 0);
  CHECK(orders.size() == 24);
  CHECK(equally_likely(orders));
}

TEST_CASE("color jitter does nothing but what has a jitter")
{
  const auto layers = [](const rw::color_jitter& agent) {
    const auto program = program_of(agent, 3, 8, 8);
    std::vector<kind> found;
    for (const auto& layer : program.layers()) found.push_back(layer.does);
    return found;
  };
  using kinds = std::vector<kind>;
  CHECK((layers({}) == kinds{}));
  CHECK((layers({.hue = 0.1}) == kinds{kind::hues}));
  CHECK((layers({.contrast = 0.1}) == kinds{kind::operations}));
  CHECK((layers({.brightness = 1, .contrast = 1}) == kinds{kind::operations, kind::operations}));
  // A factor never changes its sign.
  const rw::color_jitter wild{.brightness = 3};
  const auto program = program_of(wild, many, 8, 8);
  histogram factors;
  for (const auto& step : program.operations(program.layers()[0])) factors.add(step.value / 4.0);
  CHECK(factors.is_uniform());
}

TEST_CASE("settings that do nothing give back the tensors of the batch")
{
  const auto images = copies(torch::ones({3, 8, 8}, torch::kByte), 4);
  const auto unchanged = [&](const auto& agent) {
    return agent(images, {}, rw::seed{1}).inputs.is_same(images.inputs);
  };
  CHECK(unchanged(rw::horizontal_flip{.probability = 0}));
  CHECK(unchanged(rw::vertical_flip{.probability = 0}));
  CHECK(unchanged(rw::random_erasing{.probability = 0}));
  CHECK(unchanged(rw::random_grayscale{.probability = 0}));
  CHECK(unchanged(rw::color_jitter{}));
}

TEST_CASE("agents refuse settings out of range")
{
  const auto images = copies(torch::zeros({1, 2, 2}, torch::kByte), 1);
  const auto words = [&](const auto& agent) {
    return refusal([&] { (void)agent(images, {}, rw::seed{1}); });
  };
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  constexpr double endless = std::numeric_limits<double>::infinity();
  CHECK(words(rw::horizontal_flip{.probability = 1.5}) ==
        "rolewise: horizontal-flip: probability is 1.5, want 0 .. 1");
  CHECK(words(rw::vertical_flip{.probability = -0.1}) ==
        "rolewise: vertical-flip: probability is -0.1, want 0 .. 1");
  CHECK(words(rw::random_grayscale{.probability = none}) ==
        "rolewise: random-grayscale: probability is nan, want 0 .. 1");
  CHECK(words(rw::random_erasing{.probability = 2}) ==
        "rolewise: random-erasing: probability is 2, want 0 .. 1");
  for (const auto& range : std::initializer_list<std::array<double, 2>>{
           {0.5, 0.2}, {0, 0.5}, {-1, 0.5}, {0.5, 1.1}, {none, 0.5}, {0.5, none}}) {
    CAPTURE(range[0]);
    CAPTURE(range[1]);
    const auto wanted = ", want 0 < low <= high <= 1, shares of the area";
    CHECK(words(rw::random_resized_crop{.scale = range}).ends_with(wanted));
    CHECK(words(rw::random_erasing{.scale = range}).ends_with(wanted));
  }
  for (const auto& range : std::initializer_list<std::array<double, 2>>{
           {2, 1}, {0, 1}, {-1, 1}, {1, endless}, {none, 1}, {1, none}}) {
    CAPTURE(range[0]);
    CAPTURE(range[1]);
    const auto wanted = ", want 0 < low <= high, and finite";
    CHECK(words(rw::random_resized_crop{.ratio = range}).ends_with(wanted));
    CHECK(words(rw::random_erasing{.ratio = range}).ends_with(wanted));
  }
  CHECK(words(rw::random_resized_crop{.scale = {0.5, 0.2}}) ==
        "rolewise: random-resized-crop: scale is 0.5 .. 0.2, want 0 < low <= high <= 1, shares of "
        "the area");
  CHECK(words(rw::random_resized_crop{.height = -1}) ==
        "rolewise: random-resized-crop: height is -1, want 0 .. 16384");
  CHECK(words(rw::random_resized_crop{.width = 20000}) ==
        "rolewise: random-resized-crop: width is 20000, want 0 .. 16384");
  CHECK(words(rw::color_jitter{.brightness = -0.1}) ==
        "rolewise: color-jitter: brightness is -0.1, want 0 or more, and finite");
  CHECK(words(rw::color_jitter{.contrast = endless}) ==
        "rolewise: color-jitter: contrast is inf, want 0 or more, and finite");
  CHECK(words(rw::color_jitter{.saturation = none}) ==
        "rolewise: color-jitter: saturation is nan, want 0 or more, and finite");
  CHECK(words(rw::color_jitter{.hue = 0.6}) == "rolewise: color-jitter: hue is 0.6, want 0 .. 0.5");
}
