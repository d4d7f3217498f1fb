// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/network/detail/kernels/variants.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/pact.hpp>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::batch_norm;
using rw::bit_width;
using rw::phase;
using rw::detail::deferred_batch_norm;

namespace {

torch::Tensor maps(at::IntArrayRef sizes, std::uint64_t seed, double mean = 0.3, double scale = 1.0)
{
  torch::manual_seed(seed);
  return (torch::randn(sizes) * scale + mean)
      .contiguous(torch::MemoryFormat::ChannelsLast)
      .set_requires_grad(true);
}

/// A batch norm with random parameters and running statistics, and handles to these tensors.
struct started {
  batch_norm norm;
  torch::Tensor weight, bias, mean, variance;

  explicit started(std::int64_t channels) : norm{channels}
  {
    torch::manual_seed(7);
    rw::for_each_tensor(norm, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
      if (name == "weight") {
        t = (torch::rand(channels) + 0.5).set_requires_grad(true);
        weight = t;
      } else if (name == "bias") {
        t = torch::randn(channels).set_requires_grad(true);
        bias = t;
      } else {
        t = torch::rand(channels);
        (name == "running_mean" ? mean : variance) = t;
      }
    });
  }
};

double apart(const torch::Tensor& a, const torch::Tensor& b)
{
  const auto wide = b.detach().to(torch::kDouble);
  return ((a.detach().to(torch::kDouble) - wide).norm() / (wide.norm() + 1e-30)).item<double>();
}

std::vector<torch::Tensor> gradients(const torch::Tensor& y, const std::vector<torch::Tensor>& of,
                                     bool again = false)
{
  torch::manual_seed(9);
  return torch::autograd::grad({y}, of, {torch::randn(y.sizes()).to(y.scalar_type())}, true, again);
}

struct double_norm {
  torch::Tensor x, weight, bias, mean, variance, y;

  double_norm(const torch::Tensor& of, const started& s)
  {
    const auto wide = [](const torch::Tensor& t, bool learned) {
      return t.detach().to(torch::kDouble).clone().set_requires_grad(learned);
    };
    x = wide(of, true);
    weight = wide(s.weight, true);
    bias = wide(s.bias, true);
    mean = wide(s.mean, false);
    variance = wide(s.variance, false);
    y = at::batch_norm(x, weight, bias, mean, variance, true, 0.1, 1e-5, false);
  }
};

}  // namespace

TEST_CASE("batch norm is LibTorch's in double precision, up to rounding")
{
  for (const auto& [n, channels, height, width, mean] : {std::tuple{3, 16, 5, 7, 0.3},
                                                         {1, 48, 3, 5, 0.0},
                                                         {9, 64, 33, 16, 0.0},
                                                         {4, 32, 8, 8, 1e3}}) {
    CAPTURE(channels);
    const auto x = maps({n, channels, height, width}, 1, mean);
    started s{channels};
    const double_norm reference{x, s};
    const double rounding = mean > 1 ? 1e-3 : 2e-6;
    REQUIRE(rw::detail::fits_norm_passes(x));
    const auto y = s.norm(x, phase::training);
    CHECK(y.is_contiguous(torch::MemoryFormat::ChannelsLast));
    CHECK(apart(y, reference.y) < rounding);
    CHECK(apart(s.mean, reference.mean) < 1e-6);
    CHECK(apart(s.variance, reference.variance) < 1e-6);
    const auto ours = gradients(y, {x, s.weight, s.bias});
    const auto theirs = gradients(reference.y, {reference.x, reference.weight, reference.bias});
    for (std::size_t i = 0; i < ours.size(); ++i) CHECK(apart(ours[i], theirs[i]) < rounding);
  }
}

