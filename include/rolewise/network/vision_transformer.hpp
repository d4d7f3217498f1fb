// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Vision transformers (ViT) for images of one size.

#include <rolewise/network/image_body.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/network/transformer_block.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace rolewise {

/// The architecture of a vision transformer. The number of blocks is part of its type, as it
/// decides which taps the network offers.
template<std::size_t Depth = 12>
struct vision_transformer_plan {
  static_assert(Depth >= 1 && Depth < 32, "a vision transformer has 1 .. 31 blocks");
  static constexpr std::size_t depth = Depth;

  std::string name;
  std::int64_t patch = 4;      ///< height and width of a patch in pixels
  std::int64_t width = 192;    ///< values of each token, a multiple of the heads
  std::int64_t heads = 3;      ///< of each block
  std::int64_t mlp_ratio = 4;  ///< see `transformer_shape`
  double epsilon = 1e-6;       ///< of the layer norms

  [[nodiscard]] transformer_shape block() const { return {width, heads, mlp_ratio, epsilon}; }
};

/// The plan of `vit_tiny`, `vit_small`: 12 blocks of 192 or 384 values with 3 or 6 heads, the sizes
/// of DeiT-Ti and DeiT-S. These have patches of 16 pixels, for images of 224.
[[nodiscard]] ROLEWISE_INLINE vision_transformer_plan<> vit_tiny_plan(std::int64_t patch = 4);
[[nodiscard]] ROLEWISE_INLINE vision_transformer_plan<> vit_small_plan(std::int64_t patch = 4);

