// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Residual networks of basic blocks.

#include <rolewise/network/layered.hpp>
#include <rolewise/network/linear.hpp>
#include <rolewise/network/residual_block.hpp>

#include <algorithm>
#include <array>
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

/// The architecture of a residual network. The number of stages is part of its type, as it decides
/// which taps the network offers.
template<std::size_t Stages = 3>
struct residual_plan {
  static_assert(Stages >= 1 && Stages < 32, "a residual network has 1 .. 31 stages");
  static constexpr std::size_t stages = Stages;

  std::string name;
  std::int64_t stem = 16;  ///< channels after the first convolution
  /// Channels of each stage.
  std::array<std::int64_t, Stages> widths = detail::doubling_widths<Stages>();
  std::int64_t blocks = 1;  ///< blocks of each stage
  padding_rule padding = padding_rule::symmetric;
  batch_norm_options normalization{};
  conv_init convolutions = conv_init::kaiming_normal_fan_out;
  linear_init classifier = linear_init::uniform;
};

/// Residual network of basic blocks: 3x3 convolution, BN, ReLU; stages of blocks, all but the
/// first begin with stride 2; global average pooling; linear classifier.
///
/// Taps: `stage<0>` (the stem) and every stage after its last ReLU (before a quantizer clips it),
/// `before_activation` for the same before that ReLU, and `penultimate`, the pooled vector. Layers:
/// `stem`, `stage<s>.<b>.convolution1`, `.convolution2`, `.shortcut`, `classifier`; stages count
/// from 1, blocks from 0.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = residual_plan<>>
class residual_body : public layered<residual_body<Q, Scheme, Plan>> {
 public:
  static constexpr taps offered_taps = detail::taps_of_stages(Plan::stages, true);

  residual_body(Plan plan, const sample_shape& shape, const Q& q = {}, const Scheme& scheme = {},
                const network_options& options = {})
      : residual_body{plan, shape, q, scheme, options, layers_of(plan, shape, q, scheme)}
  {}

  [[nodiscard]] outputs forward(const torch::Tensor& inputs, phase when, taps wanted)
  {
    detail::require_images(name_, inputs, shape_.channels);
    detail::tapped_features features{wanted};
    torch::Tensor sum;
    const auto place_for_sum = [&](std::size_t stage) {
      return features.wants(tap_kind::before_activation, stage) ? &sum : nullptr;
    };
    const auto keep = [&](std::size_t stage, detail::deferred_batch_norm& x) {
      features.keep(tap_kind::before_activation, stage, [&] { return sum; });
      features.keep(tap_kind::stage, stage,
                    [&] { return fuses_relu<Q>() ? x.tensor().relu() : x.tensor(); });
    };
    auto x = detail::handed_on<Q>(stem_.normalized(unquantized<Q>(inputs), stem_batch_norm_, when),
                                  place_for_sum(0));
    keep(0, x);
    for (std::size_t s = 1; s <= Plan::stages; ++s) {
      auto& blocks = stages_[s - 1].parts;
      for (auto& block : blocks)
        x = block(std::move(x), when, &block == &blocks.back() ? place_for_sum(s) : nullptr);
      keep(s, x);
    }
    const auto pooled =
        detail::pooled(detail::rectified_last<Q>(std::move(x), place_for_sum(Plan::stages)));
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return {.logits = classifier_(pooled, when), .features = features.taken()};
  }

  [[nodiscard]] std::vector<layer_report> layers() const
  {
    return this->reports([&](std::size_t entry) {
      return detail::positions_of_stages({shape_.height, shape_.width}, Plan::stages, entry);
    });
  }

  [[nodiscard]] std::string name() const { return name_; }
  [[nodiscard]] const Scheme& scheme() const { return scheme_; }
  [[nodiscard]] torch::ScalarType input_type() const { return compute_; }

  void cast(torch::ScalarType type)
  {
    layered<residual_body>::cast(type);
    compute_ = type;
  }

