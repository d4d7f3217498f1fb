// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Convolution without bias, of tensors or of levels.

#include <rolewise/network/activation.hpp>
#include <rolewise/network/detail/quantised_product.hpp>
#include <rolewise/network/first_weights.hpp>
#include <rolewise/network/quantised_weight.hpp>
#include <rolewise/quant/gradient_quantizer.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace rolewise {

enum class padding_rule {
  symmetric,  ///< kernel / 2 on every side
  same        ///< TensorFlow's SAME: ceil(size / stride) outputs, the odd pixel at the far side
};

struct convolution_shape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t kernel = 3;
  std::int64_t stride = 1;
  padding_rule padding = padding_rule::symmetric;
};

namespace detail {

[[nodiscard]] constexpr margins same_padding(std::int64_t size, std::int64_t kernel,
                                             std::int64_t stride)
{
  const auto outputs = (size + stride - 1) / stride;
  const auto all = std::max<std::int64_t>((outputs - 1) * stride + kernel - size, 0);
  return {all / 2, all - all / 2};
}

}  // namespace detail

/// Weights `[O, I, K, K]` on `[N, I, H, W]`.
///
/// With a quantizer levels are multiplied and the sum is scaled once: while the sum of
/// |level * level| stays below 2^24 it is exact in single precision, in any order.
///
/// With a `GradientQuantizer` the gradient of what it gives is quantised before its backward pass.
template<Quantizer Q>
class convolution {
 public:
  convolution(const Q& q, const planned_layer& plan, const convolution_shape& shape,
              const first_weights& start)
      : weight_{q, plan, start.of_convolution(plan.place.name, shape.out, shape.in, shape.kernel)},
        gradients_{detail::gradient_state_of(q, plan.place)},
        shape_{shape}
  {}

  [[nodiscard]] torch::Tensor operator()(const carried<Q>& x, phase when)
  {
    auto y = product(x, when);
    if constexpr (GradientQuantizer<Q>)
      if (when == phase::training) return gradients_(y);
    return y;
  }

  /// The same, with gradients as they are.
  [[nodiscard]] torch::Tensor product(const carried<Q>& x, phase when)
  {
    if constexpr (changes_nothing<Q>()) {
      const auto [padded, padding] = detail::padded(x, geometry_on(x));
      return at::conv2d(padded, weight_.latent(), {}, shape_.stride, padding);
    } else {
      const auto in = with_stand_in(x);
      const auto over = geometry_on(in.stand_in);
      const auto w = weight_(when);
      if (is_plain(x) && is_plain(w)) {
        const auto [padded, padding] = detail::padded(x.levels, over);
        return at::conv2d(padded, w.levels, {}, shape_.stride, padding);
      }
      const auto weights = with_stand_in(w);
      detail::require_factorable(in, weights);
      return detail::quantised_convolution::apply(in.stand_in, weights.stand_in, in, weights, over);
    }
  }

  [[nodiscard]] layer_report report() const { return weight_.report(); }
  void cast(torch::ScalarType type) { weight_.cast(type); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    weight_.visit_state(archive);
    if constexpr (GradientQuantizer<Q>) visit_part(archive, "gradients", gradients_);
  }

 private:
  using gradient_state =
      decltype(detail::gradient_state_of(std::declval<const Q&>(), layer_place{}));

  [[nodiscard]] detail::convolution_geometry geometry_on(const torch::Tensor& x) const
  {
    if (shape_.padding == padding_rule::symmetric) {
      const detail::margins around{shape_.kernel / 2, shape_.kernel / 2};
      return {shape_.stride, around, around};
    }
    return {shape_.stride, detail::same_padding(x.size(2), shape_.kernel, shape_.stride),
            detail::same_padding(x.size(3), shape_.kernel, shape_.stride)};
  }

  quantised_weight<Q> weight_;
  [[no_unique_address]] gradient_state gradients_;
  convolution_shape shape_;
};

}  // namespace rolewise
