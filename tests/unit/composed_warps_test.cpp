// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"
#include "support/kernel_digest.hpp"
#include "support/warp_digest.hpp"

#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/composed_warps.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/detail/affine_map.hpp>
#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/agent/detail/run_program.hpp>
#include <rolewise/agent/operations_warp.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/random_resized_crop.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/agent/uniform_augment.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/policy/auto_augment_policies.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <limits>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace kernels = rolewise::detail::kernels;
using rw::interpolation;
using rw::operation;

namespace {

const std::vector<std::uint8_t> paint{125, 123, 114};
const rw::training_progress progress{.epoch = 2};
const rw::seed key{19};

std::vector<std::uint8_t> color_of(std::int64_t channels)
{
  return {paint.begin(), paint.begin() + channels};
}

/// An agent that applies these steps to every image, then a fill and a window where given.
struct scripted {
  static constexpr std::string_view name = "scripted";
  static constexpr bool has_state = false;

  std::vector<rw::image_step> steps;
  std::optional<rw::image_window> window{};
  bool is_filled = true;

  [[nodiscard]] rw::batch operator()(const rw::batch& examples, const rw::training_progress&,
                                     rw::seed) const
  {
    return rw::detail::planned_view(
        [&](const rw::image_subjects& subjects, rw::image_program& program) {
          plan(subjects, progress, key, program);
        },
        examples);
  }
  void plan(const rw::image_subjects&, const rw::training_progress&, rw::seed,
            rw::image_program& program) const
  {
    for (const auto& step : steps) std::ranges::fill(program.add_operations(), step);
    if (is_filled) program.add_fill();
    if (window) std::ranges::fill(program.add_windows(), *window);
  }
};

rw::batch batch_of(const torch::Tensor& pixels)
{
  const auto n = pixels.size(0);
  return {pixels, torch::zeros({n}, torch::kLong), torch::arange(n) * 7 + 3, {}};
}

torch::Tensor noise(std::int64_t count, std::int64_t channels, std::int64_t height,
                    std::int64_t width)
{
  torch::manual_seed(static_cast<std::uint64_t>(height * 1000 + width));
  return torch::randint(0, 256, {count, channels, height, width}, torch::kByte);
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

torch::Tensor by_kernels(kernels::canvas& canvas, const rw::image_program& program,
                         const torch::Tensor& pixels)
{
  const auto result = torch::empty_like(pixels);
  const auto channels = pixels.size(1), height = pixels.size(2), width = pixels.size(3);
  const auto color = color_of(channels);
  for (std::int64_t n = 0; n < pixels.size(0); ++n) {
    canvas.load(pixels[n].const_data_ptr<std::uint8_t>(), channels, height, width);
    rw::detail::run_program(canvas, program, static_cast<std::size_t>(n), color.data());
    auto* out = result[n].mutable_data_ptr<std::uint8_t>();
    for (std::int64_t c = 0; c < channels; ++c)
      std::copy_n(canvas.planes()[c], height * width, out + c * height * width);
  }
  return result;
}

/// A random affine map: rotations, shears, reflections, shifts by whole pixels and by fractions,
/// also far out of the image.
rw::warp some_warp(const rw::draws& random, std::uint64_t& draw, std::int64_t height,
                   std::int64_t width, interpolation between)
{
  const auto within = [&](double most) { return (2.0 * random.uniform(draw++) - 1.0) * most; };
  rw::detail::affine_map map;
  const auto then = [&](const rw::image_step& step) {
    map = rw::detail::composed(map, rw::detail::map_of(step, height, width));
  };
  const auto side = static_cast<double>(width);
  switch (random.below(draw++, 9)) {
    case 0:
      then({operation::rotate, within(400.0)});
      break;
    case 1:
      then({operation::rotate, 90.0 * std::round(within(4.0))});
      break;
    case 2:
      then({operation::translate_x, std::round(within(side))});
      then({operation::translate_y, std::round(within(side))});
      break;
    case 3:
      then({operation::translate_x, within(side)});
      break;
    case 4:
      then({operation::shear_x, within(2.0)});
      break;
    case 5:
      then({operation::shear_y, within(2.0)});
      then({operation::rotate, within(30.0)});
      break;
    case 6:
      then({operation::shear_x, within(1e7)});
      then({operation::translate_y, within(1e9)});
      break;
    case 7:
      then({operation::shear_x, within(0.003)});
      break;
    default:
      break;
  }
  if (random.coin(draw++))
    map = rw::detail::composed(
        map, rw::detail::map_of(rw::image_window{random.below(draw++, 5) - 2,
                                                 random.below(draw++, 5) - 2, random.coin(draw++)},
                                width));
  return rw::detail::as_warp(map, height, width, between);
}

/// Warps, with cutout holes before them and operations on their result after them.
rw::image_program warps_among_operations(const rw::draws& random, std::size_t images,
                                         std::int64_t height, std::int64_t width)
{
  std::uint64_t draw = 0;
  rw::image_program program{images};
  for (auto& step : program.add_operations())
    if (random.coin(draw++))
      step = {operation::cutout, static_cast<double>(random.below(draw++, 4)),
              random.below(draw++, height), random.below(draw++, width)};
  for (const bool first : {true, false}) {
    for (auto& map : program.insert_warps(program.layers().size())) {
      const auto between = random.coin(draw++) ? interpolation::nearest : interpolation::bilinear;
      if (first || random.coin(draw++)) map = some_warp(random, draw, height, width, between);
    }
    for (auto& step : program.add_operations())
      if (random.coin(draw++))
        step = {random.coin(draw++) ? operation::sharpness : operation::invert, 1.9};
  }
  return program;
}

using matrix = std::array<std::array<double, 3>, 3>;

matrix product(const matrix& a, const matrix& b)
{
  matrix result{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) result[i][j] += a[i][k] * b[k][j];
  return result;
}

matrix moved(double x, double y) { return {{{1, 0, x}, {0, 1, y}, {0, 0, 1}}}; }

/// The matrix of a step, from the definition of its operation.
matrix matrix_of(const rw::image_step& step, double height, double width)
{
  switch (step.what) {
    case operation::rotate: {
      const double angle = -step.value * std::numbers::pi / 180.0;
      const matrix turned{{{std::cos(angle), std::sin(angle), 0},
                           {-std::sin(angle), std::cos(angle), 0},
                           {0, 0, 1}}};
      return product(moved(width / 2, height / 2), product(turned, moved(-width / 2, -height / 2)));
    }
    case operation::shear_x:
      return {{{1, step.value, 0}, {0, 1, 0}, {0, 0, 1}}};
    case operation::shear_y:
      return {{{1, 0, 0}, {step.value, 1, 0}, {0, 0, 1}}};
    case operation::translate_x:
      return moved(step.value, 0);
    case operation::translate_y:
      return moved(0, step.value);
    default:
      return moved(0, 0);
  }
}

/// The largest distance at the corners, in pixels, between a line of a warp and that of a matrix.
double distance(const rw::warp::line& line, const std::array<double, 3>& wanted, double height,
                double width)
{
  double most = 0.0;
  for (const double x : {0.0, width - 1})
    for (const double y : {0.0, height - 1}) {
      const double found = (static_cast<double>(line.start) + x * static_cast<double>(line.by_x) +
                            y * static_cast<double>(line.by_y)) /
                           4294967296.0;
      most = std::max(
          most, std::abs(found - (wanted[0] * (x + 0.5) + wanted[1] * (y + 0.5) + wanted[2])));
    }
  return most;
}

/// Layers of a kind.
std::vector<rw::image_program::layer> layers_of(const rw::image_program& program,
                                                rw::image_program::kind does)
{
  std::vector<rw::image_program::layer> found;
  for (const auto& layer : program.layers())
    if (layer.does == does) found.push_back(layer);
  return found;
}

using kind = rw::image_program::kind;

}  // namespace

TEST_CASE("warps by kernels are the warps of the reference, in every variant")
{
  for (const auto* set : kernels::runnable()) {
    CAPTURE(std::string{set->name});
    kernels::canvas canvas{*set};
    for (const std::int64_t channels : {1, 3})
      for (const auto& [height, width] :
           std::initializer_list<std::pair<std::int64_t, std::int64_t>>{{1, 1},
                                                                        {1, 7},
                                                                        {9, 1},
                                                                        {2, 2},
                                                                        {5, 3},
                                                                        {31, 17},
                                                                        {32, 32},
                                                                        {33, 65},
                                                                        {3, 1037},
                                                                        {600, 5}}) {
        CAPTURE(channels);
        CAPTURE(height);
        CAPTURE(width);
        const auto pixels = noise(40, channels, height, width);
        const auto program =
            warps_among_operations(rw::draws{rw::seed{8}, height, width}, 40, height, width);
        CHECK(torch::equal(by_kernels(canvas, program, pixels),
                           rw::detail::carry_out(program, pixels, color_of(channels))));
      }
    const auto large = noise(2, 3, 1024, 1023);
    rw::image_program program{2};
    auto maps = program.insert_warps(0);
    for (const auto between : {interpolation::nearest, interpolation::bilinear}) {
      maps[0] = rw::detail::as_warp(rw::detail::rotation(33.3, 1024, 1023), 1024, 1023, between);
      maps[1] = rw::detail::as_warp({0.9, 0.2, -70.3, 0.1, 1.3, 40.1}, 1024, 1023, between);
      CHECK(torch::equal(by_kernels(canvas, program, large),
                         rw::detail::carry_out(program, large, paint)));
    }
  }
}

TEST_CASE("nothing overflows at 4096 x 4096")
{
  constexpr std::int64_t side = 4096;
  const auto pixels = noise(1, 1, side, side);
  kernels::canvas canvas{kernels::best()};
  rw::image_program program{1};
  auto& map = program.insert_warps(0)[0];
  const auto turned = [&](double degrees, interpolation between) {
    map = rw::detail::as_warp(rw::detail::rotation(degrees, side, side), side, side, between);
    return by_kernels(canvas, program, pixels);
  };
  for (const auto between : {interpolation::nearest, interpolation::bilinear})
    for (const int quarters : {1, 2, 3}) {
      CAPTURE(quarters);
      CHECK(torch::equal(turned(90.0 * quarters, between), torch::rot90(pixels, quarters, {2, 3})));
    }
  // The far corners of a rotation by 44 degrees, computed from its matrix.
  const auto slanted = turned(44.0, interpolation::nearest);
  const auto wanted = matrix_of({operation::rotate, 44.0}, side, side);
  const auto* in = pixels.const_data_ptr<std::uint8_t>();
  const auto* out = slanted.const_data_ptr<std::uint8_t>();
  const auto number = [](std::int64_t v) { return static_cast<double>(v); };
  int wrong = 0, inside = 0;
  for (std::int64_t y = 5; y < side; y += 61)
    for (std::int64_t x = 3; x < side; x += 53) {
      const auto at = [&](std::size_t i) {
        return std::floor(wanted[i][0] * (number(x) + 0.5) + wanted[i][1] * (number(y) + 0.5) +
                          wanted[i][2]);
      };
      const double column = at(0), row = at(1);
      const bool is_inside = column >= 0 && row >= 0 && column < side && row < side;
      const auto expected =
          is_inside ? in[static_cast<std::int64_t>(row) * side + static_cast<std::int64_t>(column)]
                    : paint[0];
      wrong += out[y * side + x] != expected;
      inside += is_inside;
    }
  CHECK(wrong == 0);
  CHECK(inside > 3000);
}

TEST_CASE("one operation at nearest is Pillow's but for two pixels in a thousand")
{
  for (const std::int64_t side : {32, 33, 224}) {
    std::int64_t different = 0, all = 0;
    const auto examples = batch_of(noise(2, 3, side, side));
    const auto ask = [&](operation what, double value) {
      const scripted pillow{.steps = {{what, value}}};
      const auto found = rw::composed_warps{pillow}(examples, progress, key).inputs;
      different +=
          found.ne(pillow(examples, progress, key).inputs).any(1).sum().item<std::int64_t>();
      all += found.size(0) * side * side;
    };
    for (int level = -30; level <= 30; ++level) {
      ask(operation::rotate, level + 0.5);
      ask(operation::shear_x, 0.01 * level);
      ask(operation::shear_y, 0.01 * level);
      ask(operation::translate_x, level);
      ask(operation::translate_y, level);
    }
    const double share = static_cast<double>(different) / static_cast<double>(all);
    CAPTURE(side);
    CHECK(share < 2e-3);
  }
}

TEST_CASE("what changes nothing, alone or composed, is exact")
{
  const auto examples = batch_of(noise(3, 3, 21, 34));
  for (const auto between : {interpolation::nearest, interpolation::bilinear}) {
    const auto stays = [&](std::vector<rw::image_step> steps) {
      const rw::composed_warps agent{scripted{.steps = std::move(steps)}, between};
      CHECK(agent(examples, progress, key).inputs.is_same(examples.inputs));
    };
    stays({{operation::rotate, 0.0}});
    stays({{operation::rotate, 360.0}, {operation::shear_x, 0.0}});
    stays({{operation::translate_x, 9.0}, {}, {operation::translate_x, -9.0}});
    stays({{operation::rotate, 21.0}, {operation::rotate, -21.0}});
    stays({{operation::shear_y, 0.3}, {operation::shear_y, -0.3}});
    const rw::composed_warps mirrored_twice{
        rw::compose{
            scripted{.steps = {{operation::rotate, 180.0}}, .window = rw::image_window{0, 0, true}},
            scripted{.steps = {{operation::rotate, 180.0}},
                     .window = rw::image_window{0, 0, true}}},
        between};
    CHECK(torch::equal(mirrored_twice(examples, progress, key).inputs, examples.inputs));
  }
}

TEST_CASE("right angles and whole distances are exact at both interpolations")
{
  for (const auto between : {interpolation::nearest, interpolation::bilinear}) {
    for (const std::int64_t side : {1, 8, 33}) {
      const auto examples = batch_of(noise(3, 3, side, side));
      for (const int quarters : {-1, 1, 2, 3}) {
        CAPTURE(quarters);
        const rw::composed_warps agent{scripted{.steps = {{operation::rotate, 90.0 * quarters}}},
                                       between};
        CHECK(torch::equal(agent(examples, progress, key).inputs,
                           torch::rot90(examples.inputs, quarters, {2, 3})));
      }
    }
    auto examples = batch_of(noise(3, 3, 13, 19));
    examples.normalization.mean = {0.4, 0.5, 0.6};
    const auto filler = rw::as_pixel(rw::mean_color(examples.normalization, 3), torch::kCPU);
    const rw::composed_warps agent{
        scripted{.steps = {{operation::translate_x, 4.0}, {operation::translate_y, -2.0}}},
        between};
    auto wanted = filler.expand_as(examples.inputs).clone();
    wanted.slice(2, 2).slice(3, 0, 15).copy_(examples.inputs.slice(2, 0, 11).slice(3, 4));
    CHECK(torch::equal(agent(examples, progress, key).inputs, wanted));
  }
}

TEST_CASE("operations in a row, and the window after them, are the product of their matrices")
{
  constexpr std::int64_t height = 48, width = 37;
  const auto examples = batch_of(noise(2, 3, height, width));
  const std::vector<rw::image_step> steps{{operation::rotate, 17.0},
                                          {operation::shear_x, -0.2},
                                          {},
                                          {operation::translate_y, 5.0},
                                          {operation::shear_y, 0.1}};
  const auto wanted_of = [&](bool with_window) {
    auto all = moved(0, 0);
    for (const auto& step : steps) all = product(all, matrix_of(step, height, width));
    // The window maps to column W - 1 - x + 3 and row y - 2; matrices act on pixel centers, which
    // lie half a pixel further.
    return with_window ? product(all, {{{-1, 0, width + 3.0}, {0, 1, -2}, {0, 0, 1}}}) : all;
  };
  for (const bool with_window : {false, true})
    for (const auto between : {interpolation::nearest, interpolation::bilinear}) {
      scripted agent{.steps = steps};
      if (with_window) agent.window = {-2, 3, true};
      const auto program = plan_of(rw::composed_warps{agent, between}, examples);
      for (const auto& layer : layers_of(program, kind::operations))
        for (const auto& step : program.operations(layer)) CHECK(step == rw::image_step{});
      for (const auto& layer : layers_of(program, kind::windows))
        for (const auto& window : program.windows(layer)) CHECK(window == rw::image_window{});
      const auto layers = layers_of(program, kind::warps);
      REQUIRE(layers.size() == 4);  // none after the identity
      const auto wanted = wanted_of(with_window);
      for (std::size_t i = 0; i < layers.size(); ++i)
        for (const auto& map : program.warps(layers[i])) {
          CHECK(map.changes_nothing() == (i != 3));
          if (i != 3) continue;
          CHECK(map.between == between);
          CHECK(distance(map.column, wanted[0], height, width) < 1e-7);
          CHECK(distance(map.row, wanted[1], height, width) < 1e-7);
        }
      // The warp follows the last of the operations.
      CHECK((program.layers()[8].does == kind::warps));
      CHECK((program.layers()[9].does == kind::fill));
    }
}

TEST_CASE("what is no geometric operation ends a run, and only a filled run takes a window in")
{
  const auto examples = batch_of(noise(1, 3, 16, 16));
  const auto warps_of = [&](const auto& agent) {
    const auto program = plan_of(rw::composed_warps{agent}, examples);
    std::size_t count = 0;
    for (const auto& layer : layers_of(program, kind::warps))
      count += program.warps(layer)[0].changes_nothing() ? 0U : 1U;
    return count;
  };
  const auto windows_of = [&](const auto& agent) {
    const auto program = plan_of(rw::composed_warps{agent}, examples);
    std::size_t count = 0;
    for (const auto& layer : layers_of(program, kind::windows))
      count += program.windows(layer)[0] == rw::image_window{} ? 0U : 1U;
    return count;
  };
  const rw::image_step turn{operation::rotate, 10.0};
  const std::optional<rw::image_window> window{{1, 1, false}};
  CHECK(warps_of(scripted{.steps = {turn, turn}}) == 1);
  for (const auto between :
       {operation::invert, operation::sharpness, operation::cutout, operation::equalize}) {
    CHECK(warps_of(scripted{.steps = {turn, {between, 1.5}, turn}}) == 2);
    CHECK(windows_of(scripted{.steps = {turn, {between, 1.5}}, .window = window}) == 1);
  }
  CHECK(windows_of(scripted{.steps = {turn}, .window = window}) == 0);
  CHECK(windows_of(scripted{.steps = {turn}, .window = window, .is_filled = false}) == 1);
  CHECK(windows_of(scripted{.steps = {{operation::invert}}, .window = window}) == 1);
  // A fill turns holes into image content; the outside of a window is image content as well.
  CHECK(warps_of(rw::compose{scripted{.steps = {turn}}, scripted{.steps = {turn}}}) == 2);
  CHECK(warps_of(rw::compose{scripted{.steps = {}, .window = window}, scripted{.steps = {turn}}}) ==
        1);
  CHECK(windows_of(
            rw::compose{scripted{.steps = {}, .window = window}, scripted{.steps = {turn}}}) == 1);
  // Warps that are already composed stay unchanged within another `composed_warps`.
  const rw::composed_warps inner{scripted{.steps = {turn, turn}}, interpolation::bilinear};
  CHECK((plan_of(rw::composed_warps{inner}, examples).layers().size() ==
         plan_of(inner, examples).layers().size()));
  const auto program = plan_of(rw::composed_warps{inner}, examples);
  CHECK((program.warps(layers_of(program, kind::warps)[1])[0].between == interpolation::bilinear));
}

TEST_CASE("bilinear pixels are within a gray level of the mean in double precision")
{
  const rw::draws random{rw::seed{4}, 0, 0};
  std::uint64_t draw = 0;
  std::int64_t asked = 0, doubtful = 0, farthest = 0;
  for (int round = 0; round < 60; ++round) {
    const std::int64_t height = 1 + random.below(draw++, 60), width = 1 + random.below(draw++, 60);
    const double tall = static_cast<double>(height), wide = static_cast<double>(width);
    const auto examples = batch_of(noise(1, 1, height, width));
    const std::vector<rw::image_step> steps{
        {operation::rotate, 360.0 * random.uniform(draw++)},
        {operation::shear_x, random.uniform(draw++) - 0.5},
        {operation::translate_x, wide / 2 * random.uniform(draw++)},
        {operation::shear_y, random.uniform(draw++) - 0.5}};
    auto all = moved(0, 0);
    for (const auto& step : steps) all = product(all, matrix_of(step, tall, wide));
    const auto view = rw::composed_warps{scripted{.steps = steps}, interpolation::bilinear}(
                          examples, progress, key)
                          .inputs;
    const auto in = examples.inputs[0][0];
    const auto* pixel = in.const_data_ptr<std::uint8_t>();
    const auto* found = view.const_data_ptr<std::uint8_t>();
    const auto inside = [&](double column, double row) {
      return column >= 0 && row >= 0 && column < wide && row < tall;
    };
    const auto at = [&](double column, double row) {
      return inside(column, row)
                 ? static_cast<double>(pixel[static_cast<std::int64_t>(row) * width +
                                             static_cast<std::int64_t>(column)])
                 : 0.0;
    };
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x, ++found) {
        const auto place = [&](std::size_t i) {
          return all[i][0] * (static_cast<double>(x) + 0.5) +
                 all[i][1] * (static_cast<double>(y) + 0.5) + all[i][2] - 0.5;
        };
        const double u = place(0), v = place(1);
        const double left = std::floor(u), top = std::floor(v);
        const double across = u - left, down = v - top;
        ++asked;
        double wanted = 0.0;
        if (inside(left, top) && inside(left + 1, top + 1)) {
          wanted = at(left, top) * (1 - across) * (1 - down) +
                   at(left + 1, top) * across * (1 - down) +
                   at(left, top + 1) * (1 - across) * down + at(left + 1, top + 1) * across * down;
        } else {
          wanted = at(std::floor(u + 0.5), std::floor(v + 0.5));
          // A position halfway between two neighbors may round to either.
          if (std::abs(across - 0.5) < 0.003 || std::abs(down - 0.5) < 0.003) {
            ++doubtful;
            continue;
          }
        }
        if (std::min({across, 1 - across, down, 1 - down}) < 0.003) {
          ++doubtful;  // neighbors with weight 0 may lie outside
          continue;
        }
        farthest = std::max(farthest, std::abs(std::lround(wanted) - std::int64_t{*found}));
      }
  }
  CHECK(farthest <= 1);
  CHECK(asked > 30000);
  CHECK(doubtful < asked / 40);
}

