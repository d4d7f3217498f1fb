// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// U-Nets, which give each pixel of an image its logits.

#include <rolewise/network/detail/unet_layers.hpp>
#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace rolewise {

namespace detail {

/// 64, 128, 256, ...: twice the channels on each level.
template<std::size_t Levels>
[[nodiscard]] constexpr std::array<std::int64_t, Levels> doubling_from_64()
{
  std::array<std::int64_t, Levels> widths{};
  for (std::size_t k = 0; k < Levels; ++k) widths[k] = std::int64_t{64} << k;
  return widths;
}

}  // namespace detail

/// The architecture of a U-Net: the channels of each level, from the full resolution down; each
/// level halves height and width. The number of levels is part of its type, as it decides which
/// taps the network offers.
template<std::size_t Levels = 5>
struct unet_plan {
  static_assert(Levels >= 2 && Levels <= 15, "a U-Net has 2 .. 15 levels");
  static constexpr std::size_t levels = Levels;

  std::string name = "unet";
  std::array<std::int64_t, Levels> widths = detail::doubling_from_64<Levels>();
};

/// U-Net with batch norm, whose logits have the size of the image, `[N, C, H, W]`: on each level of
/// the contracting path two 3x3 convolutions with BN and ReLU, 2x2 max pooling between levels; on
/// each level of the expanding path a transposed 2x2 convolution of stride 2, the map of the same
/// size from the contracting path before it along the channels, and two such convolutions; a 1x1
/// convolution with bias at the end.
///
/// Taps: `stage<k>`, the blocks of two convolutions after their last ReLU (before a quantizer clips
/// them), in the order of the forward pass: 1 .. levels on the way down, levels + 1 .. 2 levels - 1
/// on the way up; `before_activation<k>`, the same before that ReLU. The last stage is what the
/// head reads. Layers: `contracting<k>.convolution1`, `.convolution2`, `upsampling<k>.convolution`,
/// `expanding<k>.convolution1`, `.convolution2`, `head`, each counted from 0 in the order of the
/// forward pass.
///
/// Images of other sizes than the network's shape are taken too, if pooling divides them evenly. It
/// has no 8-bit form.
///
/// @par Source
/// Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical Image Segmentation,
/// 2015, arXiv:1505.04597, section 2; initialization of section 3.
/// @par Departs
/// Convolutions pad with zeros, so that nothing is cropped, and have batch norm in place of a bias,
/// as is usual today; no dropout. A ReLU follows each transposed convolution, so that what enters
/// every layer is rectified, as quantizers want it; the paper has none there. The transposed
/// convolution is computed as a 1x1 convolution whose outputs are rearranged, with the same weights
/// in another order, and is initialized as such.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = unet_plan<>>
class unet_body : public image_body<unet_body<Q, Scheme, Plan>, Q, Scheme, Plan> {
 public:
  using full_precision_body = unet_body<no_quantizer, full_precision, Plan>;
  static constexpr taps offered_taps = [] {
    taps all;
    for (std::uint8_t k = 1; k < 2 * Plan::levels; ++k) {
      all.insert({tap_kind::stage, k});
      all.insert({tap_kind::before_activation, k});
    }
    return all;
  }();

