// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Residual networks, with post-activation, pre-activation or bottleneck blocks.

#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/network/residual_block.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

/// 16, 32, 64, ...: twice the channels in each stage.
template<std::size_t Stages>
[[nodiscard]] constexpr std::array<std::int64_t, Stages> doubling_widths()
{
  std::array<std::int64_t, Stages> widths{};
  for (std::size_t s = 0; s < Stages; ++s) widths[s] = std::int64_t{16} << s;
  return widths;
}

}  // namespace detail

/// The number of blocks in each stage: one number for all stages, or one for each.
///
///     residual_plan<4> plan{.name = "mine", .blocks = 2};
///     residual_plan<4> other{.name = "other", .blocks = {3, 4, 6, 3}};
template<std::size_t Stages>
class blocks_of_stages {
 public:
  constexpr blocks_of_stages(std::int64_t each) { counts_.fill(each); }
  template<std::convertible_to<std::int64_t>... Count>
    requires(sizeof...(Count) == Stages && Stages > 1)
  constexpr blocks_of_stages(Count... of_stage) : counts_{static_cast<std::int64_t>(of_stage)...}
  {}

  [[nodiscard]] constexpr std::int64_t operator[](std::size_t stage) const
  {
    return counts_[stage];
  }
  [[nodiscard]] constexpr auto begin() const { return counts_.begin(); }
  [[nodiscard]] constexpr auto end() const { return counts_.end(); }

 private:
  std::array<std::int64_t, Stages> counts_{};
};

/// The first layers of a residual network.
enum class residual_stem {
  small_images,  ///< a 3x3 convolution
  pooled         ///< a 7x7 convolution of stride 2; after its ReLU, 3x3 max pooling of stride 2
};

/// The architecture of a residual network. The number of stages is part of its type, as it decides
/// which taps the network offers.
template<std::size_t Stages = 3, residual_form Form = residual_form::post_activation>
struct residual_plan {
  static_assert(Stages >= 1 && Stages < 32, "a residual network has 1 .. 31 stages");
  static constexpr std::size_t stages = Stages;
  static constexpr residual_form form = Form;

  std::string name;
  std::int64_t stem = 16;  ///< channels after the first convolution
  /// Channels of each stage; of a bottleneck's output, a multiple of 4.
  std::array<std::int64_t, Stages> widths = detail::doubling_widths<Stages>();
  blocks_of_stages<Stages> blocks = 1;
  padding_rule padding = padding_rule::symmetric;
  batch_norm_options normalization{};
  conv_init convolutions = conv_init::kaiming_normal_fan_out;
  linear_init classifier = linear_init::uniform;
  residual_stem first_layers = residual_stem::small_images;  ///< `pooled` if post-activation
};

/// Residual network: 3x3 convolution, or `residual_stem::pooled`; stages of blocks, all but the
/// first begin with stride 2; global average pooling; linear classifier. BN and ReLU follow the
/// first convolution, or the last stage if blocks are pre-activation.
///
/// Layers: `stem`, `stage<s>.<b>.convolution1`, `.convolution2`, in a bottleneck `.convolution3`,
/// `.shortcut`, `classifier`; stages count from 1, blocks from 0. Taps: `penultimate`, the pooled
/// vector, and for the stem (0) and every stage
///
/// - post-activation, bottleneck: `stage` after its last ReLU (before a quantizer clips it), and
///   `before_activation`, the same before that ReLU; the stem's lie before its pooling;
/// - pre-activation: `stage`, the residual sum (the stem: its convolution's output), and
///   `before_activation`, the same after the batch norm that follows.
///
/// @par Departs
/// From the meaning of the taps elsewhere: with pre-activation `stage` is neither normalized nor
/// rectified, as in the distillation literature (Tian, Krishnan, Isola: Contrastive Representation
/// Distillation, 2019, arXiv:1910.10699, released code), because the sum goes on to the next stage
/// as it is; what is rectified next is `before_activation`.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = residual_plan<>>
class residual_body : public image_body<residual_body<Q, Scheme, Plan>, Q, Scheme, Plan> {
 public:
  using full_precision_body = residual_body<no_quantizer, full_precision, Plan>;
  static constexpr taps offered_taps = detail::taps_of_stages(Plan::stages);

