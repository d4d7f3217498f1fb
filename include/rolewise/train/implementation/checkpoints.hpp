// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/checkpoints.hpp>.

#include <rolewise/train/checkpoints.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE void checkpoints::on(const fit_begin& event)
{
  if (folder.empty() || every < 1)
    throw_invalid_argument("checkpoints", "want a folder and every >= 1, got '", folder, "' and ",
                           every);
  lock = {};  // releases the lock of a run that did not end
  detail::folder_lock held{folder + "/run.lock", last(),
                           "wait until that run is over or choose another folder"};
  const auto there = detail::identity_of(last());
  const auto read = std::exchange(taken_up, std::nullopt);
  if (!event.is_resumed && there)
    throw_invalid_argument(
        "checkpoints", last(),
        " is there already: resume that run (.resume = true) or choose another folder");
  if (event.is_resumed && read && there != read)
    throw_runtime_error(last(),
                        "was written by another process while it was read: resume once more");
  last_epoch = event.last_epoch;
  lock = std::move(held);
}

ROLEWISE_INLINE void checkpoints::keep(const snapshot& state, const run_history& so_far) const
{
  const auto next = so_far.epochs.empty() ? 0 : so_far.epochs.back().epoch + 1;
  if (keep_best && next > 0 && so_far.best_epoch == next - 1) write_snapshot(best(), state);
  if (next % every == 0 || next == last_epoch || so_far.stopped_early)
    write_snapshot(last(), state);
}

ROLEWISE_INLINE std::optional<snapshot> checkpoints::kept()
{
  taken_up = detail::identity_of(last());
  if (!taken_up) return std::nullopt;
  return read_snapshot(last());
}

}  // namespace rolewise
