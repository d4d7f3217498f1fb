// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of Callback, StoppingCallback and KeepingCallback that no compiler can
/// check.

#include "doctest.hpp"

#include <rolewise/train/callback.hpp>
#include <rolewise/train/detail/state_writer.hpp>
#include <rolewise/train/snapshot.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::laws {

/// A synthetic run of two steps per epoch, whose accuracy rises until epoch 2 and falls afterwards.
class made_up_run {
 public:
  made_up_run() { signature_.judged = 10; }

  template<Callback O>
  void begin(O& callback, std::int64_t first, bool is_resumed)
  {
    callback.on(fit_begin{signature_, history_, first, 6, is_resumed});
  }

  template<Callback O>
  void epoch(O& callback, std::int64_t number)
  {
    for (std::int64_t step = 0; step < 2; ++step) {
      const metrics numbers{{"loss", torch::tensor(1.5 - 0.1 * static_cast<double>(number))}};
      callback.on(step_end{
          {.epoch = number, .step = step, .epochs = 6, .steps_per_epoch = 2}, 16, numbers});
    }
    add(number);
    callback.on(epoch_end{signature_, history_.epochs.back(), history_});
  }

  /// Adds an epoch to the history without notifying a callback.
  void add(std::int64_t number)
  {
    epoch_record record;
    record.epoch = number;
    record.numbers = {{"loss", 1.5 - 0.1 * static_cast<double>(number)}};
    record.validation_accuracy = number <= 2 ? 0.2 * static_cast<double>(number + 1) : 0.1;
    record.seconds = 0.25;
    if (!history_.best_accuracy || *record.validation_accuracy > *history_.best_accuracy) {
      history_.best_accuracy = record.validation_accuracy;
      history_.best_epoch = number;
    }
    history_.epochs.push_back(record);
  }

  template<Callback O>
  void end(O& callback)
  {
    callback.on(fit_end{history_, ending::finished});
  }

  [[nodiscard]] const run_history& history() const { return history_; }

 private:
  run_signature signature_;
  run_history history_;
};

template<Callback O>
[[nodiscard]] std::string shown_by(O& callback)
{
  if constexpr (state_must::be_shown<O>)
    return rolewise::detail::encode(snapshot_of(callback));
  else
    return {};
}

template<Callback O>
[[nodiscard]] bool stops(const O& callback)
{
  if constexpr (StoppingCallback<O>)
    return callback.wants_to_stop();
  else
    return false;
}

/// A callback of an uninterrupted run has the same state as one that is restored from a snapshot
/// and observes the rest, whatever the callback of the snapshot received afterwards.
/// @param make returns a fresh callback for one of two places, equal ones for the same place
template<typename Make>
void callback_holds_for(const Make& make)
{
  auto whole = make(0);
  made_up_run run;
  run.begin(whole, 0, false);
  for (std::int64_t number = 0; number < 3; ++number) run.epoch(whole, number);

  snapshot kept;
  made_up_run first, second;
  {
    auto killed = make(1);
    first.begin(killed, 0, false);
    for (std::int64_t number = 0; number < 3; ++number) {
      first.epoch(killed, number);
      second.add(number);
    }
    CHECK(shown_by(killed) == shown_by(whole));
    if constexpr (state_must::be_shown<decltype(killed)>) {
      kept = snapshot_of(killed);
      first.epoch(killed, 3);
    }
  }
  auto resumed = make(1);
  if constexpr (state_must::be_shown<decltype(resumed)>) restore(resumed, kept);

  second.begin(resumed, 3, true);
  for (std::int64_t number = 3; number < 6; ++number) {
    run.epoch(whole, number);
    second.epoch(resumed, number);
    CHECK(shown_by(resumed) == shown_by(whole));
    CHECK(stops(resumed) == stops(whole));
  }
  run.end(whole);
  second.end(resumed);
}

/// `kept` returns what `keep` received, bit for bit, also for another callback of equal settings.
template<KeepingCallback O>
void keeping_holds_for(O callback)
{
  auto later = callback;
  CHECK_FALSE(callback.kept().has_value());
  made_up_run run;
  run.begin(callback, 0, false);
  for (std::int64_t number = 0; number < 2; ++number) {
    run.epoch(callback, number);
    const snapshot state{
        {"weight", true, torch::arange(5).to(torch::kFloat32) + static_cast<double>(number)},
        {"count", false, number}};
    callback.keep(state, run.history());
    const auto kept = later.kept();
    REQUIRE(kept.has_value());
    CHECK(rolewise::detail::encode(*kept) == rolewise::detail::encode(state));
  }
}

}  // namespace rolewise::laws
