// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Wide residual networks.

#include <rolewise/network/layered.hpp>
#include <rolewise/network/linear.hpp>
#include <rolewise/network/wide_residual_block.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Wide residual network WRN-d-k of depth d = 6n + 4 and widening factor k: a 3x3 convolution to
/// 16 channels without batch norm; three stages of n pre-activation blocks with 16k, 32k and 64k
/// channels, strides 1, 2, 2; BN, ReLU, global average pooling, linear classifier.
///
/// Taps: `stage<0>` (the first convolution's output) and the residual sum of every stage;
/// `before_activation`, the same after the batch norm that follows; `penultimate`, the pooled
/// vector. Layers: `stem`, `stage<s>.<b>.convolution1`, `.convolution2`, `.shortcut`, `classifier`;
/// stages count from 1, blocks from 0.
///
/// @par Source
/// Zagoruyko, Komodakis: Wide Residual Networks, 2016, arXiv:1605.07146. Without dropout.
/// @par Departs
/// From the meaning of the taps elsewhere: `stage` is neither normalized nor rectified, as in the
/// distillation literature (Tian, Krishnan, Isola: Contrastive Representation Distillation, 2019,
/// arXiv:1910.10699, released code), because the sum goes on to the next stage as it is; what is
/// rectified next is `before_activation`.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>>
class wide_residual_body : public layered<wide_residual_body<Q, Scheme>> {
 public:
  static constexpr taps offered_taps = detail::taps_of_stages(3, true);

  /// @throws std::invalid_argument unless the depth is 10, 16, 22, ... and the widening above 0
  wide_residual_body(int depth, int widening, const sample_shape& shape, const Q& q = {},
                     const Scheme& scheme = {}, const network_options& options = {})
      : wide_residual_body{outline{depth, widening},
                           shape,
                           q,
                           scheme,
                           options,
                           layers_of(outline{depth, widening}, shape, q, scheme)}
  {}

