// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `support/`, for the unit that compiles them.

#include <rolewise/support/implementation/classic_text.hpp>
#include <rolewise/support/implementation/descriptor.hpp>
#include <rolewise/support/implementation/display_width.hpp>
#include <rolewise/support/implementation/error.hpp>
#include <rolewise/support/implementation/file.hpp>
#include <rolewise/support/implementation/file_aside.hpp>
#include <rolewise/support/implementation/file_lock.hpp>
#include <rolewise/support/implementation/folder_lock.hpp>
#include <rolewise/support/implementation/json.hpp>
#include <rolewise/support/implementation/json_reader.hpp>
#include <rolewise/support/implementation/literal_reader.hpp>
#include <rolewise/support/implementation/mapped_file.hpp>
#include <rolewise/support/implementation/nearest_names.hpp>
#include <rolewise/support/implementation/output_target.hpp>
#include <rolewise/support/implementation/retain_heap.hpp>
#include <rolewise/support/implementation/safetensors_reader.hpp>
#include <rolewise/support/implementation/safetensors_writer.hpp>
#include <rolewise/support/implementation/standard_output.hpp>
#include <rolewise/support/implementation/terminal.hpp>
#include <rolewise/support/implementation/utf8.hpp>
