// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Label maps move with the pixels of their images.

#include "support/doctest.hpp"

#include <rolewise/agent/aug_mix.hpp>
#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/color_jitter.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/composed_warps.hpp>
#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/detail/carry_out_maps.hpp>
#include <rolewise/agent/detail/kernels/variants.hpp>
#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/hardest_view.hpp>
#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/agent/label_maps.hpp>
#include <rolewise/agent/mixup.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/random_choice.hpp>
#include <rolewise/agent/random_erasing.hpp>
#include <rolewise/agent/random_grayscale.hpp>
#include <rolewise/agent/random_resized_crop.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/agent/trivial_augment_wide.hpp>
#include <rolewise/agent/uniform_augment.hpp>
#include <rolewise/agent/vertical_flip.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/agent/views.hpp>
#include <rolewise/policy/sub_policy.hpp>

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace kernels = rolewise::detail::kernels;

namespace {

constexpr std::int64_t ignored = -100;
const rw::training_progress progress{.epoch = 3};
const rw::seed key{23};

/// Images whose pixels are their own coordinates, each plus 1, so that black is a hole; their
/// label maps have the row-major index of each pixel, their weights that index plus 1/2.
rw::batch coordinates(std::int64_t count, std::int64_t height, std::int64_t width)
{
  const auto row = torch::arange(height).view({1, 1, -1, 1}).expand({count, 1, -1, width});
  const auto column = torch::arange(width).view({1, 1, 1, -1}).expand({count, 1, height, -1});
  rw::batch examples{torch::cat({row + 1, column + 1, torch::full_like(row, 255)}, 1)
                         .to(torch::kByte)
                         .contiguous(),
                     (row * width + column).squeeze(1).contiguous(),
                     torch::arange(count) * 7 + 5,
                     {}};
  examples.weights = examples.labels.to(torch::kFloat32) + 0.5;
  return examples;
}

/// The label maps that the pixels of a view of `coordinates` show.
torch::Tensor labels_in(const torch::Tensor& pixels, std::int64_t width)
{
  const auto row = pixels.select(1, 0).to(torch::kLong) - 1,
             column = pixels.select(1, 1).to(torch::kLong) - 1;
  return torch::where(row.lt(0), ignored, row * width + column);
}

/// The weights beside moved labels of `coordinates`.
torch::Tensor weights_beside(const torch::Tensor& labels)
{
  return torch::where(labels.eq(ignored), 0.0, labels.to(torch::kFloat32) + 0.5)
      .to(torch::kFloat32);
}

/// Equal images, labels and weights; weights that are not there are 1.
bool are_equal(const rw::batch& a, const rw::batch& b)
{
  const auto weights = [](const rw::batch& of, const rw::batch& other) {
    if (of.weights.defined() || !other.weights.defined()) return of.weights;
    return torch::ones_like(other.weights);
  };
  return torch::equal(a.inputs, b.inputs) && torch::equal(a.labels, b.labels) &&
         torch::equal(weights(a, b), weights(b, a));
}

template<typename A>
rw::image_program plan_of(const A& agent, const rw::batch& examples)
{
  const auto& x = examples.inputs;
  rw::image_program program{static_cast<std::size_t>(x.size(0))};
  agent.plan({{examples.ids.template const_data_ptr<std::int64_t>(), program.images()},
              x.size(1),
              x.size(2),
              x.size(3)},
             progress, key, program);
  return program;
}

/// An agent that applies what a function plans.
struct planned {
  static constexpr std::string_view name = "planned";
  static constexpr bool has_state = false;

  std::function<void(const rw::image_subjects&, rw::image_program&)> write;

