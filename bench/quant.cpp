// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: quantizer throughput on one thread, against the same formula in eager LibTorch and
// against LibTorch's fake quantization: forward pass to codes (LibTorch's: to values), and backward
// pass from a given gradient of the values to x and the range.

#include "support/measure.hpp"

#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/pact.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

const rw::layer_id place{"layer", rw::layer_kind::convolution, 1, 3};
constexpr int repetitions = 15;

/// Straight-through rounding: `x - x.detach() + x.round()` without the two extra passes.
struct round_through : torch::autograd::Function<round_through> {
  static torch::Tensor forward(torch::autograd::AutogradContext*, const torch::Tensor& x)
  {
    return x.round();
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext*,
                                                 torch::autograd::variable_list gradient)
  {
    return gradient;
  }
};

torch::Tensor rounded(const torch::Tensor& x) { return round_through::apply(x); }

torch::Tensor eager_dorefa_weights(const torch::Tensor& w, double n)
{
  const auto t = w.tanh();
  return 2 * (rounded((t / (2 * t.abs().max()) + 0.5) * n) / n) - 1;
}

torch::Tensor eager_dorefa_one_bit(const torch::Tensor& w)
{
  const auto values = torch::where(w.ge(0), 1.0, -1.0).to(torch::kFloat) * w.abs().mean().detach();
  return w + (values - w).detach();
}

torch::Tensor eager_lsq(const torch::Tensor& v, const torch::Tensor& step, double low, double high)
{
  const double g = 1 / std::sqrt(static_cast<double>(v.numel()) * high);
  const auto s = (step - g * step).detach() + g * step;
  return rounded((v / s).clamp(low, high)) * s;
}

torch::Tensor eager_lsq_plus(const torch::Tensor& x, const torch::Tensor& step,
                             const torch::Tensor& offset, double n)
{
  const double g = 1 / std::sqrt(static_cast<double>(x.numel()) * n);
  const auto s = (step - g * step).detach() + g * step;
  const auto b = (offset - g * offset).detach() + g * offset;
  return rounded(((x - b) / s).clamp(0, n)) * s + b;
}

torch::Tensor eager_pact(const torch::Tensor& x, const torch::Tensor& clip, double n)
{
  const auto y = torch::minimum(x.relu(), clip);
  return rounded(y / clip * n) * (clip / n);
}

torch::Tensor learned(double value) { return torch::full({}, value).set_requires_grad(true); }

/// Forward and backward pass of `values`, with gradients of x and the ranges.
template<typename Values>
void pass(const Values& values, const std::vector<torch::Tensor>& inputs, const torch::Tensor& g)
{
  (void)torch::autograd::grad({values()}, inputs, {g});
}

template<typename Ours, typename Eager>
void against(const std::string& name, double goal, const torch::Tensor& g,
             const std::vector<torch::Tensor>& of_ours, const Ours& ours,
             const std::vector<torch::Tensor>& of_eager, const Eager& eager)
{
  bench::print(bench::compare(
      name, goal, repetitions, [&] { pass([&] { return ours().gradient_proxy; }, of_ours, g); },
      [&] { pass(eager, of_eager, g); }));
}

void weights(const std::string& shape, torch::Tensor w)
{
  w = w.set_requires_grad(true);
  const auto g = torch::randn_like(w).detach();
  const auto dorefa = rw::dorefa{}.start_weights(place);
  for (const int bits : {4, 8})
    against(
        "DoReFa weights " + shape + ", " + std::to_string(bits) + " bits",
        shape == "512x512x3x3" ? 8.0 : 1.0, g, {w}, [&] { return dorefa(w, rw::bit_width{bits}); },
        {w}, [&] { return eager_dorefa_weights(w, std::exp2(bits) - 1); });
  against(
      "DoReFa weights " + shape + ", 1 bit", 1.0, g, {w},
      [&] { return dorefa(w, rw::bit_width{1}); }, {w}, [&] { return eager_dorefa_one_bit(w); });

  auto lsq = rw::lsq{}.start_weights(place);
  lsq.observe(w, rw::bit_width{4});
  const auto step = learned(lsq.step().item<double>());
  against(
      "LSQ weights " + shape + ", 4 bits", shape == "512x512x3x3" ? 6.0 : 1.0, g, {w, lsq.step()},
      [&] { return lsq(w, rw::bit_width{4}); }, {w, step},
      [&] { return eager_lsq(w, step, -8, 7); });
}

}  // namespace

int main(int argc, char** argv)
{
  (void)bench::is_short(argc, argv);  // short enough as it is
  at::set_num_threads(1);
  torch::manual_seed(0);
  weights("512x512x3x3", torch::randn({512, 512, 3, 3}) * 0.02);
  weights("64x64x3x3", torch::randn({64, 64, 3, 3}) * 0.06);

  const auto x = torch::randn({128, 64, 16, 16}).set_requires_grad(true);
  const auto g = torch::randn_like(x).detach();
  const std::string shape = " 128x64x16x16, 4 bits";
  const rw::bit_width bits{4};

  const auto dorefa = rw::dorefa{}.start_activations(place);
  against(
      "DoReFa activations" + shape, 8.0, g, {x}, [&] { return dorefa(x, bits); }, {x},
      [&] { return rounded(x.clamp(0, 1) * 15) / 15; });

  auto lsq = rw::lsq{}.start_activations(place);
  lsq.observe(x, bits);
  const auto step = learned(lsq.step().item<double>());
  const auto by_lsq = [&] { return lsq(x, bits); };
  against("LSQ activations" + shape, 8.0, g, {x, lsq.step()}, by_lsq, {x, step},
          [&] { return eager_lsq(x, step, 0, 15); });

  auto plus = rw::lsq_plus{.start = rw::range_start::min_max}.start_activations(place);
  plus.observe(x, bits);
  const auto its_step = learned(plus.step().item<double>());
  const auto its_offset = learned(plus.offset().item<double>());
  against(
      "LSQ+ activations" + shape, 1.0, g, {x, plus.step(), plus.offset()},
      [&] { return plus(x, bits); }, {x, its_step, its_offset},
      [&] { return eager_lsq_plus(x, its_step, its_offset, 15); });

  for (const auto which : {rw::pact_gradient::exact, rw::pact_gradient::clip_only}) {
    const auto pact = rw::pact{.clip = 2, .gradient = which}.start_activations(place);
    const auto clip = learned(2);
    against(
        std::string{"PACT activations"} + shape +
            (which == rw::pact_gradient::exact ? "" : ", the paper's gradient"),
        1.0, g, {x, pact.clip()}, [&] { return pact(x, bits); }, {x, clip},
        [&] { return eager_pact(x, clip, 15); });
  }

  const double s = lsq.step().item<double>();
  against("LSQ activations" + shape + ", against fake_quantize_per_tensor_affine", 6.0, g,
          {x, lsq.step()}, by_lsq, {x},
          [&] { return at::fake_quantize_per_tensor_affine(x, s, 0, 0, 15); });
  auto rows = rw::lsq{.per_channel = true}.start_weights(place);
  rows.begin(x);
  rows.observe(x, bits);
  const auto scales = rows.step().detach().flatten().clone();
  const auto zeros = torch::zeros({128}, torch::kInt);
  against(
      "LSQ per channel" + shape + ", against fake_quantize_per_channel_affine", 6.0, g,
      {x, rows.step()}, [&] { return rows(x, bits); }, {x},
      [&] { return at::fake_quantize_per_channel_affine(x, scales, zeros, 0, -8, 7); });
}
