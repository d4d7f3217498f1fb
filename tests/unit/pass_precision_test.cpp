// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/dorefa.hpp>

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::pass_precision;
using rw::pass_precisions;

namespace {

constexpr pass_precisions exact{};
constexpr pass_precisions rounded_back{.backward = pass_precision::bfloat16};
constexpr pass_precisions rounded_forward{.forward = pass_precision::bfloat16};
constexpr pass_precisions mixed{.forward = pass_precision::bfloat16,
                                .backward = pass_precision::bfloat16};

const rw::sample_shape shape{.channels = 3, .height = 16, .width = 12, .classes = 5};

rw::batch images(std::int64_t count)
{
  torch::manual_seed(3);
  return {torch::randn({count, 3, 16, 12}),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {}};
}

double apart(const torch::Tensor& a, const torch::Tensor& b)
{
  const auto wide = b.detach().to(torch::kDouble);
  return ((a.detach().to(torch::kDouble) - wide).norm() / (wide.norm() + 1e-30)).item<double>();
}

/// y and the gradients of x and w.
std::vector<torch::Tensor> convolve(const torch::Tensor& x, const torch::Tensor& w,
                                    const rw::detail::convolution_geometry& over,
                                    const pass_precisions& passes, const torch::Tensor& gradient,
                                    bool again = false)
{
  const auto y = rw::detail::convolution_of(x, w, over, passes);
  auto all = torch::autograd::grad({y}, {x, w}, {gradient}, true, again);
  all.insert(all.begin(), y);
  return all;
}

struct operands {
  torch::Tensor x, w, gradient;

  explicit operands(bool small_integers)
  {
    torch::manual_seed(4);
    const auto made = [&](at::IntArrayRef sizes) {
      return small_integers ? torch::randint(-2, 3, sizes).to(torch::kFloat) : torch::randn(sizes);
    };
    x = made({3, 8, 9, 10}).contiguous(torch::MemoryFormat::ChannelsLast).set_requires_grad(true);
    w = made({16, 8, 3, 3}).set_requires_grad(true);
    gradient = made({3, 16, 5, 5});
  }
};

const rw::detail::convolution_geometry over_twos{.stride = 2, .rows = {1, 1}, .columns = {1, 1}};

}  // namespace

TEST_CASE("in bfloat16 small integers are convolved exactly")
{
  const operands of{true};
  const auto full = convolve(of.x, of.w, over_twos, exact, of.gradient);
  REQUIRE(full[0].abs().max().item<double>() < 257.0);
  REQUIRE(full[1].abs().max().item<double>() < 257.0);
  REQUIRE(full[2].abs().max().item<double>() < 257.0);
  for (const auto& passes : {rounded_back, rounded_forward, mixed}) {
    const auto found = convolve(of.x, of.w, over_twos, passes, of.gradient);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK((found[i].scalar_type() == torch::kFloat));
      CHECK(torch::equal(found[i], full[i]));
    }
  }
}

TEST_CASE("each pass of a convolution is rounded where that is asked for, to 8 bits")
{
  const operands of{false};
  const auto full = convolve(of.x, of.w, over_twos, exact, of.gradient);
  const auto check = [&](const pass_precisions& passes, bool forward, bool backward) {
    const auto found = convolve(of.x, of.w, over_twos, passes, of.gradient);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(torch::equal(found[i], full[i]) != (i == 0 ? forward : backward));
      CHECK(apart(found[i], full[i]) < 0.005);
    }
    const torch::NoGradGuard without_graph;
    const auto alone = rw::detail::convolution_of(of.x, of.w, over_twos, passes);
    CHECK(torch::equal(alone, found[0]));
  };
  check(rounded_back, false, true);
  check(rounded_forward, true, false);
  check(mixed, true, true);
}

TEST_CASE("where single precision is faster, a convolution stays in it")
{
  torch::manual_seed(6);
  const auto x = torch::randn({8, 16, 9, 10})
                     .contiguous(torch::MemoryFormat::ChannelsLast)
                     .set_requires_grad(true);
  const auto w = torch::randn({16, 16, 3, 3}).set_requires_grad(true);
  const auto gradient = torch::randn({8, 16, 9, 10});
  const rw::detail::convolution_geometry over{.stride = 1, .rows = {1, 1}, .columns = {1, 1}};
  const bool stays = rw::detail::is_faster_in_single(x, w, 1, 1);
  const auto full = convolve(x, w, over, exact, gradient);
  const auto found = convolve(x, w, over, mixed, gradient);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(torch::equal(found[i], full[i]) == stays);
    CHECK(apart(found[i], full[i]) < 0.005);
  }
  CHECK_FALSE(rw::detail::is_faster_in_single(x, w, 2, 1));  // tiles have stride 1
  CHECK_FALSE(rw::detail::is_faster_in_single(x.contiguous(), w, 1, 1));
}