TEST_CASE("the color of a hole does not bleed into the picture")
{
  // A white image with an unfilled hole in the middle, rotated bilinearly: pixels are white or
  // filled.
  const auto examples = batch_of(torch::full({1, 3, 40, 40}, 255, torch::kByte));
  const rw::composed_warps agent{
      scripted{.steps = {{operation::cutout, 8.0, 20, 20}, {operation::rotate, 30.0}}},
      interpolation::bilinear};
  const auto view = agent(examples, progress, key).inputs;
  CHECK(view.eq(255).logical_or(view.eq(0)).all().item<bool>());
  const auto holes = view.eq(0).sum().item<std::int64_t>() / 3;
  CHECK(holes > 256);
  CHECK(holes < 900);
}

TEST_CASE("both fidelities draw the same operations, levels, signs and windows")
{
  const auto examples = rw::laws::images_for_agents(3);
  const auto check = [&](const auto& agent) {
    CAPTURE(agent.name);
    const auto drawn = plan_of(agent, examples),
               seen = plan_of(rw::composed_warps{agent, interpolation::bilinear}, examples);
    const auto before = layers_of(drawn, kind::operations),
               after = layers_of(seen, kind::operations);
    REQUIRE(before.size() == after.size());
    const auto height = examples.inputs.size(2), width = examples.inputs.size(3);
    std::size_t geometric = 0;
    for (std::size_t n = 0; n < drawn.images(); ++n) {
      // The remaining operations are those drawn, without the geometric ones ...
      auto all = moved(0, 0);
      for (std::size_t i = 0; i < before.size(); ++i) {
        const auto& step = drawn.operations(before[i])[n];
        const bool moves = rw::detail::is_geometric(step.what);
        geometric += moves;
        CHECK(seen.operations(after[i])[n] == (moves ? rw::image_step{} : step));
        if (moves)
          all = product(all,
                        matrix_of(step, static_cast<double>(height), static_cast<double>(width)));
      }
      // ... and the linear parts of the warps multiply to that of the geometric operations.
      auto found = moved(0, 0);
      for (const auto& layer : layers_of(seen, kind::warps)) {
        const auto& map = seen.warps(layer)[n];
        const auto whole = [](std::int64_t v) { return static_cast<double>(v) / 4294967296.0; };
        found = product(found, {{{whole(map.column.by_x), whole(map.column.by_y), 0},
                                 {whole(map.row.by_x), whole(map.row.by_y), 0},
                                 {0, 0, 1}}});
      }
      for (std::size_t i = 0; i < 2; ++i)
        for (std::size_t j = 0; j < 2; ++j) CHECK(found[i][j] == doctest::Approx(all[i][j]));
    }
    CHECK(geometric > 0);
  };
  check(rw::rand_augment{.operations = 3, .magnitude = 8});
  check(rw::trivial_augment{});
  check(rw::auto_augment{});
  check(rw::uniform_augment{});
}

