// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checkpoint files: save and load the state of an object. They are safetensors files, which other
/// tools read too.

#include <rolewise/core/state.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/mapped_file.hpp>
#include <rolewise/support/safetensors_writer.hpp>
#include <rolewise/train/detail/state_reader.hpp>
#include <rolewise/train/detail/state_writer.hpp>
#include <rolewise/train/snapshot.hpp>

#include <string>
#include <string_view>

namespace rolewise {

/// Writes a snapshot to a safetensors file, by atomic rename; values are in its metadata, see
/// docs/checkpoint_format.md.
/// @throws std::invalid_argument for a tensor whose dtype or layout the format does not have
/// @throws std::runtime_error that names the file if it cannot be written (missing folder, full
///         disk); an existing file is then unchanged
ROLEWISE_INLINE void write_snapshot(const std::string& path, const snapshot& entries);

/// Reads a snapshot from a file and verifies every byte of it. The tensors share the mapped file:
/// see `support::read_safetensors`.
/// @throws std::runtime_error that names the file and the offset or entry that is wrong
[[nodiscard]] inline snapshot read_snapshot(const std::string& path)
{
  return detail::state_reader{detail::mapped_file(path), path}.read();
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
///        training step, `step.student` its student; see `load_evaluated` for the network that was
///        validated
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

namespace detail {

/// The entries of the network that validation has evaluated, without their prefix.
/// @throws std::runtime_error that begins with `path` if there are none
[[nodiscard]] ROLEWISE_INLINE snapshot evaluated_part_of(const snapshot& stored,
                                                         const std::string& path);

}  // namespace detail

/// Loads the network that validation has evaluated from a checkpoint of `fit`: the moving average
/// if the run keeps one, otherwise the student.
///
///     load_evaluated("run/best.checkpoint", student);
///
/// @param part of the student's type and structure
/// @pre the step was `supervised` or `distillation`, or one that shows its student, or the learner
///      of its student, as `student`
/// @throws std::runtime_error as `load_checkpoint`
template<state_must::be_shown P>
void load_evaluated(const std::string& path, P& part)
{
  restore(part, detail::evaluated_part_of(read_snapshot(path), path), path);
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/checkpoint.hpp>
#endif
