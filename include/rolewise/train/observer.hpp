// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Who is told how a run goes.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/moment.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/train/run_signature.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <cstdint>
#include <optional>

namespace rolewise {

/// Before the first step. What a resumed run has behind it is in `so_far`.
struct run_begins {
  const run_signature& run;
  const run_history& so_far;
  std::int64_t first_epoch = 0;
  std::int64_t last_epoch = 1;  ///< the one after the last
  bool is_resumed = false;
};

/// After each step. Reading a metric waits for the device, so read seldom.
struct step_ends {
  moment now;
  std::int64_t examples = 0;
  const metrics& numbers;
};

/// After each epoch and its validation; `so_far` ends with `record`.
struct epoch_ends {
  const run_signature& run;
  const epoch_record& record;
  const run_history& so_far;
};

enum class ending { finished, stopped_early, failed };

/// After the last epoch, or when something was thrown.
struct run_ends {
  const run_history& history;
  ending how = ending::finished;
};

namespace observer_must {

template<typename O>
concept see_a_run_begin = requires(O observer, const run_begins event) {
  { observer.see(event) } -> std::same_as<void>;
};

template<typename O>
concept see_every_step = requires(O observer, const step_ends event) {
  { observer.see(event) } -> std::same_as<void>;
};

template<typename O>
concept see_every_epoch = requires(O observer, const epoch_ends event) {
  { observer.see(event) } -> std::same_as<void>;
};

template<typename O>
concept see_a_run_end = requires(O observer, const run_ends event) {
  { observer.see(event) } -> std::same_as<void>;
};

template<typename O>
concept show_or_deny_their_state = Stateful<O>;

template<typename O>
concept say_whether_to_stop = requires(const O observer) {
  { observer.wants_to_stop() } -> std::same_as<bool>;
};

template<typename O>
concept keep_what_can_be_resumed =
    requires(O observer, const snapshot state, const run_history so_far) {
      { observer.keep(state, so_far) } -> std::same_as<void>;
    };

template<typename O>
concept find_what_was_kept = requires(O observer) {
  { observer.kept() } -> std::same_as<std::optional<snapshot>>;
};

}  // namespace observer_must

/// Is told of a run by overloads of `see`. It cannot change the run: all that it is shown is const.
/// A generic overload, `void see(const auto&) {}`, takes what one does not care for.
///
/// An observer with state (`visit_state`) is part of the checkpoint and continues with the run.
template<typename O>
concept Observer = observer_must::see_a_run_begin<O> && observer_must::see_every_step<O> &&
                   observer_must::see_every_epoch<O> && observer_must::see_a_run_end<O> &&
                   observer_must::show_or_deny_their_state<O>;

/// May ask, after each epoch, for the run to end: the one influence that an observer can have.
template<typename O>
concept StoppingObserver = Observer<O> && observer_must::say_whether_to_stop<O>;

/// Keeps the state of the run: before the first epoch, and after each one, when every other
/// observer has seen it. `kept()` is what a resumed run starts from, if there is anything.
template<typename O>
concept KeepingObserver = Observer<O> && observer_must::keep_what_can_be_resumed<O> &&
                          observer_must::find_what_was_kept<O>;

/// Sees everything and does nothing; the template for one's own.
struct silent {
  static constexpr bool has_state = false;

  void see(const auto&) {}
};

static_assert(Observer<silent>);

}  // namespace rolewise