TEST_CASE("agents with composed warps are agents, by kernels and by the reference alike")
{
  const auto hold = [](const auto& agent) {
    CAPTURE(agent.name);
    for (const std::int64_t channels : {1, 3}) {
      rw::laws::hold_for(agent, channels);
      auto examples = rw::laws::images_for_agents(channels);
      const auto wanted = rw::detail::carry_out(plan_of(agent, examples), examples.inputs,
                                                rw::mean_color(examples.normalization, channels));
      CHECK(torch::equal(agent(examples, progress, key).inputs, wanted));
      rw::buffer_pool buffers;
      auto view = examples;
      view.inputs = wanted;
      CHECK(torch::equal(rw::view_of(agent, examples, progress, key, {}, buffers).inputs,
                         rw::normalized_inputs(view)));
    }
  };
  for (const auto between : {interpolation::nearest, interpolation::bilinear}) {
    hold(rw::composed_warps{rw::rand_augment{.operations = 3, .magnitude = 9}, between});
    hold(rw::composed_warps{rw::compose{rw::rand_augment{}, rw::pad_crop_flip{}, rw::cutout{}},
                            between});
    rw::laws::draws_matter_for(rw::composed_warps{rw::trivial_augment{}, between});
    rw::laws::refuses_what_are_no_images(rw::composed_warps{rw::trivial_augment{}, between});
  }
  hold(rw::compose{rw::pad_crop_flip{},
                   rw::composed_warps{rw::rand_augment{}, interpolation::bilinear},
                   rw::composed_warps{rw::compose{rw::rand_augment{}, rw::pad_crop_flip{}}}});
}

