// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Residual networks of basic blocks.

#include <rolewise/network/linear.hpp>
#include <rolewise/network/residual_block.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// The architecture of a residual network.
struct residual_plan {
  std::string name;
  std::int64_t stem = 16;                        ///< channels after the first convolution
  std::vector<std::int64_t> widths{16, 32, 64};  ///< channels of each stage
  std::int64_t blocks = 1;                       ///< blocks of each stage
  padding_rule padding = padding_rule::symmetric;
  batch_norm_options normalization{};
  conv_init convolutions = conv_init::kaiming_normal_fan_out;
  linear_init classifier = linear_init::uniform;
};

/// Residual network of basic blocks: 3x3 convolution, BN, ReLU; stages of blocks, all but the
/// first begin with stride 2; global average pooling; linear classifier.
///
/// Features: the stem, every stage after its last ReLU (before a quantizer clips it), the pooled
/// vector. Layers: `stem`, `stage<s>.<b>.convolution1`, `.convolution2`, `.shortcut`,
/// `classifier`; stages count from 1, blocks from 0.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
class residual_body {
 public:
  residual_body(residual_plan plan, const sample_shape& shape, const Q& q = {},
                const Scheme& scheme = {}, const network_options& options = {})
      : residual_body{plan, shape, q, scheme, options, layers_of(plan, shape, q, scheme)}
  {}

  [[nodiscard]] outputs forward(const torch::Tensor& inputs, phase when, taps wanted)
  {
    detail::require_images(name_, inputs, channels_);
    outputs result;
    const auto tap = [&](const torch::Tensor& x) {
      if (wanted.features) result.features.push_back(detail::widened(x));
    };
    const auto tap_rectified = [&](detail::deferred_batch_norm& x) {
      if (wanted.features) tap(fuses_relu<Q>() ? x.tensor().relu() : x.tensor());
    };
    auto x = stem_.normalized(unquantized<Q>(inputs), stem_batch_norm_, when);
    if constexpr (!fuses_relu<Q>()) x = std::move(x).rectified();
    tap_rectified(x);
    for (auto& stage : stages_) {
      for (auto& block : stage.parts) x = block(std::move(x), when);
      tap_rectified(x);
    }
    const auto sum = x.taken();
    const auto pooled = detail::pooled(fuses_relu<Q>() ? sum.relu_() : sum);
    tap(pooled);
    result.logits = classifier_(pooled, when);
    return result;
  }

  [[nodiscard]] std::vector<layer_report> layers() const
  {
    auto all = detail::reports_of(stem_, stages_, size_);
    all.push_back(classifier_.report());
    return all;
  }

  [[nodiscard]] std::string name() const { return name_; }
  [[nodiscard]] const Scheme& scheme() const { return scheme_; }
  [[nodiscard]] torch::ScalarType input_type() const { return compute_; }

  void cast(torch::ScalarType type)
  {
    stem_.cast(type);
    stem_batch_norm_.cast(type);
    for (auto& stage : stages_)
      for (auto& block : stage.parts) block.cast(type);
    classifier_.cast(type);
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
  [[nodiscard]] std::int64_t channels() const { return channels_; }

  void set_precision(const pass_precisions& passes)
  {
    stem_.set_precision(passes);
    for (auto& stage : stages_)
      for (auto& block : stage.parts) block.set_precision(passes);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    visit_normalized(archive, "stem", stem_, "stem_batch_norm", stem_batch_norm_);
    for (std::size_t s = 0; s < stages_.size(); ++s)
      archive.part("stage" + std::to_string(s + 1), stages_[s]);
    archive.part("classifier", classifier_);
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
  [[nodiscard]] static convolution_shape first_of(const residual_plan& plan, std::size_t stage,
                                                  std::int64_t block)
  {
    const auto out = plan.widths[stage];
    const auto before = stage == 0 ? plan.stem : plan.widths[stage - 1];
    return {.in = block == 0 ? before : out,
            .out = out,
            .stride = stage > 0 && block == 0 ? 2 : 1,
            .padding = plan.padding};
  }

  [[nodiscard]] static layer_plan layers_of(const residual_plan& plan, const sample_shape& shape,
                                            const Q& q, const Scheme& scheme)
  {
    detail::require_shape(plan.name, shape);
    if (plan.widths.empty() || plan.blocks < 1)
      throw_invalid_argument(plan.name, "want at least one stage and one block in each, got ",
                             plan.widths.size(), " and ", plan.blocks);
    std::vector<std::pair<std::string, layer_kind>> layers{{"stem", layer_kind::convolution}};
    for (std::size_t s = 0; s < plan.widths.size(); ++s)
      for (std::int64_t b = 0; b < plan.blocks; ++b)
        residual_block<Q>::list(detail::block_name(s, b), first_of(plan, s, b), layers);
    layers.emplace_back("classifier", layer_kind::linear);
    return {q, scheme, std::move(layers)};
  }

  [[nodiscard]] static weight_init start_of(const residual_plan& plan,
                                            const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(plan.convolutions), plan.classifier};
  }

  residual_body(const residual_plan& plan, const sample_shape& shape, const Q& q,
                const Scheme& scheme, const network_options& options, const layer_plan& layers)
      : name_{plan.name},
        channels_{shape.channels},
        size_{shape.height, shape.width},
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
      auto& stage = stages_.emplace_back();
      for (std::int64_t b = 0; b < plan.blocks; ++b)
        stage.parts.emplace_back(q, layers, detail::block_name(s, b), first_of(plan, s, b),
                                 normalization, start);
    }
    set_precision(options.precision);
  }

  std::string name_;
  std::int64_t channels_;
  detail::map_size size_;
  residual_plan plan_;
  [[no_unique_address]] Q quantizer_;
  Scheme scheme_;
  network_options options_;
  convolution<Q> stem_;
  batch_norm stem_batch_norm_;
  std::vector<detail::part_list<residual_block<Q>>> stages_;
  linear<Q> classifier_;
  torch::ScalarType compute_ = torch::kFloat;
};

static_assert(NetworkBody<residual_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
using residual_network = network<residual_body<Q, Scheme>>;

}  // namespace rolewise
