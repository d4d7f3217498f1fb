// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/network/detail/convolution_of.hpp>
#include <rolewise/network/detail/winograd/variants.hpp>
#include <rolewise/network/resnet.hpp>

#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace kernels = rw::detail::winograd_kernels;

namespace {

struct layer {
  std::int64_t images, in, out, height, width;
};

// Tiles that extend beyond the map, maps of one tile, several ranges of tiles, more than one
// group of vector lanes.
const std::vector<layer> layers{{1, 16, 16, 1, 1},  {2, 16, 32, 1, 7},  {3, 32, 16, 7, 7},
                                {5, 16, 16, 8, 8},  {2, 48, 64, 5, 6},  {1, 64, 48, 2, 3},
                                {9, 16, 16, 16, 9}, {4, 64, 208, 4, 4}, {40, 32, 32, 14, 14}};

/// The operands of a convolution, and a gradient of its output.
struct operands {
  torch::Tensor x, w, gradient;

  operands(const layer& of, bool small_integers)
  {
    torch::manual_seed(5);
    const auto made = [&](at::IntArrayRef sizes) {
      return (small_integers ? torch::randint(-4, 5, sizes).to(torch::kFloat) : torch::randn(sizes))
          .contiguous(torch::MemoryFormat::ChannelsLast);
    };
    x = made({of.images, of.in, of.height, of.width});
    w = made({of.out, of.in, 3, 3});
    gradient = made({of.images, of.out, of.height, of.width});
  }
};

using results = std::array<torch::Tensor, 3>;  ///< y, the gradients of x and of w

results by_libtorch(const operands& of, torch::ScalarType type = torch::kFloat)
{
  const auto x = of.x.to(type), w = of.w.to(type);
  auto [of_x, of_w, none] =
      at::convolution_backward(of.gradient.to(type), x, w, std::nullopt, {1, 1}, {1, 1}, {1, 1},
                               false, {0, 0}, 1, {true, true, false});
  return {at::conv2d(x, w, {}, 1, 1), of_x, of_w};
}

results by_tiles(const operands& of, const kernels::tile_size& size)
{
  const auto w = rw::detail::filters_of(of.w, of.w.const_data_ptr<float>());
  return {rw::detail::winograd_product(of.x, w, size),
          rw::detail::winograd_product(of.gradient, rw::detail::turned(w), size),
          rw::detail::winograd_weight_gradient(of.gradient, of.x, of.w, size)};
}

/// The results of one kernel set: all tiles in one range, the outputs in two.
results by(const kernels::kernel_set& passes, const operands& of, const kernels::tile_size& size)
{
  const auto in = static_cast<std::size_t>(of.w.size(1)),
             out = static_cast<std::size_t>(of.w.size(0));
  kernels::tile_range tiles{size, static_cast<std::size_t>(of.x.size(2)),
                            static_cast<std::size_t>(of.x.size(3)), 0, 0};
  tiles.end = static_cast<std::size_t>(of.x.size(0)) * tiles.of_image();
  const auto w = rw::detail::filters_of(of.w, of.w.const_data_ptr<float>());
  std::vector<float> spread(size.positions() * in * out),
      scratch(kernels::scratch_size(size, in, out)), sums(spread.size());
  const auto* const x = of.x.const_data_ptr<float>();
  const auto* const g = of.gradient.const_data_ptr<float>();
  results found{torch::empty_like(of.gradient), torch::empty_like(of.x), torch::empty_like(of.w)};
  const auto in_parts = [](std::size_t channels, const auto& work) {
    const auto some = channels / 32 * 16;
    work(kernels::channel_range{0, some});
    work(kernels::channel_range{some, channels});
  };
  const auto product = [&](const auto& filters, const float* from, torch::Tensor& to) {
    in_parts(filters.out, [&](const auto& part) {
      passes.spread_filters(size, filters, part, spread.data());
      passes.product(tiles, from, filters.in, spread.data(), filters.out, part,
                     to.mutable_data_ptr<float>(), scratch.data());
    });
  };
  product(w, x, found[0]);
  product(rw::detail::turned(w), g, found[1]);
  const auto of_w = rw::detail::filters_of(found[2], found[2].mutable_data_ptr<float>());
  in_parts(out, [&](const auto& part) {
    passes.weight_sums(tiles, x, in, g, out, part, sums.data(), scratch.data());
    passes.gather_gradient(size, sums.data(), 1, of_w, part);
  });
  return found;
}

double apart(const torch::Tensor& a, const torch::Tensor& b)
{
  const auto wide = b.to(torch::kDouble);
  return ((a.to(torch::kDouble) - wide).norm() / wide.norm()).item<double>();
}

const std::array names{"y", "gradient of x", "gradient of w"};
const std::array sizes{kernels::small_tile, kernels::large_tile};

}  // namespace

