// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `train/`: learners, training steps, `fit`, callbacks, checkpoints, searches.

#include <rolewise/train/adam.hpp>
#include <rolewise/train/adamw.hpp>
#include <rolewise/train/bit_sensitivity.hpp>
#include <rolewise/train/calibration.hpp>
#include <rolewise/train/callback.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/clip_gradients.hpp>
#include <rolewise/train/csv.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/early_stop.hpp>
#include <rolewise/train/ema.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/hessian_trace.hpp>
#include <rolewise/train/json_lines.hpp>
#include <rolewise/train/learner.hpp>
#include <rolewise/train/learning_rate_schedule.hpp>
#include <rolewise/train/loss_metrics.hpp>
#include <rolewise/train/model_input.hpp>
#include <rolewise/train/optimizer.hpp>
#include <rolewise/train/param_groups.hpp>
#include <rolewise/train/preparing_step.hpp>
#include <rolewise/train/progress_bar.hpp>
#include <rolewise/train/range_drift.hpp>
#include <rolewise/train/range_lines.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/train/run_search.hpp>
#include <rolewise/train/run_signature.hpp>
#include <rolewise/train/search_callback.hpp>
#include <rolewise/train/search_memory.hpp>
#include <rolewise/train/search_run_options.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/train/teacher_stddev.hpp>
#include <rolewise/train/trainable.hpp>
#include <rolewise/train/training_step.hpp>
#include <rolewise/train/trial_table.hpp>
#include <rolewise/train/turn.hpp>
#include <rolewise/train/update_batch_norm.hpp>