TEST_CASE("images whose operations move nothing have the same view at both fidelities")
{
  const auto examples = rw::laws::images_for_agents(3);
  const rw::rand_augment pillow{.operations = 2, .magnitude = 7};
  const auto program = plan_of(pillow, examples);
  const auto plain = pillow(examples, progress, key).inputs;
  const auto view =
      rw::composed_warps{pillow, interpolation::bilinear}(examples, progress, key).inputs;
  std::int64_t same = 0, other = 0;
  for (std::size_t n = 0; n < program.images(); ++n) {
    const bool moves = std::ranges::any_of(program.layers(), [&](const auto& layer) {
      return layer.does == kind::operations &&
             rw::detail::is_geometric(program.operations(layer)[n].what);
    });
    const auto i = static_cast<std::int64_t>(n);
    if (!moves) CHECK(torch::equal(plain[i], view[i]));
    (moves ? other : same) += 1;
  }
  CHECK(same > 3);
  CHECK(other > 3);
}

TEST_CASE("a program that is written again is composed in the memory that it has")
{
  const auto examples = rw::laws::images_for_agents(3);
  const rw::composed_warps agent{
      rw::compose{rw::rand_augment{.operations = 3}, rw::pad_crop_flip{}}};
  const rw::image_subjects subjects{
      {examples.ids.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(examples.size())}};
  rw::image_program program;
  const auto memory = [&](std::int64_t epoch) {
    program.restart(subjects.size());
    agent.plan(subjects, {.epoch = epoch}, key, program);
    const auto layers = layers_of(program, kind::warps);
    REQUIRE(layers.size() == 3);
    return std::pair<const void*, const void*>{program.layers().data(),
                                               program.warps(layers[0]).data()};
  };
  const auto first = memory(0);
  for (std::int64_t epoch = 1; epoch < 20; ++epoch) CHECK((memory(epoch) == first));
}

