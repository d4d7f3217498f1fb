// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The complete state of a run between two epochs.

#include <rolewise/core/settings.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/train/run_signature.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/step_refinements.hpp>

#include <bit>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// The signature of a run.
/// @tparam is_kept whether it will be compared; if not, settings and checksums of the data and the
/// teacher are left out
template<bool is_kept, typename Step, typename Options>
[[nodiscard]] run_signature signature_of(const Step& step, const batch_source_reference& data,
                                         const Options& options, std::int64_t steps)
{
  run_signature run{.epochs = options.epochs,
                    .batch_size = options.batch_size,
                    .steps_per_epoch = steps,
                    .seed = std::bit_cast<std::int64_t>(options.seed.value),
                    .shuffle = options.shuffle,
                    .data = data.name(),
                    .samples = data.size()};
  if constexpr (is_kept) {
    run.settings = all_settings_of(step);
    if (options.validation != nullptr && options.validation_interval != 1)
      run.settings.push_back({"validation_interval", std::to_string(options.validation_interval)});
    if (options.validation != nullptr && !options.validation_metric.is_accuracy())
      for (auto& each : options.validation_metric.settings())
        run.settings.push_back(std::move(each));
    if (options.validation != nullptr)
      run.validation_sum = std::bit_cast<std::int64_t>(options.validation->fingerprint());
    run.data_sum = std::bit_cast<std::int64_t>(data.fingerprint());
    if constexpr (TaughtStep<Step>)
      run.teacher_sum = std::bit_cast<std::int64_t>(step.teacher.fingerprint());
  }
  if (options.validation != nullptr) {
    run.validation = options.validation->name();
    run.judged = options.validation->size();
    if (!options.validation_metric.is_accuracy())
      run.validation_metric = options.validation_metric.name();
  }
  if constexpr (ScheduledStep<Step>)
    for (const std::int64_t part : {0, 1, 2, 3}) {
      const auto at = part * (options.epochs * steps - 1) / 3;
      run.rates.push_back(step.learning_rate(training_progress{.epoch = at / steps,
                                                               .step = at % steps,
                                                               .epochs = options.epochs,
                                                               .steps_per_epoch = steps}));
    }
  if constexpr (SeededStep<Step>)
    run.step_seed = std::bit_cast<std::int64_t>(std::uint64_t{step.seed.value});
  return run;
}

/// Step, epoch, history and callbacks of one run, saved and restored together.
/// @tparam Callbacks a tuple of references
template<typename Step, typename Callbacks>
class run_state {
 public:
  run_state(Step& step, Callbacks& callbacks, run_signature of)
      : signature{std::move(of)}, step_{step}, callbacks_{callbacks}
  {}

  run_signature signature;
  run_history history;
  std::int64_t next_epoch = 0;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("signature", signature);
    archive.value("next_epoch", next_epoch);
    archive.part("history", history);
    archive.part("step", step_);
    int number = 0;
    std::apply(
        [&](auto&... callback) {
          (visit_part(archive, "callback" + std::to_string(number++), callback), ...);
        },
        callbacks_);
  }

  void keep()
  {
    std::apply([&](auto&... callback) { (keep_in(callback), ...); }, callbacks_);
  }

  /// Restores the snapshot of the first keeping callback that has one.
  /// @param accepts_changes whether a different run is restored too; the history records the
  ///        differences
  /// @return whether there was a snapshot
  /// @throws std::invalid_argument if it is of a different run
  bool take_up(bool accepts_changes)
  {
    std::optional<snapshot> kept;
    std::apply([&](auto&... callback) { (find_in(callback, kept), ...); }, callbacks_);
    if (!kept) return false;
    run_signature stored;
    restore(stored, part_of(*kept, "signature"), "resumed run");
    const auto words = differences(stored, signature);
    if (!words.empty() && !accepts_changes)
      throw_invalid_argument("fit", "the run to be resumed is another one: it has ", words,
                             "; .accept_changes = true goes on all the same");
    auto current = signature;  // `restore` reads the stored one into `signature`
    restore(*this, *kept, "resumed run");
    signature = std::move(current);
    if (!words.empty())
      history.changes.push_back("from epoch " + std::to_string(next_epoch) + ": " + words);
    return true;
  }

  [[nodiscard]] bool is_to_stop() const
  {
    bool stops = false;
    std::apply([&](auto&... callback) { ((stops = stops || asks(callback)), ...); }, callbacks_);
    return stops;
  }

 private:
  template<typename O>
  void keep_in(O& callback)
  {
    if constexpr (KeepingCallback<O>) callback.keep(snapshot_of(*this), history);
  }
  template<typename O>
  static void find_in(O& callback, std::optional<snapshot>& kept)
  {
    if constexpr (KeepingCallback<O>)
      if (!kept) kept = callback.kept();
  }
  template<typename O>
  [[nodiscard]] static bool asks(const O& callback)
  {
    if constexpr (StoppingCallback<O>)
      return callback.wants_to_stop();
    else
      return false;
  }

  Step& step_;
  Callbacks& callbacks_;
};

}  // namespace rolewise::detail