TEST_CASE("batch norm can be differentiated twice")
{
  const auto x = maps({3, 16, 3, 4}, 2);
  started s{16};
  const double_norm reference{x, s};
  const auto y = s.norm(x, phase::training);
  const auto ours = gradients(y, {x, s.weight, s.bias}, true);
  const auto theirs = gradients(reference.y, {reference.x, reference.weight, reference.bias}, true);
  const auto of_ours =
      torch::autograd::grad({ours[0].square().sum() + ours[1].square().sum()}, {x, s.weight});
  const auto of_theirs = torch::autograd::grad(
      {theirs[0].square().sum() + theirs[1].square().sum()}, {reference.x, reference.weight});
  for (std::size_t i = 0; i < of_ours.size(); ++i) {
    CHECK(of_theirs[i].norm().item<double>() > 1e-3);
    CHECK(apart(of_ours[i], of_theirs[i]) < 1e-4);
  }
}

TEST_CASE("what kernels do not take is normalized by LibTorch")
{
  const auto few = maps({2, 12, 4, 4}, 3);
  CHECK_FALSE(rw::detail::fits_norm_passes(few));
  const auto planes = maps({2, 16, 4, 4}, 3).detach().contiguous();
  CHECK_FALSE(rw::detail::fits_norm_passes(planes));
  CHECK_FALSE(rw::detail::fits_norm_passes(torch::zeros({4, 16})));
  CHECK_FALSE(rw::detail::fits_norm_passes(maps({2, 16, 4, 4}, 3).to(torch::kDouble)));
  started s{12};
  const double_norm reference{few, s};
  CHECK(apart(s.norm(few, phase::training), reference.y) < 2e-6);
  started other{16};
  CHECK_FALSE(other.norm.pending(planes, phase::training).is_pending());
  CHECK_FALSE(other.norm.pending(maps({2, 16, 4, 4}, 3), phase::evaluation).is_pending());
  CHECK_THROWS_AS((void)other.norm.pending(maps({1, 16, 1, 1}, 3), phase::training),
                  std::invalid_argument);
}

TEST_CASE("a batch can be differentiated after later batches have moved the running statistics")
{
  const auto channels_last = maps({2, 16, 4, 4}, 3);
  const auto planes = channels_last.detach().contiguous().set_requires_grad(true);
  for (const auto& first : {planes, channels_last})
    for (const auto& second : {planes, channels_last}) {
      started s{16}, alone{16};
      const auto y = s.norm(first, phase::training);
      const auto mean = s.mean.clone();
      (void)s.norm(second, phase::training);
      CHECK_FALSE(s.mean.equal(mean));
      const auto found = gradients(y, {first, s.weight, s.bias});
      const auto wanted =
          gradients(alone.norm(first, phase::training), {first, alone.weight, alone.bias});
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i].equal(wanted[i]));
    }
}

TEST_CASE("a backward pass that reads running statistics refuses to read moved ones")
{
  const auto channels_last = maps({2, 16, 4, 4}, 3);
  const auto planes = channels_last.detach().contiguous().set_requires_grad(true);
  for (const auto& second : {planes, channels_last}) {
    started s{16};
    const auto y = s.norm(planes, phase::evaluation);
    (void)s.norm(second, phase::training);
    CHECK_THROWS_AS((void)gradients(y, {planes}), c10::Error);
  }
}

TEST_CASE("statistics and gradients do not depend on the number of threads")
{
  const int before = at::get_num_threads();
  std::vector<std::vector<torch::Tensor>> all;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    const auto x = maps({8, 16, 40, 40}, 4);
    started s{16};
    const auto y = s.norm(x, phase::training);
    all.push_back(gradients(y, {x, s.weight, s.bias}));
    for (const auto& t : {y, s.mean, s.variance}) all.back().push_back(t);
  }
  at::set_num_threads(before);
  for (const auto& other : all)
    for (std::size_t i = 0; i < other.size(); ++i) CHECK(torch::equal(other[i], all[0][i]));
}

