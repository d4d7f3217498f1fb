// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Transformers for sequences of tokens: a classifier, and a causal language model.

#include <rolewise/network/network.hpp>
#include <rolewise/network/planned_body.hpp>
#include <rolewise/network/token_table.hpp>
#include <rolewise/network/transformer_block.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace rolewise {

/// What a text transformer computes of a sequence.
enum class text_form {
  classifier,     ///< one answer for each sequence, every token of which sees all others
  language_model  ///< the next token after each token, which sees itself and earlier ones
};

/// The architecture of a text transformer. The number of blocks is part of its type, as it decides
/// which taps the network offers, and so is the form.
template<std::size_t Depth = 4, text_form Form = text_form::classifier>
struct text_transformer_plan {
  static_assert(Depth >= 1 && Depth < 32, "a text transformer has 1 .. 31 blocks");
  static constexpr std::size_t depth = Depth;
  static constexpr text_form form = Form;

  std::string name = "text_transformer";
  std::int64_t vocabulary = 0;  ///< tokens are 0 .. vocabulary - 1
  std::int64_t width = 128;     ///< values of each token, a multiple of the heads
  std::int64_t heads = 4;       ///< of each block
  std::int64_t mlp_ratio = 4;   ///< see `transformer_shape`
  double epsilon = 1e-5;        ///< of the layer norms

  [[nodiscard]] transformer_shape block() const { return {width, heads, mlp_ratio, epsilon}; }
};

namespace detail {

/// @throws std::invalid_argument unless the examples are `[N, L]` int64, or `[N, L, width]`
///         floating point, L at most `longest`, with a mask `[N, L]` or none
ROLEWISE_INLINE void require_tokens(std::string_view network, const batch& examples,
                                    std::int64_t longest, std::int64_t width);

/// The embeddings of tokens: inputs that are embeddings already, or what the table has for indices,
/// with index 0 in the place of padding, which then may be any number.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor embedded(const batch& examples,
                                                     const torch::Tensor& table);

/// The mean over the tokens of each sequence, without padding; 0 for a sequence of none.
/// @param x `[N, L, D]`
/// @param mask `[N, L]` bool; undefined for all
/// @return `[N, D]`
[[nodiscard]] ROLEWISE_INLINE torch::Tensor mean_of_tokens(const torch::Tensor& x,
                                                           const torch::Tensor& mask);

}  // namespace detail

