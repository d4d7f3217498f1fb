// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/byte_quantizer.hpp"

#include <rolewise/network/convolution.hpp>
#include <rolewise/quant/apot.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lq_nets.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/quant/xnor.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::phase;

namespace {

rw::planned_layer plan_with(int bits)
{
  return {{"layer", rw::layer_kind::convolution, 1, 3}, {rw::bit_width{bits}, rw::bit_width{bits}}};
}

torch::Tensor signed_maps()
{
  torch::manual_seed(1);
  auto x = torch::randn({2, 4, 6, 5});
  x.view(-1)[3] = 0.0F;
  return x.contiguous(torch::MemoryFormat::ChannelsLast);
}

}  // namespace

TEST_CASE("DoReFa quantizes signed activations as a sign and a magnitude")
{
  for (const int bits : {2, 3, 4, 8, 9, 12}) {
    CAPTURE(bits);
    rw::activation<rw::dorefa> input{{}, plan_with(bits)};
    auto x = signed_maps().set_requires_grad(true);
    const auto before = x.detach().clone();
    const auto q = input.of_signed(x, phase::training);
    const double n = std::exp2(bits - 1) - 1;
    const auto d = x.detach();
    const auto wanted = (d.abs().clamp(0, 1) * n).round() / n * d.sign();
    CHECK(torch::allclose(q.values(), wanted, 1e-6, 1e-7));
    CHECK(torch::equal(x.detach(), before));
    CHECK(q.is_integer);
    CHECK(*q.range == rw::level_range{-static_cast<std::int64_t>(n), static_cast<std::int64_t>(n)});
    CHECK((q.levels.scalar_type() == (bits <= 8 ? torch::kChar : torch::kFloat)));

    // The gradient passes where |x| is not clipped.
    const auto toward = torch::randn_like(d);
    const auto g = torch::autograd::grad({q.values()}, {x}, {toward})[0];
    CHECK(torch::equal(g, toward * d.abs().le(1) * d.ne(0)));
  }
}

TEST_CASE("signed activations of quantizers for rectified ones are those of their magnitudes")
{
  const auto check = [](const auto& q) {
    using Q = std::remove_cvref_t<decltype(q)>;
    CAPTURE(std::string{Q::name});
    rw::activation<Q> by_signs{q, plan_with(4)}, of_magnitudes{q, plan_with(3)};
    auto x = signed_maps().set_requires_grad(true);
    for (const auto when : {phase::training, phase::training, phase::evaluation}) {
      const auto levels = by_signs.of_signed(x, when);
      const auto found = levels.values();
      const auto wanted = of_magnitudes.of_rectified(x.abs(), when).values() * x.detach().sign();
      CHECK(torch::equal(found, wanted));
      const auto toward = torch::randn_like(found);
      const auto ranges = [&](auto& of) {
        std::vector<torch::Tensor> all{x};
        rw::for_each_tensor(of, [&](const std::string&, torch::Tensor& t, rw::tensor_kind kind) {
          if (rw::is_learned(kind)) all.push_back(t);
        });
        return all;
      };
      const auto a = torch::autograd::grad({found}, ranges(by_signs), {toward});
      const auto b = torch::autograd::grad({wanted}, ranges(of_magnitudes), {toward});
      REQUIRE(a.size() == b.size());
      for (std::size_t i = 0; i < a.size(); ++i) CHECK(torch::allclose(a[i], b[i], 1e-5, 1e-6));
    }
  };
  check(rw::dorefa{});
  check(rw::pact{});
  check(rw::lsq{});
  check(rw::apot{});
  check(rw::lq_nets{});
  check(rw::testing::byte_quantizer{});
}

TEST_CASE("quantizers of signed activations quantize them themselves")
{
  const auto check = [](const auto& q, int bits) {
    using Q = std::remove_cvref_t<decltype(q)>;
    CAPTURE(std::string{Q::name});
    rw::activation<Q> a{q, plan_with(bits)}, b{q, plan_with(bits)};
    const auto x = signed_maps();
    const auto found = a.of_signed(x, phase::training).values();
    CHECK(torch::equal(found, b.of_rectified(x, phase::training).values()));
    CHECK(found.min().template item<double>() < -0.5);
  };
  check(rw::uniform_affine<>{}, 4);
  check(rw::lsq_plus{}, 4);
  check(rw::basic_lsq<rw::code_signs::signed_codes>{}, 4);
  check(rw::xnor{}, 1);
}

TEST_CASE("signed activations in full precision stay as they are")
{
  const auto x = signed_maps();
  rw::activation<rw::no_quantizer> none{{}, plan_with(32)};
  CHECK(none.of_signed(x, phase::training).is_same(x));
  rw::activation<rw::dorefa> full{{}, plan_with(32)};
  CHECK(full.of_signed(x, phase::training).levels.is_same(x));
}

TEST_CASE("integers and floating-point levels give the same convolution of signed activations")
{
  for (const int bits : {2, 4, 7}) {
    CAPTURE(bits);
    rw::activation<rw::dorefa> input{{}, plan_with(bits)};
    rw::convolution<rw::dorefa> layer{{}, plan_with(bits), {.in = 4, .out = 8}, {}};
    const auto x = signed_maps().set_requires_grad(true);
    const auto pass = [&] {
      const auto y = layer(input.of_signed(x, phase::training), phase::training);
      return std::pair{y.detach(), torch::autograd::grad({y.square().sum()}, {x})[0]};
    };
    const auto found = pass();
    if (rw::integer_forward_support().available)
      CHECK(layer.report().arithmetic == rw::layer_arithmetic::integer);
    const rw::without_integers reference;
    const auto expected = pass();
    CHECK(torch::equal(found.first, expected.first));
    CHECK(torch::equal(found.second, expected.second));
  }
}

TEST_CASE("signed activations say what they cannot be")
{
  rw::activation<rw::dorefa> one{{}, plan_with(1)};
  CHECK_THROWS_WITH_AS((void)one.of_signed(signed_maps(), phase::training),
                       "rolewise: layer: reads signed activations, for which dorefa wants two bits "
                       "or more: one for the sign; got 1",
                       std::invalid_argument);
  rw::activation<rw::testing::byte_quantizer> apart{{.offset = 0.25}, plan_with(4)};
  CHECK_THROWS_WITH_AS((void)apart.of_signed(signed_maps(), phase::training),
                       doctest::Contains("byte: its levels of magnitudes have an offset"),
                       std::invalid_argument);
}
