// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `convolution` layer, on tensors or quantized levels.

#include <rolewise/network/activation.hpp>
#include <rolewise/network/batch_norm.hpp>
#include <rolewise/network/convolution_shape.hpp>
#include <rolewise/network/detail/convolution_of.hpp>
#include <rolewise/network/detail/folded.hpp>
#include <rolewise/network/detail/last_arithmetic.hpp>
#include <rolewise/network/detail/last_positions.hpp>
#include <rolewise/network/detail/quantized_convolution.hpp>
#include <rolewise/network/quantized_weight.hpp>
#include <rolewise/network/weight_init.hpp>
#include <rolewise/quant/gradient_quantizer.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise {

/// Convolution of `[N, I, H, W]` with weights `[O, I / groups, K, K]` and, if its shape has one, a
/// bias `[O]`, which is never quantized and has at least single precision. The weights of all
/// groups are one tensor to the quantizer, and share its scale where it has one for a layer.
///
/// With a quantizer, levels are multiplied and the sum is scaled once. While the sum of
/// |level * level| stays below 2^24 it is exact in single precision, in any order, so integer and
/// floating-point levels give the same result (`integer_forward_support`).
///
/// With a `GradientQuantizer`, in training, the gradient of the output is quantized before the
/// convolution's backward pass.
template<Quantizer Q>
class convolution {
 public:
  /// @throws std::invalid_argument if the channels of the shape do not divide into its groups
  convolution(const Q& q, const planned_layer& plan, const convolution_shape& shape,
              const weight_init& start)
      : shape_{detail::with_right_groups(plan.place.name, shape)},
        weight_{
            q, plan,
            start.of_convolution(plan.place.name, shape.out, shape.in_of_group(), shape.kernel)},
        gradients_{detail::gradient_state_of(q, plan.place)}
  {
    if (shape.bias)
      bias_ =
          start.of_convolution_bias(plan.place.name, shape.out, shape.in_of_group(), shape.kernel)
              .set_requires_grad(true);
  }

  [[nodiscard]] torch::Tensor operator()(const carried<Q>& x, phase when)
  {
    return on_backward(plus(product(x, when), bias_), when);
  }

  [[nodiscard]] detail::traced_map operator()(const detail::traced_map& x, phase) const
  {
    const auto one_each =
        torch::TensorOptions{}.dtype(torch::kFloat).device(weight_.latent().device());
    return x.through(folded(at::ones(shape_.out, one_each), at::zeros(shape_.out, one_each)));
  }

  /// The convolution followed by batch norm. A folded batch norm is folded into low-bit weights
  /// in every phase, into full-precision weights only in evaluation, as it changes their result
  /// only by rounding.
  [[nodiscard]] detail::deferred_batch_norm normalized(const carried<Q>& x, batch_norm& norm,
                                                       phase when)
  {
    if constexpr (takes_folded_weights<Q>())
      if (norm.is_folded() && (is_as_asked(when) || !is_full())) {
        const auto folded_bias = bias_.defined() ? bias_ * norm.folding() : bias_;
        auto y = on_backward(plus(product(x, when, &norm), folded_bias), when);
        if (is_as_asked(when)) return norm.of_folded(std::move(y));
        if constexpr (!changes_nothing<Q>()) return norm.of_folded(y, unfolded(x), when);
      }
    return norm.pending((*this)(x, when), when);
  }

  [[nodiscard]] detail::traced_map normalized(const detail::traced_map& x, const batch_norm& norm,
                                              phase) const
  {
    return x.through(folded(norm.factor(), norm.shift()));
  }

  /// The convolution alone, without bias and gradient quantization.
  /// @param norm the batch norm to fold into the weights; null for none
  [[nodiscard]] torch::Tensor product(const carried<Q>& x, phase when, batch_norm* norm = nullptr)
  {
    auto y = product_of(x, when, norm);
    positions_.set(y.size(2) * y.size(3));
    return y;
  }

  [[nodiscard]] layer_report report() const
  {
    auto report = weight_.report();
    report.positions = positions_.get();
    report.arithmetic = changes_nothing<Q>() ? layer_arithmetic::full_precision : arithmetic_.get();
    return report;
  }
  void cast(torch::ScalarType type)
  {
    weight_.cast(type);
    if (!bias_.defined()) return;
    if (c10::isReducedFloatingType(type)) type = torch::kFloat;
    bias_ = bias_.detach().to(type).set_requires_grad(bias_.requires_grad());
  }
  void set_precision(const pass_precisions& passes) { passes_ = passes; }