  unet_body(Plan plan, const sample_shape& shape, const Q& q = {}, const Scheme& scheme = {},
            const network_options& options = {})
      : unet_body{plan, shape, q, scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  unet_body(const Plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
            const network_options& options, const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        into_head_{this->make(layers).activation("head")},
        head_{this->make(layers).convolution(
            "head", {.in = plan.widths.front(), .out = shape.classes, .kernel = 1, .bias = true})}
  {
    const auto make = base::make(layers);
    auto in = shape.channels;
    for (std::size_t k = 0; k < Plan::levels; ++k)
      contracting_.parts.emplace_back(make, "contracting" + std::to_string(k),
                                      std::exchange(in, plan.widths[k]), plan.widths[k], k == 0);
    for (std::size_t k = 0; k < ups; ++k) {
      const auto out = plan.widths[ups - 1 - k];
      upsampling_.parts.emplace_back(make, "upsampling" + std::to_string(k), plan.widths[ups - k],
                                     out);
      expanding_.parts.emplace_back(make, "expanding" + std::to_string(k), 2 * out, out, false);
    }
    this->set_precision(options.precision);
  }

  /// @param images `[N, C, H, W]`
  /// @throws std::invalid_argument for images that pooling does not divide evenly
  [[nodiscard]] torch::Tensor logits(const torch::Tensor& images, phase when,
                                     detail::tapped_features& features)
  {
    require_even(this->name(), {images.size(2), images.size(3)});
    std::array<torch::Tensor, ups> maps;
    auto x = kept(contracting_.parts[0](images, when), 1, features);
    for (std::size_t k = 0; k < ups; ++k) {
      maps[k] = x;
      x = kept(contracting_.parts[k + 1](at::max_pool2d(x, 2), when), k + 2, features);
    }
    for (std::size_t k = 0; k < ups; ++k) {
      const auto both = at::cat({maps[ups - 1 - k], upsampling_.parts[k](x, when)}, 1);
      x = kept(expanding_.parts[k](both, when), Plan::levels + 1 + k, features);
    }
    return detail::widened(head_(into_head_.of_rectified(x, when), when));
  }

  [[nodiscard]] std::int64_t positions(std::size_t entry) const
  {
    std::size_t level = 0;  // the transposed convolutions multiply on the level below
    if (entry < Plan::levels)
      level = entry;
    else if (entry < Plan::levels + 2 * ups)
      level = ups - (entry - Plan::levels + 1) / 2;
    return (this->shape_.height >> level) * (this->shape_.width >> level);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    for (std::size_t k = 0; k < self.contracting_.parts.size(); ++k)
      f("contracting" + std::to_string(k), self.contracting_.parts[k]);
    for (std::size_t k = 0; k < self.expanding_.parts.size(); ++k) {
      f("upsampling" + std::to_string(k), self.upsampling_.parts[k]);
      f("expanding" + std::to_string(k), self.expanding_.parts[k]);
    }
    f("into_head", self.into_head_);
    f("head", self.head_);
  }

  static void check(const Plan& plan, const sample_shape& shape)
  {
    require_even(plan.name, {shape.height, shape.width});
    if (std::ranges::any_of(plan.widths, [](auto width) { return width < 1; }))
      throw_invalid_argument(plan.name, "want channels above 0 on each level, got ",
                             at::IntArrayRef{plan.widths});
  }
  [[nodiscard]] static weight_init start_of(const Plan&, const network_options& options)
  {
    return {.seed = options.seed,
            .convolution = options.convolutions.value_or(conv_init::kaiming_normal_fan_in)};
  }

 private:
  using base = image_body<unet_body, Q, Scheme, Plan>;
  static constexpr std::size_t ups = Plan::levels - 1;  ///< steps between levels

  static void require_even(const std::string& name, const detail::map_size& size)
  {
    constexpr auto unit = std::int64_t{1} << ups;
    if (size.height < unit || size.width < unit || size.height % unit != 0 ||
        size.width % unit != 0)
      throw_invalid_argument(name, "want images whose height and width are multiples of ", unit,
                             ", which are halved ", ups, " times, got ", size.height, " x ",
                             size.width, ": pad them");
  }

  /// The output of a block after its last ReLU, kept where it is wanted.
  [[nodiscard]] static torch::Tensor kept(detail::deferred_batch_norm y, std::size_t stage,
                                          detail::tapped_features& features)
  {
    torch::Tensor x;
    if (features.wants(tap_kind::before_activation, stage)) {
      const auto sum = y.tensor();
      features.keep(tap_kind::before_activation, stage, [&] { return sum; });
      x = sum.relu();
    } else {
      x = std::move(y).rectified();
    }
    features.keep(tap_kind::stage, stage, [&] { return x; });
    return x;
  }

  detail::part_list<detail::unet_block<Q>> contracting_, expanding_;
  detail::part_list<detail::up_convolution<Q>> upsampling_;
  activation<Q> into_head_;
  convolution<Q> head_;
};

static_assert(NetworkBody<unet_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = unet_plan<>>
using unet_network = network<unet_body<Q, Scheme, Plan>>;

/// Makes a U-Net from its plan, for images whose height and width are multiples of 2^(levels - 1).
/// With a quantizer but no scheme, inner layers have 2 bits.
///
///     make_unet(unet_plan<4>{.widths = {16, 32, 64, 128}}, data.shape)
///
/// With the default plan, 3 channels and 2 classes it has 31 037 698 learned parameters.
/// @return `unet_network<Q, Scheme, unet_plan<Levels>>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>, std::size_t Levels>
[[nodiscard]] auto make_unet(unet_plan<Levels> plan, const sample_shape& shape, const Q& q = {},
                             const Scheme& scheme = {}, const network_options& options = {})
{
  detail::must_make_a_network<Q, Scheme>();
  using body = unet_body<Q, Scheme, unet_plan<Levels>>;
  return network<body>{body{std::move(plan), shape, q, scheme, options}};
}

}  // namespace rolewise
