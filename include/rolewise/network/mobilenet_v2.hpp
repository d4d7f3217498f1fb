// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// MobileNetV2 for small images.

#include <rolewise/network/detail/plan_factory.hpp>
#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace rolewise {

/// The architecture of a MobileNetV2: rows of inverted residual blocks. The first row does not
/// expand. The default is the network of the distillation literature, of half width.
struct mobilenet_v2_plan {
  std::string name = "mobilenet_v2";
  double width = 0.5;          ///< factor of the paper's channels, which are rounded down
  std::int64_t expansion = 6;  ///< t: channels inside a block over those at its input
  std::array<std::int64_t, 7> blocks{1, 2, 3, 4, 3, 3, 1};  ///< of each row
  std::int64_t head = 1280;  ///< channels that are pooled; times the width if that is above 1
};

namespace detail {

/// The channels of a number of channels of the paper, at the width of a plan.
[[nodiscard]] inline std::int64_t channels_of(const mobilenet_v2_plan& plan, std::int64_t of_paper)
{
  return static_cast<std::int64_t>(static_cast<double>(of_paper) * plan.width);
}

/// The first block of a row has the row's stride; the first convolution has stride 2 besides.
inline constexpr std::array<std::int64_t, 7> mobilenet_v2_channels{16, 24, 32, 64, 96, 160, 320};
inline constexpr std::array<std::int64_t, 7> mobilenet_v2_strides{1, 1, 2, 2, 1, 2, 1};

ROLEWISE_INLINE void check(const mobilenet_v2_plan& plan);

/// Output pixels of a layer.
/// @param index of a layer among those of its row
[[nodiscard]] ROLEWISE_INLINE std::int64_t positions_of(const mobilenet_v2_plan& plan,
                                                        map_size image, std::size_t entry,
                                                        std::size_t index);

/// The shape of an inverted residual block.
struct inverted_residual_shape {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t expansion = 1;
  std::int64_t stride = 1;
  bool is_first = false;  ///< reads the rectified output of the stem
};

/// Inverted residual block: BN(1x1(relu(BN(depthwise(relu(BN(1x1(x)))))))), plus x where the stride
/// is 1 and the widths are equal. Its output, the linear bottleneck, is not rectified.
template<Quantizer Q>
class inverted_residual : public layered<inverted_residual<Q>> {
 public:
  inverted_residual(const layer_factory<Q>& make, const std::string& name,
                    const inverted_residual_shape& shape)
      : input_{make.activation(name + ".expand")},
        expand_{make.convolution(name + ".expand",
                                 {.in = shape.in, .out = shape.in * shape.expansion, .kernel = 1})},
        expand_norm_{make.batch_norm(shape.in * shape.expansion)},
        into_depthwise_{make.activation(name + ".depthwise")},
        depthwise_{make.convolution(name + ".depthwise", {.in = shape.in * shape.expansion,
                                                          .out = shape.in * shape.expansion,
                                                          .stride = shape.stride,
                                                          .groups = shape.in * shape.expansion})},
        depthwise_norm_{make.batch_norm(shape.in * shape.expansion)},
        into_project_{make.activation(name + ".project")},
        project_{make.convolution(
            name + ".project", {.in = shape.in * shape.expansion, .out = shape.out, .kernel = 1})},
        project_norm_{make.batch_norm(shape.out)},
        is_first_{shape.is_first},
        adds_input_{!shape.is_first && shape.stride == 1 && shape.in == shape.out}
  {}

  /// @param x unchanged; in the first block what `handed_on` gives, elsewhere a linear bottleneck
  template<typename Map>
  [[nodiscard]] Map operator()(Map x, phase when)
  {
    const auto in = is_first_ ? input_.of_handed_on(x, when) : input_.of_signed(x, when);
    auto y = expand_.normalized(in, expand_norm_, when);
    y = depthwise_.normalized(into_depthwise_.rectify(std::move(y), when), depthwise_norm_, when);
    y = project_.normalized(into_project_.rectify(std::move(y), when), project_norm_, when);
    return adds_input_ ? std::move(y).plus(x.tensor()) : y;
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("input", self.input_);
    f("expand", self.expand_, "expand_batch_norm", self.expand_norm_);
    f("into_depthwise", self.into_depthwise_);
    f("depthwise", self.depthwise_, "depthwise_batch_norm", self.depthwise_norm_);
    f("into_project", self.into_project_);
    f("project", self.project_, "project_batch_norm", self.project_norm_);
  }

