// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `core/`: types and functions that every stage uses.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/beta_draw.hpp>
#include <rolewise/core/buffer_pool.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/classic_text.hpp>
#include <rolewise/core/descriptor.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/display_width.hpp>
#include <rolewise/core/distinct_tensors.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/file.hpp>
#include <rolewise/core/file_aside.hpp>
#include <rolewise/core/file_lock.hpp>
#include <rolewise/core/folder_lock.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/instruction_sets.hpp>
#include <rolewise/core/json.hpp>
#include <rolewise/core/json_reader.hpp>
#include <rolewise/core/keyed_permutation.hpp>
#include <rolewise/core/nearest_names.hpp>
#include <rolewise/core/output_target.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/parallel_for.hpp>
#include <rolewise/core/phase.hpp>
#include <rolewise/core/philox.hpp>
#include <rolewise/core/prefetched.hpp>
#include <rolewise/core/retain_heap.hpp>
#include <rolewise/core/role.hpp>
#include <rolewise/core/run_concurrently.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/serial_scope.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/core/standard_output.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/core/terminal.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/core/utf8.hpp>