  [[nodiscard]] rw::batch operator()(const rw::batch& examples, const rw::training_progress& at,
                                     rw::seed seed) const
  {
    rw::require_images(name, examples);
    return rw::detail::planned_view(
        [&](const rw::image_subjects& subjects, rw::image_program& program) {
          plan(subjects, at, seed, program);
        },
        examples);
  }
  void plan(const rw::image_subjects& subjects, const rw::training_progress&, rw::seed,
            rw::image_program& program) const
  {
    write(subjects, program);
  }
};
static_assert(rw::PlannedAgent<planned>);

planned every_image(const rw::image_step& step)
{
  return {[step](const rw::image_subjects&, rw::image_program& program) {
    std::ranges::fill(program.add_operations(), step);
    program.add_fill();
  }};
}

planned every_image(const rw::image_window& window)
{
  return {[window](const rw::image_subjects&, rw::image_program& program) {
    std::ranges::fill(program.add_windows(), window);
  }};
}

/// An agent without a plan; it leaves pixels where they are.
struct darker {
  static constexpr std::string_view name = "darker";
  static constexpr bool has_state = false;
  [[nodiscard]] rw::batch operator()(const rw::batch& examples, const rw::training_progress&,
                                     rw::seed) const
  {
    auto view = examples;
    view.inputs = examples.inputs.div(2, "floor");
    return view;
  }
};

/// A teacher that is less sure the more of an image are holes.
struct wary {
  static constexpr bool has_state = false;
  [[nodiscard]] rw::outputs forward(const rw::batch& examples, const rw::taps&) const
  {
    const auto shown = examples.inputs.select(1, 2).to(torch::kFloat32).mean({1, 2});
    return {torch::stack({shown, torch::zeros_like(shown)}, 1), {}};
  }
};

rw::augmentation_policy policy_of(const std::function<bool(rw::operation)>& fires)
{
  std::vector<std::int64_t> levels;
  for (std::int64_t i = 0; i < 30; ++i)
    levels.insert(levels.end(),
                  {fires(rw::augmentation_policy::operation_of(i)) ? 9 : 0, (3 * i + 1) % 10});
  return rw::augmentation_policy{levels};
}

/// Calls `check` with agents that move pixels but don't change them.
template<typename Check>
void for_each_move(const Check& check)
{
  const rw::policy_agent moves{.policy = policy_of(rw::detail::is_geometric)};
  const rw::auto_augment pairs{
      .policy = {{{rw::operation::rotate, 9, 7}, {rw::operation::shear_x, 9, 8}},
                 {{rw::operation::translate_y, 9, 6}, {rw::operation::shear_y, 8, 5}},
                 {{rw::operation::translate_x, 9, 9}, {rw::operation::rotate, 7, 3}}}};
  const rw::random_resized_crop crop{.interpolation = rw::resampling::nearest};
  check(rw::no_agent{});
  check(rw::horizontal_flip{});
  check(rw::vertical_flip{});
  check(rw::pad_crop_flip{});
  check(rw::pad_crop_flip{.padding = 40});
  check(crop);
  check(
      rw::random_resized_crop{.height = 50, .width = 9, .interpolation = rw::resampling::nearest});
  check(moves);
  check(pairs);
  check(rw::compose{moves, rw::pad_crop_flip{}, crop, rw::vertical_flip{}});
  check(rw::compose{crop, pairs, moves, crop});
  check(rw::composed_warps<rw::policy_agent>{moves});
  check(rw::composed_warps<rw::compose<rw::auto_augment, rw::pad_crop_flip>>{
      rw::compose{pairs, rw::pad_crop_flip{}}});
  check(rw::random_choice{moves, rw::no_agent{}, rw::pad_crop_flip{}});
  check(rw::hardest_view{.agent = moves, .teacher = wary{}, .candidates = 3});
  check(rw::cyclic_views<rw::policy_agent>{.views = 2, .agent = moves});
}

/// Calls `check` with planned agents of all kinds.
template<typename Check>
void for_each_planned(const Check& check)
{
  const rw::policy_agent policy{.policy = policy_of([](rw::operation) { return true; })};
  check(rw::no_agent{});
  check(rw::horizontal_flip{});
  check(rw::vertical_flip{});
  check(rw::pad_crop_flip{});
  check(rw::random_resized_crop{});
  check(
      rw::random_resized_crop{.height = 7, .width = 41, .interpolation = rw::resampling::bicubic});
  check(rw::cutout{});
  check(rw::random_erasing{.probability = 1.0});
  check(rw::random_grayscale{.probability = 1.0});
  check(rw::color_jitter{.brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1});
  check(policy);
  check(rw::rand_augment{.operations = 3, .magnitude = 9});
  check(rw::auto_augment{});
  check(rw::trivial_augment{});
  check(rw::trivial_augment_wide{});
  check(rw::uniform_augment{.operations = 4});
  check(rw::compose{policy, rw::random_resized_crop{.height = 20, .width = 20},
                    rw::rand_augment{.magnitude = 10}, rw::pad_crop_flip{}});
  check(rw::composed_warps<rw::rand_augment>{{.operations = 3, .magnitude = 9}});
  check(rw::composed_warps<rw::compose<rw::trivial_augment_wide, rw::pad_crop_flip>>{
      {}, rw::interpolation::bilinear});
}

/// The view of a batch by the reference implementation.
template<rw::PlannedAgent A>
rw::batch by_reference(const A& agent, const rw::batch& examples)
{
  const auto program = plan_of(agent, examples);
  auto view = examples;
  view.inputs = rw::detail::carry_out(
      program, examples.inputs, rw::mean_color(examples.normalization, examples.inputs.size(1)));
  rw::detail::carry_out_maps(program, examples, view);
  return view;
}

/// The sources of one image, as the kernels of a set trace them.
torch::Tensor traced(const kernels::kernel_set& set, const rw::image_program& program,
                     const rw::image_size& size)
{
  kernels::source_plane plane{set};
  const auto after = program.size_after(size);
  const auto start = torch::arange(1, size.height * size.width + 1);
  std::vector<torch::Tensor> all;
  for (std::size_t n = 0; n < program.images(); ++n) {
    plane.start(size.height, size.width);
    rw::detail::trace_program(plane, program, n);
    all.push_back(torch::empty({after.height, after.width}, torch::kLong));
    plane.apply(start.const_data_ptr<std::int64_t>(), std::int64_t{0},
                all.back().mutable_data_ptr<std::int64_t>());
  }
  return torch::stack(all);
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

std::string refusal_of(const auto& agent, const rw::batch& examples)
{
  return refusal([&] { (void)agent(examples, progress, key); });
}

}  // namespace

TEST_CASE("a label comes from the pixel that its image shows")
{
  for (const auto& [height, width] :
       std::initializer_list<std::pair<std::int64_t, std::int64_t>>{{32, 32}, {23, 41}, {1, 1}}) {
    const auto examples = coordinates(30, height, width);
    for_each_move([&](const auto& agent) {
      CAPTURE(agent.name);
      CAPTURE(height);
      const auto view = agent(examples, progress, key);
      CHECK(torch::equal(view.labels, labels_in(view.inputs, width)));
      CHECK(torch::equal(view.weights, weights_beside(view.labels)));
      CHECK(torch::equal(examples.labels.select(0, 1).flatten(), torch::arange(height * width)));
    });
  }
}

TEST_CASE("hand-written maps")
{
  const auto examples = coordinates(2, 2, 3);
  const auto labels = [&](const auto& agent) { return agent(examples, progress, key).labels[1]; };
  const auto is = [](const torch::Tensor& got, std::vector<std::int64_t> wanted) {
    return torch::equal(got.flatten(), torch::tensor(wanted));
  };
  constexpr auto none = ignored;
  // 0 1 2
  // 3 4 5
  CHECK(is(labels(rw::horizontal_flip{.probability = 1.0}), {2, 1, 0, 5, 4, 3}));
  CHECK(is(labels(rw::vertical_flip{.probability = 1.0}), {3, 4, 5, 0, 1, 2}));
  CHECK(is(labels(every_image(rw::image_window{.down = 1, .right = -1})),
           {none, 3, 4, none, none, none}));
  CHECK(is(labels(every_image(rw::image_window{.down = 0, .right = 1, .mirrored = true})),
           {none, 2, 1, none, 5, 4}));
  CHECK(is(labels(every_image(rw::image_step{rw::operation::translate_x, 2.0})),
           {2, none, none, 5, none, none}));
  CHECK(is(labels(every_image(rw::image_step{rw::operation::translate_y, -1.0})),
           {none, none, none, 0, 1, 2}));
  CHECK(
      is(labels(every_image(rw::image_step{rw::operation::shear_x, 0.5})), {0, 1, 2, 4, 5, none}));
  CHECK(is(labels(every_image(rw::image_step{rw::operation::shear_y, 0.5})),
           {0, 4, 5, 3, none, none}));
  CHECK(is(labels(every_image(rw::image_step{rw::operation::rotate, 180.0})), {5, 4, 3, 2, 1, 0}));
  CHECK(is(labels(every_image(rw::image_step{rw::operation::invert})), {0, 1, 2, 3, 4, 5}));
  // A hole stays one when an operation makes it part of the image.
  CHECK(is(labels(rw::compose{every_image(rw::image_step{rw::operation::translate_x, 1.0}),
                              every_image(rw::image_step{rw::operation::invert}),
                              every_image(rw::image_step{rw::operation::translate_x, -1.0})}),
           {none, 1, 2, none, 4, 5}));
  // One map, so nothing is lost.
  const auto back_and_forth = [](const rw::image_subjects&, rw::image_program& program) {
    std::ranges::fill(program.add_operations(), rw::image_step{rw::operation::translate_x, 1.0});
    std::ranges::fill(program.add_operations(), rw::image_step{rw::operation::translate_x, -1.0});
  };
  CHECK(is(labels(planned{back_and_forth}), {none, 1, 2, none, 4, 5}));
  CHECK(is(labels(rw::composed_warps<planned>{{back_and_forth}}), {0, 1, 2, 3, 4, 5}));
  const planned corner{[](const rw::image_subjects&, rw::image_program& program) {
    std::ranges::fill(program.add_resizes({.height = 2, .width = 4}), rw::image_box{1, 0, 3, 1});
  }};
  CHECK(is(labels(corner), {1, 1, 2, 2, 1, 1, 2, 2}));
}

TEST_CASE("kernels move maps as the reference does")
{
  for (const auto& [channels, height, width] :
       std::initializer_list<std::array<std::int64_t, 3>>{{3, 33, 30}, {1, 9, 70}, {3, 1, 1}}) {
    auto examples = coordinates(12, height, width);
    examples.inputs = examples.inputs.narrow(1, 0, channels).contiguous();
    examples.ignore_index = 255;
    auto soft = examples;
    soft.labels = torch::rand({12, 3, height, width}, torch::kFloat32);
    soft.weights = torch::Tensor{};
    for_each_planned([&](const auto& agent) {
      CAPTURE(agent.name);
      CAPTURE(examples.inputs.sizes());
      CHECK(are_equal(agent(examples, progress, key), by_reference(agent, examples)));
      CHECK(are_equal(agent(soft, progress, key), by_reference(agent, soft)));
    });
  }
}

TEST_CASE("kernels of every instruction set trace every operation at every magnitude")
{
  for (const auto& [height, width] : std::initializer_list<std::pair<std::int64_t, std::int64_t>>{
           {32, 32}, {17, 30}, {1, 1}, {2, 5}, {600, 3}, {5, 700}}) {
    std::vector<rw::image_step> steps;
    for (std::int64_t i = 0; i < rw::policy_operations; ++i) {
      const auto what = static_cast<rw::operation>(i);
      for (std::int64_t level = 0; level <= 9; ++level)
        for (const double sign : {1.0, -1.0}) {
          const auto value = rw::policy_parameter(what, level);
          steps.push_back({what, rw::has_sign(what) ? sign * value : value, height / 2, 1});
        }
      if (!rw::detail::is_geometric(what)) continue;
      for (const double value : {45.0, 90.0, 135.0, 0.99, -0.3, 0.3333, 1e3, -1e6, 2147483647.0})
        steps.push_back({what, value});
    }
    rw::image_program program{steps.size()}, twice{steps.size()};
    std::ranges::copy(steps, program.add_operations().begin());
    std::ranges::copy(steps, twice.add_operations().begin());
    for (auto& box : twice.add_resizes({.height = 11, .width = 13}))
      box = {0, 0, static_cast<float>(width), static_cast<float>(height) * 0.75F};
    std::ranges::copy(steps, twice.add_operations().rbegin());
    std::ranges::fill(twice.add_windows(), rw::image_window{1, -2, true});
    std::ranges::fill(twice.add_upside_down(), std::uint8_t{1});
    auto bilinear = program;
    rw::detail::compose_warps(bilinear, 0, height, width, rw::interpolation::bilinear);
    for (const auto& each : {program, twice, bilinear}) {
      const auto wanted = rw::detail::sources_after(each, {height, width}, torch::kCPU);
      for (const auto* const set : kernels::runnable()) {
        CAPTURE(set->name);
        CAPTURE(height);
        CHECK(torch::equal(traced(*set, each, {height, width}), wanted));
      }
    }
  }
}

TEST_CASE("positions beyond the range of a warp are traced too")
{
  for (const auto& [height, width, what] : {std::tuple{2, 12000, rw::operation::shear_x},
                                            std::tuple{12000, 2, rw::operation::shear_y}}) {
    rw::image_program program{2};
    const auto steps = program.add_operations();
    steps[0] = {what, 22400.0};
    steps[1] = {what, -22400.0};
    const rw::image_size size{height, width};
    const auto wanted = rw::detail::sources_after(program, size, torch::kCPU);
    CHECK(wanted.gt(0).sum().item<std::int64_t>() == 2 * 800);
    CHECK(torch::equal(traced(kernels::best(), program, size), wanted));
  }
}

TEST_CASE("two flips are none")
{
  const auto examples = coordinates(6, 9, 14);
  const rw::horizontal_flip across{.probability = 1.0};
  const rw::vertical_flip down{.probability = 1.0};
  const auto twice = [&](const auto& agent) {
    return agent(agent(examples, progress, key), progress, rw::seed{7});
  };
  CHECK(are_equal(twice(across), examples));
  CHECK(are_equal(twice(down), examples));
  CHECK(are_equal(rw::compose{across, down, down, across}(examples, progress, key), examples));
}

TEST_CASE("colors and what is painted over leave maps alone")
{
  const auto examples = coordinates(10, 20, 16);
  const auto stay = [&](const auto& agent) {
    const auto view = agent(examples, progress, key);
    CHECK_FALSE(torch::equal(view.inputs, examples.inputs));
    CHECK(torch::equal(view.labels, examples.labels));
    CHECK(torch::equal(view.weights, examples.weights));
  };
  stay(rw::cutout{.size = 10});
  stay(rw::random_erasing{.probability = 1.0});
  stay(rw::random_grayscale{.probability = 1.0});
  stay(rw::color_jitter{.brightness = 0.5, .hue = 0.2});
  stay(every_image(rw::image_step{rw::operation::cutout, 4.0, 8, 8}));
  stay(rw::policy_agent{
      .policy = policy_of([](rw::operation what) { return !rw::detail::is_geometric(what); })});
}

TEST_CASE("any interpolation of the pixels moves maps by the nearest pixel")
{
  const auto examples = coordinates(12, 40, 36);
  const auto labels = [&](const auto& agent) { return agent(examples, progress, key).labels; };
  const auto crop = [](rw::resampling by) {
    return rw::random_resized_crop{.height = 24, .width = 50, .interpolation = by};
  };
  const auto wanted = labels(crop(rw::resampling::nearest));
  CHECK(torch::equal(labels(crop(rw::resampling::bilinear)), wanted));
  CHECK(torch::equal(labels(crop(rw::resampling::bicubic)), wanted));
  CHECK(wanted.ge(0).all().item<bool>());
  using moves = rw::composed_warps<rw::rand_augment>;
  CHECK(torch::equal(labels(moves{{}, rw::interpolation::bilinear}),
                     labels(moves{{}, rw::interpolation::nearest})));
}

TEST_CASE("maps have the same bits on one thread and on more, on the CPU alone and in a pool")
{
  auto examples = coordinates(30, 64, 60);
  const auto threads_before = at::get_num_threads();
  for_each_planned([&](const auto& agent) {
    CAPTURE(agent.name);
    at::set_num_threads(1);
    const auto alone = agent(examples, progress, key);
    at::set_num_threads(2);
    CHECK(are_equal(agent(examples, progress, key), alone));
    rw::buffer_pool buffers;
    CHECK(are_equal(rw::view_of(agent, examples, progress, key, {.dtype = torch::kByte}, buffers),
                    alone));
    const auto part = [&](const torch::Tensor& t) { return t.narrow(0, 7, 3); };
    auto some = examples;
    for (auto* each : {&some.inputs, &some.labels, &some.ids, &some.weights}) *each = part(*each);
    CHECK(torch::equal(agent(some, progress, key).labels, part(alone.labels)));
  });
  at::set_num_threads(threads_before);
}

TEST_CASE("weights of any kind move along")
{
  const auto examples = coordinates(4, 6, 5);
  const auto crop = every_image(rw::image_window{.down = 2, .right = 1});
  const auto view_with = [&](const torch::Tensor& labels, const torch::Tensor& weights) {
    auto with = examples;
    with.labels = labels;
    with.weights = weights;
    return crop(with, progress, key);
  };
  const auto hole = view_with(examples.labels, {}).labels.eq(ignored);
  CHECK(hole.sum().item<std::int64_t>() == 4 * (2 * 5 + 4 * 1));
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kBFloat16, torch::kHalf}) {
    const auto weights = examples.weights.to(dtype);
    const auto view = view_with(examples.labels, weights);
    CHECK((view.weights.scalar_type() == dtype));
    CHECK(torch::equal(view.weights[0].narrow(0, 0, 4).narrow(1, 0, 4),
                       weights[0].narrow(0, 2, 4).narrow(1, 1, 4)));
    CHECK(view.weights.masked_select(hole).eq(0).all().item<bool>());
  }
  // Hard labels mark holes themselves; soft ones get weights for it.
  const auto of_examples = torch::arange(4, torch::kFloat32) + 1;
  CHECK(!view_with(examples.labels, {}).weights.defined());
  CHECK(torch::equal(view_with(examples.labels, of_examples).weights, of_examples));
  for (const auto dtype : {torch::kFloat32, torch::kFloat64, torch::kHalf}) {
    const auto soft = torch::rand({4, 3, 6, 5}).to(dtype);
    const auto bare = view_with(soft, {}), weighed = view_with(soft, of_examples);
    CHECK(torch::equal(bare.weights, hole.logical_not().to(torch::kFloat32)));
    CHECK(torch::equal(weighed.weights, bare.weights * of_examples.view({-1, 1, 1})));
    CHECK(torch::equal(bare.labels.narrow(2, 0, 4).narrow(3, 0, 4),
                       soft.narrow(2, 2, 4).narrow(3, 1, 4)));
    CHECK(bare.labels.masked_select(hole.unsqueeze(1)).eq(0).all().item<bool>());
  }
  // Also where no image changes.
  auto soft = examples;
  soft.labels = torch::rand({4, 3, 6, 5});
  soft.weights = torch::Tensor{};
  CHECK(torch::equal(rw::horizontal_flip{.probability = 0.0}(soft, progress, key).weights,
                     torch::ones({4, 6, 5})));
}

