// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/kernel_digest.hpp"

#include <rolewise/agent/detail/kernels/operate.hpp>
#include <rolewise/agent/detail/kernels/variants.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/core/draws.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace kernels = rolewise::detail::kernels;
using rw::operation;

namespace {

struct told {
  operation what;
  double value;
  std::int64_t row = 0, column = 0;
};

const std::vector<std::uint8_t> paint{125, 123, 114};

std::vector<std::uint8_t> color_of(std::int64_t channels)
{
  return {paint.begin(), paint.begin() + channels};
}

/// Test images: noise, a ramp, few distinct values, one value.
torch::Tensor test_images(std::int64_t channels, std::int64_t height, std::int64_t width)
{
  torch::manual_seed(static_cast<std::uint64_t>(height * 1000 + width));
  const auto noise = torch::randint(0, 256, {1, channels, height, width}, torch::kLong);
  const auto slope = torch::arange(height).view({1, 1, height, 1}) * 7 +
                     torch::arange(width).view({1, 1, 1, width}) * 5 +
                     torch::arange(channels).view({1, channels, 1, 1}) * 40;
  return torch::cat({noise, slope.remainder(256), noise.div(9, "floor") + 100,
                     torch::full_like(noise, 77)})
      .to(torch::kByte);
}

torch::Tensor by_reference(const torch::Tensor& pixels, const std::vector<told>& steps,
                           rw::gray_rounding rounding)
{
  rw::images work{pixels, {}};
  for (const auto& step : steps) {
    const auto each = [&](double v) { return torch::full({pixels.size(0)}, v, torch::kFloat64); };
    work = rw::apply(step.what, work,
                     {each(step.value), each(static_cast<double>(step.row)),
                      each(static_cast<double>(step.column))},
                     rounding);
  }
  return rw::filled(work, color_of(pixels.size(1)));
}

torch::Tensor by_kernels(kernels::canvas& canvas, const torch::Tensor& pixels,
                         const std::vector<told>& steps, rw::gray_rounding rounding)
{
  const auto result = torch::empty_like(pixels);
  const auto channels = pixels.size(1), height = pixels.size(2), width = pixels.size(3);
  const auto color = color_of(channels);
  for (std::int64_t n = 0; n < pixels.size(0); ++n) {
    canvas.load(pixels[n].const_data_ptr<std::uint8_t>(), channels, height, width);
    for (const auto& step : steps)
      kernels::operate(canvas, step.what, step.value, step.row, step.column, rounding);
    canvas.fill(color.data());
    auto* out = result[n].mutable_data_ptr<std::uint8_t>();
    for (std::int64_t c = 0; c < channels; ++c)
      std::copy_n(canvas.planes()[c], height * width, out + c * height * width);
  }
  return result;
}

std::vector<double> parameters_of(operation what)
{
  switch (what) {
    case operation::rotate: {
      std::vector<double> degrees{-725.5, -90, -7.5, 0.3, 45, 60, 90, 120, 180, 270, 360, 1e5};
      for (int d = -30; d <= 30; ++d) degrees.push_back(d);
      return degrees;
    }
    case operation::translate_x:
    case operation::translate_y:
      return {-70, -9, -1, 0, 0.5, 4, 31, 32, 33, 1e6};
    case operation::shear_x:
    case operation::shear_y:
      return {-3, -0.3, -0.27, -0.03, -0.001, 0, 0.03, 0.15, 0.24, 0.3, 1, 5e4};
    case operation::posterize:
      return {0, 1, 2, 3, 4, 5, 6, 7, 8};
    case operation::solarize:
      return {0, 1, 26, 77, 128, 205, 255, 256};
    case operation::cutout:
      return {0, 1, 2, 5, 100};
    case operation::brightness:
    case operation::color:
    case operation::contrast:
    case operation::sharpness: {
      std::vector<double> factors{-0.5, 0, 1.0 / 3, 2.5, 100, 1e12};
      for (int l = 0; l <= 10; ++l) {
        factors.push_back(l * 1.8 / 10.0 + 0.1);
        factors.push_back(1.0 + 0.09 * l);
        factors.push_back(1.0 - 0.09 * l);
      }
      return factors;
    }
    default:
      return {0};
  }
}

const std::vector<std::pair<std::int64_t, std::int64_t>> sizes{
    {1, 1}, {1, 5}, {6, 1}, {2, 2}, {3, 3}, {4, 5}, {9, 7}, {31, 13}, {32, 32}, {33, 65}, {70, 90}};

}  // namespace

