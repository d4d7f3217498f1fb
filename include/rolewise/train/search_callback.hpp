// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `SearchCallback` concept: receives the events of a hyperparameter search.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>

#include <concepts>
#include <vector>

namespace rolewise {

/// The event before any training; `so_far` holds the earlier events of a resumed search.
struct search_begin {
  const search::search_history& so_far;
  const std::vector<search::trial_state>& trial_states;
};

/// The event after each `search_event`, which `so_far` and `trial_states` already include. The
/// decisions of one round are applied together, before the first of their events.
struct search_goes_on {
  const search::search_event& event;
  const search::search_history& so_far;
  const std::vector<search::trial_state>& trial_states;
};

/// The event after the last `search_event`. A search that throws does not send it.
struct search_end {
  const search::search_history& history;
  const std::vector<search::trial_state>& trial_states;
};

namespace callback_must {

template<typename O>
concept handle_search_begin = requires(O callback, const search_begin event) {
  { callback.on(event) } -> std::same_as<void>;
};

template<typename O>
concept handle_search_events = requires(O callback, const search_goes_on event) {
  { callback.on(event) } -> std::same_as<void>;
};

template<typename O>
concept handle_search_end = requires(O callback, const search_end event) {
  { callback.on(event) } -> std::same_as<void>;
};

}  // namespace callback_must

/// A callback of a search: receives its events through overloads of `on`; it cannot change
/// anything. Calls are serialized; they may come from any thread that trains trials.
template<typename O>
concept SearchCallback =
    callback_must::handle_search_begin<O> && callback_must::handle_search_events<O> &&
    callback_must::handle_search_end<O>;

}  // namespace rolewise