  /// The convolutions for inference only: batch norm folded into them.
  [[nodiscard]] detail::folded_network folded() const
    requires(changes_nothing<Q>())
  {
    detail::folded_network result{stem_.folded(stem_batch_norm_.factor(), stem_batch_norm_.shift()),
                                  {}};
    for (const auto& stage : stages_) {
      auto& blocks = result.body.stages.emplace_back();
      for (const auto& block : stage.parts) blocks.push_back(block.folded());
    }
    return result;
  }
  [[nodiscard]] const linear<Q>& classifier() const { return classifier_; }
  [[nodiscard]] sample_shape shape() const { return shape_; }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("stem", self.stem_, "stem_batch_norm", self.stem_batch_norm_);
    for (std::size_t s = 0; s < self.stages_.size(); ++s)
      f("stage" + std::to_string(s + 1), self.stages_[s]);
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
  [[nodiscard]] static convolution_shape first_of(const Plan& plan, std::size_t stage,
                                                  std::int64_t block)
  {
    const auto out = plan.widths[stage];
    const auto before = stage == 0 ? plan.stem : plan.widths[stage - 1];
    return {.in = block == 0 ? before : out,
            .out = out,
            .stride = stage > 0 && block == 0 ? 2 : 1,
            .padding = plan.padding};
  }

  [[nodiscard]] static layer_plan layers_of(const Plan& plan, const sample_shape& shape, const Q& q,
                                            const Scheme& scheme)
  {
    detail::require_shape(plan.name, shape);
    if (plan.blocks < 1 || std::ranges::any_of(plan.widths, [](auto width) { return width < 1; }))
      throw_invalid_argument(plan.name, "want channels and blocks above 0 in each stage, got ",
                             plan.blocks, " blocks of ", at::IntArrayRef{plan.widths}, " channels");
    std::vector<std::pair<std::string, layer_kind>> layers{{"stem", layer_kind::convolution}};
    for (std::size_t s = 0; s < plan.widths.size(); ++s)
      for (std::int64_t b = 0; b < plan.blocks; ++b)
        residual_block<Q>::list(detail::block_name(s, b), first_of(plan, s, b), layers);
    layers.emplace_back("classifier", layer_kind::linear);
    return {q, scheme, std::move(layers)};
  }

  [[nodiscard]] static weight_init start_of(const Plan& plan, const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(plan.convolutions), plan.classifier};
  }

  residual_body(const Plan& plan, const sample_shape& shape, const Q& q, const Scheme& scheme,
                const network_options& options, const layer_plan& layers)
      : name_{plan.name},
        shape_{shape},
        plan_{plan},
        quantizer_{q},
        scheme_{scheme},
        options_{options},
        stem_{q,
              layers.at("stem"),
              {.in = shape.channels, .out = plan.stem, .padding = plan.padding},
              start_of(plan, options)},
        stem_batch_norm_{plan.stem,
                         detail::normalization_of<Q>(plan.name, options, plan.normalization)},
        classifier_{q, layers.at("classifier"), plan.widths.back(), shape.classes,
                    start_of(plan, options)}
  {
    const auto normalization = detail::normalization_of<Q>(plan.name, options, plan.normalization);
    const auto start = start_of(plan, options);
    for (std::size_t s = 0; s < plan.widths.size(); ++s) {
      for (std::int64_t b = 0; b < plan.blocks; ++b)
        stages_[s].parts.emplace_back(q, layers, detail::block_name(s, b), first_of(plan, s, b),
                                      normalization, start);
    }
    this->set_precision(options.precision);
  }

  std::string name_;
  sample_shape shape_;
  Plan plan_;
  [[no_unique_address]] Q quantizer_;
  Scheme scheme_;
  network_options options_;
  convolution<Q> stem_;
  batch_norm stem_batch_norm_;
  std::array<detail::part_list<residual_block<Q>>, Plan::stages> stages_;
  linear<Q> classifier_;
  torch::ScalarType compute_ = torch::kFloat;
};

static_assert(NetworkBody<residual_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = residual_plan<>>
using residual_network = network<residual_body<Q, Scheme, Plan>>;

}  // namespace rolewise