  /// See `visit_normalized`.
  void show_with(batch_norm* norm) { weight_.show_with(norm); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    weight_.visit_state(archive);
    if (bias_.defined()) archive.parameter("bias", bias_);
    if constexpr (GradientQuantizer<Q>) visit_part(archive, "gradients", gradients_);
  }

 private:
  using gradient_state = decltype(detail::gradient_state_of(std::declval<const Q&>(), layer_id{}));

  /// The convolution with a factor per output channel and a bias folded in, in full precision.
  [[nodiscard]] detail::folded_convolution folded(const torch::Tensor& factor,
                                                  const torch::Tensor& bias) const
  {
    const auto place = weight_.report().place;
    return {place.name, weight_.latent().detach() * factor.view({-1, 1, 1, 1}),
            bias_.defined() ? bias + factor * bias_.detach() : bias, shape_, place.kind};
  }

  [[nodiscard]] torch::Tensor product_of(const carried<Q>& x, phase when, batch_norm* norm)
  {
    if constexpr (changes_nothing<Q>()) {
      return detail::convolution_of(x, weight_.folded(norm), detail::geometry_of(shape_, x),
                                    passes_);
    } else {
      const auto in = with_gradient_proxy(x);
      const auto over = detail::geometry_of(shape_, in.gradient_proxy);
      const auto kept = weight_(when, norm);
      if (is_plain(x) && is_plain(kept->weight)) {
        arithmetic_.set(layer_arithmetic::full_precision);
        return detail::convolution_of(x.levels, kept->weight.levels, over, passes_);
      }
      const auto weights = with_gradient_proxy(kept->weight);
      detail::require_factorable(in, weights);
      const auto plan = plan_of(in, kept, over);
      return detail::quantized_convolution_of(in, weights, over, plan);
    }
  }

  [[nodiscard]] bool is_full() const { return changes_nothing<Q>() || weight_.is_full(); }

  /// y plus a value for each channel, in place; y itself if there are none.
  [[nodiscard]] static torch::Tensor plus(torch::Tensor y, const torch::Tensor& each)
  {
    return each.defined() ? y.add_(each.to(y.scalar_type()).view({1, -1, 1, 1})) : y;
  }

  [[nodiscard]] torch::Tensor on_backward(torch::Tensor y, phase when)
  {
    if constexpr (GradientQuantizer<Q>)
      if (when == phase::training) return gradients_(y);
    return y;
  }

  /// The convolution with full-precision weights and bias, without folding.
  [[nodiscard]] torch::Tensor unfolded(const quantized& x) const
  {
    const auto values = x.values();
    return plus(detail::convolution_of(values, weight_.latent().to(values.scalar_type()),
                                       detail::geometry_of(shape_, values), passes_),
                bias_);
  }

  /// Selects the arithmetic, and packs the weights if it is integer.
  template<typename Kept>
  [[nodiscard]] detail::product_plan plan_of(const quantized& x, const Kept& kept,
                                             const detail::convolution_geometry& over)
  {
    detail::product_plan plan{.integers = detail::integer_plan_of(x, kept->weight, x.gradient_proxy,
                                                                  shape_.fan_in(), shape_.groups),
                              .backward = passes_.backward};
    arithmetic_.set(plan.integers.arithmetic);
    if (plan.integers.is_integer())
      plan.packed = weight_.packed(kept, [&](const quantized& w) {
        // A kernel larger than the feature map fits only the padded map.
        const auto& packs = detail::integer_operators::found();
        const auto codes = detail::codes_of_weights(w);
        const auto& sizes = x.levels.sizes();
        return over.is_even() ? packs.pack_convolution(codes, over.stride, over.rows.before,
                                                       over.groups, sizes)
                              : packs.pack_convolution(codes, over.stride, 0, over.groups,
                                                       detail::sizes_with_margins(sizes, over));
      });
    return plan;
  }

  convolution_shape shape_;
  quantized_weight<Q> weight_;
  torch::Tensor bias_;  ///< undefined without one
  [[no_unique_address]] gradient_state gradients_;
  pass_precisions passes_{};
  detail::last_arithmetic arithmetic_;
  detail::last_positions positions_;
};

/// Visits a convolution and the batch norm after it. Archives that read levels receive the
/// weights with the batch norm folded in, if it is.
template<typename Archive, Quantizer Q>
void visit_normalized(Archive& archive, std::string_view layer, convolution<Q>& of_layer,
                      std::string_view normalization, batch_norm& norm)
{
  of_layer.show_with(norm.is_folded() ? &norm : nullptr);
  archive.part(layer, of_layer);
  of_layer.show_with(nullptr);
  archive.part(normalization, norm);
}

}  // namespace rolewise
