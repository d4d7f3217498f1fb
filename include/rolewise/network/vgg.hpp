// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// VGG networks for small images.

#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace rolewise {

/// The architecture of a VGG network: five blocks.
struct vgg_plan {
  std::string name;
  std::array<std::int64_t, 5> convolutions{1, 1, 1, 1, 1};  ///< of each block
  std::array<std::int64_t, 5> widths{64, 128, 256, 512, 512};
};

/// The plan of a VGG network by its number of layers with weights in the paper. VGG8 is that of the
/// distillation literature: five convolutions and, as in all plans here, one linear layer.
///
/// @throws std::invalid_argument unless the depth is 8, 11, 13, 16 or 19
[[nodiscard]] ROLEWISE_INLINE vgg_plan vgg_plan_of(int depth);

namespace detail {

/// ReLU and quantizer, 3x3 convolution with bias, batch norm. The first layer of a network reads
/// images, which are neither rectified nor quantized.
template<Quantizer Q>
struct vgg_layer : layered<vgg_layer<Q>> {
  std::optional<activation<Q>> input;
  rolewise::convolution<Q> convolution;
  rolewise::batch_norm batch_norm;

  vgg_layer(const layer_factory<Q>& make, const std::string& name, const convolution_shape& shape,
            bool is_first)
      : convolution{make.convolution(name, shape)}, batch_norm{make.batch_norm(shape.out)}
  {
    if (!is_first) input.emplace(make.activation(name));
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    if (self.input) f("input", *self.input);
    f("convolution", self.convolution, "batch_norm", self.batch_norm);
  }
};

}  // namespace detail

/// VGG network with batch norm: five blocks of 3x3 convolutions, each with bias, BN and ReLU; 2x2
/// max pooling after the first three blocks, and after the fourth for images of at least 64 x 64
/// pixels; global average pooling; linear classifier.
///
/// Taps: `stage<0>` .. `stage<4>`, the blocks after their last ReLU and before pooling (before a
/// quantizer clips them), `before_activation` for the same before that ReLU, and `penultimate`, the
/// pooled vector. Layers: `block<b>.<i>.convolution` and `classifier`, both counted from 0.
///
/// With a quantizer, pooling comes before it. Max pooling and quantization to increasing levels
/// can change places, so this affects only observed ranges.
///
/// @par Source
/// Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014,
/// arXiv:1409.1556, section 2. Blocks, batch norm, one linear layer and initialization as in Tian,
/// Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699, released code.
/// @par Departs
/// The released code pools after the fourth block for images of exactly 64 rows.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
class vgg_body : public image_body<vgg_body<Q, Scheme>, Q, Scheme, vgg_plan> {
 public:
  using full_precision_body = vgg_body<no_quantizer, full_precision>;
  static constexpr taps offered_taps = detail::taps_of_stages(4);

  vgg_body(vgg_plan plan, const sample_shape& shape, const Q& q = {}, const Scheme& scheme = {},
           const network_options& options = {})
      : vgg_body{plan, shape, q, scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  vgg_body(const vgg_plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
           const network_options& options, const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        classifier_{this->make(layers).linear("classifier", plan.widths.back(), shape.classes)}
  {
    const auto make = base::make(layers);
    auto in = shape.channels;
    for (std::size_t b = 0; b < blocks_.size(); ++b)
      for (std::int64_t i = 0; i < plan.convolutions[b]; ++i) {
        const auto out = plan.widths[b];
        blocks_[b].parts.emplace_back(
            make, "block" + std::to_string(b) + "." + std::to_string(i) + ".convolution",
            convolution_shape{.in = std::exchange(in, out), .out = out, .bias = true},
            b == 0 && i == 0);
      }
    this->set_precision(options.precision);
  }

  /// @param images `[N, C, H, W]`, or those of a trace, which are of the network's own shape
  /// @param features `detail::tapped_features`, or the trace
  /// @throws std::invalid_argument for fewer than 8 x 8 pixels
  template<detail::ImagesFor<Q> Images, typename Features>
  [[nodiscard]] auto logits(const Images& images, phase when, Features& features)
  {
    using map = std::conditional_t<std::is_same_v<Images, torch::Tensor>,
                                   detail::deferred_batch_norm, Images>;
    const auto size = detail::size_of(images, this->shape_);
    require_pixels(this->plan_.name, size);
    torch::Tensor sum;
    const auto place_for_sum = [&](std::size_t block) {
      return features.wants(tap_kind::before_activation, block) ? &sum : nullptr;
    };
    map x{images};
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      x = detail::handed_on<Q>(output_of(b, std::move(x), when), place_for_sum(b));
      features.keep(tap_kind::before_activation, b, [&] { return sum; });
      features.keep(tap_kind::stage, b, [&] { return detail::rectified_copy<Q>(x); });
      if (pools_after(b, size)) x = detail::max_pooled(x);
    }
    const bool is_kept = place_for_sum(blocks_.size() - 1) != nullptr;
    const auto pooled = detail::pooled(detail::rectified_last<Q>(std::move(x), is_kept));
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return classifier_(pooled, when);
  }

  [[nodiscard]] std::int64_t positions(std::size_t entry) const
  {
    if (entry == blocks_.size()) return 1;
    const detail::map_size image{this->shape_.height, this->shape_.width};
    auto size = image;
    for (std::size_t b = 0; b < entry; ++b)
      if (pools_after(b, image)) size = {size.height / 2, size.width / 2};
    return size.pixels();
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    for (std::size_t b = 0; b < self.blocks_.size(); ++b)
      f("block" + std::to_string(b), self.blocks_[b]);
    f("classifier", self.classifier_);
  }

  static void check(const vgg_plan& plan, const sample_shape& shape)
  {
    require_pixels(plan.name, {shape.height, shape.width});
    for (std::size_t b = 0; b < plan.widths.size(); ++b)
      if (plan.convolutions[b] < 1 || plan.widths[b] < 1)
        throw_invalid_argument(plan.name, "want convolutions and channels above 0 in block ", b,
                               ", got ", plan.convolutions[b], " and ", plan.widths[b]);
  }
  [[nodiscard]] static weight_init start_of(const vgg_plan&, const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(conv_init::kaiming_normal_fan_out),
            linear_init::normal_zero_bias};
  }

