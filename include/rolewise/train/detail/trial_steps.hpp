// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Training steps of a population, and the copying of state between them.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/search_strategy.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/detail/copy_trial_state.hpp>
#include <rolewise/train/detail/naming_trial.hpp>
#include <rolewise/train/snapshot.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// A factory that can also move an existing step to another configuration.
template<typename Factory, typename Step>
concept Repointing = std::invocable<const Factory&, Step&, const search::configuration&,
                                    std::int64_t, rolewise::seed>;

template<typename Factory, typename Step>
class trial_steps {
 public:
  /// @param search the seed of the search
  trial_steps(const Factory& factory, std::int64_t trials, seed search, bool reads_history)
      : factory_{factory},
        search_{search},
        reads_history_{reads_history},
        steps_(static_cast<std::size_t>(trials)),
        now_(reads_history ? steps_.size() : 0),
        earlier_(now_.size())
  {}

  [[nodiscard]] std::optional<Step>& operator[](std::int64_t trial) { return steps_[place(trial)]; }
  [[nodiscard]] std::vector<std::optional<Step>> take() { return std::move(steps_); }

  [[nodiscard]] seed seed_of(std::int64_t trial) const
  {
    return search_.split(purpose{"trial"}).split(static_cast<std::uint64_t>(trial));
  }

  /// A step that belongs to no trial, to read its settings.
  [[nodiscard]] Step sample(const search::configuration& at) const
  {
    return factory_(at, 0, seed_of(0));
  }

  void start(std::int64_t trial, const search::configuration& at)
  {
    steps_[place(trial)].emplace(
        naming_trial(trial, at, [&] { return factory_(at, trial, seed_of(trial)); }));
    naming_trial(trial, at, [&] { require_own_tensors(trial); });
  }

  /// Carries out decisions. Copies are made of the trials as they were before, so the order of
  /// decisions has no effect. States for other processes are sent before anything changes.
  /// @param decisions as returned by `search_course::checked`
  template<typename ProcessGroup>
  void carry_out(const std::vector<search::decision>& decisions, std::int64_t round,
                 ProcessGroup& process_group)
  {
    if (reads_history_)
      for (std::size_t i = 0; i < steps_.size(); ++i)
        if (steps_[i]) keep_apart(now_[i], snapshot_of(*steps_[i]));
    auto aside = reads_history_ ? kept_states{} : overwritten_sources(decisions);
    if constexpr (!ProcessGroup::is_alone) send(decisions, round, process_group);
    for (const auto& made : decisions) {
      if (!process_group.owns(trial_of(made))) continue;
      if (const auto* started = std::get_if<search::start_trial>(&made))
        start(started->trial, started->at);
      const auto* copied = std::get_if<search::exploit_trial>(&made);
      if (copied == nullptr) continue;
      const auto from = place(copied->from);
      if constexpr (!ProcessGroup::is_alone)
        if (!process_group.owns(copied->from)) {
          const auto sent = process_group.receive(round, *copied);
          become(*copied, sent);
          continue;
        }
      if (reads_history_)
        become(*copied, (copied->evaluations_ago == 0 ? now_ : earlier_)[from]);
      else if (const auto kept = aside.find(copied->from); kept != aside.end())
        become(*copied, kept->second);
      else
        become(*copied, *steps_[from]);
    }
    if (reads_history_) std::swap(now_, earlier_);
  }

  /// Discards the step of a failed trial, as a resumed search does.
  void drop(std::int64_t trial)
  {
    steps_[place(trial)].reset();
    forget_tensors_of(trial);
  }

  /// State of a trial one comparison of trial states ago, for a strategy that copies earlier
  /// states.
  [[nodiscard]] snapshot& earlier(std::int64_t trial) { return earlier_[place(trial)]; }

  /// Restores a started trial from a checkpoint.
  void take_up(std::int64_t trial, const snapshot& state)
  {
    copy_trial_state(*steps_[place(trial)], state, classic_text("kept state of trial ", trial));
  }