TEST_CASE("where padding differs at two sides it is the same")
{
  const operands of{true};
  const rw::detail::convolution_geometry over{.stride = 2, .rows = {0, 1}, .columns = {0, 1}};
  const auto gradient = of.gradient.narrow(2, 0, 4);
  const auto full = convolve(of.x, of.w, over, exact, gradient);
  const auto found = convolve(of.x, of.w, over, mixed, gradient);
  for (std::size_t i = 0; i < 3; ++i) CHECK(torch::equal(found[i], full[i]));
}

TEST_CASE("a backward pass that is differentiated again is in single precision")
{
  const operands of{false};
  const auto twice = [&](const pass_precisions& passes) {
    const auto first = convolve(of.x, of.w, over_twos, passes, of.gradient, true);
    return torch::autograd::grad({first[1].square().sum() + first[2].square().sum()}, {of.x, of.w});
  };
  const auto full = twice(exact), found = twice(rounded_back);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(full[i].norm().item<double>() > 1.0);
    CHECK(torch::equal(found[i], full[i]));
  }
}

TEST_CASE("other types are convolved in what they are")
{
  const operands of{false};
  const auto x = of.x.detach().to(torch::kDouble).set_requires_grad(true);
  const auto w = of.w.detach().to(torch::kDouble).set_requires_grad(true);
  const auto gradient = of.gradient.to(torch::kDouble);
  const auto full = convolve(x, w, over_twos, exact, gradient);
  const auto found = convolve(x, w, over_twos, mixed, gradient);
  for (std::size_t i = 0; i < 3; ++i) CHECK(torch::equal(found[i], full[i]));
}

namespace {

/// Logits, and the gradient of every parameter.
template<typename Network>
std::vector<std::pair<std::string, torch::Tensor>> logits_of_entry(Network& n)
{
  const auto logits = n.forward(images(32)).logits;
  logits.square().sum().backward();
  std::vector<std::pair<std::string, torch::Tensor>> all{{"logits", logits.detach()}};
  for (const auto& p : n.parameters()) all.emplace_back(p.name, p.value.grad());
  return all;
}

/// Without tiles, which may stay in single precision, every convolution is rounded that may be.
struct without_tiles {
  without_tiles() { at::globalContext().setUserEnabledMkldnn(false); }
  ~without_tiles() { at::globalContext().setUserEnabledMkldnn(true); }
};

/// @param make `(options)` returns a network
/// @param forward whether the logits change
template<typename Make>
void check_network(const Make& make, const pass_precisions& passes, bool forward, double near)
{
  const without_tiles here;
  auto full = make(rw::network_options{});
  auto by_options = make(rw::network_options{.precision = passes});
  auto told = full;
  told.set_precision(passes);
  const auto a = logits_of_entry(full), b = logits_of_entry(by_options), c = logits_of_entry(told);
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(a[i].first);
    CHECK(torch::equal(b[i].second, c[i].second));
    const bool is_convolution = i > 0 && a[i].second.dim() == 4;
    CHECK(apart(b[i].second, a[i].second) < near);
    if (i == 0) CHECK(torch::equal(b[i].second, a[i].second) != forward);
    if (is_convolution) CHECK_FALSE(torch::equal(b[i].second, a[i].second));
  }
}

}  // namespace

TEST_CASE("every convolution of a network computes as it is told")
{
  const auto resnet = [](const rw::network_options& o) { return rw::resnet8(shape, o); };
  const auto wide = [](const rw::network_options& o) { return rw::wide_resnet(10, 1, shape, o); };
  const auto few_bits = [](const rw::network_options& o) {
    return rw::resnet8(shape, rw::dorefa{}, rw::inner_bits<4>, o);
  };
  check_network(resnet, rounded_back, false, 0.05);
  check_network(resnet, mixed, true, 0.5);
  check_network(wide, rounded_back, false, 0.05);
  check_network(wide, mixed, true, 0.5);
  check_network(few_bits, rounded_back, false, 0.05);
}

TEST_CASE("mixed precision is as near to single precision as LibTorch's autocast")
{
  const auto made = [](const pass_precisions& passes) {
    return rw::resnet8(shape, rw::network_options{.precision = passes});
  };
  auto full = made(exact), ours = made(mixed), theirs = made(exact);
  const auto reference = logits_of_entry(full), a = logits_of_entry(ours);
  at::autocast::set_autocast_enabled(torch::kCPU, true);
  const auto b = logits_of_entry(theirs);
  at::autocast::set_autocast_enabled(torch::kCPU, false);
  at::autocast::clear_cache();
  double of_ours = 0.0, of_theirs = 0.0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    of_ours += apart(a[i].second, reference[i].second);
    of_theirs += apart(b[i].second, reference[i].second);
  }
  CHECK(of_theirs > 0.0);
  CHECK(of_ours < 1.3 * of_theirs);
}
