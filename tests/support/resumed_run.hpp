// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Check that a run which goes on from a checkpoint ends as one at once.

#include "support/data_files.hpp"
#include "support/doctest.hpp"

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/fit.hpp>

namespace rolewise::testing {

/// Trains a step of `make()` at once; another for half of the epochs, whose checkpoint a third one
/// loads and goes on from. The first and the last have the same bits. The step tells its settings,
/// which `checkpoints` keep.
template<typename Make>
void goes_on_with_the_same_bits(const Make& make, const dataset& data, const fit_options& whole)
{
  const scratch_folder folder;
  auto first = whole, second = whole;
  first.until = second.from = whole.epochs / 2;

  auto at_once = make();
  (void)fit(at_once, data, whole);
  auto begun = make();
  (void)fit(begun, data, first);
  const auto path = folder / "half.checkpoint";
  save_checkpoint(path, begun);
  auto resumed = make();
  load_checkpoint(path, resumed);
  (void)fit(resumed, data, second);
  CHECK(state_sum(resumed) == state_sum(at_once));
  CHECK_FALSE(settings_of(resumed).empty());
}

}  // namespace rolewise::testing
