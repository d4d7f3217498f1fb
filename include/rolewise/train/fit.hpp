// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `fit`: the training loop over epochs and batches.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/prefetched.hpp>
#include <rolewise/train/any_metric.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/detail/checked_labels.hpp>
#include <rolewise/train/detail/epoch_sums.hpp>
#include <rolewise/train/detail/evaluable_labels.hpp>
#include <rolewise/train/detail/finite_state.hpp>
#include <rolewise/train/detail/prepared_epoch.hpp>
#include <rolewise/train/detail/rehearsal.hpp>
#include <rolewise/train/detail/run_state.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/evaluate_metrics.hpp>
#include <rolewise/train/preparing_step.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/train/run_signature.hpp>
#include <rolewise/train/step_refinements.hpp>
#include <rolewise/train/training_step.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise {

/// Options of `fit`.
struct fit_options {
  std::int64_t epochs = 1;            ///< of the whole run; schedules and ramps refer to it
  std::int64_t batch_size = 128;      ///< at least 1
  rolewise::seed seed{0};             ///< of the shuffling
  bool shuffle = true;                ///< a new order in every epoch
  bool drop_last = false;             ///< leave out a short last batch
  batch_source_pointer validation{};  ///< the validation set, if any: `data.test`, not copied
  /// Epochs between evaluations on the validation set, at least 1; the last epoch of the run
  /// always has one. With few training examples and many epochs, an evaluation in each may take
  /// longer than the training.
  std::int64_t validation_interval = 1;
  /// What validation follows: the best epoch, `checkpoints` and `early_stop` go by this metric. By
  /// default the accuracy, reported with the cross-entropy; any other `Metric`, such as
  /// `mean_iou{}`, is reported in place of the two (`epoch_record::validation_metric`).
  any_metric validation_metric{};
  /// Resume from the state that a `KeepingCallback`, such as `checkpoints`, has stored; start a
  /// new run if there is none.
  bool resume = false;
  /// Resume a stored run although its settings differ: those of the step (bit widths, momentum,
  /// temperature, an agent's magnitude, ...), of the data or of these options.
  /// `run_history::changes` records what differs and from which epoch on. The state in the
  /// checkpoint must still fit. If false, such a run is refused, and the error lists the
  /// differences.
  bool accept_changes = false;
  /// The part of the run to execute: epochs `from` .. `until` - 1. `until` = -1 is the end.
  std::int64_t from = 0;
  std::int64_t until = -1;
  /// Number of batches that background threads gather and augment ahead of their step, within an
  /// epoch. 0, the default: each step makes its own views, on all threads.
  ///
  /// Applies to a `PreparingStep`; a step with an agent that is no `IndependentAgent` always
  /// makes its own views. The bits are the same for any `prefetch` and any number of threads. A
  /// change to an agent during an epoch takes effect in the next one.
  ///
  /// Pays off where the step leaves processors idle, such as on a GPU; where the step uses all of
  /// them, views take the same time beside it as in it.
  ///
  /// **Memory**: the views of `prefetch` batches and of the current one, with their source
  /// examples; at most `(prefetch + 2) * batch_size * (C * H * W * (1 + 4 v) + 16)` bytes for
  /// `float32` views of `C x H x W` images with integer labels; v = 1, or 2 if teacher and student
  /// have separate views. (A short last batch has buffers of its own, hence 2 and not 1.)
  std::int64_t prefetch = 0;
  std::int64_t num_workers = 1;  ///< at least 1; more than `prefetch` have no effect
};

