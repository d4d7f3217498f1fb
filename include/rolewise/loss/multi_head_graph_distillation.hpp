// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// MHGD: graphs of the examples of a batch between successive stages, by multi-head attention.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/loss/detail/convolution_norm.hpp>
#include <rolewise/loss/detail/feature_maps.hpp>
#include <rolewise/loss/detail/feature_rows.hpp>
#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/loss/detail/require_weight.hpp>
#include <rolewise/loss/detail/singular_vectors.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace rolewise {

/// The attention of `multi_head_graph_distillation`.
enum class graph_attention {
  trained,  ///< learns to estimate a stage of the teacher from the one before it
  random    ///< stays as it was drawn, without batch norm, as in Role-KD's released code
};

namespace detail {

/// Multi-head attention between the vectors of two stages, and the estimator that it learns by.
struct graph_layer {
  owned_tensor sender{}, receiver{};       ///< `[heads E, C]`, of the later and earlier stage
  std::array<owned_tensor, 4> norms{};     ///< scale and shift of both, `[heads E]`
  owned_tensor value{}, scale{}, shift{};  ///< of the estimator, `[E, C earlier]`, `[E]`, `[E]`
  owned_tensor output{}, offset{};         ///< `[C later, heads E]`, `[C later]`
  std::int64_t heads = 0;
  bool learns = true;

  /// @throws std::invalid_argument for fewer than one head, and other shapes than those that this
  ///         was made for
  void configure(std::int64_t earlier, std::int64_t later, std::int64_t count, bool trained,
                 seed key, std::string_view caller);

  /// KL divergence of the student's graph from the teacher's, added over heads.
  /// @param weights of examples, `[N]`, or undefined; those of weight 0 are no neighbors
  /// @return `[N]`
  [[nodiscard]] torch::Tensor divergence(const singular_pair& before, const singular_pair& after,
                                         const torch::Tensor& weights) const;

  /// 1 - cosine of the teacher's later vectors and their estimates from the earlier ones.
  /// @param kept `[heads, N]`, 0 for an example that a head leaves out
  /// @return `[N]`
  [[nodiscard]] torch::Tensor estimation(const torch::Tensor& before, const torch::Tensor& after,
                                         const torch::Tensor& kept) const;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    const auto show = [&](std::string_view name, owned_tensor& t) {
      learns ? archive.parameter(name, *t) : archive.buffer(name, *t);
    };
    show("sender.weight", sender);
    show("sender.scale", norms[0]);
    show("sender.shift", norms[1]);
    show("receiver.weight", receiver);
    show("receiver.scale", norms[2]);
    show("receiver.shift", norms[3]);
    show("value.weight", value);
    show("value.scale", scale);
    show("value.shift", shift);
    show("output.weight", output);
    show("output.bias", offset);
  }
};

/// Weights of the examples, `[N]`; undefined without any.
/// @param vectors `[N, C]`
/// @throws std::invalid_argument for one example, and weights that do not fit
[[nodiscard]] ROLEWISE_INLINE torch::Tensor graph_weights(const torch::Tensor& vectors,
                                                          const targets& targets,
                                                          std::string_view caller);

/// For each head the examples that it keeps: those whose normal draw is above the mean over heads,
/// as a function of (key, epoch, id).
/// @return `[heads, N]`, on the CPU
[[nodiscard]] ROLEWISE_INLINE torch::Tensor kept_by_heads(const targets& targets, std::int64_t n,
                                                          std::int64_t heads, seed key,
                                                          std::string_view caller);

}  // namespace detail

/// MHGD: KL divergence of graphs of the examples of a batch, whose edges are the attention between
/// the leading singular vectors of successive stages.
///
///     v_l = leading right singular vector of an example's map, as in `singular_value_distillation`
///     A = BN(v_l W_s) BN(v_(l-1) W_r)', of each head,  [N, N]
///     G = tanh(A - mean of the teacher's A over each row)
///     transfer = sum_{l > 0} mean_examples sum_heads KL(softmax(G of student), softmax(G of
///     teacher)) estimation = sum_{l > 0} mean_examples (1 - cosine(estimate(v_(l-1), softmax(A)),
///     v_l)),
///                  of the teacher
///     loss = transfer + estimation_weight * estimation
///
/// W_s and W_r are shared by teacher and student, and learn by the estimation alone; batch norm is
/// by the statistics of the teacher's vectors in the batch. The estimate is a layer of attention
/// with a learned value and output, in which each head leaves out some examples at random. With
/// `graph_attention::random`, A has no batch norm, G = tanh(A), and there is no estimation.
/// `configure` makes the layers. Usual: all stages, with `attention_epochs` 40 of 140, gradients
/// clipped to the task's (`clipped_to_task`); Role-KD: 4 heads, random.
///
///     multi_head_graph_distillation<tap::stage<0>, tap::stage<1>, tap::stage<2>, tap::stage<3>>{
///         .attention_epochs = 40}
///
/// @tparam Stages the taps of both networks, two at least: maps `[N, C, H, W]`
/// @par Gradients
/// Of the transfer to the student's features, of the estimation to the layers; none to the
/// teacher's features.
/// @par Determinism
/// What heads leave out is a function of (seed, epoch, id); the first weights of the seed and the
/// shapes: uniform in +- sqrt(6 / fan-in).
/// @par Source
/// Lee, Song: Graph-based Knowledge Distillation by Multi-head Attention Network, 2019,
/// arXiv:1907.02226, section 3; sizes, tanh and left out heads as in the authors' code
/// (sseung0703/KD_methods_with_TF), `graph_attention::random` as in Role-KD's
/// (bigaidream-projects/role-kd), which builds the estimation and never runs it.
/// @par Departs
/// The code adds over examples, here it is the mean. It trains attention in epochs of their own,
/// and then keeps it; here it learns beside the transfer, too. It normalizes by moving averages in
/// the transfer, here by the batch.
template<tap_id... Stages>
struct multi_head_graph_distillation {
  static_assert(sizeof...(Stages) > 1, "multi_head_graph_distillation wants at least two taps");

