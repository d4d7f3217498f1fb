// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/network/int8_convolution.hpp>
#include <rolewise/quant/apot.hpp>
#include <rolewise/quant/binary_connect.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/dorefa_gradients.hpp>
#include <rolewise/quant/lq_nets.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/quant/sawb.hpp>
#include <rolewise/quant/ttq.hpp>
#include <rolewise/quant/twn.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/quant/xnor.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;

namespace {

const rw::layer_id inside{"stage1.0.convolution1", rw::layer_kind::convolution, 1, 3};

/// From 0 over subnormal numbers to small normal ones.
const std::vector<double> sizes{0.0, 1e-45, 1e-42, 1e-38, 1e-37, 1e-30, 1e-22, 1e-19, 1e-12};

bool is_finite(const torch::Tensor& t) { return t.isfinite().all().item<bool>(); }

template<typename State>
void check_finite(State state, const torch::Tensor& numbers, int bits)
{
  const auto x = numbers.clone().set_requires_grad(true);
  if constexpr (requires { state.begin(x); }) state.begin(x);
  if constexpr (requires { state.observe(x, bit_width{bits}); }) state.observe(x, bit_width{bits});
  const auto values = std::as_const(state)(x, bit_width{bits}).values();
  CHECK(is_finite(values));
  torch::manual_seed(8);
  values.backward(torch::randn(values.sizes(), torch::kFloat) * 100);
  CHECK(is_finite(x.grad()));
  if constexpr (rw::state_must::be_shown<State>)
    rw::for_each_tensor(state, [](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
      CAPTURE(name);
      if (!t.defined()) return;
      CHECK(is_finite(t));
      if (t.grad().defined()) CHECK(is_finite(t.grad()));
    });
}

template<typename Q>
void check_weights(const Q& q, const std::vector<int>& widths)
{
  torch::manual_seed(7);
  const auto w = torch::randn({6, 4, 3, 3}, torch::kFloat);
  for (const double size : sizes)
    for (const int bits : widths) {
      CAPTURE(std::string{Q::name});
      CAPTURE(size);
      CAPTURE(bits);
      check_finite(q.start_weights(inside), w * size, bits);
      check_finite(q.start_weights(inside), w.sign() * size, bits);
    }
}

template<typename Q>
void check_activations(const Q& q, const std::vector<int>& widths)
{
  torch::manual_seed(7);
  const auto x = torch::randn({2, 4, 5, 5}, torch::kFloat);
  for (const double size : sizes)
    for (const int bits : widths) {
      CAPTURE(std::string{Q::name});
      CAPTURE(size);
      CAPTURE(bits);
      check_finite(q.start_activations(inside), x * size, bits);
      check_finite(q.start_activations(inside), x.abs() * size, bits);
    }
}

}  // namespace

TEST_CASE("values and gradients of quantized weights are finite, however small the weights are")
{
  const std::vector<int> some{1, 2, 3, 4, 8};
  check_weights(rw::dorefa{}, some);
  check_weights(rw::dorefa{rw::dorefa_gradient::detached}, some);
  check_weights(rw::pact{}, {2, 4});
  check_weights(rw::lsq{}, some);
  check_weights(rw::lsq{.per_channel = true}, some);
  check_weights(rw::lsq_plus{}, some);
  check_weights(rw::apot{}, some);
  check_weights(rw::apot{.gradient = rw::apot_gradient::differentiated}, some);
  check_weights(rw::lq_nets{}, some);
  check_weights(rw::bwn{}, {1});
  check_weights(rw::bwn{.gradient = rw::bwn_gradient::paper}, {1});
  check_weights(rw::xnor{}, {1});
  check_weights(rw::binary_connect{}, {1});
  check_weights(rw::twn{}, {2});
  check_weights(rw::twn{.threshold = rw::twn_threshold::optimal}, {2});
  check_weights(rw::ttq{}, {2});
  check_weights(rw::ttq{.start = rw::ttq_start::means}, {2});
  check_weights(rw::sawb{}, {1, 2, 4, 8});
  check_weights(rw::sawb{.levels = rw::sawb_levels::with_zero,
                         .gradient = rw::sawb_gradient::clipped,
                         .shared = rw::granularity::per_channel},
                {2, 4, 8});
  check_weights(rw::uniform_affine<>{}, {2, 4, 8});
}

TEST_CASE("values and gradients of quantized activations are finite, however small they are")
{
  const std::vector<int> some{2, 3, 4, 8};
  check_activations(rw::dorefa{}, some);
  check_activations(rw::pact{}, some);
  check_activations(rw::pact{.gradient = rw::pact_gradient::clip_only}, some);
  check_activations(rw::lsq{}, some);
  check_activations(rw::lsq_plus{}, some);
  check_activations(rw::apot{}, some);
  check_activations(rw::lq_nets{}, some);
  check_activations(rw::xnor{}, {1});
  check_activations(rw::uniform_affine<>{}, some);
}

TEST_CASE("gradients of few bits and weights of 8 bits are finite, however small they are")
{
  torch::manual_seed(9);
  for (const double size : sizes) {
    CAPTURE(size);
    const auto x = torch::randn({3, 4, 2}, torch::kFloat) * size;
    for (const int bits : {1, 2, 6}) {
      const auto found = rw::quantized_gradient(x, bit_width{bits});
      CHECK(is_finite(found));
      CHECK((found.abs().amax() <= x.abs().amax() * 1.001 + 1e-44).item<bool>());
    }
    const auto [codes, scale] = rw::detail::signed_bytes(x);
    CHECK(is_finite(scale));
    CHECK((scale > 0).all().item<bool>());
    if (size < 1e-43) CHECK(codes.abs().sum().item<std::int64_t>() == 0);
  }
}
