// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Fast AutoAugment: a search for augmentation policies in which no trial trains a network.

#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/data/splits.hpp>
#include <rolewise/measurement/augmented_accuracy.hpp>
#include <rolewise/policy/sub_policy.hpp>
#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/search/sub_policy_space.hpp>
#include <rolewise/search/tree_parzen.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/evaluable.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise::systems {

/// Plays a search whose trials train nothing: each is scored once, when it starts.
/// @param score `(configuration)`, higher is better
/// @throws std::invalid_argument for fewer than one trial, and for a strategy that copies trials or
///         leaves all waiting
[[nodiscard]] ROLEWISE_INLINE search::search_history scored_search(
    std::string_view strategy_name,
    const std::function<std::vector<search::decision>(const std::vector<search::trial_state>&)>&
        strategy,
    const search::search_space& space, std::int64_t trials, seed key,
    const std::function<double(const search::configuration&)>& score);

/// The sub-policies of the `best` trials of a search in `sub_policy_space(sub_policies)`, from the
/// best score down; of equal scores the first trial. All trials if there are fewer.
[[nodiscard]] ROLEWISE_INLINE std::vector<sub_policy> best_sub_policies(
    const search::search_history& history, std::int64_t best, std::int64_t sub_policies);

/// Result of `fast_auto_augment`.
struct found_sub_policies {
  std::vector<sub_policy> policy;             ///< of all folds, for `auto_augment`
  std::vector<search::search_history> folds;  ///< one search each
};

/// Fast AutoAugment: in each fold a network is trained without the policy on one part of the data,
/// and a search finds the policies under which it recognizes the other part best
/// (`measurement::augmented_accuracy`). The union of the folds' best policies is the result.
///
///     const systems::fast_auto_augment search{.network = [](const dataset& train, seed own) {
///       supervised training{.student = resnet20(train.shape, {.seed = own})};
///       fit(training, train, {.epochs = 60});
///       return training.evaluated();
///     }};
///     const auto policy = search(data.train).policy;   // auto_augment{.policy = policy}
///
/// A factory that returns a trained teacher makes it the judge; the examples must then be such that
/// it was not trained on.
///
/// @par Determinism
/// A function of its members and the data, if the factory is.
/// @throws std::invalid_argument for members out of range, and as `stratified_split`
/// @par Source
/// Lim, Kim, Kim, Kim, Kim: Fast AutoAugment, NeurIPS 2019, arXiv:1905.00397, algorithm 1; the
/// defaults of kakaobrain/fast-autoaugment: 5 folds, 40 % held out, 200 trials, 10 of them kept.
/// @par Departs
/// Probability and magnitude are the levels of AutoAugment, in the paper real numbers. Crop and
/// flip come after the policy in the published code; here if `.shared` says so.
template<typename New, search::SearchStrategy Strategy = search::tree_parzen,
         AugmentationAgent Shared = no_agent>
struct fast_auto_augment {
  static_assert(Evaluable<std::invoke_result_t<const New&, const dataset&, rolewise::seed>>,
                "fast_auto_augment: .network must be callable with a dataset and a seed, and give "
                "a trained Student or a Teacher");

  New network;  ///< `(const dataset& train, seed)` returns a network trained without the policy
  Strategy strategy{};
  std::int64_t folds = 5;         ///< at least 1
  fraction held_out{0.4};         ///< of the data, stratified, drawn for each fold
  std::int64_t trials = 200;      ///< of each fold
  std::int64_t best = 10;         ///< trials of each fold whose policies are kept
  std::int64_t sub_policies = 5;  ///< of a trial
  auto_augment_scale scale = auto_augment_scale::even;
  Shared shared{};  ///< applied after the policy
  measurement::augmented_options measured{};
  rolewise::seed seed{0};

  [[nodiscard]] found_sub_policies operator()(const dataset& data) const
  {
    if (folds < 1 || best < 1)
      throw_invalid_argument("fast_auto_augment", "want folds and best of at least 1, got ", folds,
                             " and ", best);
    const auto space = search::sub_policy_space(sub_policies);
    found_sub_policies found;
    for (std::int64_t k = 0; k < folds; ++k) {
      const auto own = seed.split(static_cast<std::uint64_t>(k));
      const auto parts = stratified_split(data, held_out, own.split(purpose{"fold"}));
      const auto judge = network(parts.train, own.split(purpose{"network"}));
      const auto key = own.split(purpose{"search"});
      found.folds.push_back(scored_search(
          Strategy::name, [&](const auto& states) { return strategy(space, states, key); }, space,
          trials, key,
          [&](const search::configuration& at) {
            const compose agent{
                auto_augment{.policy = search::sub_policies_at(at, sub_policies), .scale = scale},
                shared};
            return measurement::augmented_accuracy(judge, parts.validation, agent, measured);
          }));
      const auto of_fold = best_sub_policies(found.folds.back(), best, sub_policies);
      found.policy.insert(found.policy.end(), of_fold.begin(), of_fold.end());
    }
    return found;
  }
};

}  // namespace rolewise::systems

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/implementation/fast_auto_augment.hpp>
#endif
