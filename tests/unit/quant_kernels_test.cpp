// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/quant_digest.hpp"

#include <rolewise/quant/detail/kernels/variants.hpp>
#include <rolewise/quant/detail/straight_through.hpp>
#include <rolewise/quant/detail/through_tanh.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>

#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace kernels = rolewise::detail::quant_kernels;
using kernels::backward_rule;

namespace {

/// The sum that `kernel_set` specifies: 16 float32 partial sums over each 1,024 numbers, added up
/// in double.
struct plain_sum {
  float partial[16]{};
  double wide[16]{};

  void add(std::size_t i, float x) { partial[i % 16] += x; }
  void carry()
  {
    for (int lane = 0; lane < 16; ++lane) {
      wide[lane] += static_cast<double>(partial[lane]);
      partial[lane] = 0.0F;
    }
  }
  /// Adds the partial sums up after each 1,024 numbers and after the last.
  void next(std::size_t i, std::size_t count)
  {
    if (i % 1024 == 1023 || i + 1 == count) carry();
  }
  [[nodiscard]] double total() const
  {
    double sum = 0.0;
    for (const double each : wide) sum += each;
    return sum;
  }
};

float plain_code(float x, const kernels::code_map& by)
{
  float y = x - by.shift;
  y = y < by.low ? by.low : y;
  y = y > by.high ? by.high : y;
  return std::nearbyint(y * by.times);
}

std::uint32_t plain_largest(const float* x, std::size_t count)
{
  std::uint32_t most = 0;
  for (std::size_t i = 0; i < count; ++i)
    most = std::max(most, std::bit_cast<std::uint32_t>(std::fabs(x[i])));
  return most;
}

std::uint32_t plain_codes(const float* x, std::size_t count, const kernels::code_map& by,
                          std::uint8_t* out)
{
  for (std::size_t i = 0; i < count; ++i)
    out[i] =
        static_cast<std::uint8_t>(static_cast<std::int32_t>(plain_code(x[i], by)) + by.zero_point);
  return plain_largest(x, count);
}

kernels::sums plain_back(backward_rule how, const float* g, const float* x, std::size_t count,
                         const kernels::code_map& by, float* out)
{
  plain_sum first, second;
  for (std::size_t i = 0; i < count; ++i) {
    const float y = x[i] - by.shift;
    const bool open = how == backward_rule::step || how == backward_rule::step_and_offset;
    const bool inside = (open ? y > by.low : y >= by.low) &&
                        (how == backward_rule::closed ? y <= by.high : y < by.high);
    out[i] = inside ? g[i] : 0.0F;
    if (how == backward_rule::clip_only)
      first.add(i, y >= by.high ? g[i] : 0.0F);
    else if (how != backward_rule::closed)
      first.add(i, g[i] * (plain_code(x[i], by) - (inside ? y * by.times : 0.0F)));
    if (how == backward_rule::step_and_offset) second.add(i, inside ? 0.0F : g[i]);
    first.next(i, count);
    second.next(i, count);
  }
  return {first.total(), second.total()};
}

std::uint32_t plain_magnitudes(const float* x, std::size_t count, double* sum)
{
  plain_sum all;
  for (std::size_t i = 0; i < count; ++i) {
    all.add(i, std::fabs(x[i]));
    all.next(i, count);
  }
  *sum = all.total();
  return plain_largest(x, count);
}

std::uint32_t plain_signs(const float* x, std::size_t count, std::int8_t* out)
{
  for (std::size_t i = 0; i < count; ++i) out[i] = x[i] < 0.0F ? -1 : 1;
  return plain_largest(x, count);
}

double plain_signed_sum(const float* g, const float* x, std::size_t count)
{
  plain_sum all;
  for (std::size_t i = 0; i < count; ++i) {
    all.add(i, x[i] < 0.0F ? -g[i] : g[i]);
    all.next(i, count);
  }
  return all.total();
}

float plain_small_tanh(float x)
{
  const float z = x * x;
  float p = -0.005704978480935097F;
  for (const float c :
       {0.020639078691601753F, -0.05373971164226532F, 0.13331441581249237F, -0.3333328068256378F})
    p = p * z + c;
  return x + p * z * x;
}

void plain_tanh_bytes(const float* x, std::size_t count, const kernels::tanh_map& by,
                      std::int32_t n, std::int8_t* out)
{
  for (std::size_t i = 0; i < count; ++i) {
    const float z = plain_small_tanh(x[i]) * by.times + static_cast<float>(n) * 0.5F;
    out[i] = static_cast<std::int8_t>(2 * static_cast<std::int32_t>(std::nearbyint(z)) - n);
  }
}

bool plain_tanh_back(const float* g, const float* x, std::size_t count, const kernels::tanh_map& by,
                     std::uint32_t largest, float* out, double* sum)
{
  plain_sum all;
  bool found = false;
  for (std::size_t i = 0; i < count; ++i) {
    const float t = plain_small_tanh(x[i]);
    out[i] = g[i] * (1.0F - t * t) * by.times;
    all.add(i, g[i] * t);
    all.next(i, count);
    found |= std::bit_cast<std::uint32_t>(std::fabs(x[i])) == largest;
  }
  *sum = all.total();
  return found;
}

constexpr kernels::kernel_set plain_loops{
    "plain loops",     &plain_codes, &plain_back,      &plain_largest, &plain_magnitudes,
    &plain_tanh_bytes, nullptr,      &plain_tanh_back, &plain_signs,   &plain_signed_sum};

double ulps(float found, double exact)
{
  const auto size = std::max(std::fabs(static_cast<float>(exact)), FLT_MIN);
  const float ulp = std::nextafter(size, INFINITY) - size;
  return std::fabs(static_cast<double>(found) - exact) / static_cast<double>(ulp);
}

rw::detail::affine_code_map per_tensor(double low, double high, double times, double shift)
{
  return {.low = torch::full({}, low, torch::kFloat),
          .high = torch::full({}, high, torch::kFloat),
          .times = torch::full({}, times, torch::kFloat),
          .shift = shift == 0.0 ? torch::Tensor{} : torch::full({}, shift, torch::kFloat),
          .range = {0, 15}};
}

}  // namespace