TEST_CASE("every instruction set gives the same bits")
{
  namespace kernels = rw::detail::norm_kernels;
  const std::size_t channels = 48, rows = 301, count = channels * rows;
  torch::manual_seed(5);
  const auto numbers = [&] { return torch::randn({static_cast<std::int64_t>(count)}); };
  const auto x = numbers(), beside = numbers(), g = numbers(), lines = torch::rand({5, 48}) + 0.1;
  const auto bytes =
      torch::randint(0, 16, {static_cast<std::int64_t>(count)}, torch::kByte).contiguous();
  const auto* const line = lines.const_data_ptr<float>();
  kernels::rows_of_channels of{x.const_data_ptr<float>(), rows, channels, line, line + channels,
                               line + 2 * channels};
  const rw::detail::quant_kernels::code_map map{0.0F, 0.0F, 1.5F, 10.0F, 2};
  std::vector<float> values[2], back[2], passed[2];
  std::vector<std::uint8_t> codes[2];
  std::vector<double> sums[2];
  std::uint32_t largest[2];
  float least = 0.0F;
  const auto run = [&](const kernels::kernel_set& passes, int into) {
    values[into].assign(count, 0.0F);
    back[into] = passed[into] = values[into];
    codes[into].assign(count, 0);
    sums[into].assign(5 * channels, 0.0);
    passes.values(of, least, values[into].data());
    largest[into] = passes.codes(of, map, codes[into].data());
    double* const s = sums[into].data();
    passes.moments(of, {.plain = s, .centered = s + channels});
    const kernels::gradient_pass by{g.const_data_ptr<float>(), 0.0F, 1.5F,
                                    passed[into].data(),       true, map};
    passes.sums(of, by, {s + 2 * channels, s + 3 * channels, s + 4 * channels});
    passes.back(of, by, line + 3 * channels, line + 4 * channels, back[into].data());
  };
  const auto same = [](const auto& a, const auto& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(a[0])) == 0;
  };
  for (int kind = 0; kind < 3; ++kind) {
    of.beside = {};
    least = kind == 2 ? 0.0F : -std::numeric_limits<float>::infinity();
    if (kind == 1) of.beside.numbers = beside.const_data_ptr<float>();
    if (kind == 2) of.beside = {nullptr, bytes.const_data_ptr<std::uint8_t>(), 3.0F, 0.1F, -0.2F};
    const auto all = kernels::runnable();
    run(*all.front(), 0);
    CHECK(largest[0] > 0);
    for (const auto* passes : all) {
      CAPTURE(passes->name);
      run(*passes, 1);
      CHECK(same(values[1], values[0]));
      CHECK(same(codes[1], codes[0]));
      CHECK(same(sums[1], sums[0]));
      CHECK(same(passed[1], passed[0]));
      CHECK(same(back[1], back[0]));
      CHECK(largest[1] == largest[0]);
    }
  }
}

namespace {

/// Compares a sum that is quantized as it is computed (fused) with one that is stored first:
/// codes and gradients agree.
template<typename State>
void check_fused(const State& state, bit_width bits, int kind)
{
  CAPTURE(kind);
  const auto x = maps({4, 32, 9, 8}, 11, 0.2);
  const auto numbers = maps({4, 32, 9, 8}, 12, 0.0, 0.4);
  const rw::dorefa::activations before;
  std::vector<torch::Tensor> codes;
  std::vector<std::vector<torch::Tensor>> found;
  for (const bool fused : {true, false}) {
    started s{32};
    auto sum = s.norm.pending(x, phase::training);
    REQUIRE(sum.is_pending());
    if (kind == 1) sum = std::move(sum).plus(numbers * 1.0);
    if (kind == 2) sum = std::move(sum).plus(before(numbers, bit_width{3}));
    REQUIRE(sum.is_pending());
    const auto q = fused ? sum.codes(*state.steps(x.sizes(), bits)) : state(sum.tensor(), bits);
    CHECK((q.levels.scalar_type() == torch::kByte));
    codes.push_back(q.levels);
    std::vector<torch::Tensor> of{x, s.weight, s.bias};
    if (kind != 0) of.push_back(numbers);
    if constexpr (requires { state.step(); }) of.push_back(state.step());
    if constexpr (requires { state.clip(); }) of.push_back(state.clip());
    found.push_back(gradients(q.gradient_proxy, of));
    const auto again = gradients(q.gradient_proxy, of, true);  // by tensor operations
    for (std::size_t i = 0; i < of.size(); ++i) CHECK(apart(again[i], found.back()[i]) < 1e-5);
  }
  CHECK(torch::equal(codes[0], codes[1]));
  CHECK(codes[0].max().template item<int>() > 0);
  const std::size_t maps_and_lines = kind == 0 ? 3 : 4;
  for (std::size_t i = 0; i < found[0].size(); ++i)
    if (i < maps_and_lines)
      CHECK(torch::equal(found[0][i], found[1][i]));
    else
      CHECK(apart(found[0][i], found[1][i]) < 1e-5);  // a step's gradient has another order of sums
}

/// DoReFa without `steps`: every sum is stored before it is quantized.
struct unfused_dorefa {
  static constexpr std::string_view name = "unfused dorefa";
  static constexpr bool rectifies = true;

