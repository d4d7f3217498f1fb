// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checkpoint files: save and load the state of an object.

#include <rolewise/core/state.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/train/detail/read_checked.hpp>
#include <rolewise/train/detail/state_reader.hpp>
#include <rolewise/train/detail/state_writer.hpp>
#include <rolewise/train/snapshot.hpp>

#include <string>
#include <string_view>

namespace rolewise {

/// Writes a snapshot to a file, by atomic rename; the format is that of
/// docs/checkpoint_format.md.
/// @throws std::runtime_error that names the file if it cannot be written (missing folder, full
///         disk); an existing file is then unchanged
inline void write_snapshot(const std::string& path, const snapshot& entries)
{
  support::write_file_atomically(path, detail::encode(entries));
}

/// Reads a snapshot from a file and verifies every byte of it.
/// @throws std::runtime_error that names the file and the offset or entry that is wrong
[[nodiscard]] inline snapshot read_snapshot(const std::string& path)
{
  const auto bytes = detail::read_checked(path);
  return detail::state_reader{bytes, path}.read();
}

/// Saves the state of `part` (all that `visit_state` lists) to a checkpoint file.
/// @throws std::runtime_error see `write_snapshot`
template<state_must::be_shown P>
void save_checkpoint(const std::string& path, P& part)
{
  write_snapshot(path, snapshot_of(part));
}

/// Loads the state of `part` from a checkpoint of an object with the same structure.
///
/// @param within loads only the entries under this name: in a checkpoint of `fit`, `step` is the
///        training step, `step.student` its student
/// @throws std::runtime_error that names the file, and what is damaged or does not match; `part`
///         is then unchanged
template<state_must::be_shown P>
void load_checkpoint(const std::string& path, P& part, std::string_view within = {})
{
  const auto stored = read_snapshot(path);
  if (within.empty()) return restore(part, stored, path);
  const auto inner = part_of(stored, within);
  if (inner.empty()) throw_runtime_error(path, "holds nothing under '", within, "'");
  restore(part, inner, path);
}

}  // namespace rolewise
