// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// LeNet-5, a network for digits of a few ten thousand parameters.

#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace rolewise {

/// The architecture of a LeNet: channels of its convolutions and widths of its hidden layers.
struct lenet_plan {
  std::string name = "lenet5";
  std::array<std::int64_t, 2> channels{6, 16};
  std::array<std::int64_t, 2> hidden{120, 84};
};

namespace detail {

/// The map after so many pairs of a 5x5 convolution without padding and 2x2 pooling.
[[nodiscard]] constexpr map_size after_lenet_stages(map_size image, int stages)
{
  for (int s = 0; s < stages; ++s) image = {(image.height - 4) / 2, (image.width - 4) / 2};
  return image;
}

/// @throws std::invalid_argument for numbers below 1, and images below 16 x 16 pixels
ROLEWISE_INLINE void check_lenet(const lenet_plan& plan, const sample_shape& shape);

/// @throws std::invalid_argument for images of another size than the network's
ROLEWISE_INLINE void require_lenet_images(const std::string& name, const torch::Tensor& images,
                                          const sample_shape& shape);

}  // namespace detail

/// LeNet-5: two 5x5 convolutions without padding, each with bias, ReLU and 2x2 max pooling, two
/// hidden layers with ReLU, a linear classifier. Reads images of the size that it was made for, at
/// least 16 x 16 pixels.
///
/// Taps: `stage<0>` and `stage<1>`, the convolutions after ReLU and before pooling, and
/// `penultimate`, the second hidden layer after ReLU. Layers: `convolution1`, `convolution2`,
/// `hidden1`, `hidden2`, `classifier`.
///
/// @par Source
/// LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition,
/// Proceedings of the IEEE 86 (11), 1998, section II B.
/// @par Departs
/// As usual today: ReLU for scaled hyperbolic tangents, max pooling for trained means, all maps of
/// the first stage into each of the second, a linear classifier for radial basis functions.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
class lenet_body : public image_body<lenet_body<Q, Scheme>, Q, Scheme, lenet_plan> {
 public:
  using full_precision_body = lenet_body<no_quantizer, full_precision>;
  static constexpr taps offered_taps{tap::stage<0>, tap::stage<1>, tap::penultimate};

  lenet_body(lenet_plan plan, const sample_shape& shape, const Q& q = {}, const Scheme& scheme = {},
             const network_options& options = {})
      : lenet_body{plan, shape, q, scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  lenet_body(const lenet_plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
             const network_options& options, const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        convolution1_{this->make(layers).convolution("convolution1",
                                                     stage(shape.channels, plan.channels[0]))},
        input2_{this->make(layers).activation("convolution2")},
        convolution2_{this->make(layers).convolution("convolution2",
                                                     stage(plan.channels[0], plan.channels[1]))},
        hidden1_{this->make(layers).linear(
            "hidden1",
            plan.channels[1] * detail::after_lenet_stages({shape.height, shape.width}, 2).pixels(),
            plan.hidden[0])},
        hidden2_{this->make(layers).linear("hidden2", plan.hidden[0], plan.hidden[1])},
        classifier_{this->make(layers).linear("classifier", plan.hidden[1], shape.classes)}
  {
    this->set_precision(options.precision);
  }

  /// @param images `[N, C, H, W]`, of the network's own size
  template<typename Features>
  [[nodiscard]] torch::Tensor logits(const torch::Tensor& images, phase when, Features& features)
  {
    detail::require_lenet_images(this->plan_.name, images, this->shape_);
    const auto first = convolution1_(unquantized<Q>(images), when).relu();
    features.keep(tap_kind::stage, 0, [&] { return first; });
    const auto second = convolution2_(input2_.of_rectified(pooling(first), when), when).relu();
    features.keep(tap_kind::stage, 1, [&] { return second; });
    const auto wide = hidden1_(detail::widened(pooling(second)).flatten(1), when).relu();
    const auto last = hidden2_(wide, when).relu();
    features.keep(tap_kind::penultimate, 0, [&] { return last; });
    return classifier_(last, when);
  }

  [[nodiscard]] std::int64_t positions(std::size_t entry) const
  {
    if (entry > 2) return 1;
    const auto in =
        detail::after_lenet_stages({this->shape_.height, this->shape_.width}, entry == 0 ? 0 : 1);
    return (in.height - 4) * (in.width - 4);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("convolution1", self.convolution1_);
    f("input2", self.input2_);
    f("convolution2", self.convolution2_);
    f("hidden1", self.hidden1_);
    f("hidden2", self.hidden2_);
    f("classifier", self.classifier_);
  }

  static void check(const lenet_plan& plan, const sample_shape& shape)
  {
    detail::check_lenet(plan, shape);
  }
  [[nodiscard]] static weight_init start_of(const lenet_plan&, const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(conv_init::uniform_fan_in),
            linear_init::uniform};
  }

 private:
  using base = image_body<lenet_body, Q, Scheme, lenet_plan>;
  static constexpr detail::max_pooling pooling{};

  [[nodiscard]] static convolution_shape stage(std::int64_t in, std::int64_t out)
  {
    return {.in = in, .out = out, .kernel = 5, .padding = padding_rule::none, .bias = true};
  }

  convolution<Q> convolution1_;
  activation<Q> input2_;
  convolution<Q> convolution2_;
  linear<Q> hidden1_, hidden2_, classifier_;
};

static_assert(NetworkBody<lenet_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
using lenet_network = network<lenet_body<Q, Scheme>>;

/// Makes a network from its plan, for images of at least 16 x 16 pixels and any number of channels.
/// With a quantizer but no scheme, inner layers have 2 bits.
/// @return `lenet_network<Q, Scheme>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
[[nodiscard]] auto make_lenet(lenet_plan plan, const sample_shape& shape, const Q& q = {},
                              const Scheme& scheme = {}, const network_options& options = {})
{
  detail::must_make_a_network<Q, Scheme>();
  return lenet_network<Q, Scheme>{
      lenet_body<Q, Scheme>{std::move(plan), shape, q, scheme, options}};
}

/// Factory of LeNet-5: `lenet5(shape)`, `lenet5(shape, dorefa{}, inner_bits<4>)`.
struct lenet_factory {
  template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
  [[nodiscard]] auto operator()(const sample_shape& shape, const Q& q = {},
                                const Scheme& scheme = {},
                                const network_options& options = {}) const
  {
    return make_lenet(lenet_plan{}, shape, q, scheme, options);
  }

  [[nodiscard]] lenet_network<> operator()(const sample_shape& shape,
                                           const network_options& options) const
  {
    return make_lenet(lenet_plan{}, shape, no_quantizer{}, full_precision{}, options);
  }
};

/// 61 706 learned parameters for images of 32 x 32 pixels, 1 channel and 10 classes.
inline constexpr lenet_factory lenet5{};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/lenet.hpp>
#endif