 private:
  activation<Q> input_;
  convolution<Q> expand_;
  batch_norm expand_norm_;
  activation<Q> into_depthwise_;
  convolution<Q> depthwise_;
  batch_norm depthwise_norm_;
  activation<Q> into_project_;
  convolution<Q> project_;
  batch_norm project_norm_;
  bool is_first_, adds_input_;
};

}  // namespace detail

/// MobileNetV2 in the form for small images: 3x3 convolution of stride 2, BN and ReLU; seven rows
/// of inverted residual blocks (1x1 expansion, 3x3 depthwise, 1x1 projection, each with BN, the
/// first two with ReLU); 1x1 convolution, BN and ReLU; global average pooling; linear classifier.
/// Images of 32 x 32 pixels shrink to 2 x 2.
///
/// Layers: `stem`, `row<r>.<b>.expand`, `.depthwise`, `.project`, `head`, `classifier`; rows count
/// from 1, blocks from 0. Taps:
///
/// - `stage<0>`, the stem after ReLU, and `before_activation<0>`, the same before it;
/// - `stage<1>` .. `stage<4>`, the outputs of rows 2, 3, 5 and 7: linear bottlenecks, which no ReLU
///   follows. `before_activation` of them are the same maps;
/// - `penultimate`, the pooled vector.
///
/// With a quantizer, the input of each convolution but the stem is quantized. Linear bottlenecks
/// are signed (`activation::of_signed`: a quantizer of rectified values gives one bit to the sign),
/// all others are rectified. Residual sums stay floating point, and so do BN outputs on their way
/// into them.
///
/// @par Source
/// Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2: Inverted Residuals and Linear Bottlenecks,
/// 2018, arXiv:1801.04381, section 4. Strides, ReLU, taps and initialization as in Tian, Krishnan,
/// Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699, released code. Signed
/// bottlenecks: Wang, Liu, Lin, Lin, Han: HAQ: Hardware-Aware Automated Quantization with Mixed
/// Precision, 2018, arXiv:1811.08886, released code.
/// @par Departs
/// From the paper, with the released code: ReLU instead of ReLU6; row 2 has stride 1; the first row
/// has an expansion convolution too, from n to n channels; widths are rounded down, not to
/// multiples of 8; no dropout.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
class mobilenet_v2_body
    : public image_body<mobilenet_v2_body<Q, Scheme>, Q, Scheme, mobilenet_v2_plan> {
 public:
  using full_precision_body = mobilenet_v2_body<no_quantizer, full_precision>;
  static constexpr taps offered_taps = detail::taps_of_stages(4);

  mobilenet_v2_body(mobilenet_v2_plan plan, const sample_shape& shape, const Q& q = {},
                    const Scheme& scheme = {}, const network_options& options = {})
      : mobilenet_v2_body{plan, shape, q, scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  mobilenet_v2_body(const mobilenet_v2_plan& plan, const sample_shape& shape, const Q& q,
                    const Scheme& scheme, const network_options& options, const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        stem_{this->make(layers).convolution(
            "stem", {.in = shape.channels, .out = stem_of(plan), .stride = 2})},
        stem_norm_{this->make(layers).batch_norm(stem_of(plan))},
        into_head_{this->make(layers).activation("head")},
        head_{this->make(layers).convolution(
            "head", {.in = detail::channels_of(plan, detail::mobilenet_v2_channels.back()),
                     .out = head_of(plan),
                     .kernel = 1})},
        head_norm_{this->make(layers).batch_norm(head_of(plan))},
        classifier_{this->make(layers).linear("classifier", head_of(plan), shape.classes)}
  {
    const auto make = base::make(layers);
    auto in = stem_of(plan);
    for (std::size_t r = 0; r < rows_.size(); ++r)
      for (std::int64_t b = 0; b < plan.blocks[r]; ++b) {
        const auto out = detail::channels_of(plan, detail::mobilenet_v2_channels[r]);
        rows_[r].parts.emplace_back(
            make, row_name(r) + "." + std::to_string(b),
            detail::inverted_residual_shape{.in = std::exchange(in, out),
                                            .out = out,
                                            .expansion = r == 0 ? 1 : plan.expansion,
                                            .stride = b == 0 ? detail::mobilenet_v2_strides[r] : 1,
                                            .is_first = r == 0 && b == 0});
      }
    this->set_precision(options.precision);
  }

  /// @param images `[N, C, H, W]`, or those of a trace
  /// @param features `detail::tapped_features`, or the trace
  template<detail::ImagesFor<Q> Images, typename Features>
  [[nodiscard]] auto logits(const Images& images, phase when, Features& features)
  {
    torch::Tensor before;
    auto* const kept = features.wants(tap_kind::before_activation, 0) ? &before : nullptr;
    auto x = detail::handed_on<Q>(stem_.normalized(unquantized<Q>(images), stem_norm_, when), kept);
    features.keep(tap_kind::before_activation, 0, [&] { return before; });
    features.keep(tap_kind::stage, 0, [&] { return detail::rectified_copy<Q>(x); });
    std::size_t stage = 1;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      for (auto& block : rows_[r].parts) x = block(std::move(x), when);
      if (!ends_stage(r)) continue;
      for (const auto kind : {tap_kind::before_activation, tap_kind::stage})
        features.keep(kind, stage, [&] { return x.tensor(); });
      ++stage;
    }
    const auto last = head_.normalized(into_head_.of_signed(x, when), head_norm_, when).rectified();
    const auto pooled = detail::pooled(last);
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return classifier_(pooled, when);
  }

  [[nodiscard]] std::int64_t positions(std::size_t entry, std::size_t index) const
  {
    return detail::positions_of(this->plan_, {this->shape_.height, this->shape_.width}, entry,
                                index);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("stem", self.stem_, "stem_batch_norm", self.stem_norm_);
    for (std::size_t r = 0; r < self.rows_.size(); ++r) f(row_name(r), self.rows_[r]);
    f("head", self.head_, "head_batch_norm", self.head_norm_);
    f("into_head", self.into_head_);
    f("classifier", self.classifier_);
  }

  static void check(const mobilenet_v2_plan& plan, const sample_shape&) { detail::check(plan); }
  [[nodiscard]] static weight_init start_of(const mobilenet_v2_plan&,
                                            const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(conv_init::kaiming_normal_fan_out),
            linear_init::normal_zero_bias};
  }

 private:
  using base = image_body<mobilenet_v2_body, Q, Scheme, mobilenet_v2_plan>;

  [[nodiscard]] static std::string row_name(std::size_t row)
  {
    return "row" + std::to_string(row + 1);
  }
  [[nodiscard]] static constexpr bool ends_stage(std::size_t row)
  {
    return row == 1 || row == 2 || row == 4 || row == 6;
  }
  [[nodiscard]] static std::int64_t stem_of(const mobilenet_v2_plan& plan)
  {
    return detail::channels_of(plan, 32);
  }
  [[nodiscard]] static std::int64_t head_of(const mobilenet_v2_plan& plan)
  {
    return plan.width > 1.0 ? detail::channels_of(plan, plan.head) : plan.head;
  }

  convolution<Q> stem_;
  batch_norm stem_norm_;
  std::array<detail::part_list<detail::inverted_residual<Q>>, 7> rows_;
  activation<Q> into_head_;
  convolution<Q> head_;
  batch_norm head_norm_;
  linear<Q> classifier_;
};

static_assert(NetworkBody<mobilenet_v2_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
using mobilenet_v2_network = network<mobilenet_v2_body<Q, Scheme>>;

/// Makes a network from its plan, for images of any size and number of channels. With a quantizer
/// but no scheme, inner layers have 2 bits.
/// @return `mobilenet_v2_network<Q, Scheme>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
[[nodiscard]] auto make_mobilenet_v2(mobilenet_v2_plan plan, const sample_shape& shape,
                                     const Q& q = {}, const Scheme& scheme = {},
                                     const network_options& options = {})
{
  return detail::network_of<mobilenet_v2_body>(std::move(plan), shape, q, scheme, options);
}

/// The MobileNetV2 of the distillation literature, of half width: `mobilenet_v2(shape)`,
/// `mobilenet_v2(shape, lsq{}, inner_bits<4>)`. It has 812 836 learned parameters for 3 channels
/// and 100 classes.
inline constexpr detail::plan_factory<mobilenet_v2_body, mobilenet_v2_plan> mobilenet_v2{};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/mobilenet_v2.hpp>
#endif
