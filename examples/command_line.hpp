// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What the examples' command lines have in common: names of files and folders.

#include <rolewise/core/error.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace command_line {

/// A name of a file that is not empty: `--write ""` is a variable of a script that was not set, and
/// not an option that was left out.
inline const CLI::Validator file_name{
    [](std::string& given) { return given.empty() ? std::string{"is empty, want a name"} : ""; },
    ""};

/// The same of a folder. `photos/` is `photos`, for `transform`.
inline const CLI::Validator folder_name{[](std::string& given) -> std::string {
                                          if (given.empty())
                                            return "is empty, want the name of a folder";
                                          while (given.size() > 1 && given.back() == '/')
                                            given.pop_back();
                                          return {};
                                        },
                                        ""};

/// A number that is at least 0 and finite; `nan` lies in every range of CLI11's.
inline const CLI::Validator finite_number{
    [](std::string& given) -> std::string {
      double x = 0.0;
      const bool is_number = CLI::detail::lexical_cast(given, x);
      return is_number && std::isfinite(x) && x >= 0 ? "" : "is " + given + ", want 0 or more";
    },
    "NONNEGATIVE"};

/// A folder by its whole name, the same for `photos`, `./photos` and `photos//`. Links stay links:
/// their names are what the user calls the folder.
[[nodiscard]] inline std::string whole_name(const std::string& folder)
{
  std::filesystem::path whole;
  for (const auto& part : std::filesystem::absolute(folder))
    if (!part.empty() && part != ".") whole /= part;
  return whole.string();
}

/// Each value once, at its first place.
template<typename T>
[[nodiscard]] std::vector<T> without_repeats(const std::vector<T>& values)
{
  std::vector<T> once;
  for (const auto& x : values)
    if (std::find(once.begin(), once.end(), x) == once.end()) once.push_back(x);
  return once;
}

/// @throws std::runtime_error that names it, with the system's reason
inline void make_folder(const std::string& folder)
{
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) rolewise::fail(folder, "cannot be made: ", problem.message());
}

}  // namespace command_line
