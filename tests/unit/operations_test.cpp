// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/pillow_digests.hpp"

#include <rolewise/agent/operations.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace rw = rolewise;
using rw::operation;

namespace {

std::uint32_t crc32(const torch::Tensor& bytes, std::uint32_t before = 0)
{
  const auto data = bytes.contiguous();
  const auto* byte = data.const_data_ptr<std::uint8_t>();
  auto crc = ~before;
  for (std::int64_t i = 0; i < data.numel(); ++i) {
    crc ^= byte[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320U & (0U - (crc & 1U)));
  }
  return ~crc;
}

// The patterns and parameters of support/pillow_digests.py.

std::int64_t noise(std::int64_t c, std::int64_t y, std::int64_t x)
{
  const auto word = static_cast<std::uint32_t>(c * 73856093 + y * 19349663 + x * 83492791 + 12345);
  return ((word ^ (word >> 15)) * 2654435761U) >> 24;
}

constexpr std::int64_t patterns = 4;

torch::Tensor test_images(std::int64_t channels, std::int64_t height, std::int64_t width)
{
  auto pixels = torch::empty({patterns, channels, height, width}, torch::kByte);
  auto at = pixels.accessor<std::uint8_t, 4>();
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x) {
        const std::int64_t values[patterns] = {noise(c, y, x), (c * 40 + y * 9 + x * 5) % 256,
                                               100 + noise(c, y, x) / 8, 77 + 9 * c};
        for (std::int64_t p = 0; p < patterns; ++p)
          at[p][c][y][x] = static_cast<std::uint8_t>(values[p]);
      }
  return pixels;
}

std::vector<double> parameters_of(operation what)
{
  switch (what) {
    case operation::rotate:
      return {-30, -27, -7.5, 0, 3, 12, 15, 27, 90, 180};
    case operation::translate_x:
    case operation::translate_y:
      return {-9, -1, 0, 4, 40};
    case operation::shear_x:
    case operation::shear_y:
      return {-0.3, -0.27, -0.03, 0, 0.03, 0.15, 0.24, 0.3};
    case operation::posterize:
      return {1, 2, 3, 4, 7, 8};
    case operation::solarize:
      return {0, 26, 77, 128, 205, 255, 256};
    case operation::cutout:
      return {0, 1, 2, 5};
    case operation::brightness:
    case operation::color:
    case operation::contrast:
    case operation::sharpness:
      return {0, 0.1, 0.28, 0.64, 0.82, 1.0, 1.36, 1.72, 1.9};
    default:
      return {0};
  }
}

/// One parameter for each of N images, and the position at which the script cuts.
rw::operation_parameters told(const std::vector<double>& values, std::int64_t height,
                              std::int64_t width)
{
  const auto value = torch::tensor(values, torch::kFloat64);
  return {value, (value * static_cast<double>(height)).div(6.0, "floor"),
          ((6.0 - value) * static_cast<double>(width)).div(7.0, "floor")};
}

torch::Tensor numbers(std::vector<double> values) { return torch::tensor(values, torch::kFloat64); }