  static constexpr std::string_view name = "multi-head-graph-distillation";
  static constexpr taps teacher_taps{Stages...};
  static constexpr taps student_taps{Stages...};
  static constexpr rolewise::invariances invariances{
      .student_shift = true, .teacher_shift = true, .example_order = true};

  std::int64_t heads = 8;       ///< above 0
  std::int64_t candidates = 4;  ///< of the student's vector, above 0
  graph_attention attention = graph_attention::trained;
  double estimation_weight = 1.0;     ///< at least 0; times the weight of the loss
  std::int64_t attention_epochs = 0;  ///< epochs without the transfer
  rolewise::seed seed{0};             ///< of the first weights and what heads leave out

  std::array<detail::graph_layer, sizeof...(Stages) - 1> layers{};  ///< internal, do not set

  /// Makes the layers, unless they exist for the same shapes.
  /// @throws std::invalid_argument for features that are no maps, a negative weight, fewer than one
  ///         head, and other shapes than those that they were made for
  void configure(const feature_shapes& teacher, const feature_shapes& student)
  {
    detail::require_weight(estimation_weight, "estimation_weight", name);
    for (const auto at : tapped) detail::require_map_shapes(teacher[at], student[at], name);
    for (std::size_t l = 0; l < layers.size(); ++l)
      layers[l].configure(teacher[tapped[l]][0], teacher[tapped[l + 1]][0], heads, is_trained(),
                          key().split(static_cast<std::uint64_t>(l)), name);
  }

  /// For 16-bit features, computed in single precision. With weights, means over examples are
  /// weighted, and examples of weight 0 have no edges; statistics of the batch norm are not
  /// weighted. Weights of pixels or tokens count as their mean over the example.
  /// @return `[]`, in the dtype and on the device of the student's first tap
  /// @throws std::invalid_argument before `configure`, without ids where attention is trained, and
  ///         unless the features are `[N, C, H, W]` with N > 1, floating point, alike in N, C,
  ///         dtype and device
  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    detail::singular_pair before = vectors(pair, 0);
    const auto n = before.student.size(0);
    const auto weights = detail::graph_weights(before.student, targets, name);
    const bool transfers = !is_trained() || targets.progress.epoch >= attention_epochs;
    torch::Tensor kept, total;
    if (is_trained())
      kept = detail::kept_by_heads(targets, n, heads, key().split(purpose{"heads"}), name);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      auto after = vectors(pair, l + 1);
      detail::require_configured(layers[l].sender, name);
      auto values = layers[l].divergence(before, after, weights) * (transfers ? 1.0 : 0.0);
      if (is_trained())
        values =
            values + layers[l].estimation(before.teacher, after.teacher, kept) * estimation_weight;
      const auto value = detail::mean_of_examples(values, targets, name);
      total = total.defined() ? total + value : value;
      before = std::move(after);
    }
    return total.to(detail::type_of_first<Stages...>(pair.student));
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    int number = 1;
    for (auto& layer : layers) visit_part(archive, detail::classic_text("tap", number++), layer);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("heads", heads);
    archive.show("candidates", candidates);
    archive.show("attention", attention);
    archive.show("estimation_weight", estimation_weight);
    archive.show("attention_epochs", attention_epochs);
    archive.show("seed", seed);
  }

 private:
  static constexpr std::array tapped{Stages...};

  [[nodiscard]] bool is_trained() const { return attention == graph_attention::trained; }
  [[nodiscard]] rolewise::seed key() const { return seed.split(purpose{"multi-head-graph"}); }
  [[nodiscard]] detail::singular_pair vectors(const paired_outputs& pair, std::size_t l) const
  {
    const auto& t = pair.teacher.features[tapped[l]];
    const auto& s = pair.student.features[tapped[l]];
    detail::require_maps(t, s, name, tapped[l]);
    return detail::singular_pair_of(t, s, candidates, name, tap_name{tapped[l]}.view());
  }
};

static_assert(DistillationLoss<multi_head_graph_distillation<tap::stage<1>, tap::stage<2>>>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/loss/implementation/multi_head_graph_distillation.hpp>
#endif
