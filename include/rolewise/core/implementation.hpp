// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `core/`, for the unit that compiles them.

#include <rolewise/core/detail/implementation/type_name.hpp>
#include <rolewise/core/implementation/ascent.hpp>
#include <rolewise/core/implementation/batch.hpp>
#include <rolewise/core/implementation/batch_parts.hpp>
#include <rolewise/core/implementation/buffer_pool.hpp>
#include <rolewise/core/implementation/checksum.hpp>
#include <rolewise/core/implementation/distinct_tensors.hpp>
#include <rolewise/core/implementation/drawn_tensor.hpp>
#include <rolewise/core/implementation/gradients_on.hpp>
#include <rolewise/core/implementation/outputs.hpp>
#include <rolewise/core/implementation/relaxed_bernoulli.hpp>
#include <rolewise/core/implementation/relaxed_categorical.hpp>
#include <rolewise/core/implementation/require_taps.hpp>
#include <rolewise/core/implementation/sampled_classes.hpp>
#include <rolewise/core/implementation/settings.hpp>
#include <rolewise/core/implementation/taps.hpp>
