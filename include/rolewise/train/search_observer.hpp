// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Who is told how a search goes.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/search/search_history.hpp>
#include <rolewise/search/search_strategy.hpp>

#include <concepts>
#include <vector>

namespace rolewise {

/// Before anything is trained. What a resumed search has behind it is in `so_far`.
struct search_begins {
  const search_history& so_far;
  const std::vector<standing>& standings;
};

/// After each event. It is in `so_far` and in the standings, where the decisions of one look come
/// together.
struct search_goes_on {
  const search_event& event;
  const search_history& so_far;
  const std::vector<standing>& standings;
};

/// After the last event. A search that throws does not get here.
struct search_ends {
  const search_history& history;
  const std::vector<standing>& standings;
};

namespace observer_must {

template<typename O>
concept see_a_search_begin = requires(O observer, const search_begins event) {
  { observer.see(event) } -> std::same_as<void>;
};

template<typename O>
concept see_every_search_event = requires(O observer, const search_goes_on event) {
  { observer.see(event) } -> std::same_as<void>;
};

template<typename O>
concept see_a_search_end = requires(O observer, const search_ends event) {
  { observer.see(event) } -> std::same_as<void>;
};

}  // namespace observer_must

/// Is told of a search by overloads of `see`; it cannot change anything. Calls come one at a time,
/// from whichever thread has finished a trial.
template<typename O>
concept SearchObserver =
    observer_must::see_a_search_begin<O> && observer_must::see_every_search_event<O> &&
    observer_must::see_a_search_end<O>;

}  // namespace rolewise