 private:
  using kept_states = std::unordered_map<std::int64_t, snapshot>;

  [[nodiscard]] static std::size_t place(std::int64_t trial)
  {
    return static_cast<std::size_t>(trial);
  }

  struct owner {
    std::int64_t trial;
    torch::Tensor tensor;  // keeps the address from being used again
  };

  void forget_tensors_of(std::int64_t trial)
  {
    std::erase_if(owners_, [&](const auto& each) { return each.second.trial == trial; });
  }

  /// Refuses a trial that shares a tensor of its state with another one: training either would
  /// change both.
  void require_own_tensors(std::int64_t trial)
  {
    forget_tensors_of(trial);
    for_each_tensor(
        *steps_[place(trial)], [&](const std::string& name, torch::Tensor& t, tensor_kind) {
          if (!t.defined() || t.numel() == 0) return;
          const auto [known, is_new] = owners_.try_emplace(t.const_data_ptr(), owner{trial, t});
          if (!is_new && known->second.trial != trial)
            throw_invalid_argument("run_search", "trials ", known->second.trial, " and ", trial,
                                   " share the tensor '", name,
                                   "': the factory copies a part whose copies are not deep (see "
                                   "rolewise/core/owned_tensor.hpp)");
        });
  }

  /// Sends states of own trials to the processes whose trials copy them.
  template<typename ProcessGroup>
  void send(const std::vector<search::decision>& decisions, std::int64_t round,
            ProcessGroup& process_group)
  {
    for (const auto& made : decisions) {
      const auto* copied = std::get_if<search::exploit_trial>(&made);
      if (copied == nullptr || !process_group.owns(copied->from) || process_group.owns(copied->to))
        continue;
      const auto from = place(copied->from);
      if (reads_history_)
        process_group.send(round, *copied, (copied->evaluations_ago == 0 ? now_ : earlier_)[from]);
      else
        process_group.send(round, *copied, snapshot_of(*steps_[from]));
    }
  }

  /// Deep copies of the trials that are copied and are themselves overwritten by a copy.
  [[nodiscard]] kept_states overwritten_sources(const std::vector<search::decision>& decisions)
  {
    kept_states kept;
    for (const auto& made : decisions) {
      const auto* copied = std::get_if<search::exploit_trial>(&made);
      if (copied == nullptr || kept.contains(copied->from)) continue;
      if (!steps_[place(copied->from)]) continue;  // owned by another process
      const bool is_overwritten =
          std::any_of(decisions.begin(), decisions.end(), [&](const search::decision& other) {
            const auto* also = std::get_if<search::exploit_trial>(&other);
            return also != nullptr && also->to == copied->from && also->from != also->to;
          });
      if (is_overwritten) keep_apart(kept[copied->from], snapshot_of(*steps_[place(copied->from)]));
    }
    return kept;
  }

  /// Makes a trial a copy of another one, at its new configuration.
  /// @param other a snapshot or a step
  template<typename Other>
  void become(const search::exploit_trial& copied, Other& other)
  {
    constexpr std::string_view who = "copy of a trial";
    auto& mine = steps_[place(copied.to)];
    const auto own = seed_of(copied.to);
    naming_trial(copied.to, copied.at, [&] {
      if constexpr (Repointing<Factory, Step>)
        if (mine) {
          copy_trial_state(*mine, other, who);
          factory_(*mine, copied.at, copied.to, own);
          return;
        }
      auto fresh = factory_(copied.at, copied.to, own);
      copy_trial_state(fresh, other, who);
      forget_tensors_of(copied.to);
      mine.emplace(std::move(fresh));
      require_own_tensors(copied.to);
    });
  }

  const Factory& factory_;
  seed search_;
  bool reads_history_;
  std::vector<std::optional<Step>> steps_;
  std::vector<snapshot> now_, earlier_;  // deep copies, by trial
  std::unordered_map<const void*, owner> owners_;
};

}  // namespace rolewise::detail
