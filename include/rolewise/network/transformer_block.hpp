// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The transformer block: multi-head self-attention and an MLP, each after a layer norm.

#include <rolewise/network/detail/attention.hpp>
#include <rolewise/network/detail/layer_factory.hpp>
#include <rolewise/network/layer_norm.hpp>
#include <rolewise/network/layered.hpp>
#include <rolewise/network/network_options.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <ATen/ops/gelu.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise {

/// The sizes of a transformer block.
struct transformer_shape {
  std::int64_t width = 192;  ///< D, a multiple of the heads
  std::int64_t heads = 3;
  std::int64_t mlp_ratio = 4;  ///< values between the layers of the MLP, as a multiple of the width
  double epsilon = 1e-6;       ///< of the layer norms
};

/// Transformer block with layer norms before its parts ("pre-norm"): y = x + projection(attention(
/// norm1(x))), then y + contraction(gelu(expansion(norm2(y)))).
///
/// Its four layers with weights are `query_key_value` (the queries of all heads, then the keys,
/// then the values), `projection`, `expansion` and `contraction`, all linear with bias.
///
/// @par Quantization
/// Weights are quantized as the scheme says. The inputs of all four layers have both signs, so they
/// are quantized only by quantizers that keep these (`quantizes_signs`: `lsq_plus`,
/// `uniform_affine`, `xnor`); with others, which clip negative values, they stay in floating point,
/// and `layers()` reports 32 bits. The products of queries, keys and values, which have no weights,
/// are computed in floating point and are not part of the costs.
/// @par Source
/// Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser, Polosukhin: Attention Is All You
/// Need, 2017, arXiv:1706.03762, section 3.2; with layer norms and GELU of Dosovitskiy et al.: An
/// Image is Worth 16x16 Words: Transformers for Image Recognition at Scale, 2020, arXiv:2010.11929,
/// section 3.1.
/// @par Departs
/// There is no dropout.
template<Quantizer Q>
class transformer_block : public layered<transformer_block<Q>> {
 public:
  /// @param name of the block; its layers are `<name>.query_key_value` and so on
  transformer_block(const detail::layer_factory<Q>& make, const std::string& name,
                    const transformer_shape& shape)
      : norm1_{shape.width, shape.epsilon},
        norm2_{shape.width, shape.epsilon},
        query_key_value_{
            signed_linear(make, name + ".query_key_value", shape.width, 3 * shape.width)},
        projection_{signed_linear(make, name + ".projection", shape.width, shape.width)},
        expansion_{
            signed_linear(make, name + ".expansion", shape.width, shape.mlp_ratio * shape.width)},
        contraction_{
            signed_linear(make, name + ".contraction", shape.mlp_ratio * shape.width, shape.width)},
        heads_{shape.heads}
  {}

  /// @param x `[N, L, D]`, unchanged
  /// @param probabilities null, or receives those of the attention, `[N, heads, L, L]`. They are
  ///        computed beside the output, which is the same with and without
  /// @return `[N, L, D]`
  [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x, phase when,
                                         const detail::attention_mask& mask,
                                         torch::Tensor* probabilities = nullptr)
  {
    const auto length = x.size(1), width = x.size(2);
    const auto parts = query_key_value_(norm1_(x), when)
                           .view({-1, length, 3, heads_, width / heads_})
                           .permute({2, 0, 3, 1, 4});  // [3, N, heads, L, D / heads]
    const auto q = parts.select(0, 0), k = parts.select(0, 1);
    if (probabilities) *probabilities = detail::attention_probabilities(q, k, mask);
    const auto seen = detail::attended(q, k, parts.select(0, 2), mask);
    const auto y = x + projection_(seen.transpose(1, 2).reshape({-1, length, width}), when);
    return y + contraction_(at::gelu(expansion_(norm2_(y), when)), when);
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("norm1", self.norm1_);
    f("query_key_value", self.query_key_value_);
    f("projection", self.projection_);
    f("norm2", self.norm2_);
    f("expansion", self.expansion_);
    f("contraction", self.contraction_);
  }

 private:
  [[nodiscard]] static linear<Q> signed_linear(const detail::layer_factory<Q>& make,
                                               const std::string& name, std::int64_t in,
                                               std::int64_t out)
  {
    return make.linear(name, in, out, layer_input::has_signs);
  }

  layer_norm norm1_, norm2_;
  linear<Q> query_key_value_, projection_, expansion_, contraction_;
  std::int64_t heads_;
};

namespace detail {

/// The taps of a transformer: what enters the first block, the blocks' outputs (from 1) and
/// attention (from 0), and what the classifier reads.
[[nodiscard]] consteval taps taps_of_blocks(std::size_t depth)
{
  taps all{tap::embedding, tap::penultimate};
  for (std::size_t b = 0; b < depth; ++b) {
    all.insert({tap_kind::stage, static_cast<std::uint8_t>(b + 1)});
    all.insert({tap_kind::attention, static_cast<std::uint8_t>(b)});
  }
  return all;
}

/// Runs the blocks of a transformer on x and keeps their features.
template<Quantizer Q>
[[nodiscard]] torch::Tensor through_blocks(part_list<transformer_block<Q>>& blocks, torch::Tensor x,
                                           phase when, const attention_mask& mask,
                                           tapped_features& features)
{
  features.keep(tap_kind::embedding, 0, [&] { return x; });
  for (std::size_t b = 0; b < blocks.parts.size(); ++b) {
    torch::Tensor probabilities;
    x = blocks.parts[b](x, when, mask,
                        features.wants(tap_kind::attention, b) ? &probabilities : nullptr);
    features.keep(tap_kind::attention, b, [&] { return probabilities; });
    features.keep(tap_kind::stage, b + 1, [&] { return x; });
  }
  return x;
}

/// @throws std::invalid_argument for sizes that no block can have
ROLEWISE_INLINE void require_sizes(std::string_view network, const transformer_shape& shape);

/// @throws std::invalid_argument for a dtype of 16 bits
ROLEWISE_INLINE void refuse_16_bits(std::string_view network, torch::ScalarType type);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/transformer_block.hpp>
#endif