namespace detail {

/// Checks one callback at a time: for a pack, compilers do not report which clause fails.
template<typename O>
consteval void must_observe()
{
  static_assert(Callback<O>, "fit: each callback must satisfy Callback, such as progress_bar{}");
}

/// Options of the batches of an epoch.
[[nodiscard]] ROLEWISE_INLINE batch_options order_of(const fit_options& o, std::int64_t epoch);

template<typename Step>
void require_sound(const Step&, const batch_source_reference& data, const fit_options& o)
{
  if (o.epochs < 1 || o.batch_size < 1)
    throw_invalid_argument("fit", "want epochs and batch_size >= 1, got ", o.epochs, " and ",
                           o.batch_size);
  if (data.size() < 1) throw_invalid_argument("fit", "'", data.name(), "' has no examples");
  if (data.is_regular() && o.drop_last && data.size() < o.batch_size)
    throw_invalid_argument("fit", "drop_last leaves nothing of ", data.size(),
                           " examples in batches of ", o.batch_size);
  if (data.batch_count(order_of(o, o.from)) < 1)
    throw_invalid_argument("fit", "'", data.name(), "' has no batch of ", o.batch_size, " in ",
                           data.size(), " examples");
  if (o.from < 0 || o.from > o.epochs || o.until < -1 || o.until > o.epochs ||
      (o.until >= 0 && o.until < o.from))
    throw_invalid_argument("fit", "want 0 <= from <= until <= epochs, got from ", o.from,
                           ", until ", o.until, " of ", o.epochs);
  if (o.validation_interval < 1)
    throw_invalid_argument("fit", "want validation_interval >= 1, got ", o.validation_interval);
  if (o.prefetch < 0 || o.num_workers < 1)
    throw_invalid_argument("fit", "want prefetch >= 0 and num_workers >= 1, got ", o.prefetch,
                           " and ", o.num_workers);
  if (o.validation != nullptr) {
    if (!EvaluatedStep<Step>)
      throw_invalid_argument(
          "fit", "a validation set wants a step with evaluated(), a Student or a Teacher");
    if (o.validation->size() < 1)
      throw_invalid_argument("fit", "the validation set has no examples");
    require_evaluable(
        "fit", o.validation_metric.is_accuracy() ? wanted_labels::classes : wanted_labels::any,
        *o.validation);
  }
}

/// Checks that depend on the step: labels and the size of the last batch. Made before the first
/// step, so that these errors do not occur at the end of an epoch.
template<typename Step>
void require_fitting(const Step& step, const batch_source_reference& data, const fit_options& o,
                     std::int64_t steps, std::int64_t end)
{
  require_labels_for(step, data);
  if constexpr (RehearsingStep<Step>)
    require_last_batch(step, data, order_of(o, o.from),
                       {.epoch = o.from, .step = 0, .epochs = o.epochs, .steps_per_epoch = steps},
                       end);
}

/// Trains for one epoch.
/// @param memories empty if no batches are prepared ahead
template<typename Step, typename Tell>
[[nodiscard]] epoch_record train_epoch(Step& step, const batch_source_reference& data,
                                       const fit_options& o, std::int64_t epoch, std::int64_t steps,
                                       const Tell& tell, std::vector<preparation_memory>& memories)
{
  epoch_record record;
  record.epoch = epoch;
  training_progress progress{
      .epoch = epoch, .step = 0, .epochs = o.epochs, .steps_per_epoch = steps};
  if constexpr (ScheduledStep<Step>) {
    const double rate = step.learning_rate(progress);
    if (!std::isfinite(rate))
      throw_invalid_argument("fit", "the learning rate of epoch ", epoch, " is ",
                             without_sign_of_nan(rate), ", want a finite number");
    record.learning_rate = rate;
  }

  epoch_sums sums;
  const auto count = [&](const metrics& numbers, std::int64_t examples) {
    sums.add(numbers, examples);
    tell(step_end{progress, examples, numbers});
    ++progress.step;
  };
  const auto source = batches_for<Step>(data, order_of(o, epoch));
  if constexpr (PreparingStep<Step>) {
    if (!memories.empty()) {
      support::prefetched prepared{
          prepared_epoch<Step>{source, progress, step.preparation(), memories}, 0, steps,
          o.prefetch, o.num_workers};
      while (auto next = prepared.next()) {
        const auto size = next->size;
        count(step.take(std::move(next->what), progress), size);
      }
      record.numbers = sums.means(epoch);
      return record;
    }
  }
  for (const batch& examples : source) count(step(examples, progress), examples.size());
  record.numbers = sums.means(epoch);
  return record;
}

/// @throws diverged that names the epoch and the data set, for a loss that is not finite
template<typename Step>
[[nodiscard]] evaluation evaluated_in(std::int64_t epoch, const Step& step,
                                      const batch_source_reference& validation)
{
  auto found = measured(step.evaluated(), validation, {});
  if (!std::isfinite(found.loss))
    diverge("fit", "the validation loss on '", validation.name(), "' is ",
            without_sign_of_nan(found.loss), " in epoch ", epoch);
  return found;
}

/// The chosen metric of validation.
/// @throws diverged that names the epoch and the data set, for a value that is not finite
template<typename Step>
[[nodiscard]] validation_score score_in(std::int64_t epoch, const Step& step, const fit_options& o)
{
  const auto& metric = o.validation_metric;
  const auto found = measured_by("fit", step.evaluated(), *o.validation, {}, metric);
  const auto value = found.values.front();
  if (!found.are_ordered)
    diverge("fit", "the logits on '", o.validation->name(),
            "' are not all numbers that can be ordered, in epoch ", epoch);
  if (!std::isfinite(value))
    diverge("fit", "the validation ", metric.name(), " on '", o.validation->name(), "' is ",
            without_sign_of_nan(value), " in epoch ", epoch);
  return {metric.name(), value, metric.higher_is_better};
}

template<typename Step>
void validate(const Step& step, const fit_options& o, epoch_record& record, run_history& history)
{
  if constexpr (EvaluatedStep<Step>) {
    const auto behind = record.epoch + 1;
    if (o.validation == nullptr || (behind % o.validation_interval != 0 && behind != o.epochs))
      return;
    if (!o.validation_metric.is_accuracy()) {
      record.validation_metric = score_in(record.epoch, step, o);
      const auto best = history.best_metric();
      if (!best || best->name != record.validation_metric->name ||
          record.validation_metric->is_better_than(*best)) {
        history.best_accuracy.reset();
        history.best_epoch = record.epoch;
      }
      return;
    }
    const auto found = evaluated_in(record.epoch, step, *o.validation);
    record.validation_accuracy = found.top1;
    record.validation_loss = found.loss;
    if (!history.best_accuracy || found.top1 > *history.best_accuracy) {
      history.best_accuracy = found.top1;
      history.best_epoch = record.epoch;
    }
  }
}

/// `fit` on a source of any type.
template<typename Step, typename... Callbacks>
run_history fit_on(Step& step, const batch_source_reference& data, const fit_options& options,
                   Callbacks&... callbacks)
{
  (detail::must_observe<std::remove_cvref_t<Callbacks>>(), ...);
  using clock = std::chrono::steady_clock;
  constexpr bool keeps = (KeepingCallback<std::remove_cvref_t<Callbacks>> || ...);
  detail::require_sound(step, data, options);
  if (options.resume && !keeps)
    throw_invalid_argument(
        "fit", "resume wants a callback that keeps the run, such as checkpoints{.folder = ...}");

  const auto steps = data.batch_count(order_of(options, options.from));
  const auto last = options.until < 0 ? options.epochs : options.until;
  detail::require_fitting(step, data, options, steps, last);
  std::vector<detail::preparation_memory> memories;  // reused across epochs
  if (PreparingStep<Step> && options.prefetch > 0)
    memories.resize(static_cast<std::size_t>(options.prefetch) + 1);
  auto watching = std::tie(callbacks...);
  detail::run_state run{step, watching, detail::signature_of<keeps>(step, data, options, steps)};
  auto& history = run.history;
  const auto tell = [&](const auto& event) { (callbacks.on(event), ...); };

  std::int64_t epoch = options.from;
  const bool is_resumed = options.resume && run.take_up(options.accept_changes);
  if (is_resumed) epoch = run.next_epoch;
  run.next_epoch = epoch;
  try {
    tell(fit_begin{run.signature, history, epoch, last, is_resumed});
    if (!is_resumed) run.keep();
    for (; epoch < last && !history.stopped_early; ++epoch) {
      const auto begin = clock::now();
      auto record = detail::train_epoch(step, data, options, epoch, steps, tell, memories);
      detail::require_finite_state(step, epoch);
      detail::validate(step, options, record, history);
      record.seconds = std::chrono::duration<double>(clock::now() - begin).count();
      history.epochs.push_back(std::move(record));
      tell(epoch_end{run.signature, history.epochs.back(), history});
      history.stopped_early = run.is_to_stop();
      run.next_epoch = epoch + 1;
      run.keep();
    }
  } catch (...) {
    // The original exception takes precedence over what a callback throws about it.
    try {
      tell(fit_end{history, ending::failed});
    } catch (...) {
    }
    throw;
  }
  tell(fit_end{history, history.stopped_early ? ending::stopped_early : ending::finished});
  return history;
}

}  // namespace detail

