// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A user's own modules with taps, of images, of token sequences, of vectors; and a body of layers.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

namespace rolewise::testing {

// [image_module]
/// Two stages of convolution and batch norm: images `[N, 1, H, W]` to logits `[N, 4]`.
struct own_image_module : torch::nn::Cloneable<own_image_module> {
  static constexpr taps offered_taps{tap::stage<1>, tap::before_activation<2>, tap::stage<2>,
                                     tap::penultimate};

  own_image_module() { reset(); }
  void reset() override
  {
    using torch::nn::Conv2dOptions;
    first = register_module("first", torch::nn::Conv2d{Conv2dOptions{1, 6, 3}.padding(1)});
    first_norm = register_module("first_norm", torch::nn::BatchNorm2d{6});
    second = register_module("second", torch::nn::Conv2d{Conv2dOptions{6, 8, 3}.stride(2)});
    second_norm = register_module("second_norm", torch::nn::BatchNorm2d{8});
    classifier = register_module("classifier", torch::nn::Linear{8, 4});
  }

  outputs forward_outputs(const torch::Tensor& images, taps wanted)
  {
    outputs found;
    const auto tapped = [&](tap_id id, const torch::Tensor& feature) {
      if (wanted.contains(id)) found.features.set(id, feature);
      return feature;
    };
    auto x = tapped(tap::stage<1>, first_norm(first(images)).relu());
    x = tapped(tap::before_activation<2>, second_norm(second(x)));
    x = tapped(tap::stage<2>, x.relu());
    found.logits = classifier(tapped(tap::penultimate, x.mean({2, 3})));
    return found;
  }

  torch::nn::Conv2d first{nullptr}, second{nullptr};
  torch::nn::BatchNorm2d first_norm{nullptr}, second_norm{nullptr};
  torch::nn::Linear classifier{nullptr};
};
// [/image_module]

// [token_module]
/// One attention head: token indices `[N, L]` with a mask to logits `[N, 3]`.
struct own_token_module : torch::nn::Cloneable<own_token_module> {
  static constexpr taps offered_taps{tap::embedding, tap::attention<0>, tap::penultimate};

  own_token_module() { reset(); }
  void reset() override
  {
    embedding = register_module("embedding", torch::nn::Embedding{20, 8});
    query = register_module("query", torch::nn::Linear{8, 8});
    key = register_module("key", torch::nn::Linear{8, 8});
    classifier = register_module("classifier", torch::nn::Linear{8, 3});
  }

  outputs forward_outputs(const batch& examples, taps wanted)
  {
    const auto mask =
        examples.mask.defined() ? examples.mask : examples.inputs.ge(0);  // [N, L]: all are tokens
    const auto x = embedding(examples.inputs);                            // [N, L, D]
    const auto scores = query(x).matmul(key(x).transpose(1, 2)) / std::sqrt(8.0);
    const auto attention = scores
                               .masked_fill(mask.logical_not().unsqueeze(1),
                                            -std::numeric_limits<double>::infinity())
                               .softmax(-1);  // [N, L, L]
    const auto weights = mask.unsqueeze(2).to(x.scalar_type());
    const auto pooled = (attention.matmul(x) * weights).sum(1) / weights.sum(1);  // [N, D]

    outputs found{.logits = classifier(pooled), .features = {}};
    if (wanted.contains(tap::embedding)) found.features.set(tap::embedding, x);
    if (wanted.contains(tap::attention<0>)) found.features.set(tap::attention<0>, attention);
    if (wanted.contains(tap::penultimate)) found.features.set(tap::penultimate, pooled);
    return found;
  }

  torch::nn::Embedding embedding{nullptr};
  torch::nn::Linear query{nullptr}, key{nullptr}, classifier{nullptr};
};
// [/token_module]

/// A label for each token: token indices `[N, L]` to logits `[N, 3, L]`.
struct own_tagger : torch::nn::Cloneable<own_tagger> {
  static constexpr taps offered_taps{tap::penultimate};

  own_tagger() { reset(); }
  void reset() override
  {
    embedding = register_module("embedding", torch::nn::Embedding{20, 8});
    classifier = register_module("classifier", torch::nn::Linear{8, 3});
  }
  outputs forward_outputs(const torch::Tensor& tokens, taps)
  {
    const auto x = embedding(tokens);  // [N, L, D]: also where it is not wanted
    return {.logits = classifier(x).transpose(1, 2), .features = {{tap::penultimate, x}}};
  }

