// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Dry run before the first step, to find errors that would stop a run in the middle of an epoch.

#include <rolewise/core/classic_text.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/train/detail/class_labels.hpp>

#include <c10/util/Exception.h>

#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

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

/// Message of the exception that `work` throws for the last example of an epoch alone; `nullopt`
/// if there is none, or if it also throws for the last two.
template<typename Work>
[[nodiscard]] std::optional<std::string> refusal_of_one(const dataset& data, batch_options order,
                                                        const Work& work)
{
  order.size = 1;
  const auto examples = batches(data, order);
  batch_memory memory;
  const auto one = examples.gather(data.size() - 1, memory);
  auto found = refusal_of([&] { work(one); });
  if (!found) return found;
  const auto before = examples.gather(data.size() - 2, memory);
  const batch two{torch::cat({before.inputs, one.inputs}), torch::cat({before.labels, one.labels}),
                  torch::cat({before.ids, one.ids}), one.normalization};
  return refusal_of([&] { work(two); }) ? std::nullopt : found;
}

/// Dry run with a batch of one example, if the last batch of an epoch has only one: batch norm
/// over 1 x 1 feature maps and agents that mix within the batch reject it. Agents draw anew in
/// each epoch, so their views are tried for every epoch.
/// @param order of the epoch `first`, @param end one past the last epoch
template<RehearsingStep Step>
void require_last_batch(const Step& step, const dataset& data, batch_options order,
                        const training_progress& first, std::int64_t end)
{
  const auto count = data.size();
  const bool is_always_one = order.size == 1;
  if (count < 2 || first.epoch >= end) return;
  if (!is_always_one && (order.drop_last || count % order.size != 1)) return;
  order.drop_last = false;
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

/// Checks all hard labels if the loss requires class labels, also for steps on a device, where
/// labels are not checked. An agent may replace labels, and a student may have more classes than
/// the data set declares, so an out-of-range label is tried in a dry run.
template<typename Step>
void require_labels_for(const Step& step, const dataset& data)
{
  if constexpr (RehearsingStep<Step> && requires { step.loss; }) {
    if constexpr (wants_class_labels<std::remove_cvref_t<decltype(step.loss)>>()) {
      const auto& labels = data.labels;
      if (!are_hard(labels) || labels.size(0) != data.size()) return;
      auto classes = data.shape.classes;
      const auto place = first_beyond(labels, classes);
      if (!place) return;
      const auto other = *place == 0 ? data.size() - 1 : 0;
      const auto two = as_batch(subset(data, torch::tensor({*place, other}, torch::kLong)));
      bool is_changed = false;
      const auto refused = refusal_of([&] {
        is_changed = !torch::equal(step.rehearse_view(two, training_progress{}).labels, two.labels);
        if (!is_changed) classes = step.rehearse(two, training_progress{}).size(1);
      });
      if (!refused && !is_changed)
        require_classes("fit", labels, classes, detail::classic_text("'", data.name, "'"));
    }
  }
}

}  // namespace rolewise::detail
