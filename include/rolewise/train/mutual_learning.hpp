// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `mutual_learning` training step: students that teach each other.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/detail/learner_state.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learner_traits.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/top_k_accuracy.hpp>
#include <rolewise/train/trainable.hpp>
#include <rolewise/train/training_step.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise {

/// When the peers of `mutual_learning` are updated.
enum class peer_order {
  in_turn,  ///< each learns from the predictions of the peers before it after their update
  at_once   ///< all learn from the predictions before any update
};

namespace detail {

/// Peers by their type: a tuple of learners, or a vector of one type.
template<typename T>
struct peers_of {
  static constexpr bool are_learners = false;
};
template<typename T>
struct peers_of<std::vector<T>> {
  static constexpr bool are_learners = is_student_learner<T>;
  template<taps Wanted, typename Loss>
  [[nodiscard]] static consteval bool offer()
  {
    return taps_are_offered<Wanted, Loss, model_of<T>>();
  }
};
template<typename... T>
struct peers_of<std::tuple<T...>> {
  static constexpr bool are_learners = (is_student_learner<T> && ...) && sizeof...(T) > 1;
  template<taps Wanted, typename Loss>
  [[nodiscard]] static consteval bool offer()
  {
    return (taps_are_offered<Wanted, Loss, model_of<T>>() && ...);
  }
};

template<typename Peers, typename F>
void for_each_peer(Peers& peers, F&& f)
{
  if constexpr (requires { peers.size(); })
    for (auto& each : peers) f(each);
  else
    std::apply([&](auto&... each) { (f(each), ...); }, peers);
}

template<typename Peers>
[[nodiscard]] auto& first_peer(Peers& peers)
{
  if constexpr (requires { peers.size(); })
    return peers.front();
  else
    return std::get<0>(peers);
}

/// Adds up values, and the terms by their places.
ROLEWISE_INLINE void add_up(loss_terms& sum, loss_terms more);

/// Divides a value and its terms by a number.
[[nodiscard]] ROLEWISE_INLINE loss_terms divided(loss_terms sum, std::size_t by);

/// What a model says of a batch in training mode, as it is now; the model is not changed.
template<Student S>
[[nodiscard]] outputs said_in_training(S copy, const batch& examples, const taps& wanted)
{
  const torch::NoGradGuard without_graph;
  return detached(copy.forward(examples, wanted));
}

/// The default loss of `mutual_learning`: on labels, and against a peer at temperature 1.
[[nodiscard]] inline auto mutual_loss()
{
  return cross_entropy{} + soft_target_kl{.temperature = temperature{1.0}};
}

}  // namespace detail

/// Training step of deep mutual learning: K students learn the labels and each other's predictions,
/// without a trained teacher.
///
///     mutual_learning training{
///         .peers = std::tuple{learner{.model = resnet20(shape, {.seed = seed{1}})},
///                             learner{.model = wide_resnet(16, 1, shape)}}};
///     fit(training, data, {.epochs = 8});
///     const auto teacher = ensemble(...);   // of std::get<0>(training.peers).model, ...
///
/// Peer k is updated by its own optimizer to lower
///
///     L_k = 1 / (K - 1) sum_(l != k) loss(teacher: what peer l says, student: what peer k says)
///
/// with the loss `CE + KL(p_l, p_k)` by default. What peer l says is a constant there: no gradient
/// reaches it. All peers see one view. One step computes the forward passes of all peers, then for
/// each peer in order its loss, its backward pass and its update, and with `peer_order::in_turn`
/// (the paper's) what it says now, on a copy of it, so that its running statistics take each batch
/// in once. That is one more forward pass for each peer but the last; `at_once` is without.
///
/// Equal peers stay equal: give them different first weights, or architectures.
///
/// Metrics: `loss` and the terms of a sum, as means over the peers; `.metric` of each peer, those
/// after the first with "-2", "-3", ... behind. `evaluated()` and `learning_rate()` are those of
/// the first peer.
///
/// @tparam Peers `std::tuple` of learners of students, at least two, or `std::vector` of one type
/// @par Determinism
/// The same members, batches and training progress give the same bits, for the same number of
/// threads.
/// @par Source
/// Zhang, Xiang, Hospedales, Lu: Deep Mutual Learning, 2017, arXiv:1706.00384, section 3, algorithm
/// 1 and, for more than two peers, equation 8.
template<typename Peers = detail::missing, typename Agent = no_agent,
         typename Loss = decltype(detail::mutual_loss()), typename MetricType = top_k_accuracy>
struct mutual_learning {
  static_assert(detail::peers_of<Peers>::are_learners,
                "mutual_learning: .peers must be a std::tuple of at least two learners of "
                "students, or a std::vector of such learners");
  static_assert(AugmentationAgent<Agent>,
                "mutual_learning: .agent must satisfy AugmentationAgent; no_agent{} changes "
                "nothing");
  static_assert(Stateful<Agent>,
                "mutual_learning: .agent must show its state (visit_state) or say has_state = "
                "false");
  static_assert(!HasParameters<Agent>,
                "mutual_learning: .agent has parameters, which this step would never update; "
                "compose a step in which a learner trains it (rolewise/train/learner.hpp)");
  static_assert(LossFunction<Loss>,
                "mutual_learning: .loss must satisfy LossFunction, such as cross_entropy{} + "
                "soft_target_kl{}");
  static_assert(reads_teacher<Loss>(),
                "mutual_learning: .loss reads no teacher, so that the peers would not learn from "
                "each other");
  static_assert(state_must::be_denied<Loss>,
                "mutual_learning: .loss must say has_state = false: adapters and memories belong "
                "to one pair of networks");

