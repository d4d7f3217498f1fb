// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `support/`: files, text, terminals, threads.

#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/crc32c.hpp>
#include <rolewise/support/descriptor.hpp>
#include <rolewise/support/display_width.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/file_aside.hpp>
#include <rolewise/support/file_lock.hpp>
#include <rolewise/support/folder_lock.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/instruction_sets.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/literal_reader.hpp>
#include <rolewise/support/mapped_file.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/support/nearest_names.hpp>
#include <rolewise/support/output_target.hpp>
#include <rolewise/support/parallel_for.hpp>
#include <rolewise/support/prefetched.hpp>
#include <rolewise/support/retain_heap.hpp>
#include <rolewise/support/run_concurrently.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/support/safetensors_reader.hpp>
#include <rolewise/support/safetensors_writer.hpp>
#include <rolewise/support/serial_scope.hpp>
#include <rolewise/support/standard_output.hpp>
#include <rolewise/support/terminal.hpp>
#include <rolewise/support/utf8.hpp>
