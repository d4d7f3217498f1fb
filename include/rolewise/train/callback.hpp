// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Callback` concept: receives the events of a training run.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/state.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/train/run_signature.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/training_step.hpp>

#include <concepts>
#include <cstdint>
#include <optional>

namespace rolewise {

/// The event before the first step; `so_far` holds the earlier epochs of a resumed run.
struct fit_begin {
  const run_signature& run;
  const run_history& so_far;
  std::int64_t first_epoch = 0;
  std::int64_t last_epoch = 1;  ///< one past the last epoch
  bool is_resumed = false;
};

/// The event after each step. Reading a metric synchronizes with the device, so read rarely.
struct step_end {
  training_progress progress;
  std::int64_t examples = 0;
  const metrics& numbers;
};

/// The event after each epoch and its validation; `so_far` ends with `record`.
struct epoch_end {
  const run_signature& run;
  const epoch_record& record;
  const run_history& so_far;
};

/// How a run ended.
enum class ending { finished, stopped_early, failed };

/// The event after the last epoch, or after an exception.
struct fit_end {
  const run_history& history;
  ending how = ending::finished;
};

namespace callback_must {

template<typename O>
concept handle_fit_begin = requires(O callback, const fit_begin event) {
  { callback.on(event) } -> std::same_as<void>;
};

template<typename O>
concept handle_step_end = requires(O callback, const step_end event) {
  { callback.on(event) } -> std::same_as<void>;
};

template<typename O>
concept handle_epoch_end = requires(O callback, const epoch_end event) {
  { callback.on(event) } -> std::same_as<void>;
};

template<typename O>
concept handle_fit_end = requires(O callback, const fit_end event) {
  { callback.on(event) } -> std::same_as<void>;
};

template<typename O>
concept show_or_deny_their_state = Stateful<O>;

template<typename O>
concept say_whether_to_stop = requires(const O callback) {
  { callback.wants_to_stop() } -> std::same_as<bool>;
};

template<typename O>
concept keep_what_can_be_resumed =
    requires(O callback, const snapshot state, const run_history so_far) {
      { callback.keep(state, so_far) } -> std::same_as<void>;
    };

template<typename O>
concept find_what_was_kept = requires(O callback) {
  { callback.kept() } -> std::same_as<std::optional<snapshot>>;
};

}  // namespace callback_must

/// A callback of a training run: receives its events through overloads of `on`. It cannot
/// change the run: all event data are const. A generic overload, `void on(const auto&) {}`,
/// ignores all other events.
///
/// The state of a callback (`visit_state`) is part of the checkpoint and is restored on resume.
template<typename O>
concept Callback = callback_must::handle_fit_begin<O> && callback_must::handle_step_end<O> &&
                   callback_must::handle_epoch_end<O> && callback_must::handle_fit_end<O> &&
                   callback_must::show_or_deny_their_state<O>;

/// A callback that may end the run after each epoch: its only influence on the run.
template<typename O>
concept StoppingCallback = Callback<O> && callback_must::say_whether_to_stop<O>;

/// A callback that stores the state of the run: before the first epoch, and after each one, when
/// all callbacks have received it. `kept()` returns the state that a resumed run starts from, if
/// any.
template<typename O>
concept KeepingCallback = Callback<O> && callback_must::keep_what_can_be_resumed<O> &&
                          callback_must::find_what_was_kept<O>;

/// A callback that ignores all events; a template for new callbacks.
struct silent {
  static constexpr bool has_state = false;

  void on(const auto&) {}
};

static_assert(Callback<silent>);

}  // namespace rolewise