  struct activations {
    static constexpr bool has_state = false;
    [[nodiscard]] rw::quantized operator()(const torch::Tensor& x, bit_width bits) const
    {
      return rw::dorefa::activations{}(x, bits);
    }
  };
  [[nodiscard]] rw::dorefa::weights start_weights(const rw::layer_id&) const { return {}; }
  [[nodiscard]] activations start_activations(const rw::layer_id&) const { return {}; }
};

static_assert(rw::detail::SaysItsSteps<rw::dorefa::activations>);
static_assert(!rw::detail::SaysItsSteps<unfused_dorefa::activations>);

template<typename Network>
std::map<std::string, torch::Tensor> step_of(Network& n, const rw::batch& examples, bool features)
{
  const auto answer = n.forward(examples, features ? n.offered_taps : rw::taps{});
  auto loss = answer.logits.square().sum();
  for (const auto& [id, value] : answer.features) loss = loss + value.square().mean();
  loss.backward();
  std::map<std::string, torch::Tensor> all{{"logits", answer.logits.detach()}};
  for (const auto& p : n.parameters()) all[p.name] = p.value.grad();
  for (const auto& p : n.buffers()) all[p.name] = p.value;
  return all;
}

}  // namespace

TEST_CASE("quantizing where the sum is made gives the bits of quantizing the sum")
{
  rw::lsq_activations<rw::code_signs::unsigned_codes> lsq{rw::step_gradient_count::numel};
  CHECK_FALSE(lsq.steps({1}, bit_width{4}));
  lsq.observe(maps({4, 32, 9, 8}, 13), bit_width{4});
  rw::pact_activations pact{{.clip = std::nullopt, .decay = 0.01}};
  CHECK_FALSE(pact.steps({1}, bit_width{4}));
  pact.observe(maps({4, 32, 9, 8}, 13), bit_width{4});
  for (const int kind : {0, 1, 2}) {
    check_fused(rw::dorefa::activations{}, bit_width{2}, kind);
    check_fused(lsq, bit_width{4}, kind);
    check_fused(pact, bit_width{4}, kind);
  }
  // The gradient of the paper has another sum.
  CHECK_FALSE(
      rw::pact_activations{{.clip = 1.0, .decay = 0.0, .gradient = rw::pact_gradient::clip_only}}
          .steps({1}, bit_width{4}));
}

TEST_CASE(
    "batch norm by running statistics is fused without a graph, and LibTorch's, up to rounding")
{
  const auto x = maps({4, 32, 9, 8}, 17, 0.2).detach();
  const auto beside = maps({4, 32, 9, 8}, 18).detach();
  started s{32};
  (void)s.norm(x, phase::training);
  auto with_graph = s.norm.pending(x, phase::evaluation);
  CHECK_FALSE(with_graph.is_pending());  // weights may learn from it
  const torch::NoGradGuard without_graph;
  const auto kept = x.clone(), kept_beside = beside.clone();
  auto sum = s.norm.pending(x, phase::evaluation);
  REQUIRE(sum.is_pending());
  CHECK(torch::equal(s.norm(x, phase::evaluation), with_graph.tensor()));
  CHECK(apart(with_graph.tensor(), at::batch_norm(x, s.weight, s.bias, s.mean, s.variance, false,
                                                  0.1, 1e-5, false)) < 1e-6);
  const auto wanted = (s.norm(x, phase::evaluation) + beside).relu();
  CHECK(torch::equal(std::move(sum).plus(beside).rectified(), wanted));
  CHECK(torch::equal(x, kept));  // memory that others see is not written
  CHECK(torch::equal(beside, kept_beside));
  const auto of_temporary = s.norm.pending(x * 1.0, phase::evaluation).plus(beside).rectified();
  CHECK(torch::equal(of_temporary, wanted));
}

