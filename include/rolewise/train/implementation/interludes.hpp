// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/interludes.hpp>.

#include <rolewise/train/interludes.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE interludes::place interludes::operator()(const training_progress& run) const
{
  if (passes < 1) throw_invalid_argument("interludes", "want passes >= 1, got ", passes);
  for (std::size_t i = 0; i < before.size(); ++i)
    if (before[i] < 0 || (i > 0 && before[i] <= before[i - 1]))
      throw_invalid_argument("interludes", "want epochs from 0 that rise in .before, got ",
                             before[i], i > 0 ? " after " : "", i > 0 ? before[i - 1] : 0);
  const auto training = run.epochs - epochs_with(0);
  if (!before.empty() && before.back() >= training)
    throw_invalid_argument(
        "interludes", "a run of ", run.epochs, " epochs, ", epochs_with(0), " of them passes of ",
        before.size(), " interludes, ends before epoch ", before.back(),
        " of the training; want fit_options::epochs = ", "epochs_with(epochs of training)");

  place at{.is_inside = false, .begun = 0, .progress = run};
  at.progress.epochs = training;
  for (const auto epoch : before) {
    const auto first = epoch + passes * at.begun;  // epoch of the run
    if (run.epoch < first) break;
    ++at.begun;
    if (run.epoch >= first + passes) continue;
    at.is_inside = true;
    at.progress.epoch = run.epoch - first;
    at.progress.epochs = passes;
    return at;
  }
  at.progress.epoch = run.epoch - passes * at.begun;
  return at;
}

}  // namespace rolewise
