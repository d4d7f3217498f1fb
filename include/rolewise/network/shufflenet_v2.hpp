// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// ShuffleNetV2 for small images.

#include <rolewise/network/detail/plan_factory.hpp>
#include <rolewise/network/detail/shuffled_maps.hpp>
#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/support/inline.hpp>

#include <ATen/ops/cat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// The architecture of a ShuffleNetV2: three stages of blocks. The default is the network of the
/// distillation literature, of width 1.
struct shufflenet_v2_plan {
  std::string name = "shufflenet_v2";
  std::int64_t stem = 24;                             ///< channels after the first convolution
  std::array<std::int64_t, 3> widths{116, 232, 464};  ///< channels of each stage, even
  std::array<std::int64_t, 3> blocks{4, 8, 4};        ///< of each stage; the first has stride 2
  std::int64_t head = 1024;                           ///< channels that are pooled
};

namespace detail {

ROLEWISE_INLINE void check(const shufflenet_v2_plan& plan);

/// The branch of a block: relu(BN(1x1(BN(depthwise(relu(BN(1x1(x)))))))).
template<Quantizer Q>
class shuffle_branch : public layered<shuffle_branch<Q>> {
 public:
  shuffle_branch(const layer_factory<Q>& make, const std::string& name, std::int64_t in,
                 std::int64_t out, std::int64_t stride)
      : input_{make.activation(name + ".convolution1")},
        convolution1_{
            make.convolution(name + ".convolution1", {.in = in, .out = out, .kernel = 1})},
        batch_norm1_{make.batch_norm(out)},
        into_depthwise_{make.activation(name + ".depthwise")},
        depthwise_{make.convolution(name + ".depthwise",
                                    {.in = out, .out = out, .stride = stride, .groups = out})},
        depthwise_norm_{make.batch_norm(out)},
        inner_{make.activation(name + ".convolution2")},
        convolution2_{
            make.convolution(name + ".convolution2", {.in = out, .out = out, .kernel = 1})},
        batch_norm2_{make.batch_norm(out)}
  {}

  /// @param x rectified, unchanged
  /// @param kept null, or receives the output before the last ReLU
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when, torch::Tensor* kept)
  {
    auto y = convolution1_.normalized(input_.of_rectified(x, when), batch_norm1_, when);
    y = depthwise_.normalized(into_depthwise_.rectify(std::move(y), when), depthwise_norm_, when);
    y = convolution2_.normalized(inner_.of_signed(y, when), batch_norm2_, when);
    return rectified_beside(std::move(y), kept);
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
};

/// The other branch of a block with stride 2: relu(BN(1x1(BN(depthwise(x))))).
template<Quantizer Q>
class shuffle_side_branch : public layered<shuffle_side_branch<Q>> {
 public:
  shuffle_side_branch(const layer_factory<Q>& make, const std::string& name, std::int64_t in,
                      std::int64_t out)
      : input_{make.activation(name + ".depthwise")},
        depthwise_{make.convolution(name + ".depthwise",
                                    {.in = in, .out = in, .stride = 2, .groups = in})},
        depthwise_norm_{make.batch_norm(in)},
        inner_{make.activation(name + ".convolution")},
        convolution_{make.convolution(name + ".convolution", {.in = in, .out = out, .kernel = 1})},
        batch_norm_{make.batch_norm(out)}
  {}

  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when, torch::Tensor* kept)
  {
    auto y = depthwise_.normalized(input_.of_rectified(x, when), depthwise_norm_, when);
    return rectified_beside(convolution_.normalized(inner_.of_signed(y, when), batch_norm_, when),
                            kept);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("input", self.input_);
    f("depthwise", self.depthwise_, "depthwise_batch_norm", self.depthwise_norm_);
    f("inner", self.inner_);
    f("convolution", self.convolution_, "batch_norm", self.batch_norm_);
  }

 private:
  activation<Q> input_;
  convolution<Q> depthwise_;
  batch_norm depthwise_norm_;
  activation<Q> inner_;
  convolution<Q> convolution_;
  batch_norm batch_norm_;
};

