// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Opens the data set that a command line names.

#include "command_line.hpp"

#include <rolewise/core/seed.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/data/open.hpp>
#include <rolewise/data/splits.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

namespace command_line {

inline void add_relabel(CLI::App& app, bool& wanted)
{
  app.add_flag("--relabel", wanted, "labels that begin at 1 or have gaps are counted from 0");
}

/// Opens a data set and prints its notes, which are no errors, to standard error.
/// @throws std::runtime_error as `open_dataset`
[[nodiscard]] inline rolewise::dataset_splits open_data(const std::string& folder, bool relabel)
{
  auto data = rolewise::open_dataset(folder, {.relabel = relabel});
  for (const auto& note : data.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  return data;
}

/// `open_data`, or the built-in glyphs where no folder is given.
[[nodiscard]] inline rolewise::dataset_splits open_or_draw(const std::string& folder, bool relabel)
{
  return folder.empty() ? rolewise::glyphs({.seed = rolewise::seed{1}})
                        : open_data(folder, relabel);
}

/// The data with `samples` of the training examples, class by class; with all for 0.
[[nodiscard]] inline rolewise::dataset_splits with_some(rolewise::dataset_splits data,
                                                        std::int64_t samples)
{
  if (samples > 0 && samples < data.train.size())
    data.train = rolewise::stratified_subset(data.train, samples, rolewise::seed{1});
  return data;
}

}  // namespace command_line
