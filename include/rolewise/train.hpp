// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `train/`: training steps, `fit`, observers, checkpoints, the arena of a
/// search.

#include <rolewise/train/adam.hpp>
#include <rolewise/train/adamw.hpp>
#include <rolewise/train/arena.hpp>
#include <rolewise/train/arena_memory.hpp>
#include <rolewise/train/arena_options.hpp>
#include <rolewise/train/batch_norm_statistics.hpp>
#include <rolewise/train/bit_sensitivity.hpp>
#include <rolewise/train/calibration.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/clip_gradients.hpp>
#include <rolewise/train/csv.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/early_stop.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/hessian_trace.hpp>
#include <rolewise/train/json_lines.hpp>
#include <rolewise/train/moving_average.hpp>
#include <rolewise/train/observer.hpp>
#include <rolewise/train/optimiser.hpp>
#include <rolewise/train/preparing_step.hpp>
#include <rolewise/train/progress_bar.hpp>
#include <rolewise/train/range_drift.hpp>
#include <rolewise/train/range_lines.hpp>
#include <rolewise/train/ranges_apart.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/train/run_signature.hpp>
#include <rolewise/train/schedule.hpp>
#include <rolewise/train/search_observer.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/standings_table.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/train/teacher_stddev.hpp>
#include <rolewise/train/training_step.hpp>
