// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/network/convolution.hpp>
#include <rolewise/network/window_magnitude.hpp>
#include <rolewise/quant/xnor.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cstdint>
#include <stdexcept>

namespace rw = rolewise;

TEST_CASE("the magnitude of a window is the mean |x| under it")
{
  const auto x =
      torch::tensor({1.0, -2.0, 3.0, -4.0, 5.0, -6.0, 7.0, -8.0, 9.0}).view({1, 1, 3, 3});
  const auto both = torch::cat({x, x * -3}, 1);  // the mean over channels is 2 |x|
  const auto k = rw::window_magnitude(both, {.in = 2, .out = 4});
  CHECK(k.sizes() == torch::IntArrayRef{1, 1, 3, 3});
  CHECK(k[0][0][0][0].item<double>() == doctest::Approx(2 * (1 + 2 + 4 + 5) / 9.0));
  CHECK(k[0][0][1][1].item<double>() == doctest::Approx(2 * 45 / 9.0));
  const auto one = rw::window_magnitude(both, {.in = 2, .out = 4, .kernel = 1, .stride = 2});
  CHECK(torch::allclose(one.flatten(), torch::tensor({2.0, 6.0, 14.0, 18.0}, one.options())));

  const auto two = torch::tensor({1., -2., 0., 0., 3., -1., 2., 0., 1.,  //
                                  -1., 4., 2., 2., -1., 0., 0., 0., -3.})
                       .view({1, 2, 3, 3});
  const auto expected =
      torch::tensor({.777778, .944444, .722222, .888889, 1.277778, .944444, .444444, .722222, .5});
  CHECK(torch::allclose(rw::window_magnitude(two, {.in = 2, .out = 1}).flatten(),
                        expected.to(two.scalar_type()), 1e-5, 1e-6));

  torch::manual_seed(0);
  const auto maps = torch::randn({2, 3, 8, 7}, torch::kDouble).set_requires_grad(true);
  for (const auto padding : {rw::padding_rule::symmetric, rw::padding_rule::same})
    for (const std::int64_t stride : {1, 2})
      for (const std::int64_t kernel : {1, 3}) {
        const rw::convolution_shape shape{
            .in = 3, .out = 4, .kernel = kernel, .stride = stride, .padding = padding};
        const auto over = rw::detail::geometry_of(shape, maps);
        const auto box = torch::full({1, 1, kernel, kernel},
                                     1.0 / static_cast<double>(kernel * kernel), torch::kDouble);
        const auto wide = torch::constant_pad_nd(
            maps.abs().mean(1, true),
            {over.columns.before, over.columns.after, over.rows.before, over.rows.after});
        const auto by_box = torch::conv2d(wide, box, {}, stride);
        const auto got = rw::window_magnitude(maps, shape);
        CHECK(torch::allclose(got, by_box));
        const auto toward = torch::randn_like(got);
        CHECK(torch::allclose(torch::autograd::grad({got}, {maps}, {toward})[0],
                              torch::autograd::grad({by_box}, {maps}, {toward})[0]));
      }
  CHECK_THROWS_WITH_AS((void)rw::window_magnitude(both, {.in = 3, .out = 4}),
                       "rolewise: window_magnitude: want maps of 3 channels, [N, 3, H, W], got "
                       "[1, 2, 3, 3]",
                       std::invalid_argument);
}

TEST_CASE("a binary convolution with it is nearer to the convolution than with any one scale")
{
  torch::manual_seed(1);
  const rw::convolution_shape shape{.in = 16, .out = 8};
  auto where = torch::full({4, 1, 12, 12}, 0.1);
  where.narrow(2, 0, 6).narrow(3, 0, 6).fill_(3);  // a quarter has larger values
  const auto x = torch::randn({4, 16, 12, 12}) * where;
  const rw::planned_layer plan{{"layer", rw::layer_kind::convolution, 1, 3},
                               {rw::bit_width{1}, rw::bit_width{1}}};
  rw::convolution<rw::xnor> binary{rw::xnor{}, plan, shape, {}};
  rw::activation<rw::xnor> input{rw::xnor{}, plan};
  torch::Tensor weight;
  rw::for_each_tensor(binary, [&](const auto&, torch::Tensor& t, rw::tensor_kind) { weight = t; });
  const torch::NoGradGuard without_graph;
  const auto full = torch::conv2d(x, weight, {}, 1, 1);
  const auto signs = binary(input.of_rectified(x, rw::phase::training), rw::phase::training);
  const auto best = (full * signs).sum() / signs.square().sum();
  const auto apart = [&](const torch::Tensor& y) { return (full - y).norm().item<double>(); };
  CHECK(apart(signs * rw::window_magnitude(x, shape)) < 0.95 * apart(signs * best));
}