TEST_CASE("what comes after a resize is composed at the new size")
{
  const auto examples = rw::laws::images_for_agents(3);
  const rw::training_progress later{.epoch = 3};
  const rw::random_resized_crop crop{.height = 40, .width = 23};
  const rw::rand_augment moves{.operations = 3, .magnitude = 9};
  const rw::compose inside{crop, moves};
  const rw::compose outside{crop, rw::composed_warps{moves, interpolation::bilinear}};
  const auto whole =
      rw::composed_warps{inside, interpolation::bilinear}(examples, later, key).inputs;
  CHECK(torch::equal(whole, outside(examples, later, key).inputs));
  CHECK_FALSE(torch::equal(whole, inside(examples, later, key).inputs));
  const auto images = static_cast<std::size_t>(examples.size());
  rw::image_program program{images};
  rw::composed_warps{inside, interpolation::bilinear}.plan(
      {{examples.ids.const_data_ptr<std::int64_t>(), images},
       3,
       examples.inputs.size(2),
       examples.inputs.size(3)},
      later, key, program);
  CHECK(torch::equal(whole, rw::detail::carry_out(program, examples.inputs,
                                                  rw::mean_color(examples.normalization, 3))));
}

TEST_CASE("what leaves an image as it is does not end a run")
{
  rw::image_program program{2};
  for (auto& step : program.add_operations()) step = {rw::operation::rotate, 10.0};
  program.add_hues()[1] = {.turned = true, .by = 20};
  program.add_upside_down();
  (void)program.add_rectangles({});
  for (auto& step : program.add_operations()) step = {rw::operation::rotate, 20.0};
  rw::detail::compose_warps(program, 0, 16, 16, interpolation::nearest);
  const auto layers = layers_of(program, kind::warps);
  REQUIRE(layers.size() == 2);
  CHECK(program.warps(layers[0])[0].changes_nothing());
  CHECK_FALSE(program.warps(layers[0])[1].changes_nothing());
  for (std::size_t n = 0; n < 2; ++n) CHECK_FALSE(program.warps(layers[1])[n].changes_nothing());
}