  Peers peers;
  Agent agent{};
  Loss loss = detail::mutual_loss();  ///< what a peer learns from the labels and from another peer
  peer_order order = peer_order::in_turn;
  rolewise::seed seed{0};  ///< of the views
  MetricType metric{};     ///< of each peer on the augmented batches, beside the loss

  /// @throws std::invalid_argument for fewer than two peers
  metrics operator()(const batch& examples, const training_progress& progress)
  {
    begin(progress);
    return learn(view_of(agent, examples, progress, seed.split(role::student),
                         detail::wanted_form(examples, home()),
                         detail::first_peer(peers).learner_state.buffers()),
                 progress);
  }

  /// Returns a function that makes the agent's view without the step; see `PreparingStep`.
  [[nodiscard]] auto preparation()
    requires IndependentAgent<Agent>
  {
    return [maker = agent, key = seed.split(role::student), to = home()](
               const batch& examples, const training_progress& progress, buffer_pool& buffers) {
      return detail::pinned_for(
          to, view_of(maker, examples, progress, key, detail::wanted_form(examples, to), buffers));
    };
  }
  metrics take(batch view, const training_progress& progress)
  {
    begin(progress);
    return learn(std::move(view), progress);
  }

  /// Returns the logits of the last peer for the batch as a training step would compute them, on
  /// copies of all peers: the step does not change. Throws what their forward passes would throw;
  /// `fit` uses this to check a last batch of one example.
  [[nodiscard]] torch::Tensor rehearse(const batch& examples,
                                       const training_progress& progress) const
  {
    const auto x = detail::to_model_input(rehearse_view(examples, progress), parameters_of_first());
    torch::Tensor logits;
    detail::for_each_peer(peers, [&](const auto& each) {
      logits = detail::said_in_training(each.model, x, wanted()).logits;
    });
    return logits;
  }
  [[nodiscard]] batch rehearse_view(const batch& examples, const training_progress& progress) const
  {
    buffer_pool own;
    return view_of(agent, examples, progress, seed.split(role::student),
                   detail::wanted_form(examples, home()), own);
  }
  static constexpr bool mixes = requires { requires Agent::mixes; };

  /// Of the first peer.
  /// @throws std::invalid_argument if the learning rate is not finite
  [[nodiscard]] double learning_rate(const training_progress& progress) const
  {
    return detail::first_peer(peers).learning_rate(progress);
  }

  /// The first peer's network: its moving average if one is kept.
  [[nodiscard]] const auto& evaluated() const { return detail::first_peer(peers).evaluated(); }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    require_peers();
    detail::require_no_parameters("mutual_learning", "agent", agent);
    std::size_t k = 0;
    detail::for_each_peer(peers,
                          [&](auto& each) { archive.part("peer" + std::to_string(k++), each); });
    visit_part(archive, "agent", agent);
  }

 private:
  [[nodiscard]] static consteval taps wanted()
  {
    constexpr auto all = teacher_taps<Loss>() | student_taps<Loss>();
    static_assert(detail::peers_of<Peers>::template offer<all, Loss>(),
                  "mutual_learning: .loss wants a tap that a peer does not offer");
    return all;
  }

  [[nodiscard]] auto parameters_of_first() const
  {
    return detail::first_peer(peers).model.parameters();
  }
  [[nodiscard]] torch::Device home() const { return detail::device_of(parameters_of_first()); }

  void require_peers() const
  {
    if constexpr (requires { peers.size(); })
      if (peers.size() < 2)
        throw_invalid_argument("mutual_learning", "want at least two peers, got ", peers.size());
  }

  void begin(const training_progress& progress)
  {
    require_peers();
    detail::require_no_parameters("mutual_learning", "agent", agent);
    detail::for_each_peer(peers, [&](auto& each) { each.begin(progress); });
  }

  /// L_k, from what peer k says, with its graph, and what the others say, without.
  [[nodiscard]] loss_terms loss_of(std::size_t k, const outputs& own,
                                   const std::vector<outputs>& said, const targets& targets) const
  {
    loss_terms sum;
    for (std::size_t l = 0; l < said.size(); ++l)
      if (l != k) detail::add_up(sum, evaluate_loss_terms(loss, {said[l], own}, targets));
    return detail::divided(std::move(sum), said.size() - 1);
  }

  metrics learn(batch shown, const training_progress& progress)
  {
    const detail::gradients_on for_now{"mutual_learning"};
    const auto labels = shown.labels;
    const auto view = detail::to_model_input(std::move(shown), parameters_of_first());
    const auto targets = targets_of(view, progress);
    std::vector<outputs> own, said;
    detail::for_each_peer(peers, [&](auto& each) {
      own.push_back(each.model.forward(view, wanted()));
      said.push_back(detail::detached(own.back()));
    });
    detail::require_labels_beside<Loss>(labels, own.front().logits, view.ignore_index);
    const auto at_first = said;

    loss_terms all;
    std::size_t k = 0;
    detail::for_each_peer(peers, [&](auto& each) {
      auto found = loss_of(k, own[k], said, targets);
      each.minimize(found.total, progress);
      found.total = found.total.detach();
      detail::add_up(all, std::move(found));
      own[k] = {};  // and its graph
      if (order == peer_order::in_turn && k + 1 < said.size())
        said[k] = detail::said_in_training(each.model, view, wanted());
      ++k;
    });
    auto mean = detail::divided(std::move(all), said.size());
    metrics numbers{{"loss", std::move(mean.total)}};
    detail::add_terms(numbers, std::move(mean.terms));
    for (k = 0; k < at_first.size(); ++k) {
      const auto count = numbers.size();
      add_metric(numbers, metric, at_first[k], targets);
      if (k > 0 && numbers.size() > count) numbers.back().name += "-" + std::to_string(k + 1);
    }
    return numbers;
  }
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/mutual_learning.hpp>
#endif
