// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/tensorboard.hpp>.

#include <rolewise/report/tensorboard.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::report {

ROLEWISE_INLINE void tensorboard::on(const fit_begin& event)
{
  if (every < 0) throw_invalid_argument("tensorboard", "want every >= 0, got ", every);
  writer = event_writer{folder, clock};
  first_epoch = event.first_epoch;
  steps_per_epoch = 0;
}

ROLEWISE_INLINE void tensorboard::on(const step_end& event)
{
  const auto& at = event.progress;
  if (steps_per_epoch == 0) {
    steps_per_epoch = at.steps_per_epoch;
    writer.begin_at(first_epoch * steps_per_epoch + 1);
  }
  const auto step = at.epoch * steps_per_epoch + at.step + 1;
  if (every > 0 && step % every == 0)
    for (const auto& number : event.numbers)
      writer.add_scalar("step/" + number.name, number.value.item<double>(), step);
}

ROLEWISE_INLINE void tensorboard::on(const epoch_end& event)
{
  const auto& record = event.record;
  const auto step = (record.epoch + 1) * steps_per_epoch;
  for (const auto& [name, value] : record.numbers) writer.add_scalar("train/" + name, value, step);
  if (record.learning_rate) writer.add_scalar("learning_rate", *record.learning_rate, step);
  if (record.validation_accuracy)
    writer.add_scalar("validation/accuracy", *record.validation_accuracy, step);
  if (record.validation_loss) writer.add_scalar("validation/loss", *record.validation_loss, step);
  if (const auto& score = record.validation_metric)
    writer.add_scalar("validation/" + score->name, score->value, step);
  writer.add_scalar("seconds", record.seconds, step);
  if (each_epoch) each_epoch(writer, step);
  writer.flush();
}

ROLEWISE_INLINE void tensorboard::on(const fit_end&)
{
  writer.flush();
  writer = {};
}

}  // namespace rolewise::report
