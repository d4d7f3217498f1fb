// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Observer` concept: receives the events of a training run.
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

/// The event before the first step; `so_far` holds the earlier epochs of a resumed run.
struct run_begins {
  const run_signature& run;
  const run_history& so_far;
  std::int64_t first_epoch = 0;
  std::int64_t last_epoch = 1;  ///< one past the last epoch
  bool is_resumed = false;
};

/// The event after each step. Reading a metric synchronizes with the device, so read rarely.
struct step_ends {
  moment now;
  std::int64_t examples = 0;
  const metrics& numbers;
};

/// The event after each epoch and its validation; `so_far` ends with `record`.
struct epoch_ends {
  const run_signature& run;
  const epoch_record& record;
  const run_history& so_far;
};

enum class ending { finished, stopped_early, failed };

/// The event after the last epoch, or after an exception.
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

/// An observer of a training run: receives its events through overloads of `see`. It cannot
/// change the run: all event data are const. A generic overload, `void see(const auto&) {}`,
/// ignores all other events.
///
/// The state of an observer (`visit_state`) is part of the checkpoint and is restored on resume.
template<typename O>
concept Observer = observer_must::see_a_run_begin<O> && observer_must::see_every_step<O> &&
                   observer_must::see_every_epoch<O> && observer_must::see_a_run_end<O> &&
                   observer_must::show_or_deny_their_state<O>;

/// An observer that may end the run after each epoch: its only influence on the run.
template<typename O>
concept StoppingObserver = Observer<O> && observer_must::say_whether_to_stop<O>;

/// An observer that stores the state of the run: before the first epoch, and after each one, when
/// all observers have received it. `kept()` returns the state that a resumed run starts from, if
/// any.
template<typename O>
concept KeepingObserver = Observer<O> && observer_must::keep_what_can_be_resumed<O> &&
                          observer_must::find_what_was_kept<O>;

/// An observer that ignores all events; a template for new observers.
struct silent {
  static constexpr bool has_state = false;

  void see(const auto&) {}
};

static_assert(Observer<silent>);

}  // namespace rolewise