TEST_CASE("small tiles are exact where products and sums are: every version, every shape")
{
  for (const auto& of : layers) {
    const operands given{of, true};
    const auto wanted = by_libtorch(given);
    const auto check = [&](const results& found, const std::string& who) {
      for (std::size_t i = 0; i < 3; ++i)
        CHECK_MESSAGE(torch::equal(found[i], wanted[i]), who, ", ", names[i], " of ", of.images,
                      "x", of.in, ">", of.out, "x", of.height, "x", of.width);
    };
    for (const auto* passes : kernels::runnable())
      check(by(*passes, given, kernels::small_tile), passes->name);
    check(by_tiles(given, kernels::small_tile), "in pieces");
  }
}

TEST_CASE("tiles are as exact as LibTorch's convolutions, but for a small factor")
{
  for (const auto& of : layers) {
    const operands given{of, false};
    const auto truth = by_libtorch(given, torch::kDouble), libtorch = by_libtorch(given);
    for (const auto& size : sizes)
      for (const auto* passes : kernels::runnable()) {
        const auto found = by(*passes, given, size);
        const double factor = size.outputs == 2 ? 3 : 9, floor = size.outputs == 2 ? 1e-7 : 4e-7;
        for (std::size_t i = 0; i < 3; ++i) {
          const double error = apart(found[i], truth[i]);
          CHECK_MESSAGE(error < factor * apart(libtorch[i], truth[i]) + floor, passes->name,
                        ", tiles of ", size.outputs, ", ", names[i], " of ", of.images, "x", of.in,
                        ">", of.out, "x", of.height, "x", of.width, ": ", error, " against ",
                        apart(libtorch[i], truth[i]));
          CHECK(found[i].strides() == (i == 2   ? given.w
                                       : i == 1 ? given.x
                                                : given.gradient)
                                          .strides());
        }
      }
  }
}

TEST_CASE("tiles of either size are chosen by their operations")
{
  const auto chosen = [](at::IntArrayRef maps) {
    return rw::detail::winograd_tile(torch::empty(maps)).outputs;
  };
  CHECK(chosen({128, 16, 32, 32}) == 4);
  CHECK(chosen({8, 16, 14, 14}) == 4);
  CHECK(chosen({1, 16, 8, 8}) == 2);    // few tiles: transforming filters counts
  CHECK(chosen({128, 16, 6, 6}) == 2);  // nine small tiles are no more products than four large
  CHECK(chosen({128, 16, 2, 2}) == 2);
}

TEST_CASE("instruction sets, numbers of threads and inputs in bytes change no bit")
{
  const auto all = kernels::runnable();
  for (const auto& of : layers)
    for (const auto& size : sizes) {
      operands given{of, false};
      if (all.size() > 2) {
        const auto narrow = by(*all[1], given, size), wide = by(*all[2], given, size);
        for (std::size_t i = 0; i < 3; ++i)
          CHECK_MESSAGE(torch::equal(narrow[i], wide[i]), names[i], " of ", of.in, ">", of.out);
      }
      const auto before = at::get_num_threads();
      at::set_num_threads(1);
      const auto alone = by_tiles(given, size);
      for (const int threads : {2, 3}) {
        at::set_num_threads(threads);
        const auto together = by_tiles(given, size);
        for (std::size_t i = 0; i < 3; ++i) CHECK(torch::equal(alone[i], together[i]));
      }
      at::set_num_threads(before);

      const auto bytes = torch::randint(0, 256, given.x.sizes(), torch::kByte)
                             .contiguous(torch::MemoryFormat::ChannelsLast);
      const auto by_type = [&](const torch::Tensor& x) {
        return rw::detail::winograd_weight_gradient(given.gradient, x, given.w, size);
      };
      CHECK(torch::equal(by_type(bytes), by_type(bytes.to(torch::kFloat))));
    }
}

TEST_CASE("filters are read and gradients written in any order of memory")
{
  const operands channels_last{{2, 32, 16, 6, 6}, true};
  auto rows = channels_last;
  rows.w = rows.w.contiguous();
  auto turned = channels_last;
  turned.w = turned.w.permute({3, 0, 2, 1}).contiguous().permute({1, 3, 2, 0});
  REQUIRE(turned.w.strides() != rows.w.strides());
  for (const auto& size : sizes) {
    const auto wanted = by_tiles(channels_last, size);
    for (const auto& given : {rows, turned}) {
      const auto found = by_tiles(given, size);
      for (std::size_t i = 0; i < 3; ++i) CHECK(torch::equal(found[i], wanted[i]));
    }
  }
}