TEST_CASE("every kernel gives the bytes of its reference, for every operation, size and variant")
{
  for (const auto* set : kernels::runnable()) {
    CAPTURE(std::string{set->name});
    kernels::canvas canvas{*set};
    for (const std::int64_t channels : {1, 3})
      for (const auto& [height, width] : sizes) {
        CAPTURE(channels);
        CAPTURE(height);
        CAPTURE(width);
        const auto pixels = test_images(channels, height, width);
        for (std::int64_t i = 0; i < rw::policy_operations; ++i) {
          const auto what = static_cast<operation>(i);
          CAPTURE(rw::name(what));
          for (const double value : parameters_of(what)) {
            CAPTURE(value);
            const std::vector<told> steps{{what, value, height / 3, width - 1}};
            const auto rounding = rw::gray_rounding::nearest;
            CHECK(torch::equal(by_kernels(canvas, pixels, steps, rounding),
                               by_reference(pixels, steps, rounding)));
          }
        }
      }
  }
}

TEST_CASE("chains of kernels treat holes, and the order of operations, as the reference does")
{
  const rw::draws random{rw::seed{5}, 0, 0};
  std::uint64_t draw = 0;
  for (const auto* set : kernels::runnable()) {
    CAPTURE(std::string{set->name});
    kernels::canvas canvas{*set};
    for (int chain = 0; chain < 300; ++chain) {
      const auto [height, width] =
          sizes[static_cast<std::size_t>(random.below(draw++, std::ssize(sizes)))];
      const std::int64_t channels = random.coin(draw++) ? 3 : 1;
      std::vector<told> steps;
      std::string words;
      for (int i = 0; i < 4; ++i) {
        const auto what = static_cast<operation>(random.below(draw++, rw::policy_operations));
        const auto values = parameters_of(what);
        const auto value =
            values[static_cast<std::size_t>(random.below(draw++, std::ssize(values)))];
        steps.push_back({what, value, random.below(draw++, height), random.below(draw++, width)});
        words += std::string{rw::name(what)} + " " + std::to_string(value) + ", ";
      }
      CAPTURE(words);
      CAPTURE(height);
      CAPTURE(width);
      const auto pixels = test_images(channels, height, width);
      const auto rounding = chain % 2 == 0 ? rw::gray_rounding::nearest : rw::gray_rounding::down;
      CHECK(torch::equal(by_kernels(canvas, pixels, steps, rounding),
                         by_reference(pixels, steps, rounding)));
    }
  }
}

TEST_CASE("kernels give the bytes of the reference on images of 224 x 224")
{
  const auto pixels = test_images(3, 224, 224);
  for (const auto* set : kernels::runnable()) {
    CAPTURE(std::string{set->name});
    kernels::canvas canvas{*set};
    for (std::int64_t i = 0; i < rw::policy_operations; ++i) {
      const auto what = static_cast<operation>(i);
      CAPTURE(rw::name(what));
      const std::vector<told> steps{{what, parameters_of(what).back(), 100, 3},
                                    {operation::rotate, 13.0}};
      const auto rounding = rw::gray_rounding::nearest;
      CHECK(torch::equal(by_kernels(canvas, pixels, steps, rounding),
                         by_reference(pixels, steps, rounding)));
    }
  }
}

