// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/kernel_digest.hpp"
#include "support/layer_digest.hpp"
#include "support/pillow_digests.hpp"

#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/agent/detail/kernels/hue.hpp>
#include <rolewise/agent/detail/kernels/paint_over.hpp>
#include <rolewise/agent/detail/kernels/resize.hpp>
#include <rolewise/agent/detail/kernels/variants.hpp>
#include <rolewise/agent/detail/noise_bytes.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/agent/operations_hue.hpp>
#include <rolewise/agent/operations_resize.hpp>
#include <rolewise/core/draws.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace kernels = rolewise::detail::kernels;

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

// The patterns and color cubes of support/pillow_digests.py.

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

torch::Tensor color_cube(std::int64_t offset)
{
  const auto i = torch::arange(4096);
  const auto digit = [&](std::int64_t by, std::int64_t times) {
    return i.div(by, "floor").remainder(16).mul(17).add(times * offset).remainder(256);
  };
  return torch::stack({digit(256, 1), digit(16, 2), digit(1, 3)})
      .view({1, 3, 64, 64})
      .to(torch::kByte);
}

torch::Tensor numbers(const std::vector<double>& values)
{
  return torch::tensor(values, torch::kFloat64);
}

torch::Tensor boxes_of(const std::vector<rw::image_box>& boxes)
{
  std::vector<float> sides;
  for (const auto& box : boxes)
    sides.insert(sides.end(), {box.left, box.top, box.right, box.bottom});
  return torch::tensor(sides).view({-1, 4});
}