 private:
  using base = image_body<vgg_body, Q, Scheme, vgg_plan>;

  [[nodiscard]] static bool pools_after(std::size_t block, const detail::map_size& image)
  {
    return block < 3 || (block == 3 && std::min(image.height, image.width) >= 64);
  }

  /// A block before its last ReLU.
  template<typename Map>
  [[nodiscard]] Map output_of(std::size_t block, Map x, phase when)
  {
    bool is_first = true;
    for (auto& [input, convolution, batch_norm] : blocks_[block].parts) {
      auto in = !input     ? unquantized<Q>(x.taken())
                : is_first ? input->of_handed_on(x, when)
                           : input->rectify(std::move(x), when);
      x = convolution.normalized(in, batch_norm, when);
      is_first = false;
    }
    return x;
  }

  static void require_pixels(const std::string& name, const detail::map_size& size)
  {
    if (std::min(size.height, size.width) < 8)
      throw_invalid_argument(name, "want images of at least 8 x 8 pixels, which are pooled three ",
                             "times, got ", size.height, " x ", size.width);
  }

  std::array<detail::part_list<detail::vgg_layer<Q>>, 5> blocks_;
  linear<Q> classifier_;
};

static_assert(NetworkBody<vgg_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
using vgg_network = network<vgg_body<Q, Scheme>>;

/// Makes a network from its plan, for images of at least 8 x 8 pixels and any number of channels.
/// With a quantizer but no scheme, inner layers have 2 bits.
/// @return `vgg_network<Q, Scheme>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
[[nodiscard]] auto make_vgg(vgg_plan plan, const sample_shape& shape, const Q& q = {},
                            const Scheme& scheme = {}, const network_options& options = {})
{
  detail::must_make_a_network<Q, Scheme>();
  return vgg_network<Q, Scheme>{vgg_body<Q, Scheme>{std::move(plan), shape, q, scheme, options}};
}

/// Factory of VGG networks of one depth: `vgg8(shape)`, `vgg8(shape, dorefa{}, inner_bits<4>)`.
template<int Depth>
struct vgg_factory {
  template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
  [[nodiscard]] auto operator()(const sample_shape& shape, const Q& q = {},
                                const Scheme& scheme = {},
                                const network_options& options = {}) const
  {
    return make_vgg(vgg_plan_of(Depth), shape, q, scheme, options);
  }

  [[nodiscard]] vgg_network<> operator()(const sample_shape& shape,
                                         const network_options& options) const
  {
    return make_vgg(vgg_plan_of(Depth), shape, no_quantizer{}, full_precision{}, options);
  }
};

// After each: number of learned parameters for 3 channels and 100 classes.
inline constexpr vgg_factory<8> vgg8{};    ///< 3 965 028
inline constexpr vgg_factory<11> vgg11{};  ///< 9 277 284
inline constexpr vgg_factory<13> vgg13{};  ///< 9 462 180
inline constexpr vgg_factory<16> vgg16{};  ///< 14 774 436
inline constexpr vgg_factory<19> vgg19{};  ///< 20 086 692

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/vgg.hpp>
#endif
