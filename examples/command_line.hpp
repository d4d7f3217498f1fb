// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Command-line helpers of the examples: names of files and folders, numbers, lists.

#include <rolewise/support/error.hpp>
#include <rolewise/support/standard_output.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace command_line {

/// Validates a file name: not empty. `--write ""` is an unset variable of a script, not an omitted
/// option.
inline const CLI::Validator file_name{
    [](std::string& given) { return given.empty() ? std::string{"is empty, want a name"} : ""; },
    ""};

/// Validates a folder name likewise and strips trailing slashes, for `transform`.
inline const CLI::Validator folder_name{[](std::string& given) -> std::string {
                                          if (given.empty())
                                            return "is empty, want the name of a folder";
                                          while (given.size() > 1 && given.back() == '/')
                                            given.pop_back();
                                          return {};
                                        },
                                        ""};

/// Validates a finite number of at least 0; CLI11's own ranges accept `nan`.
inline const CLI::Validator finite_number{
    [](std::string& given) -> std::string {
      double x = 0.0;
      const bool is_number = CLI::detail::lexical_cast(given, x);
      return is_number && std::isfinite(x) && x >= 0 ? "" : "is " + given + ", want 0 or more";
    },
    "NONNEGATIVE"};

/// The absolute path of a folder, the same for `photos`, `./photos` and `photos//`. Does not
/// resolve symbolic links: their names are what the user calls the folder.
[[nodiscard]] inline std::string whole_name(const std::string& folder)
{
  std::filesystem::path whole;
  for (const auto& part : std::filesystem::absolute(folder))
    if (!part.empty() && part != ".") whole /= part;
  return whole.string();
}

/// Parses a command line. Returns false where help was asked for, which is printed then.
/// @throws CLI::ParseError
[[nodiscard]] inline bool parsed(CLI::App& app, int argc, char** argv)
{
  app.get_formatter()->column_width(36);
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::CallForHelp& help) {
    (void)app.exit(help);
    return false;
  }
}

/// The `main` of a program: calls `run()`, and says on standard error what it threw.
/// @param before what stands before a message, such as the end of a line with progress
/// @return the status: 0, or 2 after an error, such as output that could not be written
template<typename Run>
[[nodiscard]] int program(const char* name, const Run& run, const char* before = "\n")
try {
  run();
  rolewise::require_written();
  return 0;
} catch (const CLI::ParseError& error) {
  std::fprintf(stderr, "%s: %s\nTry --help.\n", name, error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s%s\n", before, error.what());
  return 2;
}

/// Removes duplicates; keeps the first occurrence of each value.
template<typename T>
[[nodiscard]] std::vector<T> without_repeats(const std::vector<T>& values)
{
  std::vector<T> once;
  for (const auto& x : values)
    if (std::find(once.begin(), once.end(), x) == once.end()) once.push_back(x);
  return once;
}

/// Creates a folder and its parents.
/// @throws std::runtime_error that names it, with the system's reason
inline void make_folder(const std::string& folder)
{
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) rolewise::throw_runtime_error(folder, "cannot be made: ", problem.message());
}

/// `make_folder`, returns the name.
[[nodiscard]] inline std::string made_folder(const std::string& folder)
{
  make_folder(folder);
  return folder;
}

}  // namespace command_line