TEST_CASE("a warp for each image, or none")
{
  const rw::images from{noise(2, 3, 4, 4), {}};
  const std::vector<rw::warp> one(1);
  CHECK_THROWS_AS((void)rw::operations::warped(from, one, interpolation::nearest),
                  std::invalid_argument);
  CHECK(rw::warp{}.changes_nothing());
  CHECK(rw::name(interpolation::bilinear) == "bilinear");
}

TEST_CASE(
    "the digest of warps that programs of other compiler flags are held to is the reference's")
{
  const auto bytes = rw::tests::digest_image();
  constexpr auto height = rw::tests::digest_height, width = rw::tests::digest_width;
  const auto cases = static_cast<std::int64_t>(rw::tests::warp_cases);
  const auto image = torch::tensor(torch::ArrayRef<std::uint8_t>{bytes}, torch::kByte)
                         .view({1, 3, height, width})
                         .repeat({cases, 1, 1, 1});
  std::uint32_t found = 2166136261U;
  for (const auto between : {interpolation::nearest, interpolation::bilinear}) {
    const auto program = rw::tests::warp_program(height, width, between);
    for (const auto& window : program.windows(layers_of(program, kind::windows)[0]))
      CHECK(window == rw::image_window{});
    const auto views = rw::detail::carry_out(program, image, paint).contiguous();
    found = rw::tests::digest(found, views.const_data_ptr(), bytes.size() * rw::tests::warp_cases);
  }
  CHECK(found == rw::tests::warp_digest);
}
