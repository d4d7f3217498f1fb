// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// ShuffleNet, the first version, for small images.

#include <rolewise/network/detail/plan_factory.hpp>
#include <rolewise/network/detail/shuffled_maps.hpp>
#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/support/inline.hpp>

#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace rolewise {

/// The architecture of a ShuffleNet of the first version: three stages of units. The default is the
/// network of the distillation literature, of 3 groups.
struct shufflenet_v1_plan {
  std::string name = "shufflenet_v1";
  std::int64_t groups = 3;                            ///< of the 1x1 convolutions
  std::int64_t stem = 24;                             ///< channels after the first convolution
  std::array<std::int64_t, 3> widths{240, 480, 960};  ///< channels of each stage
  std::array<std::int64_t, 3> units{4, 8, 4};         ///< of each stage; the first has stride 2
};

namespace detail {

ROLEWISE_INLINE void check(const shufflenet_v1_plan& plan);

/// The shape of a ShuffleNet unit.
struct shuffle_unit_shape {
  std::int64_t in = 0;
  std::int64_t out = 0;  ///< with stride 2 those of the input too, which are concatenated
  std::int64_t stride = 1;
  std::int64_t first_groups = 1;  ///< of the first convolution and of the shuffle
  std::int64_t groups = 1;        ///< of the last convolution

  [[nodiscard]] constexpr std::int64_t of_branch() const { return stride == 2 ? out - in : out; }
  [[nodiscard]] constexpr std::int64_t inner() const { return of_branch() / 4; }
};

/// ShuffleNet unit: relu(BN(grouped 1x1(relu(BN(depthwise(shuffled(relu(BN(grouped 1x1(x))))))))) +
/// x); with stride 2 a 3x3 average pooling of x is concatenated instead of the sum with x.
template<Quantizer Q>
class shuffle_unit : public layered<shuffle_unit<Q>> {
 public:
  shuffle_unit(const layer_factory<Q>& make, const std::string& name,
               const shuffle_unit_shape& shape)
      : input_{make.activation(name + ".convolution1")},
        convolution1_{make.convolution(
            name + ".convolution1",
            {.in = shape.in, .out = shape.inner(), .kernel = 1, .groups = shape.first_groups})},
        batch_norm1_{make.batch_norm(shape.inner())},
        into_depthwise_{make.activation(name + ".depthwise")},
        depthwise_{make.convolution(name + ".depthwise", {.in = shape.inner(),
                                                          .out = shape.inner(),
                                                          .stride = shape.stride,
                                                          .groups = shape.inner()})},
        depthwise_norm_{make.batch_norm(shape.inner())},
        inner_{make.activation(name + ".convolution2")},
        convolution2_{make.convolution(
            name + ".convolution2",
            {.in = shape.inner(), .out = shape.of_branch(), .kernel = 1, .groups = shape.groups})},
        batch_norm2_{make.batch_norm(shape.of_branch())},
        shuffled_groups_{shape.first_groups},
        concatenates_{shape.stride == 2}
  {}

  /// @param x rectified, unchanged
  /// @param kept null, or receives the output before the last ReLU
  /// @return rectified
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when, torch::Tensor* kept)
  {
    auto y = convolution1_.normalized(input_.of_rectified(x, when), batch_norm1_, when);
    const auto spread = [&]() -> carried<Q> {
      if (shuffled_groups_ == 1) return into_depthwise_.rectify(std::move(y), when);
      return into_depthwise_.of_rectified(shuffled(std::move(y).rectified(), shuffled_groups_),
                                          when);
    }();
    y = depthwise_.normalized(spread, depthwise_norm_, when);
    y = convolution2_.normalized(inner_.rectify(std::move(y), when), batch_norm2_, when);
    if (!concatenates_) return rectified_beside(std::move(y).plus(x), kept);
    return rectified_beside(at::cat({y.tensor(), at::avg_pool2d(x, 3, 2, 1)}, 1), kept);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("input", self.input_);
    f("convolution1", self.convolution1_, "batch_norm1", self.batch_norm1_);
    f("into_depthwise", self.into_depthwise_);
    f("depthwise", self.depthwise_, "depthwise_batch_norm", self.depthwise_norm_);
    f("inner", self.inner_);
    f("convolution2", self.convolution2_, "batch_norm2", self.batch_norm2_);
  }

 private:
  activation<Q> input_;
  convolution<Q> convolution1_;
  batch_norm batch_norm1_;
  activation<Q> into_depthwise_;
  convolution<Q> depthwise_;
  batch_norm depthwise_norm_;
  activation<Q> inner_;
  convolution<Q> convolution2_;
  batch_norm batch_norm2_;
  std::int64_t shuffled_groups_;
  bool concatenates_;
};

}  // namespace detail

