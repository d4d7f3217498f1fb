// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `core/`: types and functions that every stage uses.

#include <rolewise/core/ascent.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/core/batch_parts.hpp>
#include <rolewise/core/beta_draw.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/distinct_tensors.hpp>
#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/gradients_on.hpp>
#include <rolewise/core/keyed_permutation.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/phase.hpp>
#include <rolewise/core/philox.hpp>
#include <rolewise/core/relaxed_bernoulli.hpp>
#include <rolewise/core/relaxed_categorical.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/role.hpp>
#include <rolewise/core/sampled_classes.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/training_progress.hpp>