/// A stage: a block of stride 2, whose two branches both read its input, and blocks whose branch
/// reads the second half of the channels and whose first half passes. The halves of the output are
/// concatenated and shuffled.
template<Quantizer Q>
class shuffle_stage : public layered<shuffle_stage<Q>> {
 public:
  shuffle_stage(const layer_factory<Q>& make, const std::string& name, std::int64_t in,
                std::int64_t out, std::int64_t blocks)
      : side_{make, name + ".0.side", in, out / 2}
  {
    for (std::int64_t b = 0; b < blocks; ++b)
      branches_.emplace_back(make, name + "." + std::to_string(b) + ".branch",
                             b == 0 ? in : out / 2, out / 2, b == 0 ? 2 : 1);
  }

  /// @param kept null, or receives the output before the last ReLU, shuffled like the output
  [[nodiscard]] torch::Tensor operator()(torch::Tensor x, phase when, torch::Tensor* kept)
  {
    torch::Tensor before_side, before;
    for (auto& branch : branches_) {
      const bool is_first = &branch == &branches_.front();
      auto* const keeps = kept && &branch == &branches_.back() ? &before : nullptr;
      const auto half = is_first ? side_(x, when, keeps ? &before_side : nullptr) : half_of(x, 0);
      const auto y = branch(is_first ? x : half_of(x, 1), when, keeps);
      if (keeps) *kept = joined(before_side.defined() ? before_side : half, before);
      x = joined(half, y);
    }
    return x;
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("0.side", self.side_);
    for (std::size_t b = 0; b < self.branches_.size(); ++b)
      f(std::to_string(b) + ".branch", self.branches_[b]);
  }

 private:
  [[nodiscard]] static torch::Tensor half_of(const torch::Tensor& x, std::int64_t number)
  {
    const auto channels = x.size(1) / 2;
    return x.narrow(1, number * channels, channels).contiguous(x.suggest_memory_format());
  }
  [[nodiscard]] static torch::Tensor joined(const torch::Tensor& a, const torch::Tensor& b)
  {
    return shuffled(at::cat({a, b}, 1), 2);
  }

  shuffle_side_branch<Q> side_;
  std::vector<shuffle_branch<Q>> branches_;
};

}  // namespace detail