  residual_body(Plan plan, const sample_shape& shape, const Q& q = {}, const Scheme& scheme = {},
                const network_options& options = {})
      : residual_body{plan, shape, q, scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  residual_body(const Plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
                const network_options& options, const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        stem_{this->make(layers).convolution("stem", stem_of(plan, shape))},
        batch_norm_{this->make(layers).batch_norm(is_pre ? plan.widths.back() : plan.stem)},
        classifier_{this->make(layers).linear("classifier", plan.widths.back(), shape.classes)}
  {
    const auto make = base::make(layers);
    for (std::size_t s = 0; s < Plan::stages; ++s)
      for (std::int64_t b = 0; b < plan.blocks[s]; ++b)
        stages_[s].parts.emplace_back(make, detail::block_name(s, b), block_of(plan, s, b));
    this->set_precision(options.precision);
  }

  /// @param images `[N, C, H, W]`, or those of a trace
  /// @param features `detail::tapped_features`, or the trace
  template<detail::ImagesFor<Q> Images, typename Features>
  [[nodiscard]] auto logits(const Images& images, phase when, Features& features)
  {
    torch::Tensor before;
    const auto place = [&](std::size_t stage) {
      return features.wants(tap_kind::before_activation, stage) ? &before : nullptr;
    };
    const auto keep_before = [&](std::size_t stage) {
      features.keep(tap_kind::before_activation, stage, [&] { return before; });
    };
    const auto keep = [&](std::size_t stage, auto& x) {
      features.keep(tap_kind::stage, stage, [&] { return output_of_stage(x); });
    };
    auto x = after_stem(images, when, place(0));
    if (!is_pre) keep_before(0);
    keep(0, x);
    if constexpr (!is_pre)
      if (is_pooled()) x = detail::max_pooled(x, pooling_of_stem);
    for (std::size_t s = 1; s <= Plan::stages; ++s) {
      auto& blocks = stages_[s - 1].parts;
      // A batch norm that reads the output of a stage belongs to the next one.
      const auto kept = is_pre ? s - 1 : s;
      const auto& keeps = is_pre ? blocks.front() : blocks.back();
      for (auto& block : blocks)
        x = block(std::move(x), when, &block == &keeps ? place(kept) : nullptr);
      keep_before(kept);
      keep(s, x);
    }
    const auto pooled = detail::pooled(rectified(std::move(x), when, place(Plan::stages)));
    if (is_pre) keep_before(Plan::stages);
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return classifier_(pooled, when);
  }

  [[nodiscard]] std::int64_t positions(std::size_t entry, std::size_t index) const
  {
    detail::map_size size{this->shape_.height, this->shape_.width};
    if (is_pooled()) size = entry == 0 ? size.halved() : size.halved().halved();
    // The first convolution of a stage of bottlenecks precedes the one that halves the map.
    const bool precedes = is_bottleneck && entry > 1 && entry <= Plan::stages && index == 0;
    return detail::positions_of_stages(size, Plan::stages, precedes ? entry - 1 : entry);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    if constexpr (is_pre)
      f("stem", self.stem_);
    else
      f("stem", self.stem_, "stem_batch_norm", self.batch_norm_);
    for (std::size_t s = 0; s < self.stages_.size(); ++s)
      f("stage" + std::to_string(s + 1), self.stages_[s]);
    if constexpr (is_pre) f("last_batch_norm", self.batch_norm_);
    f("classifier", self.classifier_);
  }

  static void check(const Plan& plan, const sample_shape&)
  {
    const auto is_none = [](std::int64_t count) { return count < 1; };
    const std::vector<std::int64_t> counts(plan.blocks.begin(), plan.blocks.end());
    const at::IntArrayRef blocks{counts}, widths{plan.widths};
    if (std::ranges::any_of(blocks, is_none) || std::ranges::any_of(widths, is_none))
      throw_invalid_argument(plan.name, "want channels and blocks above 0 in each stage, got ",
                             blocks, " blocks of ", widths, " channels");
    if (is_bottleneck && std::ranges::any_of(widths, [](std::int64_t width) {
          return width % bottleneck_expansion != 0;
        }))
      throw_invalid_argument(plan.name, "want multiples of ", bottleneck_expansion,
                             " as the channels of stages of bottlenecks, got ", widths);
    if (plan.padding == padding_rule::none)
      throw_invalid_argument(plan.name, "want padding that keeps the size of a map, for shortcuts ",
                             "around convolutions, got padding_rule::none");
    if (plan.first_layers != residual_stem::pooled) return;
    if (is_pre || plan.padding != padding_rule::symmetric)
      throw_invalid_argument(plan.name,
                             "want residual_stem::pooled with symmetric padding, before ",
                             "blocks that are not pre-activation, got ",
                             is_pre ? "pre-activation" : "padding_rule::same");
  }
  [[nodiscard]] static weight_init start_of(const Plan& plan, const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(plan.convolutions), plan.classifier};
  }

 private:
  static constexpr bool is_pre = Plan::form == residual_form::pre_activation;
  static constexpr bool is_bottleneck = Plan::form == residual_form::bottleneck;
  static constexpr detail::max_pooling pooling_of_stem{.kernel = 3, .stride = 2, .padding = 1};
  using base = image_body<residual_body, Q, Scheme, Plan>;

  [[nodiscard]] bool is_pooled() const { return this->plan_.first_layers == residual_stem::pooled; }

  [[nodiscard]] static convolution_shape stem_of(const Plan& plan, const sample_shape& shape)
  {
    const bool is_pooled = plan.first_layers == residual_stem::pooled;
    return {.in = shape.channels,
            .out = plan.stem,
            .kernel = is_pooled ? 7 : 3,
            .stride = is_pooled ? 2 : 1,
            .padding = plan.padding};
  }

  [[nodiscard]] static convolution_shape block_of(const Plan& plan, std::size_t stage,
                                                  std::int64_t block)
  {
    const auto out = plan.widths[stage];
    const auto before = stage == 0 ? plan.stem : plan.widths[stage - 1];
    return {.in = block == 0 ? before : out,
            .out = out,
            .stride = stage > 0 && block == 0 ? 2 : 1,
            .padding = plan.padding};
  }

  template<typename Images>
  [[nodiscard]] auto after_stem(const Images& images, phase when, torch::Tensor* kept)
  {
    if constexpr (is_pre)
      return stem_(unquantized<Q>(images), when);
    else
      return detail::handed_on<Q>(stem_.normalized(unquantized<Q>(images), batch_norm_, when),
                                  kept);
  }

  template<typename Map>
  [[nodiscard]] static auto output_of_stage(Map& x)
  {
    if constexpr (is_pre)
      return x;
    else
      return detail::rectified_copy<Q>(x);
  }

  template<typename Map>
  [[nodiscard]] auto rectified(Map x, phase when, torch::Tensor* kept)
  {
    if constexpr (is_pre) {
      auto last = batch_norm_.pending(x, when);
      detail::keep_copy(last, kept);
      return std::move(last).rectified();
    } else {
      return detail::rectified_last<Q>(std::move(x), kept != nullptr);
    }
  }

  convolution<Q> stem_;
  batch_norm batch_norm_;  ///< after the stem or, with pre-activation, after the last stage
  std::array<detail::part_list<residual_block<Q, Plan::form>>, Plan::stages> stages_;
  linear<Q> classifier_;
};

static_assert(NetworkBody<residual_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = residual_plan<>>
using residual_network = network<residual_body<Q, Scheme, Plan>>;

/// Makes a network from its plan, for images of any size and number of channels. With a quantizer
/// but no scheme, inner layers have 2 bits.
/// @return `residual_network<Q, Scheme, residual_plan<Stages, Form>>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>, std::size_t Stages,
         residual_form Form>
[[nodiscard]] auto make_residual_network(residual_plan<Stages, Form> plan,
                                         const sample_shape& shape, const Q& q = {},
                                         const Scheme& scheme = {},
                                         const network_options& options = {})
{
  detail::must_make_a_network<Q, Scheme>();
  using body = residual_body<Q, Scheme, residual_plan<Stages, Form>>;
  return network<body>{body{std::move(plan), shape, q, scheme, options}};
}

}  // namespace rolewise
