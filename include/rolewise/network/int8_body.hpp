// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `int8_body`: an 8-bit residual network by post-training quantization.

#include <rolewise/network/detail/calibrated_ranges.hpp>
#include <rolewise/network/int8_layers.hpp>
#include <rolewise/network/residual_body.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

struct int8_options {
  /// Calibration percentile: the share of a feature map's values that the clipping range keeps,
  /// at each end (the lower one only if there are negative values); 1 takes minimum and maximum.
  double share = 1.0;
  bool stem = true;         ///< quantize the first layer and its input
  bool classifier = false;  ///< quantize the last layer and its input
};

namespace detail {

/// The reports of all layers of an 8-bit network, in the order of the forward pass.
template<typename Stages>
[[nodiscard]] std::vector<layer_report> reports_of(const eight_bit_stem& stem, const Stages& stages,
                                                   const eight_bit_classifier& classifier)
{
  std::vector<layer_report> all{stem.report()};
  for (const auto& stage : stages)
    for (const auto& block : stage) {
      all.push_back(block.first.report());
      all.push_back(block.second.report());
      if (block.aside) all.push_back(block.aside->report());
    }
  all.push_back(classifier.report());
  return numbered(std::move(all));
}

}  // namespace detail

/// A residual network for 8-bit inference, quantized after training. Feature maps are uint8 from
/// the stem to the last stage. Weights have 255 levels with a scale per output channel, batch
/// norm folded in; activations have 256 levels over ranges calibrated on batches. It cannot be
/// trained.
///
/// Taps: the stem and the stages after their last ReLU and the penultimate vector, as dequantized
/// values. Outputs carry no autograd graph.
///
/// @par Determinism
/// The result does not depend on the number of threads. Where integer operators are missing
/// (`integer_forward_support`), floating point does the same arithmetic, and some values may
/// round to the neighboring code.
/// @par Source
/// Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam, Kalenichenko: Quantization and Training of
/// Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2017, arXiv:1712.05877,
/// sections 2 and 3.2. Percentile calibration: Wu, Judd, Zhang, Isaev, Micikevicius: Integer
/// Quantization for Deep Learning Inference, 2020, arXiv:2004.09602, section 3.4.
/// @par Departs
/// Scales and biases are floating point.
template<std::size_t Stages = 3>
class int8_body {
 public:
  static constexpr taps offered_taps = detail::taps_of_stages(Stages, false);

  /// @param inputs calibration batches, normalized, float, `[N, C, H, W]`
  /// @throws std::invalid_argument without inputs, for a share outside (0, 1], or if a feature
  ///         map of the network is not finite
  int8_body(const residual_body<no_quantizer, full_precision, residual_plan<Stages>>& trained,
            const std::vector<torch::Tensor>& inputs, const int8_options& options = {})
      : int8_body{trained, trained.folded(),
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
    const auto x = stem_(inputs);
    tap(0, x);
    const auto last = body_(x, run, tap);
    const auto pooled =
        last.codes.mean(at::IntArrayRef{2, 3}, false, torch::kFloat).mul_(last.grid.scale);
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
    archive.part("classifier", classifier_);
  }

 private:
  using float_body = detail::folded_stages<detail::folded_convolution>;
  using byte_body = detail::folded_stages<int8_convolution>;

  /// Calibrates the ranges of the input, of each convolution's output and of the pooled features.
  [[nodiscard]] static detail::calibrated_ranges ranges_of(const std::string& name,
                                                           detail::folded_network trained,
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
    for (const auto& x : inputs) {
      ranges.observe("input", x);
      torch::Tensor* const nothing = nullptr;
      const auto last = trained.body(run(trained.stem, x, true, nothing), run,
                                     [](std::size_t, const torch::Tensor&) {});
      ranges.observe("means", detail::pooled(last));
    }
    return ranges;
  }

  [[nodiscard]] static byte_body in_bytes(const detail::folded_network& trained,
                                          const detail::calibrated_ranges& ranges)
  {
    byte_body result;
    auto in = ranges.grid(trained.stem.name);
    for (const auto& stage : trained.body.stages) {
      auto& blocks = result.stages.emplace_back();
      for (const auto& [first, second, aside] : stage) {
        const auto inner = ranges.grid(first.name), out = ranges.grid(second.name);
        blocks.push_back({{first, in, inner}, {second, inner, out}});
        if (aside) blocks.back().aside.emplace(*aside, in, ranges.grid(aside->name));
        in = out;
      }
    }
    return result;
  }

  int8_body(const residual_body<no_quantizer, full_precision, residual_plan<Stages>>& trained,
            const detail::folded_network& folded, const detail::calibrated_ranges& ranges,
            const int8_options& options)
      : name_{trained.name() + "-8bit"},
        shape_{trained.shape()},
        stem_{folded.stem, ranges.grid_if(options.stem, "input"), ranges.grid(folded.stem.name)},
        body_{in_bytes(folded, ranges)},
        classifier_{trained.classifier().latent(), trained.classifier().bias(),
                    ranges.grid_if(options.classifier, "means")}
  {}

  std::string name_;
  sample_shape shape_;
  eight_bit_stem stem_;
  byte_body body_;
  eight_bit_classifier classifier_;
};

static_assert(NetworkBody<int8_body<>>);

}  // namespace rolewise
