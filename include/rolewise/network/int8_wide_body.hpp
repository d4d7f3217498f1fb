// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `int8_wide_body`: an 8-bit wide residual network by post-training quantization.

#include <rolewise/network/detail/byte_normalization.hpp>
#include <rolewise/network/detail/calibrated_ranges.hpp>
#include <rolewise/network/int8_body.hpp>
#include <rolewise/network/wide_resnet.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// A wide residual network for 8-bit inference, with uint8 feature maps from the stem to the last
/// residual sum, like `int8_body`. Residual sums are uint8 too. Batch norm and ReLU before a
/// block are a lookup table of 256 codes per channel; batch norm inside a block is folded into
/// the preceding convolution. The last batch norm, the pooling and the classifier compute in
/// floating point. Taps as `int8_body`, where a stage is its residual sum.
///
/// @par Determinism
/// As `int8_body`.
/// @par Source
/// As `int8_body`.
class int8_wide_body {
 public:
  static constexpr taps offered_taps = detail::taps_of_stages(3, false);

  /// @param inputs calibration batches, normalized, float, `[N, C, H, W]`
  /// @throws std::invalid_argument without inputs, for a share outside (0, 1], or if a feature
  ///         map of the network is not finite
  int8_wide_body(const wide_residual_body<no_quantizer, full_precision>& trained,
                 const std::vector<torch::Tensor>& inputs, const int8_options& options = {})
      : int8_wide_body{trained, trained.folded(),
                       ranges_of(trained.name(), trained.folded(), inputs, options), options}
  {}

  /// @throws std::invalid_argument in training
  [[nodiscard]] outputs forward(const torch::Tensor& inputs, phase when, taps wanted)
  {
    detail::require_images(name_, inputs, shape_.channels);
    detail::require_predicting(name_, when);
    const torch::NoGradGuard without_graph;
    detail::tapped_features features{wanted};
    const auto tap = [&](std::size_t stage, const byte_map& x) {
      features.keep(tap_kind::stage, stage, [&] { return x.values(); });
    };
    const auto run = [](int8_convolution& layer, const byte_map& x, bool rectify, byte_map* added) {
      return layer(x, rectify, added);
    };
    const auto normalize = [](const detail::byte_normalization& norm, const byte_map& x) {
      return norm(x);
    };
    auto x = stem_(inputs);
    tap(0, x);
    x = body_(std::move(x), run, normalize, tap);
    const auto pooled = detail::pooled(last_.values(x));
    features.keep(tap_kind::penultimate, 0, [&] { return pooled; });
    return {.logits = classifier_(pooled), .features = features.taken()};
  }

  [[nodiscard]] std::vector<layer_report> layers() const
  {
    return detail::reports_of(stem_, body_.stages, classifier_);
  }

  [[nodiscard]] std::string name() const { return name_; }
  [[nodiscard]] sample_shape shape() const { return shape_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("stem", stem_);
    body_.visit_state(archive);
    archive.part("last_batch_norm", last_);
    archive.part("classifier", classifier_);
  }

 private:
  using byte_body = detail::folded_wide_stages<int8_convolution, detail::byte_normalization>;

  [[nodiscard]] static detail::calibrated_ranges ranges_of(const std::string& name,
                                                           detail::folded_wide_network trained,
                                                           const std::vector<torch::Tensor>& inputs,
                                                           const int8_options& options)
  {
    if (inputs.empty()) detail::refuse_no_inputs(name);
    const torch::NoGradGuard without_graph;
    detail::calibrated_ranges ranges{options.share};
    const auto run = [&](const detail::folded_convolution& layer, const torch::Tensor& x,
                         bool rectify, torch::Tensor* added) {
      auto y = layer(x, rectify, added);
      ranges.observe(layer.name, y);
      return y;
    };
    const auto normalize = [&](const detail::folded_normalization& norm, const torch::Tensor& x) {
      auto y = norm(x);
      ranges.observe(norm.name, y);
      return y;
    };
    for (const auto& x : inputs) {
      ranges.observe("input", x);
      torch::Tensor* const nothing = nullptr;
      const auto last = trained.body(run(trained.stem, x, false, nothing), run, normalize,
                                     [](std::size_t, const torch::Tensor&) {});
      ranges.observe("means", detail::pooled(normalize(trained.last, last)));
    }
    return ranges;
  }

  /// @return the stages, and the grid of the last residual sum
  [[nodiscard]] static std::pair<byte_body, byte_grid> in_bytes(
      const detail::folded_wide_network& trained, const detail::calibrated_ranges& ranges)
  {
    byte_body result;
    auto sum = ranges.grid(trained.stem.name);
    for (const auto& stage : trained.body.stages) {
      auto& blocks = result.stages.emplace_back();
      for (const auto& [before, first, second, aside] : stage) {
        const auto in = ranges.grid(before.name), inner = ranges.grid(first.name),
                   out = ranges.grid(second.name);
        blocks.push_back({{before, sum, in}, {first, in, inner}, {second, inner, out}});
        if (aside) blocks.back().aside.emplace(*aside, in, ranges.grid(aside->name));
        sum = out;
      }
    }
    return {std::move(result), sum};
  }

  int8_wide_body(const wide_residual_body<no_quantizer, full_precision>& trained,
                 const detail::folded_wide_network& folded, const detail::calibrated_ranges& ranges,
                 const int8_options& options)
      : name_{trained.name() + "-8bit"},
        shape_{trained.shape()},
        stem_{folded.stem, ranges.grid_if(options.stem, "input"), ranges.grid(folded.stem.name),
              false},
        body_{in_bytes(folded, ranges).first},
        last_{folded.last, in_bytes(folded, ranges).second, ranges.grid(folded.last.name)},
        classifier_{trained.classifier().latent(), trained.classifier().bias(),
                    ranges.grid_if(options.classifier, "means")}
  {}

  std::string name_;
  sample_shape shape_;
  eight_bit_stem stem_;
  byte_body body_;
  detail::byte_normalization last_;
  eight_bit_classifier classifier_;
};

static_assert(NetworkBody<int8_wide_body>);

}  // namespace rolewise