/// The output of the kernels, image by image.
torch::Tensor by_kernels(const kernels::kernel_set& set, const torch::Tensor& pixels,
                         const std::function<void(kernels::canvas&, std::int64_t)>& change)
{
  kernels::canvas canvas{set};
  const auto channels = pixels.size(1);
  std::vector<torch::Tensor> views;
  for (std::int64_t n = 0; n < pixels.size(0); ++n) {
    canvas.load(pixels[n].contiguous().const_data_ptr<std::uint8_t>(), channels, pixels.size(2),
                pixels.size(3));
    change(canvas, n);
    auto view = torch::empty({channels, canvas.height(), canvas.width()}, torch::kByte);
    for (std::int64_t c = 0; c < channels; ++c)
      std::copy_n(
          canvas.planes()[c], canvas.count(),
          view.mutable_data_ptr<std::uint8_t>() + c * static_cast<std::int64_t>(canvas.count()));
    views.push_back(view);
  }
  return torch::stack(views);
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

TEST_CASE("a resize gives the bytes of Pillow, whatever the boxes of its neighbors")
{
  for (const auto& [by, channels, height, width, new_height, new_width, box, crc] :
       rw::tests::pillow_resize_digests) {
    CAPTURE(static_cast<int>(by));
    CAPTURE(channels);
    CAPTURE(height);
    CAPTURE(new_height);
    const auto pixels = test_images(channels, height, width);
    const auto kept = pixels.clone();
    const rw::image_size to{new_height, new_width, by};
    const rw::image_box whole{0, 0, static_cast<float>(width), static_cast<float>(height)};
    const auto both = torch::cat({pixels, pixels});
    const auto views = rw::operations::resize(
        both, boxes_of({box, box, box, box, whole, whole, whole, whole}), to);
    CHECK(crc32(views.narrow(0, 0, patterns)) == crc);
    CHECK(torch::equal(pixels, kept));
    for (const auto* set : kernels::runnable()) {
      CAPTURE(std::string{set->name});
      CHECK(crc32(by_kernels(*set, pixels, [&](kernels::canvas& image, std::int64_t) {
              kernels::resize(image, box, to);
            })) == crc);
    }
  }
}

TEST_CASE("kernels resize as the reference does, for random boxes, sizes and filters")
{
  const rw::draws random{rw::seed{23}, 0, 0};
  std::uint64_t draw = 0;
  const auto side = [&] {
    const bool is_small = random.coin(draw++);
    return 1 + random.below(draw++, is_small ? 12 : 90);
  };
  for (int trial = 0; trial < 150; ++trial) {
    const auto height = side(), width = side();
    const rw::image_size to{side(), side(), static_cast<rw::resampling>(trial % 3)};
    const std::int64_t channels = trial % 2 == 0 ? 3 : 1;
    const auto pixels = test_images(channels, height, width);
    std::vector<rw::image_box> boxes;
    for (std::int64_t n = 0; n < patterns; ++n) {
      const auto range = [&](std::int64_t size) {
        const auto whole = static_cast<double>(size);
        const double a = random.uniform(draw++, 0.0, whole - 0.5);
        return std::pair{static_cast<float>(a),
                         static_cast<float>(random.uniform(draw++, a + 0.25, whole))};
      };
      const auto [left, right] = range(width);
      const auto [top, bottom] = range(height);
      boxes.push_back({left, top, right, bottom});
    }
    CAPTURE(trial);
    CAPTURE(height);
    CAPTURE(width);
    CAPTURE(to.height);
    CAPTURE(to.width);
    const auto wanted = rw::operations::resize(pixels, boxes_of(boxes), to);
    for (const auto* set : kernels::runnable()) {
      CAPTURE(std::string{set->name});
      CHECK(torch::equal(by_kernels(*set, pixels,
                                    [&](kernels::canvas& image, std::int64_t n) {
                                      kernels::resize(image, boxes[static_cast<std::size_t>(n)],
                                                      to);
                                    }),
                         wanted));
    }
  }
}

TEST_CASE("a resize of the whole image to its own size changes nothing")
{
  const auto pixels = test_images(3, 13, 21);
  const rw::image_box whole{0, 0, 21, 13};
  for (const auto by : {rw::resampling::nearest, rw::resampling::bilinear, rw::resampling::bicubic})
    CHECK(torch::equal(
        rw::operations::resize(pixels, boxes_of({whole, whole, whole, whole}), {13, 21, by}),
        pixels));
}

TEST_CASE("a resize does what its filter says on an image small enough to see")
{
  const auto row = torch::tensor({0, 100}).to(torch::kByte).view({1, 1, 1, 2});
  const auto of = [&](std::int64_t width, rw::resampling by, rw::image_box box) {
    const auto view = rw::operations::resize(row, boxes_of({box}), {1, width, by});
    std::vector<int> found;
    for (std::int64_t x = 0; x < width; ++x) found.push_back(view[0][0][0][x].item<int>());
    return found;
  };
  using values = std::vector<int>;
  CHECK(of(4, rw::resampling::nearest, {0, 0, 2, 1}) == values{0, 0, 100, 100});
  CHECK(of(4, rw::resampling::bilinear, {0, 0, 2, 1}) == values{0, 25, 75, 100});
  CHECK(of(1, rw::resampling::bilinear, {0, 0, 2, 1}) == values{50});
  // The filter also reads pixels outside the box.
  CHECK(of(2, rw::resampling::bilinear, {0, 0, 1, 1}) == values{0, 25});
}

TEST_CASE("hues are turned as Pillow and torchvision turn them")
{
  std::vector<torch::Tensor> cubes;
  for (std::int64_t offset = 0; offset < 17; offset += 4) cubes.push_back(color_cube(offset));
  const auto first = torch::cat(cubes), second = test_images(3, 24, 40);
  for (const auto& [by, crc] : rw::tests::pillow_hue_digests) {
    CAPTURE(int{by});
    const auto turned = [&](const torch::Tensor& pixels) {
      return rw::operations::hue(
                 {pixels, {}},
                 torch::full({pixels.size(0)}, static_cast<double>(by), torch::kFloat64))
          .pixels;
    };
    CHECK(crc32(turned(second), crc32(turned(first))) == crc);
    for (const auto* set : kernels::runnable()) {
      CAPTURE(std::string{set->name});
      const auto change = [&](kernels::canvas& image, std::int64_t) {
        kernels::turn_hue(image, by);
      };
      CHECK(crc32(by_kernels(*set, second, change), crc32(by_kernels(*set, first, change))) == crc);
    }
  }
  const auto gray = test_images(1, 5, 5);
  CHECK(torch::equal(rw::operations::hue({gray, {}}, numbers({9, 9, 9, 9})).pixels, gray));
}

TEST_CASE("kernels turn the hue of every color as the reference does")
{
  const auto low = torch::arange(65536);
  for (std::int64_t red = 0; red < 256; ++red) {
    const auto pixels =
        torch::stack({torch::full_like(low, red), low.div(256, "floor"), low.remainder(256)})
            .view({1, 3, 256, 256})
            .to(torch::kByte);
    const auto by = static_cast<std::uint8_t>(red * 37);
    const auto wanted =
        rw::operations::hue({pixels, {}}, numbers({static_cast<double>(by)})).pixels;
    CAPTURE(red);
    for (const auto* set : kernels::runnable()) {
      CAPTURE(std::string{set->name});
      CHECK(torch::equal(
          by_kernels(*set, pixels,
                     [&](kernels::canvas& image, std::int64_t) { kernels::turn_hue(image, by); }),
          wanted));
    }
  }
}

TEST_CASE("flips and grays are Pillow's")
{
  const auto pixels = test_images(3, 24, 40);
  rw::image_program mirrored{4}, over{4}, gray{4};
  for (auto& window : mirrored.add_windows()) window.mirrored = true;
  for (auto& flag : over.add_upside_down()) flag = 1;
  for (auto& step : gray.add_operations()) step = {rw::operation::color, 0.0};
  const std::vector<std::uint8_t> black(3);
  CHECK(crc32(rw::detail::carry_out(mirrored, pixels, black)) ==
        rw::tests::pillow_left_right_digest);
  CHECK(crc32(rw::detail::carry_out(over, pixels, black)) == rw::tests::pillow_top_bottom_digest);
  CHECK(crc32(rw::detail::carry_out(gray, pixels, black)) == rw::tests::pillow_gray_digest);
}

TEST_CASE("noise is draws by place, for the reference and for kernels")
{
  const rw::image_paint paint{rw::image_paint::kind::noise, {}, rw::seed{0xFEDCBA9876543210}, 7};
  const std::vector<std::int64_t> ids{0, 5, -3, std::int64_t{1} << 40};
  const auto bytes = rw::detail::noise_bytes(paint, torch::tensor(ids), 100);
  for (std::size_t n = 0; n < ids.size(); ++n) {
    const rw::draws of_image{paint.key, paint.epoch, ids[n]};
    for (std::uint64_t p = 0; p < 100; ++p)
      CHECK(bytes[static_cast<std::int64_t>(n)][static_cast<std::int64_t>(p)].item<int>() ==
            ((of_image.bits(p / 4) >> (8 * (p % 4))) & 255));
    for (const std::size_t first : {0U, 1U, 15U, 16U, 37U}) {
      std::vector<std::uint8_t> found(50);
      kernels::write_noise(paint, ids[n], first, found.size(), found.data());
      CHECK(torch::equal(
          torch::tensor(torch::ArrayRef<std::uint8_t>{found}, torch::kByte),
          bytes[static_cast<std::int64_t>(n)].narrow(0, static_cast<std::int64_t>(first), 50)));
    }
  }
}

TEST_CASE("the digest that programs of other compiler flags are held to is the reference's")
{
  const auto bytes = rw::tests::digest_image();
  const auto image = torch::tensor(torch::ArrayRef<std::uint8_t>{bytes}, torch::kByte)
                         .view({1, 3, rw::tests::digest_height, rw::tests::digest_width});
  std::uint32_t found = 2166136261U;
  const auto add = [&](const torch::Tensor& view) {
    found = rw::tests::digest(found, view.contiguous().const_data_ptr(),
                              static_cast<std::size_t>(view.numel()));
  };
  for (const auto& [box, to] : rw::tests::layer_digest_cases())
    add(rw::operations::resize(image, boxes_of({box}), to));
  for (int by = 0; by < 256; ++by)
    add(rw::operations::hue({image, {}}, numbers({static_cast<double>(by)})).pixels);
  CHECK(found == rw::tests::layer_digest);
}

TEST_CASE("operations refuse what they cannot take")
{
  const auto pixels = test_images(3, 4, 5);
  const auto boxes = torch::zeros({4, 4});
  CHECK(refusal([&] { (void)rw::operations::resize(pixels.to(torch::kLong), boxes, {2, 2}); }) ==
        "rolewise: resize: want images of uint8 [N, C, H, W], got Long [4, 3, 4, 5]");
  CHECK(refusal([&] { (void)rw::operations::resize(pixels, boxes.narrow(1, 0, 2), {2, 2}); }) ==
        "rolewise: resize: want boxes of float32 [4, 4] on the CPU, got Float [4, 2] on cpu");
  CHECK(refusal([&] { (void)rw::operations::resize(pixels, boxes, {0, 2}); }) ==
        "rolewise: resize: want images of at least one pixel, got 0 x 2");
  CHECK(refusal([&] { (void)rw::operations::hue({pixels, {}}, numbers({1})); }) ==
        "rolewise: hue: want a parameter of float64 [4] on the CPU, got Double [1] on cpu");
  rw::image_program program{4};
  CHECK(refusal([&] { (void)program.add_resizes({0, 3}); }) ==
        "rolewise: image_program: want images of 1 .. 2^28 pixels, got 0 x 3");
  CHECK(refusal([&] { (void)program.add_resizes({1 << 15, 1 << 14}); }) ==
        "rolewise: image_program: want images of 1 .. 2^28 pixels, got 32768 x 16384");
  CHECK(rw::operations::resize(pixels.narrow(0, 0, 0), boxes.narrow(0, 0, 0), {2, 7}).sizes() ==
        torch::IntArrayRef{0, 3, 2, 7});
}
