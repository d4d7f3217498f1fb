// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `linear` layer, with bias: the classifier, and the layers of a transformer.

#include <rolewise/network/activation.hpp>
#include <rolewise/network/detail/last_arithmetic.hpp>
#include <rolewise/network/detail/last_positions.hpp>
#include <rolewise/network/detail/quantized_product.hpp>
#include <rolewise/network/quantized_weight.hpp>
#include <rolewise/network/weight_init.hpp>

#include <cstdint>

namespace rolewise {

/// Linear layer with weights `[O, D]` and bias `[O]`, on vectors `[N, D]`, or `[N, L, D]` and any
/// other axes between.
///
/// It quantizes its own input, which is rectified unless its place in the plan says
/// `layer_input::has_signs`. Signed inputs are quantized only by quantizers of signed activations
/// (`quantizes_signs`) and otherwise stay in floating point, also in reports. The layer stays in at
/// least single precision when the network is cast to 16 bits: logits are differences of large
/// numbers, and the layer is cheap.
template<Quantizer Q>
class linear {
 public:
  linear(const Q& q, const planned_layer& plan, std::int64_t in, std::int64_t out,
         const weight_init& start)
      : weight_{q, plan, start.of_linear(plan.place.name, out, in)},
        bias_{start.of_bias(plan.place.name, out, in).set_requires_grad(true)},
        input_{q, plan}
  {}

  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when)
  {
    std::int64_t positions = 1;
    for (std::int64_t axis = 1; axis < x.dim() - 1; ++axis) positions *= x.size(axis);
    positions_.set(positions);
    if constexpr (changes_nothing<Q>()) {
      return at::linear(x, weight_.latent(), bias_);
    } else {
      if (x.dim() == 2) return of_rows(x, when);
      auto sizes = x.sizes().vec();
      const auto y = of_rows(x.reshape({-1, sizes.back()}), when);
      sizes.back() = y.size(1);
      return y.view(sizes);
    }
  }

  [[nodiscard]] detail::traced_logits operator()(const detail::traced_vector& x, phase) const
  {
    return {x.map, weight_.report().place.name, weight_.latent(), bias_};
  }

  [[nodiscard]] layer_report report() const
  {
    auto report = weight_.report();
    report.positions = positions_.get().value_or(1);
    report.arithmetic = changes_nothing<Q>() ? layer_arithmetic::full_precision : arithmetic_.get();
    return report;
  }

  void cast(torch::ScalarType type)
  {
    if (c10::isReducedFloatingType(type)) type = torch::kFloat;
    weight_.cast(type);
    bias_ = bias_.detach().to(type).set_requires_grad(bias_.requires_grad());
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    weight_.visit_state(archive);
    archive.parameter("bias", bias_);
    archive.part("input", input_);
  }

 private:
  /// @param x `[N, D]`
  [[nodiscard]] torch::Tensor of_rows(const torch::Tensor& x, phase when)
  {
    const auto in = input_.of_rectified(x, when);
    const auto kept = weight_(when);
    if (is_plain(in) && is_plain(kept->weight)) {
      arithmetic_.set(layer_arithmetic::full_precision);
      return at::linear(in.levels, kept->weight.levels, bias_);
    }
    const auto vectors = with_gradient_proxy(in), weights = with_gradient_proxy(kept->weight);
    detail::require_factorable(vectors, weights);
    detail::product_plan plan{
        .integers = detail::integer_plan_of(vectors, weights, vectors.gradient_proxy, x.size(1))};
    arithmetic_.set(plan.integers.arithmetic);
    if (plan.integers.is_integer())
      plan.packed = weight_.packed(kept, [&](const quantized& w) {
        return detail::integer_operators::found().pack_linear(detail::codes_of_weights(w),
                                                              x.sizes());
      });
    return detail::quantized_linear_of(vectors, weights, plan) + bias_;
  }

  quantized_weight<Q> weight_;
  torch::Tensor bias_;
  activation<Q> input_;
  detail::last_arithmetic arithmetic_;
  detail::last_positions positions_;
};

}  // namespace rolewise