TEST_CASE("maps that are not contiguous, and none at all")
{
  auto examples = coordinates(5, 7, 6);
  const auto wanted = rw::pad_crop_flip{}(examples, progress, key);
  examples.labels = examples.labels.transpose(1, 2).contiguous().transpose(1, 2);
  examples.weights = examples.weights.transpose(0, 2).contiguous().transpose(0, 2);
  CHECK_FALSE(examples.labels.is_contiguous());
  CHECK(are_equal(rw::pad_crop_flip{}(examples, progress, key), wanted));

  const auto none = coordinates(0, 7, 6);
  for_each_planned([&](const auto& agent) {
    CAPTURE(agent.name);
    const auto view = agent(none, progress, key);
    CHECK(view.labels.sizes() == torch::IntArrayRef{0, view.inputs.size(2), view.inputs.size(3)});
  });
  CHECK(rw::cutmix{}(none, progress, key).labels.sizes() == torch::IntArrayRef{0, 7, 6});
}

TEST_CASE("labels of examples are those of the batch")
{
  auto examples = coordinates(5, 12, 12);
  for (const auto& labels : {torch::arange(5), torch::rand({5, 4})}) {
    examples.labels = labels;
    examples.weights = torch::rand({5});
    for_each_planned([&](const auto& agent) {
      const auto view = agent(examples, progress, key);
      CHECK(view.labels.is_same(examples.labels));
      CHECK(view.weights.is_same(examples.weights));
    });
  }
}

