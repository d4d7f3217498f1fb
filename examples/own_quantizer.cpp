// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A quantizer of your own: a template for experiments on low-bit students.
//
//     build/test/examples/own_quantizer
//
// trains a 3-bit student under the quantizer below and prints accuracy and size.

#include <rolewise/rolewise.hpp>

#include <torch/types.h>

#include <cstdint>
#include <iostream>

namespace rw = rolewise;

// [quantizer]
namespace mine {

/// Straight-through estimator: the value of `levels`, with the gradient of the identity in `x`. The
/// difference that is added is an exact zero, so levels stay whole numbers.
torch::Tensor straight_through(const torch::Tensor& x, const torch::Tensor& levels)
{
  return levels.detach() + (x - x.detach());
}

/// Symmetric levels -n .. n times a scale from the largest absolute weight (with 1 bit, -1 and 1);
/// activations are clipped to [0, 4]. The range of the integer levels lets layers multiply
/// integers.
struct plain_uniform {
  static constexpr std::string_view name = "plain-uniform";
  static constexpr bool has_state = false;

  struct weights {
    static constexpr bool has_state = false;  // with a learned range: define visit_state

    rw::quantized operator()(const torch::Tensor& w, rw::bit_width bits) const
    {
      if (bits.is_full()) return {.levels = w};
      const bool is_binary = bits.value() == 1;
      const auto n = is_binary ? 1 : (std::int64_t{1} << (bits.value() - 1)) - 1;
      const auto step = (w.detach().abs().amax() / static_cast<double>(n)).clamp_min(1e-12);
      const auto x = w / step;
      return {.levels = straight_through(x, is_binary ? x.ge(0).to(x.dtype()) * 2 - 1 : x.round()),
              .scale = step,
              .is_integer = true,
              .range = rw::level_range{.lowest = -n, .highest = n}};  // without: no integers
    }
  };

  struct activations {
    static constexpr bool has_state = false;

    rw::quantized operator()(const torch::Tensor& x, rw::bit_width bits) const
    {
      if (bits.is_full()) return {.levels = x.relu()};
      const auto n = (std::int64_t{1} << bits.value()) - 1;
      const double step = 4.0 / static_cast<double>(n);
      const auto clipped = x.clamp(0, 4) / step;
      return {.levels = straight_through(clipped, clipped.round()),
              .scale = torch::full({}, step, x.options()),
              .is_integer = true,
              .range = rw::level_range{.lowest = 0, .highest = n}};
    }
  };

  weights start_weights(const rw::layer_id&) const { return {}; }
  activations start_activations(const rw::layer_id&) const { return {}; }
};

static_assert(rw::Quantizer<plain_uniform>);

}  // namespace mine
// [/quantizer]

int main()
{
  const auto data = rw::glyphs({.classes = 10, .train = 1500, .test = 500, .seed = rw::seed{1}});

  // [use]
  rw::supervised pretraining{.student =
                                 rw::resnet8(data.shape, mine::plain_uniform{}, rw::inner_bits<3>)};
  rw::fit(pretraining, data.train, {.epochs = 4, .batch_size = 64});
  // [/use]

  std::cout << "accuracy " << rw::accuracy(pretraining.student, data.test) << " in "
            << pretraining.student.bytes() << " bytes\n";
  for (const auto& layer : pretraining.student.layers())
    std::cout << layer.place.name << ": " << layer.widths.weights.value() << " bits, "
              << layer.weights << " weights, " << rw::name(layer.arithmetic) << '\n';
  rw::require_written();
}