TEST_CASE("rectifying where the sum is made gives the bits of rectifying the sum")
{
  const auto x = maps({4, 32, 9, 8}, 15, 0.2);
  const auto numbers = maps({4, 32, 9, 8}, 16, 0.0, 0.4);
  const rw::dorefa::activations before;
  for (const int kind : {0, 1, 2}) {
    CAPTURE(kind);
    std::vector<torch::Tensor> values;
    std::vector<std::vector<torch::Tensor>> found;
    for (const bool fused : {true, false}) {
      started s{32};
      auto sum = s.norm.pending(x, phase::training);
      if (kind == 1) sum = std::move(sum).plus(numbers * 1.0);
      if (kind == 2) sum = std::move(sum).plus(before(numbers, bit_width{3}));
      REQUIRE(sum.is_pending());
      const auto y = fused ? std::move(sum).rectified() : sum.tensor().relu();
      values.push_back(y);
      std::vector<torch::Tensor> of{x, s.weight, s.bias};
      if (kind != 0) of.push_back(numbers);
      found.push_back(gradients(y, of));
      const auto again = gradients(y, of, true);  // by tensor operations
      for (std::size_t i = 0; i < of.size(); ++i) CHECK(apart(again[i], found.back()[i]) < 1e-5);
    }
    CHECK(values[0].min().item<float>() == 0.0F);
    CHECK(values[0].max().item<float>() > 1.0F);
    CHECK(torch::equal(values[0], values[1]));
    for (std::size_t i = 0; i < found[0].size(); ++i) CHECK(torch::equal(found[0][i], found[1][i]));
  }
}

TEST_CASE("what is not a number stays so where a sum is rectified")
{
  auto x = maps({2, 16, 4, 4}, 14).detach();
  x[1][3][2][1] = std::numeric_limits<float>::quiet_NaN();
  started s{16};
  const auto y = s.norm.pending(x, phase::training).rectified();
  CHECK(y.select(1, 3).isnan().all().item<bool>());
  CHECK_FALSE(y.select(1, 2).isnan().any().item<bool>());
}

TEST_CASE("what is not a number is refused before it becomes a code")
{
  auto x = maps({2, 16, 4, 4}, 14).detach();
  x[1][3][2][1] = std::numeric_limits<float>::quiet_NaN();
  started s{16};
  const auto sum = s.norm.pending(x, phase::training);
  CHECK_THROWS_AS((void)sum.codes(*rw::dorefa::activations{}.steps(x.sizes(), bit_width{2})),
                  std::runtime_error);
}

TEST_CASE("networks give the same bits whether or not they store their sums")
{
  const rw::sample_shape shape{.channels = 3, .height = 16, .width = 12, .classes = 5};
  torch::manual_seed(3);
  const rw::batch examples{
      torch::randn({6, 3, 16, 12}), torch::zeros(6, torch::kLong), torch::arange(6), {}};
  const auto check = [&](auto one, auto other, bool features) {
    const auto a = step_of(one, examples, features), b = step_of(other, examples, features);
    REQUIRE(a.size() == b.size());
    for (const auto& [name, value] : a) {
      CAPTURE(name);
      if (features && name != "logits")
        CHECK(apart(value, b.at(name)) < 1e-5);  // gradients are added in another order
      else
        CHECK(torch::equal(value, b.at(name)));
    }
  };
  for (const bool features : {false, true}) {
    check(rw::resnet8(shape, rw::dorefa{}, rw::inner_bits<2>),
          rw::resnet8(shape, unfused_dorefa{}, rw::inner_bits<2>), features);
    check(rw::wide_resnet(10, 1, shape, rw::dorefa{}, rw::inner_bits<3>),
          rw::wide_resnet(10, 1, shape, unfused_dorefa{}, rw::inner_bits<3>), features);
  }
}