  torch::nn::Embedding embedding{nullptr};
  torch::nn::Linear classifier{nullptr};
};

struct own_image_plan {
  std::string name = "own";
  std::int64_t width = 16;
};

/// y = maxpool(relu(BN(conv1x1(x)))); relu(BN(conv3x3(y)) + y).
struct own_pooling_block : layered<own_pooling_block> {
  convolution<no_quantizer> convolution1, convolution2;
  batch_norm batch_norm1, batch_norm2;

  own_pooling_block(const detail::layer_factory<no_quantizer>& make, std::int64_t width)
      : convolution1{make.convolution("block.convolution1",
                                      {.in = width, .out = width, .kernel = 1})},
        convolution2{make.convolution("block.convolution2", {.in = width, .out = width})},
        batch_norm1{make.batch_norm(width)},
        batch_norm2{make.batch_norm(width)}
  {}

  template<typename Images>
  [[nodiscard]] Images operator()(const Images& x, phase when)
  {
    using map = std::conditional_t<std::is_same_v<Images, torch::Tensor>,
                                   detail::deferred_batch_norm, Images>;
    map large{convolution1.normalized(x, batch_norm1, when).rectified()};
    const auto y = detail::max_pooled(large);
    return convolution2.normalized(y, batch_norm2, when).plus(y).rectified();
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("convolution1", self.convolution1, "batch_norm1", self.batch_norm1);
    f("convolution2", self.convolution2, "batch_norm2", self.batch_norm2);
  }
};

/// A body without taps: stem, block, global average pooling, classifier.
class own_image_body
    : public image_body<own_image_body, no_quantizer, full_precision, own_image_plan> {
 public:
  using full_precision_body = own_image_body;

  own_image_body(const own_image_plan& plan, const sample_shape& shape)
      : own_image_body{plan, shape, {}, {}, {}, planned(plan, shape, {}, {})}
  {}
  own_image_body(const own_image_plan& plan, const sample_shape& shape, const no_quantizer& q,
                 const full_precision& scheme, const network_options& options,
                 const layer_plan& layers)
      : image_body{plan, shape, q, scheme, options},
        stem_{make(layers).convolution("stem", {.in = shape.channels, .out = plan.width})},
        batch_norm_{make(layers).batch_norm(plan.width)},
        block_{make(layers), plan.width},
        classifier_{make(layers).linear("classifier", plan.width, shape.classes)}
  {}

  template<detail::ImagesFor<no_quantizer> Images, typename Features>
  [[nodiscard]] auto logits(const Images& images, phase when, Features&)
  {
    const auto x = stem_.normalized(images, batch_norm_, when).rectified();
    return classifier_(detail::pooled(block_(x, when)), when);
  }

  /// For the block, those of its first convolution.
  [[nodiscard]] std::int64_t positions(std::size_t entry) const
  {
    return entry == 2 ? 1 : shape_.height * shape_.width;
  }
  static void check(const own_image_plan&, const sample_shape&) {}
  [[nodiscard]] static weight_init start_of(const own_image_plan&, const network_options& options)
  {
    return {.seed = options.seed};
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("stem", self.stem_, "stem_batch_norm", self.batch_norm_);
    f("block", self.block_);
    f("classifier", self.classifier_);
  }

 private:
  convolution<no_quantizer> stem_;
  batch_norm batch_norm_;
  own_pooling_block block_;
  linear<no_quantizer> classifier_;
};

/// Images `[N, 1, 8, 8]` in `uint8`.
inline batch own_images(std::int64_t count)
{
  const auto pixel = torch::arange(count * 64, torch::kLong);
  return {(pixel * pixel * 7 + pixel * 13).remainder(251).to(torch::kByte).view({count, 1, 8, 8}),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {{0.5}, {0.25}}};
}

/// Sequences of 5 tokens, the last of which are padding.
inline batch own_tokens(std::int64_t count)
{
  batch examples;
  const auto place = torch::arange(count * 5, torch::kLong);
  examples.inputs = (place * place + 3).remainder(20).view({count, 5});
  examples.labels = torch::zeros(count, torch::kLong);
  examples.ids = torch::arange(count);
  examples.mask = torch::arange(5).lt(2 + torch::arange(count).remainder(4).unsqueeze(1));
  return examples;
}

}  // namespace rolewise::testing
