// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `hardest_view` agent: of several views of each example, keeps the one with the highest
/// predictive entropy.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/mixes.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace rolewise {

/// Returns the entropy of softmax(logits) over the classes, at temperature 1.
/// @param logits `[N, C]` or `[N, C, ...]`, floating point
/// @return the shape without axis 1, float64, in nats
[[nodiscard]] ROLEWISE_INLINE torch::Tensor entropy_of(const torch::Tensor& logits);

/// Returns KL(softmax(teacher / T) || softmax(student / T)) of each example, without a factor T^2.
/// @param teacher `[N, C]` or `[N, C, ...]`, floating point
/// @param student of the same shape
/// @return the shape without axis 1, float64, in nats
/// @throws std::invalid_argument for different shapes
[[nodiscard]] ROLEWISE_INLINE torch::Tensor divergence_of(const torch::Tensor& teacher,
                                                          const torch::Tensor& student,
                                                          temperature of);

/// Returns the squared distance of softmax(logits) to the closest of softmax(originals), at
/// temperature 1.
/// @param logits `[N, C]`, floating point
/// @param originals `[M, C]`, floating point, M above 0
/// @return `[N]`, float64, 0 .. 2
/// @throws std::invalid_argument for other shapes
[[nodiscard]] ROLEWISE_INLINE torch::Tensor distance_to_closest(const torch::Tensor& logits,
                                                                const torch::Tensor& originals);

/// Makes `candidates` views of each example with an agent, under `seed.split(0)` and so on, and
/// keeps the one whose logits from the teacher have the highest entropy; on ties the first. Where
/// pixels or tokens have logits of their own, the entropy of an example is the mean over those that
/// count in a loss: weighted by the weights of pixels or tokens, without padding and without labels
/// `ignore_index`; 0 if none counts.
///
///     hardest_view{.agent = cutmix{.partners = data}, .teacher = frozen(net)}
///
/// With `cutmix` this is the idea of CutMixPick. It mixes if the agent
/// does. The teacher is evaluated on all candidates in evaluation mode, which costs that many
/// forward passes; they run within the step (`IndependentAgent`), on the same processors and
/// device.
///
/// @par Determinism
/// That of the agent and the teacher. If entropies are equal up to rounding, an example's view may
/// depend on the other examples in its batch.
/// @throws std::invalid_argument unless candidates >= 1, and for a teacher whose logits are not
///         `[N, C]` or `[N, C, ...]`
/// @par Source
/// Wang, Lohit, Jones, Fu: What makes a "good" data augmentation in knowledge distillation: a
/// statistical perspective, 2022, arXiv 2012.02909.
/// @par Departs
/// CutMixPick keeps the most uncertain candidates of the whole batch, so some examples appear
/// twice and others not at all; here each example appears once, in its own hardest view, because
/// a view has the examples of its batch.
template<typename Agent, typename TeacherType>
struct hardest_view {
  static_assert(AugmentationAgent<Agent>,
                "hardest_view: .agent must satisfy AugmentationAgent, such as cutmix{}");
  static_assert(Stateful<Agent>,
                "hardest_view: .agent must show its state (visit_state) or say has_state = false");
  static_assert(FrozenTeacher<TeacherType>,
                "hardest_view: .teacher must be a FrozenTeacher; frozen(network) makes one");

  static constexpr std::string_view name = Agent::name;
  static constexpr bool has_state = state_must::be_shown<Agent>;
  static constexpr bool mixes = detail::mixes_examples<Agent>();
  static constexpr bool stays_in_step = true;

  Agent agent;
  TeacherType teacher;
  std::int64_t candidates = 2;  ///< at least 1; 1: the agent's view under `seed.split(0)`

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    if (candidates < 1)
      throw_invalid_argument("hardest_view", "candidates is ", candidates, ", want at least 1");
    auto view = agent(examples, progress, key.split(std::uint64_t{0}));
    if (candidates > 1 && view.size() > 0) {
      auto highest = entropy(view);
      for (std::int64_t i = 1; i < candidates; ++i) {
        const auto other = agent(examples, progress, key.split(static_cast<std::uint64_t>(i)));
        const auto its = entropy(other);
        const auto harder = its.gt(highest);
        highest = at::where(harder, its, highest);
        take(harder, other.inputs, view.inputs);
        take(harder, other.labels, view.labels);
        take(harder, other.partners, view.partners);
        take(harder, other.mask, view.mask);
        take(harder, other.weights, view.weights);
      }
    }
    view.view = {};
    return view;
  }

  template<typename Archive>
    requires(has_state)
  void visit_state(Archive& archive)
  {
    agent.visit_state(archive);
  }

 private:
  [[nodiscard]] torch::Tensor entropy(const batch& view) const
  {
    const torch::NoGradGuard without_graph;
    const auto logits = teacher.forward(detail::on_device_of(teacher, view), taps{}).logits;
    if (!logits.defined() || logits.dim() < 2 || logits.size(0) != view.size())
      throw_invalid_argument(
          "hardest_view", "want logits [", view.size(), ", C] or [", view.size(),
          ", C, ...] of the teacher, got ",
          logits.defined() ? detail::classic_text(logits.sizes()) : "an undefined tensor");
    const auto each = entropy_of(logits);
    if (each.dim() == 1) return each;
    const auto counted = counted_in(view, each);
    const auto sum = at::where(counted == 0, at::zeros_like(each), each * counted).flatten(1);
    return sum.sum(1) / counted.flatten(1).sum(1).clamp_min(std::numeric_limits<double>::min());
  }

  /// The weights in a loss of the pixels or tokens of a view.
  /// @param like `[N, ...]`, one for each of them
  [[nodiscard]] static torch::Tensor counted_in(const batch& view, const torch::Tensor& like)
  {
    auto counted = at::ones_like(like);
    const auto count = [&](const torch::Tensor& by) {
      if (by.defined() && by.sizes() == like.sizes()) counted = counted * by.to(like.options());
    };
    count(view.mask);
    count(view.weights);
    if (view.labels.defined() && !view.labels.is_floating_point())
      count(view.labels.ne(view.ignore_index));
    return counted;
  }

  static void take(const torch::Tensor& harder, const torch::Tensor& from, torch::Tensor& to)
  {
    if (!to.defined()) return;
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(to.dim()), 1);
    sizes[0] = -1;
    to = at::where(harder.to(to.device()).view(sizes), from, to);
  }
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/hardest_view.hpp>
#endif