TEST_CASE("what tiles do not fit is LibTorch's")
{
  const auto fits = [](const torch::Tensor& x, const torch::Tensor& w, std::int64_t stride = 1,
                       std::int64_t padding = 1) {
    return rw::detail::fits_winograd(x, w, stride, padding);
  };
  const auto x = torch::ones({4, 16, 3, 2}).contiguous(torch::MemoryFormat::ChannelsLast);
  const auto w = torch::ones({16, 16, 3, 3});
  CHECK(fits(x, w) == kernels::are_worthwhile());
  CHECK_FALSE(fits(x, w, 2));
  CHECK_FALSE(fits(x, w, 1, 0));
  CHECK_FALSE(fits(x.contiguous(), w));
  CHECK_FALSE(fits(x.to(torch::kDouble), w.to(torch::kDouble)));
  CHECK_FALSE(fits(x, w.to(torch::kBFloat16)));
  CHECK_FALSE(fits(x, torch::ones({16, 16, 1, 1})));
  CHECK_FALSE(fits(x, torch::ones({24, 16, 3, 3})));
  CHECK_FALSE(fits(x, torch::ones({16, 8, 3, 3})));
  CHECK_FALSE(fits(x.slice(0, 0, 0), w));
  CHECK_FALSE(fits(x.slice(0, 0, 1), w));  // too few tiles
  at::globalContext().setUserEnabledMkldnn(false);
  CHECK_FALSE(fits(x, w));
  at::globalContext().setUserEnabledMkldnn(true);
  at::autocast::set_autocast_enabled(at::kCPU, true);
  CHECK_FALSE(fits(x, w));
  at::autocast::set_autocast_enabled(at::kCPU, false);
  CHECK(fits(x, w) == kernels::are_worthwhile());
}

TEST_CASE("convolutions of tiles have gradients, and those have gradients")
{
  const operands given{{16, 16, 32, 5, 2}, true};  // small tiles, which are exact
  const auto x = given.x.clone().requires_grad_(), w = given.w.clone().requires_grad_();
  const auto convolve = [&] { return rw::detail::convolution_of(x, w, {1, {1, 1}, {1, 1}}, {}); };
  const auto wanted = by_libtorch(given);
  const auto y = convolve();
  CHECK(torch::equal(y, wanted[0]));
  const auto found = torch::autograd::grad({y}, {x, w}, {given.gradient});
  CHECK(torch::equal(found[0], wanted[1]));
  CHECK(torch::equal(found[1], wanted[2]));
  CHECK_FALSE(torch::autograd::grad({convolve()}, {w}, {given.gradient})[0].requires_grad());

  // The gradient of y.sum() is expanded from one number.
  const auto spread = torch::autograd::grad({convolve().sum()}, {x});
  CHECK(torch::equal(spread[0], torch::autograd::grad({at::conv2d(x, w, {}, 1, 1).sum()}, {x})[0]));

  const auto twice = [&](const torch::Tensor& product) {
    const auto once = torch::autograd::grad({product}, {x}, {given.gradient}, true, true)[0];
    return torch::autograd::grad({once.square().sum()}, {w})[0];
  };
  CHECK(apart(twice(convolve()), twice(at::conv2d(x, w, {}, 1, 1))) < 1e-6);
}

TEST_CASE("networks learn alike with tiles and without")
{
  const rw::sample_shape shape{.channels = 3, .height = 13, .width = 16, .classes = 5};
  torch::manual_seed(7);
  const rw::batch examples{
      torch::randn({24, 3, 13, 16}), torch::zeros(24, torch::kLong), torch::arange(24), {}};
  const auto learn = [&](bool with_tiles) {
    at::globalContext().setUserEnabledMkldnn(with_tiles);
    auto network = rw::resnet20(shape);
    network.forward(examples).logits.square().sum().backward();
    at::globalContext().setUserEnabledMkldnn(true);
    std::vector<std::pair<std::string, torch::Tensor>> gradients;
    for (const auto& each : network.parameters())
      gradients.emplace_back(each.name, each.value.grad());
    return gradients;
  };
  const auto with = learn(true), without = learn(false);
  REQUIRE(with.size() == without.size());
  for (std::size_t i = 0; i < with.size(); ++i)
    CHECK_MESSAGE(apart(with[i].second, without[i].second) < 1e-4, with[i].first);
}
