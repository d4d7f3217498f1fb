// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/run_signature.hpp>.

#include <rolewise/train/run_signature.hpp>

#include <rolewise/support/classic_text.hpp>

namespace rolewise {

ROLEWISE_INLINE std::string differences(const run_signature& stored, const run_signature& progress)
{
  std::string words;
  const auto compare = [&](const char* what, const auto& a, const auto& b) {
    if (!(a == b))
      words += detail::classic_text(words.empty() ? "" : ", ", what, " ", a, " (now ", b, ")");
  };
  compare("epochs", stored.epochs, progress.epochs);
  compare("batch size", stored.batch_size, progress.batch_size);
  compare("steps per epoch", stored.steps_per_epoch, progress.steps_per_epoch);
  compare("seed", static_cast<std::uint64_t>(stored.seed),
          static_cast<std::uint64_t>(progress.seed));
  compare("shuffle", stored.shuffle, progress.shuffle);
  compare("data set", stored.data, progress.data);
  compare("number of examples", stored.samples, progress.samples);
  if (stored.data == progress.data && stored.samples == progress.samples)
    compare("checksum of the data", stored.data_sum, progress.data_sum);
  compare("validation set", stored.validation, progress.validation);
  compare("number of validation examples", stored.judged, progress.judged);
  if (stored.validation == progress.validation && stored.judged == progress.judged)
    compare("checksum of the validation set", stored.validation_sum, progress.validation_sum);
  if (stored.epochs == progress.epochs && stored.steps_per_epoch == progress.steps_per_epoch)
    compare("learning rates along the run", detail::classic_list(" ", stored.rates),
            detail::classic_list(" ", progress.rates));
  compare("seed of the step", static_cast<std::uint64_t>(stored.step_seed),
          static_cast<std::uint64_t>(progress.step_seed));
  compare("fingerprint of the teacher", static_cast<std::uint64_t>(stored.teacher_sum),
          static_cast<std::uint64_t>(progress.teacher_sum));
  if (const auto more = differences(stored.settings, progress.settings); !more.empty())
    words.append(words.empty() ? "" : ", ").append(more);
  return words;
}

}  // namespace rolewise