TEST_CASE("agents in a sequence and a mixture move maps, planned or not")
{
  const auto examples = coordinates(30, 21, 18);
  const rw::policy_agent moves{.policy = policy_of(rw::detail::is_geometric)};
  const rw::random_resized_crop crop{.height = 15, .width = 17};
  // The agent without a plan splits the sequence, and the maps stay the same.
  const auto whole = rw::compose{moves, rw::no_agent{}, crop}(examples, progress, key);
  const auto split = rw::compose{moves, darker{}, crop}(examples, progress, key);
  CHECK(torch::equal(split.labels, whole.labels));
  CHECK(torch::equal(split.weights, whole.weights));

  const auto mixture = rw::random_choice{moves, rw::pad_crop_flip{}};
  const auto mixed = mixture(examples, progress, key);
  const auto first = moves(examples, progress, key.split(std::uint64_t{0})),
             second = rw::pad_crop_flip{}(examples, progress, key.split(std::uint64_t{1}));
  std::int64_t of_first = 0;
  for (std::int64_t n = 0; n < examples.size(); ++n) {
    const bool is_first = torch::equal(mixed.inputs[n], first.inputs[n]);
    const auto& its = is_first ? first : second;
    of_first += is_first ? 1 : 0;
    CHECK(torch::equal(mixed.labels[n], its.labels[n]));
    CHECK(torch::equal(mixed.weights[n], its.weights[n]));
  }
  CHECK(of_first > 5);
  CHECK(of_first < 25);
}