/// Trains a network: one step for each batch of each epoch, with events to the callbacks.
///
///     const auto history = fit(training, data.train, {.epochs = 8, .validation = data.test},
///                              progress_bar{}, checkpoints{.folder = "run"});
///
/// The metrics of an epoch are means over its examples, or the values of summed sums
/// (`metric::sums`). They are summed on the device and read once per epoch: a step does not
/// synchronize with the device. Non-finite numbers (a metric, a parameter or range after the last
/// step, a validation loss) are detected then, after the epoch and before its state is stored.
/// Steps enable gradients themselves, also under a `torch::NoGradGuard`.
///
/// Each call is a run of its own, from epoch `from` (by default 0) of `epochs`, but the state of
/// the step, such as momentum, is kept: a second `fit` continues the first. Give it another seed,
/// or the examples come in the same order again.
///
/// After an epoch, callbacks are called in the order of the arguments; then every
/// `KeepingCallback` stores the run. The stored state thus includes what every callback has done,
/// and a run that is killed at any instant and resumed ends like an uninterrupted one.
///
/// @param data a `dataset` or any other `BatchSource`. Labels of a source without `examples()` are
///        checked batch by batch, and only on the CPU
/// @par Determinism
/// The same step, data and options give the same bits, for the same number of threads.
/// @return the history of the run; for a resumed run, from its beginning
/// @throws std::invalid_argument for invalid options, and for a resumed run that differs from the
///         stored one: every setting of the step (`settings_of`), of data and of options is
///         compared; a step whose run is stored has to be `Described`
/// @throws std::invalid_argument before the first step for labels that are not classes, where the
///         loss or the validation requires classes, and for a last batch of one example that
///         batch norm or an agent would refuse; under InferenceMode, if the step learns
/// @throws diverged, a std::runtime_error, for a number that is not finite; names the epoch, and
///         the step and the metric, the tensor, or the validation set
template<TrainingStep Step, BatchSource Source, typename... Callbacks>
run_history fit(Step& step, const Source& data, const fit_options& options = {},
                Callbacks&&... callbacks)
{
  return detail::fit_on(step, batch_source_reference{data}, options, callbacks...);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/fit.hpp>
#endif