TEST_CASE("the quantizers' passes have the bits of plain loops on every instruction set")
{
  CHECK(rw::tests::digest_of_set(plain_loops) == rw::tests::quant_digest);
  for (const auto* set : kernels::runnable()) {
    CAPTURE(std::string{set->name});
    CHECK(rw::tests::digest_of_set(*set) == rw::tests::quant_digest);
  }
}

TEST_CASE("the quantizers' passes see what is no finite number")
{
  for (const auto* set : kernels::runnable()) {
    CAPTURE(std::string{set->name});
    for (const auto place : {std::size_t{0}, std::size_t{15}, std::size_t{16}, std::size_t{36}}) {
      std::vector<float> x(37, -2.0F);
      std::vector<std::uint8_t> out(37);
      const auto largest = [&](float value) {
        x[place] = value;
        double sum = 0;
        const auto found = set->codes(x.data(), 37, {0, 0, 1, 3, 0}, out.data());
        CHECK(set->largest(x.data(), 37) == found);
        CHECK(set->magnitudes(x.data(), 37, &sum) == found);
        CHECK(set->signs(x.data(), 37, reinterpret_cast<std::int8_t*>(out.data())) == found);
        return found;
      };
      CHECK(largest(NAN) > kernels::bits_of_infinity);
      CHECK(largest(-NAN) > kernels::bits_of_infinity);
      CHECK(largest(-INFINITY) == kernels::bits_of_infinity);
      CHECK(largest(3.0F) == std::bit_cast<std::uint32_t>(3.0F));
    }
  }
}

TEST_CASE("tanh and its derivative are within their ulps")
{
  std::vector<float> x, ones;
  for (float v = 1e-6F; v < 50; v *= 1.0003F) {
    x.push_back(v);
    x.push_back(-v);
  }
  x.push_back(0.0F);
  ones.assign(x.size(), 1.0F);
  std::vector<float> slope(x.size()), value(x.size());
  for (const auto* set : kernels::runnable()) {
    CAPTURE(std::string{set->name});
    double sum = 0;
    for (const bool small : {true, false}) {
      CAPTURE(small);
      (void)set->tanh_back(ones.data(), x.data(), x.size(), {small, 1.0F}, 0, slope.data(), &sum);
      double worst_slope = 0, worst = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        if (small && std::fabs(x[i]) > kernels::small_tanh) continue;
        const double exact = static_cast<double>(x[i]);
        const double root = std::cosh(std::min(std::fabs(exact), 43.0));
        worst_slope = std::max(worst_slope, ulps(slope[i], 1 / (root * root)));
        // For a single number, the sum is its tanh.
        float out = 0;
        (void)set->tanh_back(ones.data(), &x[i], 1, {small, 1.0F}, 0, &out, &sum);
        worst = std::max(worst, ulps(static_cast<float>(sum), std::tanh(exact)));
      }
      CHECK(worst <= 2);
      CHECK(worst_slope <= (small ? 2 : 4));
    }
  }
}