TEST_CASE("a mixture gives all examples weights if one has some")
{
  auto examples = coordinates(30, 21, 18);
  examples.weights = torch::rand({30});
  const auto view = rw::random_choice{rw::cutmix{}, rw::no_agent{}}(examples, progress, key);
  CHECK(view.weights.sizes() == torch::IntArrayRef{30, 21, 18});
  for (std::int64_t n = 0; n < 30; ++n)
    if (view.partners[n].item<std::int64_t>() == examples.ids[n].item<std::int64_t>())
      CHECK(view.weights[n].eq(examples.weights[n]).all().item<bool>());
  examples.labels = torch::rand({30, 4, 21, 18});
  examples.weights = torch::Tensor{};
  const auto soft = rw::random_choice{rw::pad_crop_flip{}, rw::no_agent{}}(examples, progress, key);
  CHECK(soft.weights.sizes() == torch::IntArrayRef{30, 21, 18});
  CHECK(torch::equal(soft.weights.eq(0), soft.labels.sum(1).eq(0)));
}

TEST_CASE("views of teacher and student have the labels of their own pixels")
{
  const auto examples = coordinates(20, 32, 28);
  const rw::policy_agent moves{.policy = policy_of(rw::detail::is_geometric)};
  const rw::random_resized_crop shared{
      .height = 20, .width = 24, .interpolation = rw::resampling::nearest};
  for (const auto& pair :
       {rw::make_views(examples, moves, rw::pad_crop_flip{}, shared, progress, key),
        rw::make_views(examples, rw::same_view{}, moves, shared, progress, key)})
    for (const auto* const view : {&pair.teacher, &pair.student})
      CHECK(torch::equal(view->labels, labels_in(view->inputs, 28)));
  rw::buffer_pool buffers;
  const auto plain = rw::make_views(examples, moves, rw::pad_crop_flip{}, shared, progress, key);
  const auto formed =
      rw::make_views(examples, moves, rw::pad_crop_flip{}, shared, progress, key, {}, buffers);
  CHECK_FALSE(torch::equal(plain.teacher.labels, plain.student.labels));
  CHECK(torch::equal(formed.teacher.labels, plain.teacher.labels));
  CHECK(torch::equal(formed.teacher.weights, plain.teacher.weights));
  CHECK(torch::equal(formed.student.labels, plain.student.labels));
  CHECK(torch::equal(formed.student.inputs, rw::normalized_inputs(plain.student)));
  const auto same =
      rw::make_views(examples, rw::same_view{}, moves, shared, progress, key, {}, buffers);
  CHECK(same.same);
  CHECK(same.teacher.labels.is_same(same.student.labels));
}