torch::Tensor bytes(std::vector<std::int64_t> values, std::vector<std::int64_t> shape)
{
  return torch::tensor(values).to(torch::kByte).view(shape);
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

TEST_CASE("every operation gives the bytes of Pillow, whatever the parameters of its neighbors")
{
  for (const auto& [what, channels, height, width, crc] : rw::tests::pillow_digests) {
    CAPTURE(rw::name(what));
    CAPTURE(channels);
    CAPTURE(height);
    std::vector<double> values;
    for (const double value : parameters_of(what)) values.insert(values.end(), patterns, value);
    const auto before = test_images(channels, height, width)
                            .repeat({static_cast<std::int64_t>(values.size()) / patterns, 1, 1, 1});
    const auto kept = before.clone();
    const auto after = rw::apply(what, {before, {}}, told(values, height, width));
    CHECK(crc32(after.pixels) == crc);
    CHECK(torch::equal(before, kept));
    CHECK(after.pixels.sizes() == before.sizes());
  }
}

TEST_CASE("two operations treat holes as Population Based Augmentation treats the alpha channel")
{
  const std::map<operation, double> values{
      {operation::rotate, 27},       {operation::translate_x, -3}, {operation::translate_y, 2},
      {operation::brightness, 1.72}, {operation::color, 0.1},      {operation::sharpness, 1.36},
      {operation::posterize, 2},     {operation::shear_x, -0.27},  {operation::solarize, 77},
      {operation::shear_y, 0.15},    {operation::contrast, 0.28},  {operation::invert, 0},
      {operation::equalize, 0},      {operation::autocontrast, 0}, {operation::cutout, 6}};
  const std::int64_t height = 24, width = 40;
  const auto parameters = [&](operation what) {
    return told(std::vector<double>(patterns, values.at(what)), height, width);
  };
  for (const auto& [first, crc] : rw::tests::pillow_pair_digests) {
    CAPTURE(rw::name(first));
    const auto once = rw::apply(first, {test_images(3, height, width), {}}, parameters(first));
    std::uint32_t found = 0;
    for (std::int64_t i = 0; i < rw::policy_operations; ++i) {
      const auto second = static_cast<operation>(i);
      found =
          crc32(rw::filled(rw::apply(second, once, parameters(second)), {125, 123, 114}), found);
    }
    CHECK(found == crc);
  }
}

TEST_CASE("operations do what their names say on an image small enough to see")
{
  const auto row = bytes({10, 20, 30, 40}, {1, 1, 1, 4});
  const auto one = [&](operation what, double value) {
    return rw::apply(what, {row, {}}, {numbers({value}), numbers({0}), numbers({1})});
  };
  const auto expect = [](const rw::images& found, std::vector<std::int64_t> wanted) {
    CHECK(torch::equal(found.pixels.flatten(), bytes(wanted, {4})));
  };
  expect(one(operation::translate_x, 1), {20, 30, 40, 0});
  expect(one(operation::translate_x, -1), {0, 10, 20, 30});
  expect(one(operation::rotate, 180), {40, 30, 20, 10});
  expect(one(operation::invert, 0), {245, 235, 225, 215});
  expect(one(operation::solarize, 30), {10, 20, 225, 215});
  expect(one(operation::posterize, 3), {0, 0, 0, 32});
  expect(one(operation::posterize, 0), {0, 0, 0, 0});
  expect(one(operation::brightness, 1.5), {15, 30, 45, 60});
  expect(one(operation::contrast, 0.5), {17, 22, 27, 32});  // mean 25
  expect(one(operation::autocontrast, 0), {0, 85, 170, 255});
  expect(one(operation::cutout, 1), {122, 122, 30, 40});
  expect(one(operation::identity, 0), {10, 20, 30, 40});

  // Counterclockwise: the right edge becomes the top.
  const auto turned = rw::apply(operation::rotate, {bytes({1, 2, 3, 4}, {1, 1, 2, 2}), {}},
                                {numbers({90}), {}, {}});
  expect(turned, {2, 4, 1, 3});
  CHECK_FALSE(turned.covered.logical_not().any().item<bool>());
}

TEST_CASE("sharpness at 0 is the mean of nine with the center counted five times")
{
  auto image = torch::zeros({1, 1, 3, 3}, torch::kByte);
  image[0][0][1][1] = 100;
  image[0][0][0][0] = 60;
  const auto found = rw::operations::sharpness({image, {}}, numbers({0.0})).pixels;
  CHECK(found[0][0][1][1].item<int>() == 43);  // (5 * 100 + 60) / 13 = 43.08
  CHECK(found[0][0][0][0].item<int>() == 60);
}

TEST_CASE("holes are black or cut, are tracked, and are filled with the mean color")
{
  const auto row = bytes({10, 20, 30, 40}, {1, 1, 1, 4});
  const auto moved = rw::operations::translate_x({row, {}}, numbers({1}));
  CHECK(torch::equal(rw::filled(moved, {7}).flatten(), bytes({20, 30, 40, 7}, {4})));
  const auto back = rw::operations::translate_x(moved, numbers({-1}));
  CHECK(torch::equal(rw::filled(back, {7}).flatten(), bytes({7, 20, 30, 40}, {4})));
  const auto enhanced = rw::operations::contrast(moved, numbers({0.0}));
  CHECK(torch::equal(rw::filled(enhanced, {7}).flatten(), bytes({23, 23, 23, 7}, {4})));
  const auto opaque = rw::operations::invert(moved);
  CHECK_FALSE(opaque.covered.defined());
  CHECK(torch::equal(rw::filled(opaque, {7}).flatten(), bytes({235, 225, 215, 255}, {4})));
}

TEST_CASE("gray can be rounded as before Pillow 7")
{
  const auto pixel = bytes({3, 1, 2}, {1, 3, 1, 1});  // gray 1.712
  const auto gray = [&](rw::gray_rounding rounding) {
    return rw::operations::color({pixel, {}}, numbers({0.0}), rounding).pixels;
  };
  CHECK(torch::equal(gray(rw::gray_rounding::nearest), torch::full({1, 3, 1, 1}, 2, torch::kByte)));
  CHECK(torch::equal(gray(rw::gray_rounding::down), torch::full({1, 3, 1, 1}, 1, torch::kByte)));
}

TEST_CASE("images in channels-last memory and slices give the same bytes")
{
  const auto plain = test_images(3, 24, 40);
  const auto last = plain.contiguous(torch::MemoryFormat::ChannelsLast);
  const auto slice = torch::cat({plain, plain}, 3).narrow(3, 0, 40);
  for (std::int64_t i = 0; i < rw::policy_operations; ++i) {
    const auto what = static_cast<operation>(i);
    CAPTURE(rw::name(what));
    const auto parameters = told(std::vector<double>(patterns, parameters_of(what).back()), 24, 40);
    const auto wanted = rw::apply(what, {plain, {}}, parameters).pixels;
    CHECK(torch::equal(rw::apply(what, {last, {}}, parameters).pixels, wanted));
    CHECK(torch::equal(rw::apply(what, {slice, {}}, parameters).pixels, wanted));
  }
}

TEST_CASE("an operation refuses parameters that do not fit its images")
{
  const auto row = bytes({10, 20, 30, 40}, {1, 1, 1, 4});
  CHECK(refusal([&] { (void)rw::operations::rotate({row, {}}, numbers({1, 2})); }) ==
        "rolewise: rotate: want a parameter of float64 [1] on the CPU, got Double [2] on cpu");
  CHECK(refusal([&] { (void)rw::operations::color({row, {}}, {}); }) ==
        "rolewise: color: want a parameter of float64 [1] on the CPU, got an undefined tensor");
  CHECK(refusal([&] { (void)rw::operations::solarize({row, {}}, torch::zeros({1})); }) ==
        "rolewise: solarize: want a parameter of float64 [1] on the CPU, got Float [1] on cpu");
  CHECK(refusal([&] { (void)rw::operations::affine({row, {}}, numbers({1})); }) ==
        "rolewise: affine: want a matrix of float64 [1, 6], got Double [1]");
}

TEST_CASE("every operation has the name that published policies use, in their order")
{
  const char* names[] = {"Rotate", "TranslateX", "TranslateY",   "Brightness", "Color",
                         "Invert", "Sharpness",  "Posterize",    "ShearX",     "Solarize",
                         "ShearY", "Equalize",   "AutoContrast", "Cutout",     "Contrast"};
  for (std::int64_t i = 0; i < rw::policy_operations; ++i)
    CHECK(rw::name(static_cast<operation>(i)) == names[i]);
}

TEST_CASE("the mean color is rounded, black without a mean, and has the images' channels")
{
  CHECK(rw::mean_color({{0.4914, 0.4822, 0.4465}, {}}, 3) ==
        std::vector<std::uint8_t>{125, 123, 114});
  CHECK(rw::mean_color({}, 1) == std::vector<std::uint8_t>{0});
  CHECK(refusal([] { (void)rw::mean_color({{0.5}, {}}, 3); }) ==
        "rolewise: mean_color: normalization has 1 channels, the images have 3");
}