/// Text transformer: embeddings of tokens and learned positions; blocks (`transformer_block`);
/// layer norm; and a linear head, in a classifier on the mean over the tokens: logits `[N, C]`, in
/// a language model on each token: logits `[N, V, L]`.
///
/// Inputs are `batch::inputs`, `[N, L]` int64, of up to `shape.width` tokens, with `batch::mask`;
/// or embeddings of tokens in the place of their indices, `[N, L, width]` floating point, finite
/// also where there is padding, to which positions are added as to those of `token_table()`.
/// Padding follows the tokens, since positions count from the first. It may have any index, is
/// attended to by no token and is not part of the mean; the logits of a language model there are
/// without meaning, and losses leave them out by the same mask. A quantizer of activations that
/// takes its range from its input sees padding, as part of it.
///
/// Taps: `embedding`, what enters the first block, `[N, L, D]`; `attention<b>`, the probabilities
/// of block b, `[N, heads, L, L]`, blocks from 0, where the columns of padding are 0; `stage<b +
/// 1>`, the output of block b, `[N, L, D]`; `penultimate`, what the head reads, `[N, D]`, in a
/// language model `[N, L, D]`. Layers: `block<b>.query_key_value`, `.projection`, `.expansion`,
/// `.contraction`, `head`; the first in the sense of schemes is `block0.query_key_value`. Tables
/// that are not quantized: `embedding`, `positions`. Costs are those of the longest sequence.
///
/// In single or double precision. Quantization: see `transformer_block`; the head reads signed
/// values too.
///
/// @par Source
/// Vaswani et al.: Attention Is All You Need, 2017, arXiv:1706.03762. Layer norms before the parts
/// and one after the last block, learned positions: Radford, Wu, Child, Luan, Amodei, Sutskever:
/// Language Models are Unsupervised Multitask Learners, 2019, section 2.3.
/// @par Departs
/// A classifier reads the mean over the tokens, which needs no token of its own in the vocabulary,
/// as a class token would. The head of a language model is not tied to the embeddings: it may have
/// few bits, a table has 32. There is no dropout. Weights are initialized as BERT's
/// (`linear_init::truncated_normal_zero_bias`), without a scale by depth.
template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = text_transformer_plan<>>
class text_transformer_body
    : public planned_body<text_transformer_body<Q, Scheme, Plan>, Q, Scheme, Plan> {
 public:
  using full_precision_body = text_transformer_body<no_quantizer, full_precision, Plan>;
  static constexpr taps offered_taps = detail::taps_of_blocks(Plan::depth);

  /// @param shape `sample_shape::tokens(longest, classes)`
  text_transformer_body(Plan plan, const sample_shape& shape, const Q& q = {},
                        const Scheme& scheme = {}, const network_options& options = {})
      : text_transformer_body{plan,   shape,   q,
                              scheme, options, base::planned(plan, shape, q, scheme)}
  {}

  /// @param layers the plan of the layers, or none to list them
  text_transformer_body(const Plan& plan, const sample_shape& shape, const Q& q,
                        const Scheme& scheme, const network_options& options,
                        const layer_plan& layers)
      : base{plan, shape, q, scheme, options},
        embedding_{this->make(layers).embedding("embedding", plan.vocabulary, plan.width)},
        positions_{this->make(layers).embedding("positions", shape.width, plan.width)},
        norm_{plan.width, plan.epsilon},
        head_{this->make(layers).linear("head", plan.width, shape.classes, layer_input::has_signs)}
  {
    const auto make = base::make(layers);
    for (std::size_t b = 0; b < Plan::depth; ++b)
      blocks_.parts.emplace_back(make, "block" + std::to_string(b), plan.block());
  }

  /// The embeddings of the tokens, `[vocabulary, width]`.
  [[nodiscard]] const torch::Tensor& token_table() const { return embedding_.table(); }

  /// @throws std::invalid_argument unless the examples are token indices `[N, L]` of int64 or
  ///         embeddings `[N, L, width]` of floating point that are no longer than the network's
  ///         shape, with a bool mask `[N, L]` or none
  [[nodiscard]] outputs forward(const batch& examples, phase when, taps wanted)
  {
    detail::require_tokens(this->name(), examples, this->shape_.width, this->plan_.width);
    detail::tapped_features features{wanted};
    const auto length = examples.inputs.size(1);
    auto x = detail::embedded(examples, token_table()) + positions_.first(length);
    const auto mask = detail::mask_of(examples.mask, is_causal, x.scalar_type());
    x = norm_(detail::through_blocks(blocks_, std::move(x), when, mask, features));
    if constexpr (!is_causal) x = detail::mean_of_tokens(x, examples.mask);
    features.keep(tap_kind::penultimate, 0, [&] { return x; });
    auto logits = head_(x, when);
    if constexpr (is_causal) logits = logits.transpose(1, 2);
    return {.logits = std::move(logits), .features = features.taken()};
  }

  /// @throws std::invalid_argument for a dtype of 16 bits
  void cast(torch::ScalarType type)
  {
    detail::refuse_16_bits(this->name(), type);
    base::cast(type);
  }

  [[nodiscard]] std::int64_t positions(std::size_t entry) const
  {
    const bool in_block = entry < first_block + Plan::depth;
    return in_block || is_causal ? this->shape_.width : 1;
  }

  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("embedding", self.embedding_);
    f("positions", self.positions_);
    for (std::size_t b = 0; b < self.blocks_.parts.size(); ++b)
      f("block" + std::to_string(b), self.blocks_.parts[b]);
    f("norm", self.norm_);
    f("head", self.head_);
  }

  static void check(const Plan& plan, const sample_shape& shape)
  {
    detail::require_sizes(plan.name, plan.block());
    if (plan.vocabulary < 1)
      throw_invalid_argument(plan.name, "want a vocabulary of at least one token, got ",
                             plan.vocabulary);
    if (shape.kind != sample_kind::tokens)
      throw_invalid_argument(plan.name, "want the shape of token sequences: ",
                             "sample_shape::tokens(longest, classes)");
    if (is_causal && shape.classes != plan.vocabulary)
      throw_invalid_argument(plan.name, "the classes of a language model are its vocabulary, got ",
                             shape.classes, " classes and a vocabulary of ", plan.vocabulary);
  }
  [[nodiscard]] static weight_init start_of(const Plan&, const network_options& options)
  {
    return {.seed = options.seed, .linear = linear_init::truncated_normal_zero_bias};
  }

 private:
  using base = planned_body<text_transformer_body, Q, Scheme, Plan>;
  static constexpr bool is_causal = Plan::form == text_form::language_model;
  static constexpr std::size_t first_block = 2;  ///< entry in the list of the layers

  embedding embedding_, positions_;
  detail::part_list<transformer_block<Q>> blocks_;
  layer_norm norm_;
  linear<Q> head_;
};

static_assert(NetworkBody<text_transformer_body<>>);
static_assert(ReadsEmbeddings<text_transformer_body<>>);

template<Quantizer Q = no_quantizer, BitWidthScheme Scheme = default_scheme<Q>,
         typename Plan = text_transformer_plan<>>
using text_transformer = network<text_transformer_body<Q, Scheme, Plan>>;

/// Makes a network from its plan, for sequences of up to the length of `shape`. With a quantizer
/// but no scheme, inner layers have 2 bits.
///
///     make_text_transformer(text_transformer_plan<4>{.vocabulary = 1000}, data.shape)
///
/// @param shape `sample_shape::tokens(longest, classes)`; the classes of a language model are its
///        vocabulary
/// @return `text_transformer<Q, Scheme, text_transformer_plan<Depth, Form>>`
template<typename Q = no_quantizer, typename Scheme = default_scheme<Q>, std::size_t Depth,
         text_form Form>
[[nodiscard]] auto make_text_transformer(text_transformer_plan<Depth, Form> plan,
                                         const sample_shape& shape, const Q& q = {},
                                         const Scheme& scheme = {},
                                         const network_options& options = {})
{
  detail::must_make_a_network<Q, Scheme>();
  using body = text_transformer_body<Q, Scheme, text_transformer_plan<Depth, Form>>;
  return network<body>{body{std::move(plan), shape, q, scheme, options}};
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/text_transformer.hpp>
#endif