TEST_CASE("cutmix pastes label maps and weights along with pixels")
{
  auto examples = coordinates(24, 16, 18);
  // Distinct images: the third channel, the labels and the weights have the example's number.
  const auto number = torch::arange(24).view({-1, 1, 1});
  examples.inputs.select(1, 2).copy_(number);
  examples.labels = examples.labels + 1000 * number;
  examples.weights = examples.labels.to(torch::kFloat32);
  const auto view = rw::cutmix{}(examples, progress, key);
  const auto wanted = labels_in(view.inputs, 18) + 1000 * view.inputs.select(1, 2).to(torch::kLong);
  CHECK((view.labels.scalar_type() == torch::kLong));
  CHECK(torch::equal(view.labels, wanted));
  CHECK(torch::equal(view.weights, wanted.to(torch::kFloat32)));
  CHECK_FALSE(torch::equal(view.labels, examples.labels));
  CHECK(view.partners.defined());
  CHECK(torch::equal(view.inputs.select(1, 2).ne(number).flatten(1).any(1),
                     view.labels.ne(examples.labels).flatten(1).any(1)));

  // Weights of examples become weights of pixels.
  examples.weights = torch::arange(24, torch::kFloat32);
  CHECK(torch::equal(rw::cutmix{}(examples, progress, key).weights,
                     view.inputs.select(1, 2).to(torch::kFloat32)));

  // Soft maps, and partners from a data set, whose weights are 1.
  rw::dataset data;
  data.shape = {.channels = 3, .height = 16, .width = 18, .classes = 2};
  data.inputs = examples.inputs;
  data.labels = torch::rand({24, 2, 16, 18});
  data.ids = examples.ids;
  auto soft = examples;
  soft.labels = data.labels;
  soft.weights = torch::full({24, 16, 18}, 0.25);
  const auto pasted = rw::cutmix{.partners = data}(soft, progress, key);
  for (std::int64_t n = 0; n < 24; ++n) {
    const auto partner = (pasted.partners[n].item<std::int64_t>() - 5) / 7;
    const auto is_pasted = pasted.inputs[n][2].ne(n);
    CHECK(torch::equal(pasted.labels[n],
                       torch::where(is_pasted, data.labels[partner], data.labels[n])));
    CHECK(torch::equal(pasted.weights[n].eq(1.0), is_pasted));
  }
  data.labels = torch::zeros({24}, torch::kLong);
  CHECK(refusal_of(rw::cutmix{.partners = data}, soft) ==
        "rolewise: cutmix: label maps are [24, 2, 16, 18] of Float, their partners' [24] of Long");
}