TEST_CASE("codes of weights are on the other side of a half only next to it")
{
  torch::manual_seed(11);
  for (const double size : {0.02, 0.3, 2.0})
    for (const int bits : {2, 3, 4, 5, 7, 8}) {
      CAPTURE(size);
      CAPTURE(bits);
      const auto w = torch::randn({50000}) * size;
      const auto wide = w.to(torch::kFloat64);
      const rw::layer_id place{"layer", rw::layer_kind::convolution, 1, 3};
      const auto state = rw::dorefa{}.start_weights(place);
      const auto found = state(w, rw::bit_width{bits}).levels.to(torch::kFloat64);
      const auto exact = state(wide, rw::bit_width{bits}).levels;
      const double n = std::exp2(bits) - 1;
      const auto t = wide.tanh();
      const auto unrounded = (t / (2 * t.abs().max()) + 0.5) * n;
      const auto from_half = (unrounded - unrounded.floor() - 0.5).abs();
      const auto other = found.ne(exact);
      CHECK((found - exact).abs().max().item<double>() <= 2);
      CHECK(from_half.masked_fill(other.logical_not(), 0).max().item<double>() <= 3e-7 * n);
      CHECK(other.sum().item<double>() < 20);
    }
}

TEST_CASE("passes over tensors agree with tensor operations, whatever the number of threads")
{
  torch::manual_seed(12);
  const auto x = torch::randn({3, 5, 70, 230}), g = torch::randn_like(x);
  const int threads = at::get_num_threads();
  for (const auto how : rw::tests::digest_ways) {
    const auto map = per_tensor(0, 1.5, 10, how == backward_rule::step_and_offset ? -.3 : 0);
    const auto want = rw::detail::back_by_tensors(how, g.to(torch::kFloat64), x, map);
    rw::detail::gradients_back last;
    for (const int count : {1, 2, 3}) {
      at::set_num_threads(count);
      const torch::NoGradGuard without_graph;
      auto handed = g.clone();
      const auto found = rw::detail::back_through("test", how, std::move(handed), x, map);
      CHECK(torch::equal(found.to_x.to(torch::kFloat64), want.to_x));
      if (how != backward_rule::closed)
        CHECK(found.first.item<double>() ==
              doctest::Approx(want.first.item<double>()).epsilon(1e-5).scale(0));
      if (how == backward_rule::step_and_offset)
        CHECK(found.second.item<double>() ==
              doctest::Approx(want.second.item<double>()).epsilon(1e-5).scale(0));
      if (count > 1 && how != backward_rule::closed) CHECK(torch::equal(found.first, last.first));
      last = found;
      CHECK(torch::equal(
          rw::detail::codes_of("test", x, map, rw::detail::nonfinite_policy::nan).to(torch::kFloat),
          rw::detail::codes_by_tensors(x, map)));
    }
  }
  at::set_num_threads(threads);
}

TEST_CASE(
    "the gradient of x takes the memory of the gradient of the values if nothing else holds it")
{
  const torch::NoGradGuard without_graph;
  const auto x = torch::rand({100}), g = torch::rand({100});
  const auto map = per_tensor(0, .5, 10, 0);
  auto ours = g.clone();
  const auto* const memory = ours.const_data_ptr();
  const auto taken = rw::detail::back_through("test", backward_rule::step, std::move(ours), x, map);
  CHECK(taken.to_x.const_data_ptr() == memory);

  auto held = g.clone();
  const auto before = held.clone(), view = held.slice(0, 0, 10);
  const auto apart = rw::detail::back_through("test", backward_rule::step, std::move(held), x, map);
  CHECK(torch::equal(view, before.slice(0, 0, 10)));
  CHECK(torch::equal(apart.to_x, taken.to_x));
}

TEST_CASE("gradients of single precision can be differentiated again")
{
  torch::manual_seed(13);
  const rw::layer_id place{"layer", rw::layer_kind::convolution, 1, 3};
  const auto second = [&](auto state, torch::ScalarType type) {
    const auto x = (torch::linspace(-1, 1, 24, torch::kFloat64) * .9).to(type).requires_grad_();
    const auto score = std::as_const(state)(x, rw::bit_width{3}).values().pow(3).sum();
    const auto g = torch::autograd::grad({score}, {x}, {}, true, true)[0];
    return torch::autograd::grad({g.square().sum()}, {x})[0].to(torch::kFloat64);
  };
  const auto agree = [&](auto state) {
    const auto exact = second(state, torch::kFloat64);
    CHECK(exact.abs().sum().template item<double>() > 0);
    CHECK(torch::allclose(second(state, torch::kFloat32), exact, 1e-4, 1e-4));
  };
  agree(rw::dorefa{}.start_weights(place));
  agree(rw::dorefa{}.start_activations(place));
  agree(rw::lsq{}.start_activations(place));
}