/// ShuffleNet (the first version) in the form for small images: 1x1 convolution, BN and ReLU; three
/// stages of units, which halve the size; global average pooling; linear classifier. A unit is a
/// grouped 1x1 convolution to a quarter of its branch's output channels, channel shuffle, a 3x3
/// depthwise and a grouped 1x1 convolution, and adds its input or, with stride 2, concatenates the
/// average pooling of it. The first unit's first convolution has one group.
///
/// Layers: `stem`, `stage<s>.<u>.convolution1`, `.depthwise`, `.convolution2`, `classifier`; stages
/// count from 1, units from 0. Taps: `stage<0>`, the stem, and `stage<1>` .. `stage<3>`, each after
/// its last ReLU; `before_activation`, the same before that ReLU; `penultimate`, the pooled vector.
///
/// With a quantizer, the input of each convolution but the stem is quantized; all are rectified.
/// Sums and concatenations stay floating point. There is no 8-bit form (`int8_body`), whose trace
/// knows neither channel shuffle nor concatenation.
///
/// @par Source
/// Zhang, Zhou, Lin, Sun: ShuffleNet: An Extremely Efficient Convolutional Neural Network for
/// Mobile Devices, 2017, arXiv:1707.01083, section 3. Stem, ReLU, taps and initialization as in
/// Tian, Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699, released
/// code.
/// @par Departs
/// From the paper, with the released code: a 1x1 stem of stride 1 without pooling, and ReLU after
/// the depthwise convolution too. A first unit has one group whatever the channels of the stem; the
/// code asks for 24.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
class shufflenet_v1_body
    : public image_body<shufflenet_v1_body<Q, Scheme>, Q, Scheme, shufflenet_v1_plan> {
 public:
  using full_precision_body = shufflenet_v1_body<no_quantizer, full_precision>;
  static constexpr taps offered_taps = detail::taps_of_stages(3);

  shufflenet_v1_body(shufflenet_v1_plan plan, const sample_shape& shape, const Q& q = {},
                     const Scheme& scheme = {}, const network_options& options = {})
      : shufflenet_v1_body{plan, shape, q, scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  shufflenet_v1_body(const shufflenet_v1_plan& plan, const sample_shape& shape, const Q& q,
                     const Scheme& scheme, const network_options& options, const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        stem_{this->make(layers).convolution(
            "stem", {.in = shape.channels, .out = plan.stem, .kernel = 1})},
        stem_norm_{this->make(layers).batch_norm(plan.stem)},
        classifier_{this->make(layers).linear("classifier", plan.widths.back(), shape.classes)}
  {
    const auto make = base::make(layers);
    auto in = plan.stem;
    for (std::size_t s = 0; s < stages_.size(); ++s)
      for (std::int64_t u = 0; u < plan.units[s]; ++u)
        stages_[s].parts.emplace_back(
            make, detail::block_name(s, u),
            detail::shuffle_unit_shape{.in = std::exchange(in, plan.widths[s]),
                                       .out = plan.widths[s],
                                       .stride = u == 0 ? 2 : 1,
                                       .first_groups = s == 0 && u == 0 ? 1 : plan.groups,
                                       .groups = plan.groups});
    this->set_precision(options.precision);
  }

  /// @param images `[N, C, H, W]`
  /// @param features `detail::tapped_features`
  template<typename Features>
  [[nodiscard]] torch::Tensor logits(const torch::Tensor& images, phase when, Features& features)
  {
    torch::Tensor before;
    const auto place = [&](std::size_t stage) {
      return features.wants(tap_kind::before_activation, stage) ? &before : nullptr;
    };
    // From images of one channel a 1x1 convolution makes maps in another memory format.
    auto x = detail::rectified_beside(stem_.normalized(unquantized<Q>(images), stem_norm_, when),
                                      place(0))
                 .contiguous(torch::MemoryFormat::ChannelsLast);
    for (std::size_t s = 0; s <= stages_.size(); ++s) {
      if (s > 0)
        for (auto& unit : stages_[s - 1].parts)
          x = unit(x, when, &unit == &stages_[s - 1].parts.back() ? place(s) : nullptr);
      features.keep(tap_kind::before_activation, s, [&] { return before; });
      features.keep(tap_kind::stage, s, [&] { return x; });
    }
    const auto pooled = detail::pooled(x);
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return classifier_(pooled, when);
  }

  /// The first convolution of a stage has the size of the stage before.
  [[nodiscard]] std::int64_t positions(std::size_t entry, std::size_t index) const
  {
    if (entry > stages_.size()) return 1;
    return detail::positions_of_halving_stages({this->shape_.height, this->shape_.width},
                                               stages_.size(), entry, entry > 0 && index == 0);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("stem", self.stem_, "stem_batch_norm", self.stem_norm_);
    for (std::size_t s = 0; s < self.stages_.size(); ++s)
      f("stage" + std::to_string(s + 1), self.stages_[s]);
    f("classifier", self.classifier_);
  }

  static void check(const shufflenet_v1_plan& plan, const sample_shape&) { detail::check(plan); }
  [[nodiscard]] static weight_init start_of(const shufflenet_v1_plan&,
                                            const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(conv_init::uniform_fan_in),
            linear_init::uniform};
  }

 private:
  using base = image_body<shufflenet_v1_body, Q, Scheme, shufflenet_v1_plan>;

  convolution<Q> stem_;
  batch_norm stem_norm_;
  std::array<detail::part_list<detail::shuffle_unit<Q>>, 3> stages_;
  linear<Q> classifier_;
};

static_assert(NetworkBody<shufflenet_v1_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
using shufflenet_v1_network = network<shufflenet_v1_body<Q, Scheme>>;

/// Makes a network from its plan, for images of any size and number of channels. With a quantizer
/// but no scheme, inner layers have 2 bits.
/// @return `shufflenet_v1_network<Q, Scheme>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
[[nodiscard]] auto make_shufflenet_v1(shufflenet_v1_plan plan, const sample_shape& shape,
                                      const Q& q = {}, const Scheme& scheme = {},
                                      const network_options& options = {})
{
  return detail::network_of<shufflenet_v1_body>(std::move(plan), shape, q, scheme, options);
}

/// The ShuffleNet of the distillation literature, of 3 groups: `shufflenet_v1(shape)`,
/// `shufflenet_v1(shape, dorefa{}, inner_bits<4>)`. It has 949 258 learned parameters for 3
/// channels and 100 classes.
inline constexpr detail::plan_factory<shufflenet_v1_body, shufflenet_v1_plan> shufflenet_v1{};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/shufflenet_v1.hpp>
#endif