/// Vision transformer: patches through one convolution, a class token before them, learned
/// positions; blocks (`transformer_block`); layer norm; a linear head on the class token.
///
/// Taps: `embedding`, what enters the first block, `[N, L, D]` with L = patches + 1, the class
/// token first; `attention<b>`, the probabilities of block b, `[N, heads, L, L]`, blocks from 0;
/// `stage<b + 1>`, the output of block b, `[N, L, D]`; `penultimate`, the class token after the
/// last layer norm, `[N, D]`. Layers: `patch_embedding`, `block<b>.query_key_value`, `.projection`,
/// `.expansion`, `.contraction`, `head`. Tables that are not quantized: `class_token`, `positions`.
///
/// For images of the network's own size only, and in single or double precision. It has no 8-bit
/// form. Quantization: see `transformer_block`; the head reads signed values too.
///
/// @par Source
/// Dosovitskiy et al.: An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale,
/// 2020, arXiv:2010.11929, section 3.1. Sizes and initialization: Touvron, Cord, Douze, Massa,
/// Sablayrolles, Jegou: Training data-efficient image transformers & distillation through
/// attention, 2020, arXiv:2012.12877, table 1 and released code.
/// @par Departs
/// No dropout and no stochastic depth. Initial weights are truncated at two deviations of 0.02; the
/// released code truncates at 2, which no draw reaches. (That of the patch embedding are uniform,
/// as there.)
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = vision_transformer_plan<>>
class vision_transformer_body
    : public image_body<vision_transformer_body<Q, Scheme, Plan>, Q, Scheme, Plan> {
 public:
  using full_precision_body = vision_transformer_body<no_quantizer, full_precision, Plan>;
  static constexpr taps offered_taps = detail::taps_of_blocks(Plan::depth);

  vision_transformer_body(Plan plan, const sample_shape& shape, const Q& q = {},
                          const Scheme& scheme = {}, const network_options& options = {})
      : vision_transformer_body{plan,   shape,   q,
                                scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  vision_transformer_body(const Plan& plan, const sample_shape& shape, const Q& q,
                          const Scheme& scheme, const network_options& options,
                          const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        class_token_{this->make(layers).embedding("class_token", 1, plan.width)},
        positions_{this->make(layers).embedding("positions", patches() + 1, plan.width)},
        patch_embedding_{
            this->make(layers).convolution("patch_embedding", {.in = shape.channels,
                                                               .out = plan.width,
                                                               .kernel = plan.patch,
                                                               .stride = plan.patch,
                                                               .padding = padding_rule::same,
                                                               .bias = true})},
        norm_{plan.width, plan.epsilon},
        head_{this->make(layers).linear("head", plan.width, shape.classes, layer_input::has_signs)}
  {
    const auto make = base::make(layers);
    for (std::size_t b = 0; b < Plan::depth; ++b)
      blocks_.parts.emplace_back(make, "block" + std::to_string(b), plan.block());
    this->set_precision(options.precision);
  }

  /// @param images `[N, C, H, W]`
  /// @throws std::invalid_argument for images of another size than the network's
  [[nodiscard]] torch::Tensor logits(const torch::Tensor& images, phase when,
                                     detail::tapped_features& features)
  {
    const auto& shape = this->shape_;
    if (images.size(2) != shape.height || images.size(3) != shape.width)
      throw_invalid_argument(this->name(), "want images of ", shape.height, " x ", shape.width,
                             " pixels, whose positions are learned, got ", images.size(2), " x ",
                             images.size(3));
    const auto of_patches =
        patch_embedding_(unquantized<Q>(images), when).flatten(2).transpose(1, 2);
    const auto of_class =
        class_token_.first(1).unsqueeze(0).expand({images.size(0), 1, of_patches.size(2)});
    auto x = at::cat({of_class, of_patches}, 1) + positions_.first(patches() + 1);
    x = detail::through_blocks(blocks_, std::move(x), when, {}, features);
    const auto vector = norm_(x.select(1, 0));
    features.keep(tap_kind::penultimate, 0, [&] { return vector; });
    return head_(vector, when);
  }

  /// @throws std::invalid_argument for a dtype of 16 bits
  void cast(torch::ScalarType type)
  {
    detail::refuse_16_bits(this->name(), type);
    base::cast(type);
  }

  [[nodiscard]] std::int64_t positions(std::size_t entry) const
  {
    if (entry < first_block) return patches();
    return entry < first_block + Plan::depth ? patches() + 1 : 1;
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("class_token", self.class_token_);
    f("positions", self.positions_);
    f("patch_embedding", self.patch_embedding_);
    for (std::size_t b = 0; b < self.blocks_.parts.size(); ++b)
      f("block" + std::to_string(b), self.blocks_.parts[b]);
    f("norm", self.norm_);
    f("head", self.head_);
  }

  static void check(const Plan& plan, const sample_shape& shape)
  {
    detail::require_sizes(plan.name, plan.block());
    if (plan.patch < 1 || shape.height % plan.patch != 0 || shape.width % plan.patch != 0)
      throw_invalid_argument(plan.name, "want images that patches divide evenly, got patches of ",
                             plan.patch, " pixels and images of ", shape.height, " x ",
                             shape.width);
  }
  [[nodiscard]] static weight_init start_of(const Plan&, const network_options& options)
  {
    return {options.seed, options.convolutions.value_or(conv_init::uniform_fan_in),
            linear_init::truncated_normal_zero_bias};
  }

 private:
  using base = image_body<vision_transformer_body, Q, Scheme, Plan>;
  static constexpr std::size_t first_block = 3;  ///< entry in the list of the layers

  [[nodiscard]] std::int64_t patches() const
  {
    const auto patch = this->plan_.patch;
    return (this->shape_.height / patch) * (this->shape_.width / patch);
  }

  embedding class_token_, positions_;
  convolution<Q> patch_embedding_;
  detail::part_list<transformer_block<Q>> blocks_;
  layer_norm norm_;
  linear<Q> head_;
};

static_assert(NetworkBody<vision_transformer_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = vision_transformer_plan<>>
using vision_transformer = network<vision_transformer_body<Q, Scheme, Plan>>;

/// Makes a network from its plan, for images of the size of `shape`, which patches must divide.
/// With a quantizer but no scheme, inner layers have 2 bits.
/// @return `vision_transformer<Q, Scheme, vision_transformer_plan<Depth>>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>, std::size_t Depth>
[[nodiscard]] auto make_vision_transformer(vision_transformer_plan<Depth> plan,
                                           const sample_shape& shape, const Q& q = {},
                                           const Scheme& scheme = {},
                                           const network_options& options = {})
{
  detail::must_make_a_network<Q, Scheme>();
  using body = vision_transformer_body<Q, Scheme, vision_transformer_plan<Depth>>;
  return network<body>{body{std::move(plan), shape, q, scheme, options}};
}

/// Factory of vision transformers of one plan: `vit_tiny(shape)`,
/// `vit_tiny(shape, lsq_plus{}, inner_bits<8>)`.
template<auto Plan>
struct vision_transformer_factory {
  template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>>
  [[nodiscard]] auto operator()(const sample_shape& shape, const Q& q = {},
                                const Scheme& scheme = {},
                                const network_options& options = {}) const
  {
    return make_vision_transformer(Plan(4), shape, q, scheme, options);
  }

  [[nodiscard]] vision_transformer<> operator()(const sample_shape& shape,
                                                const network_options& options) const
  {
    return make_vision_transformer(Plan(4), shape, no_quantizer{}, full_precision{}, options);
  }
};

// After each: number of learned parameters for 3 channels, 32 x 32 pixels and 100 classes.
inline constexpr vision_transformer_factory<vit_tiny_plan> vit_tiny{};    ///< 5 380 132
inline constexpr vision_transformer_factory<vit_small_plan> vit_small{};  ///< 21 376 996

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/vision_transformer.hpp>
#endif
