// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Dry run before the first step, to find errors that would stop a run in the middle of an epoch.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/class_labels.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/detail/checked_labels.hpp>

#include <c10/util/Exception.h>

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::detail {

/// The `RehearsingStep` concept: a step that can process a batch on copies of its parts, up to the
/// student's forward pass. Its state does not change and the teacher is not called. `rehearse`
/// returns the logits, `rehearse_view` the student's view; `mixes` is true if agents read other
/// examples of the batch.
template<typename S>
concept RehearsingStep =
    requires(const S step, const batch& examples, const training_progress& progress) {
      { step.rehearse(examples, progress) } -> std::same_as<torch::Tensor>;
      { step.rehearse_view(examples, progress) } -> std::same_as<batch>;
      { S::mixes } -> std::convertible_to<bool>;
    };

/// Message of the exception that `work` throws, without the library's prefix; `nullopt` if none.
template<typename Work>
[[nodiscard]] std::optional<std::string> refusal_of(const Work& work)
{
  constexpr std::string_view ours = "rolewise: ";
  try {
    work();
    return std::nullopt;
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    const std::string_view text = error.what();
    return std::string{text.starts_with(ours) ? text.substr(ours.size()) : text};
  }
}

/// The examples of a batch at the given places, in that order.
[[nodiscard]] ROLEWISE_INLINE batch rows_of(batch whole, const std::vector<std::int64_t>& places);

/// Message of the exception that `work` throws for the last batch of an epoch, if it has one
/// example; `nullopt` if there is none, if it has more, or if `work` also throws for two examples.
template<typename Work>
[[nodiscard]] std::optional<std::string> refusal_of_one(const batch_source_reference& data,
                                                        const batch_options& order,
                                                        const Work& work)
{
  const auto steps = data.batch_count(order);
  const auto examples = batches(data, order);
  batch_memory memory;
  const auto one = examples.gather(steps - 1, memory);
  if (one.size() != 1) return std::nullopt;
  auto found = refusal_of([&] { work(one); });
  if (!found || steps < 2) return found;
  const auto before = examples.gather(steps - 2, memory);
  const auto joined = [&](const torch::Tensor& all, const torch::Tensor& last) {
    return last.defined() ? at::cat({all.narrow(0, before.size() - 1, 1), last}) : last;
  };
  auto two = one;
  two.inputs = joined(before.inputs, one.inputs);
  two.labels = joined(before.labels, one.labels);
  two.ids = joined(before.ids, one.ids);
  two.mask = joined(before.mask, one.mask);
  two.weights = joined(before.weights, one.weights);
  return refusal_of([&] { work(two); }) ? std::nullopt : found;
}

/// Dry run with a batch of one example, if the last batch of an epoch has only one: batch norm
/// over 1 x 1 feature maps and agents that mix within the batch reject it. Agents draw anew in
/// each epoch, so their views are tried for every epoch.
/// @param order of the epoch `first`, @param end one past the last epoch
template<RehearsingStep Step>
void require_last_batch(const Step& step, const batch_source_reference& data, batch_options order,
                        const training_progress& first, std::int64_t end)
{
  const auto count = data.size();
  const bool is_always_one = order.size == 1;
  if (count < 2 || first.epoch >= end) return;
  if (data.is_regular() && !is_always_one && (order.drop_last || count % order.size != 1)) return;
  auto progress = first;
  progress.step = first.steps_per_epoch - 1;
  auto found =
      refusal_of_one(data, order, [&](const batch& one) { (void)step.rehearse(one, progress); });
  if constexpr (Step::mixes)
    for (++progress.epoch; !found && progress.epoch < end; ++progress.epoch) {
      order.epoch = progress.epoch;
      found = refusal_of_one(data, order,
                             [&](const batch& one) { (void)step.rehearse_view(one, progress); });
    }
  if (!found) return;
  if (is_always_one)
    throw_invalid_argument("fit", "the step cannot learn from one example: ", *found,
                           "; batch_size is 1, take a larger one");
  throw_invalid_argument(
      "fit", "the last of ", first.steps_per_epoch, " batches of an epoch has one example (", count,
      " in batches of ", order.size, "), and the step cannot learn from one: ", *found,
      "; drop_last leaves it out, and so does one example less; or take another batch_size");
}

/// Checks all hard labels of a source that shows all its examples if the loss requires class
/// labels, also for steps on a device, where labels are not checked. An agent may replace labels,
/// and a student may have more classes than the source declares, so an out-of-range label is tried
/// in a dry run. Other sources are checked batch by batch (`batches_for`).
template<typename Step>
void require_labels_for(const Step& step, const batch_source_reference& data)
{
  if constexpr (RehearsingStep<Step> && takes_class_labels<Step>()) {
    const auto all = data.examples();
    if (!all) return;
    const auto& labels = all->labels;
    if (!labels.defined() || labels.scalar_type() != torch::kLong || labels.dim() < 1 ||
        labels.size(0) != all->size())
      return;
    auto classes = data.shape().classes;
    const auto label = first_beyond(labels, classes, all->ignore_index);
    if (!label) return;
    const auto place = *label / (labels.numel() / labels.size(0));
    const auto two = rows_of(*all, {place, place == 0 ? all->size() - 1 : 0});
    bool is_changed = false;
    const auto refused = refusal_of([&] {
      is_changed = !at::equal(step.rehearse_view(two, training_progress{}).labels, two.labels);
      if (!is_changed) classes = step.rehearse(two, training_progress{}).size(1);
    });
    if (!refused && !is_changed)
      require_classes("fit", labels, classes, detail::classic_text("'", data.name(), "'"),
                      all->ignore_index);
  }
}

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/rehearsal.hpp>
#endif