TEST_CASE("maps that an agent cannot move are refused in words")
{
  const auto examples = coordinates(3, 8, 6);
  CHECK(refusal_of(rw::mixup{.classes = 48}, examples) ==
        "rolewise: mixup: want one label for each example, got label maps [3, 8, 6]: a mean of "
        "classes has no class, and some pixels have none; cutmix pastes maps along with pixels");
  CHECK(refusal_of(rw::aug_mix{}, examples) ==
        "rolewise: aug-mix: want one label for each example, got label maps [3, 8, 6]: a pixel is "
        "a mean of those that several warps put there");
  const auto with = [&](const torch::Tensor& labels, const torch::Tensor& weights = {}) {
    auto other = examples;
    other.labels = labels;
    other.weights = weights;
    return other;
  };
  const auto wanted = [](std::string_view who) {
    return "rolewise: " + std::string{who} +
           ": want label maps [3, 8, 6] of Long or [3, classes, 8, 6] of floating point beside "
           "images [3, 3, 8, 6], got ";
  };
  const std::string beside =
      "rolewise: pad-crop-flip: want weights [3] or [3, 8, 6] of floating point beside label maps, "
      "got ";
  const rw::pad_crop_flip agent;
  const auto smaller = torch::zeros({3, 4, 3}, torch::kLong);
  CHECK(refusal_of(agent, with(smaller)) == wanted("pad-crop-flip") + "[3, 4, 3] of Long");
  CHECK(refusal_of(agent, with(torch::zeros({3, 8, 6}, torch::kInt))) ==
        wanted("pad-crop-flip") + "[3, 8, 6] of Int");
  CHECK(refusal_of(agent, with(torch::zeros({3, 8, 6}))) ==
        wanted("pad-crop-flip") + "[3, 8, 6] of Float");
  CHECK(refusal_of(agent, with(torch::zeros({3, 2, 8, 6}, torch::kLong))) ==
        wanted("pad-crop-flip") + "[3, 2, 8, 6] of Long");
  CHECK(refusal_of(agent, with(torch::zeros({2, 8, 6}, torch::kLong))) ==
        wanted("pad-crop-flip") + "[2, 8, 6] of Long");
  CHECK(refusal_of(agent, with(examples.labels, torch::ones({3, 4, 3}))) ==
        beside + "[3, 4, 3] of Float");
  CHECK(refusal_of(agent, with(examples.labels, torch::ones({3, 8, 6}, torch::kLong))) ==
        beside + "[3, 8, 6] of Long");
  CHECK(refusal_of(agent, with(examples.labels, torch::ones({3, 8}))) ==
        beside + "[3, 8] of Float");
  CHECK(refusal_of(rw::cutmix{}, with(smaller)) == wanted("cutmix") + "[3, 4, 3] of Long");

  // In every form of a view.
  rw::buffer_pool buffers;
  CHECK(refusal([&] { (void)rw::view_of(agent, with(smaller), progress, key, {}, buffers); }) ==
        wanted("pad-crop-flip") + "[3, 4, 3] of Long");
  CHECK(refusal_of(rw::compose{rw::no_agent{}, agent}, with(smaller)) ==
        wanted("pad-crop-flip") + "[3, 4, 3] of Long");
  CHECK(refusal_of(rw::random_choice{agent, rw::no_agent{}}, with(smaller))
            .starts_with("rolewise: pad-crop-flip: want label maps ["));
  for_each_planned([&](const auto& each) {
    CAPTURE(each.name);
    if (each.name != rw::no_agent::name)
      CHECK(refusal_of(each, with(smaller)).find("want label maps [3, 8, 6]") != std::string::npos);
  });
}