/// ShuffleNetV2 in the form for small images: 1x1 convolution, BN and ReLU; three stages, which
/// halve the size; 1x1 convolution, BN and ReLU; global average pooling; linear classifier. The
/// first block of a stage has two branches, a depthwise convolution of stride 2 and a 1x1
/// convolution on its side, and 1x1, depthwise and 1x1 convolutions; in other blocks half of the
/// channels passes, and the other half has such a branch. Halves are concatenated and shuffled.
///
/// Layers: `stem`, `stage<s>.0.side.depthwise`, `.convolution`,
/// `stage<s>.<b>.branch.convolution1`, `.depthwise`, `.convolution2`, `head`, `classifier`; stages
/// count from 1, blocks from 0. Taps:
///
/// - `stage<0>`, the stem, and `stage<1>` .. `stage<3>`, each after its last ReLU and shuffle;
/// - `before_activation`, the same before that ReLU, which affects those channels, one half, that
///   the last block computes;
/// - `penultimate`, the pooled vector.
///
/// With a quantizer, the input of each convolution but the stem is quantized. What enters a 1x1
/// convolution from a depthwise one is a batch norm's output without ReLU, and signed
/// (`activation::of_signed`: a quantizer of rectified values gives one bit to the sign). Halves
/// that pass stay floating point. There is no 8-bit form (`int8_body`), whose trace knows neither
/// channel shuffle nor concatenation.
///
/// @par Source
/// Ma, Zhang, Zheng, Sun: ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture
/// Design, 2018, arXiv:1807.11164, section 4. Stem, blocks, taps and initialization as in Tian,
/// Krishnan, Isola: Contrastive Representation Distillation, 2019, arXiv:1910.10699, released code.
/// @par Departs
/// From the paper, with the released code: a 1x1 stem of stride 1 without pooling. From the code:
/// `before_activation` is shuffled as `stage` is, so that their channels are the same.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
class shufflenet_v2_body
    : public image_body<shufflenet_v2_body<Q, Scheme>, Q, Scheme, shufflenet_v2_plan> {
 public:
  using full_precision_body = shufflenet_v2_body<no_quantizer, full_precision>;
  static constexpr taps offered_taps = detail::taps_of_stages(3);

  shufflenet_v2_body(shufflenet_v2_plan plan, const sample_shape& shape, const Q& q = {},
                     const Scheme& scheme = {}, const network_options& options = {})
      : shufflenet_v2_body{plan, shape, q, scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  shufflenet_v2_body(const shufflenet_v2_plan& plan, const sample_shape& shape, const Q& q,
                     const Scheme& scheme, const network_options& options, const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        stem_{this->make(layers).convolution(
            "stem", {.in = shape.channels, .out = plan.stem, .kernel = 1})},
        stem_norm_{this->make(layers).batch_norm(plan.stem)},
        into_head_{this->make(layers).activation("head")},
        head_{this->make(layers).convolution(
            "head", {.in = plan.widths.back(), .out = plan.head, .kernel = 1})},
        head_norm_{this->make(layers).batch_norm(plan.head)},
        classifier_{this->make(layers).linear("classifier", plan.head, shape.classes)}
  {
    const auto make = base::make(layers);
    auto in = plan.stem;
    for (std::size_t s = 0; s < plan.widths.size(); ++s)
      stages_.emplace_back(make, "stage" + std::to_string(s + 1), std::exchange(in, plan.widths[s]),
                           plan.widths[s], plan.blocks[s]);
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
      if (s > 0) x = stages_[s - 1](std::move(x), when, place(s));
      features.keep(tap_kind::before_activation, s, [&] { return before; });
      features.keep(tap_kind::stage, s, [&] { return x; });
    }
    const auto last =
        head_.normalized(into_head_.of_rectified(x, when), head_norm_, when).rectified();
    const auto pooled = detail::pooled(last);
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return classifier_(pooled, when);
  }

  /// The 1x1 convolution before the first depthwise one of a stage's branches has the size of the
  /// stage before; the two layers of the other branch precede it.
  [[nodiscard]] std::int64_t positions(std::size_t entry, std::size_t index) const
  {
    if (entry > stages_.size() + 1) return 1;
    return detail::positions_of_halving_stages({this->shape_.height, this->shape_.width},
                                               stages_.size(), entry, entry > 0 && index == 2);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("stem", self.stem_, "stem_batch_norm", self.stem_norm_);
    for (std::size_t s = 0; s < self.stages_.size(); ++s)
      f("stage" + std::to_string(s + 1), self.stages_[s]);
    f("head", self.head_, "head_batch_norm", self.head_norm_);
    f("into_head", self.into_head_);
    f("classifier", self.classifier_);
  }

  static void check(const shufflenet_v2_plan& plan, const sample_shape&) { detail::check(plan); }
  [[nodiscard]] static weight_init start_of(const shufflenet_v2_plan&,
                                            const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(conv_init::uniform_fan_in),
            linear_init::uniform};
  }

 private:
  using base = image_body<shufflenet_v2_body, Q, Scheme, shufflenet_v2_plan>;

  convolution<Q> stem_;
  batch_norm stem_norm_;
  std::vector<detail::shuffle_stage<Q>> stages_;
  activation<Q> into_head_;
  convolution<Q> head_;
  batch_norm head_norm_;
  linear<Q> classifier_;
};

static_assert(NetworkBody<shufflenet_v2_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
using shufflenet_v2_network = network<shufflenet_v2_body<Q, Scheme>>;

/// Makes a network from its plan, for images of any size and number of channels. With a quantizer
/// but no scheme, inner layers have 2 bits.
/// @return `shufflenet_v2_network<Q, Scheme>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
[[nodiscard]] auto make_shufflenet_v2(shufflenet_v2_plan plan, const sample_shape& shape,
                                      const Q& q = {}, const Scheme& scheme = {},
                                      const network_options& options = {})
{
  return detail::network_of<shufflenet_v2_body>(std::move(plan), shape, q, scheme, options);
}

/// The ShuffleNetV2 of the distillation literature, of width 1: `shufflenet_v2(shape)`,
/// `shufflenet_v2(shape, lsq{}, inner_bits<4>)`. It has 1 355 528 learned parameters for 3 channels
/// and 100 classes.
inline constexpr detail::plan_factory<shufflenet_v2_body, shufflenet_v2_plan> shufflenet_v2{};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/shufflenet_v2.hpp>
#endif