  [[nodiscard]] outputs forward(const torch::Tensor& inputs, phase when, taps wanted)
  {
    detail::require_images(name_, inputs, shape_.channels);
    detail::tapped_features features{wanted};
    const auto keep_stage = [&](std::size_t stage, const torch::Tensor& x) {
      features.keep(tap_kind::stage, stage, [&] { return x; });
    };
    const auto keep_normalized = [&](std::size_t stage, const torch::Tensor& x) {
      features.keep(tap_kind::before_activation, stage, [&] { return x; });
    };
    auto x = stem_(unquantized<Q>(inputs), when);
    keep_stage(0, x);
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      torch::Tensor normalized;
      const bool is_wanted = features.wants(tap_kind::before_activation, s);
      auto& blocks = stages_[s].parts;
      for (auto& block : blocks)
        x = block(x, when, is_wanted && &block == &blocks.front() ? &normalized : nullptr);
      keep_normalized(s, normalized);
      keep_stage(s + 1, x);
    }
    auto last = last_batch_norm_.pending(x, when);
    if (features.wants(tap_kind::before_activation, stages_.size())) {
      keep_normalized(stages_.size(), last.tensor());
      last = last.tensor().clone();  // ReLU overwrites it
    }
    const auto pooled = detail::pooled(std::move(last).rectified());
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return {.logits = classifier_(pooled, when), .features = features.taken()};
  }

  [[nodiscard]] std::vector<layer_report> layers() const
  {
    return this->reports([&](std::size_t entry) {
      return detail::positions_of_stages({shape_.height, shape_.width}, stages_.size(), entry);
    });
  }

  [[nodiscard]] std::string name() const { return name_; }
  [[nodiscard]] const Scheme& scheme() const { return scheme_; }
  [[nodiscard]] torch::ScalarType input_type() const { return compute_; }

  void cast(torch::ScalarType type)
  {
    layered<wide_residual_body>::cast(type);
    compute_ = type;
  }

  /// The network for inference only: each batch norm folded into the preceding convolution, or
  /// kept as factor and shift where there is none.
  [[nodiscard]] detail::folded_wide_network folded() const
    requires(changes_nothing<Q>())
  {
    detail::folded_wide_network result{
        stem_.folded(torch::ones(stem_.outputs(), torch::kFloat),
                     torch::zeros(stem_.outputs(), torch::kFloat)),
        {},
        {"last_batch_norm", last_batch_norm_.factor(), last_batch_norm_.shift()}};
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      auto& blocks = result.body.stages.emplace_back();
      for (const auto& block : stages_[s].parts)
        blocks.push_back(
            block.folded(detail::block_name(s, static_cast<std::int64_t>(blocks.size()))));
    }
    return result;
  }
  [[nodiscard]] const linear<Q>& classifier() const { return classifier_; }
  [[nodiscard]] sample_shape shape() const { return shape_; }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("stem", self.stem_);
    for (std::size_t s = 0; s < self.stages_.size(); ++s)
      f("stage" + std::to_string(s + 1), self.stages_[s]);
    f("last_batch_norm", self.last_batch_norm_);
    f("classifier", self.classifier_);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("name", name_);
    archive.show("quantizer", quantizer_);
    archive.show("scheme", scheme_);
    archive.show("options", options_);
  }

 private:
  struct outline {
    outline(int depth, int widening)
        : name{"wide_resnet" + std::to_string(depth) + "-" + std::to_string(widening)},
          blocks{(depth - 4) / 6},
          widths{16, 16 * std::int64_t{widening}, 32 * std::int64_t{widening},
                 64 * std::int64_t{widening}}
    {
      if (depth < 10 || (depth - 4) % 6 != 0)
        throw_invalid_argument("wide_resnet", "want a depth of 6n + 4 (10, 16, 22, ...), got ",
                               depth);
      if (widening < 1)
        throw_invalid_argument("wide_resnet", "want a widening above 0, got ", widening);
    }

    [[nodiscard]] convolution_shape first(std::size_t stage, std::int64_t block) const
    {
      return {.in = block == 0 ? widths[stage] : widths[stage + 1],
              .out = widths[stage + 1],
              .stride = stage > 0 && block == 0 ? 2 : 1};
    }

    std::string name;
    std::int64_t blocks;
    std::array<std::int64_t, 4> widths;  ///< channels of the stem and the stages
  };

  [[nodiscard]] static layer_plan layers_of(const outline& plan, const sample_shape& shape,
                                            const Q& q, const Scheme& scheme)
  {
    detail::require_shape(plan.name, shape);
    std::vector<std::pair<std::string, layer_kind>> layers{{"stem", layer_kind::convolution}};
    for (std::size_t s = 0; s < 3; ++s)
      for (std::int64_t b = 0; b < plan.blocks; ++b)
        wide_residual_block<Q>::list(detail::block_name(s, b), plan.first(s, b), layers);
    layers.emplace_back("classifier", layer_kind::linear);
    return {q, scheme, std::move(layers)};
  }

  [[nodiscard]] static weight_init start_of(const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(conv_init::kaiming_normal_fan_out),
            linear_init::uniform_zero_bias};
  }

  wide_residual_body(const outline& plan, const sample_shape& shape, const Q& q,
                     const Scheme& scheme, const network_options& options, const layer_plan& layers)
      : name_{plan.name},
        shape_{shape},
        quantizer_{q},
        scheme_{scheme},
        options_{options},
        stem_{
            q, layers.at("stem"), {.in = shape.channels, .out = plan.widths[0]}, start_of(options)},
        last_batch_norm_{plan.widths[3], detail::normalization_of<Q>(plan.name, options)},
        classifier_{q, layers.at("classifier"), plan.widths[3], shape.classes, start_of(options)}
  {
    const auto normalization = detail::normalization_of<Q>(plan.name, options);
    for (std::size_t s = 0; s < 3; ++s) {
      for (std::int64_t b = 0; b < plan.blocks; ++b)
        stages_[s].parts.emplace_back(q, layers, detail::block_name(s, b), plan.first(s, b),
                                      normalization, start_of(options));
    }
    this->set_precision(options.precision);
  }

  std::string name_;
  sample_shape shape_;
  [[no_unique_address]] Q quantizer_;
  Scheme scheme_;
  network_options options_;
  convolution<Q> stem_;
  std::array<detail::part_list<wide_residual_block<Q>>, 3> stages_;
  batch_norm last_batch_norm_;
  linear<Q> classifier_;
  torch::ScalarType compute_ = torch::kFloat;
};

static_assert(NetworkBody<wide_residual_body<>>);

/// Makes a WRN-depth-widening for images of any size and number of channels. With a quantizer but
/// no scheme, inner layers have 2 bits. `wide_resnet(16, 2, shape)` has 703 284 parameters for 3
/// channels and 100 classes.
/// @return `network<wide_residual_body<Q, Scheme>>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
[[nodiscard]] auto wide_resnet(int depth, int widening, const sample_shape& shape, const Q& q = {},
                               const Scheme& scheme = {}, const network_options& options = {})
{
  detail::must_make_a_network<Q, Scheme>();
  return network<wide_residual_body<Q, Scheme>>{
      wide_residual_body<Q, Scheme>{depth, widening, shape, q, scheme, options}};
}

/// The same in full precision, with options.
[[nodiscard]] inline network<wide_residual_body<no_quantizer, full_precision>> wide_resnet(
    int depth, int widening, const sample_shape& shape, const network_options& options)
{
  return wide_resnet(depth, widening, shape, no_quantizer{}, full_precision{}, options);
}

}  // namespace rolewise
