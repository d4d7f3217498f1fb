// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `memory_of_search`: estimates the memory of a search before it starts.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/train/detail/memory_watch.hpp>
#include <rolewise/train/run_search.hpp>

#include <algorithm>
#include <cstdint>
#include <iomanip>
#include <ios>
#include <string>

namespace rolewise {

/// The estimated memory of a search, in bytes on the CPU.
struct search_memory {
  std::int64_t data = 0;     ///< training set in memory, shared by all trials
  std::int64_t teacher = 0;  ///< parameters: once for a `shared_teacher`, else once per trial
  std::int64_t state = 0;    ///< of one trial: weights, statistics, optimizer state, average
  std::int64_t step = 0;     ///< activations, gradients and views of one trial in training
  std::int64_t trials = 1;
  std::int64_t max_concurrent_trials = 1;

  /// The state of all trials, plus a fifth for buffers of copies and allocator rounding.
  [[nodiscard]] std::int64_t population() const { return trials * state * 6 / 5; }
  [[nodiscard]] std::int64_t in_training() const
  {
    return std::min(max_concurrent_trials, trials) * step;
  }
  [[nodiscard]] std::int64_t total() const { return data + teacher + population() + in_training(); }

  /// Formats one line, such as `data 12.3 MB + teacher 1.1 MB + 16 trials 12.6 MB + 2 at once
  /// 96.0 MB = 122.0 MB`.
  [[nodiscard]] std::string text() const
  {
    const auto megabytes = [](std::int64_t bytes) {
      return detail::classic_text(std::fixed, std::setprecision(1),
                                  static_cast<double>(bytes) / 1e6, " MB");
    };
    return detail::classic_text("data ", megabytes(data), " + teacher ", megabytes(teacher), " + ",
                                trials, " trials ", megabytes(population()), " + ",
                                std::min(max_concurrent_trials, trials), " at once ",
                                megabytes(in_training()), " = ", megabytes(total()));
  }
};

/// Estimates the memory of a search before it starts.
///
///     std::puts(memory_of_search(factory, space, train, options).text().c_str());
///
/// Constructs one trial, runs one training step, counts the memory that LibTorch allocates, and
/// discards the trial. Not counted are earlier allocations of the process, what `metric` needs
/// beyond a training step, and the copies kept for a strategy with `reads_history` (twice the
/// population's state).
template<TrialFactory Factory, BatchSource Source>
[[nodiscard]] search_memory memory_of_search(const Factory& factory,
                                             const search::search_space& space, const Source& data,
                                             const search_run_options& options)
{
  detail::require_sound(options, space);
  search_memory found{.trials = options.trials,
                      .max_concurrent_trials = options.max_concurrent_trials};
  if (const auto all = batch_source_reference{data}.examples())
    for (const auto* t : {&all->inputs, &all->labels, &all->ids, &all->mask, &all->weights})
      if (t->defined()) found.data += static_cast<std::int64_t>(t->nbytes());
  detail::watching_memory(options.threads_per_trial, [&](const auto& watch) {
    auto step = factory(space.sample(options.seed), 0, options.seed.split(purpose{"trial"}));
    for_each_tensor(step, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined()) found.state += static_cast<std::int64_t>(t.nbytes());
    });
    if constexpr (requires { step.teacher; })
      found.teacher = detail::bytes_of_teacher(step.teacher) *
                      (detail::is_shared(step.teacher) ? 1 : options.trials);
    const auto before = watch.now();
    batch_memory memory;
    const auto examples = batches(data, {.size = options.batch_size}).gather(0, memory);
    (void)step(examples, training_progress{.epochs = options.epochs, .steps_per_epoch = 1});
    found.step = watch.most() - before;
  });
  return found;
}

}  // namespace rolewise