TEST_CASE("a blend is rounded as the reference rounds it, for all pairs of bytes")
{
  const auto all = torch::arange(256).to(torch::kByte);
  const auto d = all.view({256, 1}).expand({256, 256}).contiguous();
  const auto image = all.view({1, 256}).expand({256, 256}).contiguous();
  for (const auto* set : kernels::runnable())
    for (const double factor : parameters_of(operation::color)) {
      CAPTURE(factor);
      auto blended = image.clone();
      set->blend(d.const_data_ptr<std::uint8_t>(), blended.mutable_data_ptr<std::uint8_t>(), 65536,
                 static_cast<float>(factor));
      CHECK(torch::equal(blended, rw::detail::blend(d, image, torch::full({1, 1}, factor))));
    }
}

TEST_CASE("numbers are those of normalized_inputs, bit for bit")
{
  torch::manual_seed(2);
  for (const auto* set : kernels::runnable())
    for (const std::int64_t channels : {1, 3})
      for (const std::int64_t count : {1, 5, 15, 16, 17, 64, 1024}) {
        CAPTURE(count);
        const auto pixels = torch::randint(0, 256, {1, channels, 1, count}, torch::kLong);
        const rw::batch examples{pixels.to(torch::kByte), {}, {}, {}};
        const auto wanted = rw::normalized_inputs(examples);
        const auto wanted_half = rw::normalized_inputs(examples, torch::kBFloat16);
        std::vector<std::uint8_t> memory(3 * 1024 + 4 * kernels::guard);
        const std::uint8_t* planes[3];
        for (std::int64_t c = 0; c < channels; ++c) {
          auto* plane = memory.data() + kernels::guard + c * count;
          std::copy_n(examples.inputs[0][c].const_data_ptr<std::uint8_t>(), count, plane);
          planes[c] = plane;
        }
        const kernels::scale by{{0, 0, 0}, {1.0F / 255, 1.0F / 255, 1.0F / 255}};
        for (const bool last : {false, true}) {
          const auto to = last ? kernels::layout::channels_last : kernels::layout::planes;
          const auto format =
              last ? torch::MemoryFormat::ChannelsLast : torch::MemoryFormat::Contiguous;
          auto found = torch::empty_like(wanted, {}, format);
          auto found_half = torch::empty_like(wanted_half, {}, format);
          set->to_float(planes, static_cast<std::size_t>(channels), static_cast<std::size_t>(count),
                        by, to, found.mutable_data_ptr<float>());
          set->to_bfloat16(planes, static_cast<std::size_t>(channels),
                           static_cast<std::size_t>(count), by, to,
                           static_cast<std::uint16_t*>(found_half.mutable_data_ptr()));
          CHECK(torch::equal(found, wanted));
          CHECK(torch::equal(found_half, wanted_half));
        }
      }
}

TEST_CASE("the digest that programs of other compiler flags are held to is the reference's")
{
  const auto bytes = rw::tests::digest_image();
  const auto image = torch::tensor(torch::ArrayRef<std::uint8_t>{bytes}, torch::kByte)
                         .view({1, 3, rw::tests::digest_height, rw::tests::digest_width});
  const auto minus = torch::tensor({125.0F, 122.5F, 113.25F}).view({1, 3, 1, 1});
  const auto times = torch::tensor({0.0157F, 0.0161F, 0.0149F}).view({1, 3, 1, 1});
  std::uint32_t found = 2166136261U;
  for (const auto& [what, value] : rw::tests::digest_cases()) {
    const auto parameter = torch::full({1}, value, torch::kFloat64);
    const auto view = rw::filled(rw::apply(what, {image, {}},
                                           {parameter, torch::full({1}, 11.0, torch::kFloat64),
                                            torch::full({1}, 7.0, torch::kFloat64)}),
                                 {0, 0, 0});
    const auto numbers =
        view.to(torch::kFloat32).sub(minus).mul(times).permute({0, 2, 3, 1}).contiguous();
    found = rw::tests::digest(found, view.contiguous().const_data_ptr(), bytes.size());
    found = rw::tests::digest(found, numbers.const_data_ptr(), bytes.size() * sizeof(float));
  }
  CHECK(found == rw::tests::kernel_digest);
}
