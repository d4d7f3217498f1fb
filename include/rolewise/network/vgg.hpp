// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// VGG networks for small images.

#include <rolewise/network/layered.hpp>
#include <rolewise/network/linear.hpp>
#include <rolewise/network/network_options.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
[[nodiscard]] inline vgg_plan vgg_plan_of(int depth)
{
  vgg_plan plan{.name = "vgg" + std::to_string(depth)};
  switch (depth) {
    case 8:
      return plan;
    case 11:
      plan.convolutions = {1, 1, 2, 2, 2};
      return plan;
    case 13:
      plan.convolutions = {2, 2, 2, 2, 2};
      return plan;
    case 16:
      plan.convolutions = {2, 2, 3, 3, 3};
      return plan;
    case 19:
      plan.convolutions = {2, 2, 4, 4, 4};
      return plan;
    default:
      throw_invalid_argument("vgg", "want a depth of 8, 11, 13, 16 or 19, got ", depth);
  }
}

namespace detail {

/// ReLU and quantizer, 3x3 convolution with bias, batch norm. The first layer of a network reads
/// images, which are neither rectified nor quantized.
template<Quantizer Q>
struct vgg_layer : layered<vgg_layer<Q>> {
  std::optional<activation<Q>> input;
  rolewise::convolution<Q> convolution;
  rolewise::batch_norm batch_norm;

  vgg_layer(const Q& q, const planned_layer& plan, const convolution_shape& shape,
            batch_norm_options normalization, const weight_init& start)
      : convolution{q, plan, shape, start}, batch_norm{shape.out, normalization}
  {
    if (!plan.place.is_first()) input.emplace(q, plan);
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
class vgg_body : public layered<vgg_body<Q, Scheme>> {
 public:
  static constexpr taps offered_taps = detail::taps_of_stages(4, true);

  vgg_body(vgg_plan plan, const sample_shape& shape, const Q& q = {}, const Scheme& scheme = {},
           const network_options& options = {})
      : vgg_body{plan, shape, q, scheme, options, layers_of(plan, shape, q, scheme)}
  {}

  /// @throws std::invalid_argument for another number of channels, or fewer than 8 x 8 pixels
  [[nodiscard]] outputs forward(const torch::Tensor& inputs, phase when, taps wanted)
  {
    detail::require_images(plan_.name, inputs, shape_.channels);
    const detail::map_size size{inputs.size(2), inputs.size(3)};
    require_pixels(plan_.name, size);
    detail::tapped_features features{wanted};
    torch::Tensor sum;
    const auto place_for_sum = [&](std::size_t block) {
      return features.wants(tap_kind::before_activation, block) ? &sum : nullptr;
    };
    detail::deferred_batch_norm x{inputs};
    for (std::size_t b = 0; b < blocks_.size(); ++b) {
      x = detail::handed_on<Q>(output_of(b, std::move(x), when), place_for_sum(b));
      features.keep(tap_kind::before_activation, b, [&] { return sum; });
      features.keep(tap_kind::stage, b,
                    [&] { return fuses_relu<Q>() ? x.tensor().relu() : x.tensor(); });
      if (pools_after(b, size)) x = at::max_pool2d(x.tensor(), 2);
    }
    const auto pooled =
        detail::pooled(detail::rectified_last<Q>(std::move(x), place_for_sum(blocks_.size() - 1)));
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return {.logits = classifier_(pooled, when), .features = features.taken()};
  }

  [[nodiscard]] std::vector<layer_report> layers() const
  {
    return this->reports([&](std::size_t entry) {
      if (entry == blocks_.size()) return std::int64_t{1};
      detail::map_size size{shape_.height, shape_.width};
      for (std::size_t b = 0; b < entry; ++b)
        if (pools_after(b, {shape_.height, shape_.width})) size = {size.height / 2, size.width / 2};
      return size.pixels();
    });
  }

  [[nodiscard]] std::string name() const { return plan_.name; }
  [[nodiscard]] const vgg_plan& plan() const { return plan_; }
  [[nodiscard]] const Scheme& scheme() const { return scheme_; }
  [[nodiscard]] sample_shape shape() const { return shape_; }
  [[nodiscard]] torch::ScalarType input_type() const { return compute_; }

  void cast(torch::ScalarType type)
  {
    layered<vgg_body>::cast(type);
    compute_ = type;
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    for (std::size_t b = 0; b < self.blocks_.size(); ++b)
      f("block" + std::to_string(b), self.blocks_[b]);
    f("classifier", self.classifier_);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("plan", plan_);
    archive.show("quantizer", quantizer_);
    archive.show("scheme", scheme_);
    archive.show("options", options_);
  }

 private:
  [[nodiscard]] static bool pools_after(std::size_t block, const detail::map_size& image)
  {
    return block < 3 || (block == 3 && std::min(image.height, image.width) >= 64);
  }

  /// A block before its last ReLU.
  [[nodiscard]] detail::deferred_batch_norm output_of(std::size_t block,
                                                      detail::deferred_batch_norm x, phase when)
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

  [[nodiscard]] static std::string name_of(std::size_t block, std::int64_t layer)
  {
    return "block" + std::to_string(block) + "." + std::to_string(layer) + ".convolution";
  }

  [[nodiscard]] static layer_plan layers_of(const vgg_plan& plan, const sample_shape& shape,
                                            const Q& q, const Scheme& scheme)
  {
    detail::require_shape(plan.name, shape);
    require_pixels(plan.name, {shape.height, shape.width});
    std::vector<std::pair<std::string, layer_kind>> layers;
    for (std::size_t b = 0; b < plan.widths.size(); ++b) {
      if (plan.convolutions[b] < 1 || plan.widths[b] < 1)
        throw_invalid_argument(plan.name, "want convolutions and channels above 0 in block ", b,
                               ", got ", plan.convolutions[b], " and ", plan.widths[b]);
      for (std::int64_t i = 0; i < plan.convolutions[b]; ++i)
        layers.emplace_back(name_of(b, i), layer_kind::convolution);
    }
    layers.emplace_back("classifier", layer_kind::linear);
    return {q, scheme, std::move(layers)};
  }

  [[nodiscard]] static weight_init start_of(const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(conv_init::kaiming_normal_fan_out),
            linear_init::normal_zero_bias};
  }

  vgg_body(const vgg_plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
           const network_options& options, const layer_plan& layers)
      : plan_{plan},
        shape_{shape},
        quantizer_{q},
        scheme_{scheme},
        options_{options},
        classifier_{q, layers.at("classifier"), plan.widths.back(), shape.classes,
                    start_of(options)}
  {
    const auto normalization = detail::normalization_of<Q>(plan.name, options);
    auto in = shape.channels;
    for (std::size_t b = 0; b < plan.widths.size(); ++b)
      for (std::int64_t i = 0; i < plan.convolutions[b]; ++i)
        blocks_[b].parts.emplace_back(
            q, layers.at(name_of(b, i)),
            convolution_shape{
                .in = std::exchange(in, plan.widths[b]), .out = plan.widths[b], .bias = true},
            normalization, start_of(options));
    this->set_precision(options.precision);
  }

  vgg_plan plan_;
  sample_shape shape_;
  [[no_unique_address]] Q quantizer_;
  Scheme scheme_;
  network_options options_;
  std::array<detail::part_list<detail::vgg_layer<Q>>, 5> blocks_;
  linear<Q> classifier_;
  torch::ScalarType compute_ = torch::kFloat;
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
