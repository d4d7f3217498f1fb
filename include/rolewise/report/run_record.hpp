// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Run record: options, versions and results of a run, as a JSON file.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/train/run_history.hpp>
#include <rolewise/version.hpp>

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::report {

/// An option of a run with the value that was used.
struct named_option {
  std::string name;
  std::variant<bool, std::int64_t, double, std::string> value;

  friend bool operator==(const named_option&, const named_option&) = default;
};

/// A software component and its version.
struct named_version {
  std::string name;
  std::string version;

  friend bool operator==(const named_version&, const named_version&) = default;
};

/// Everything that is needed to repeat a run, and its results.
struct run_record {
  std::string name;
  rolewise::seed seed{0};
  std::vector<named_option> options{};
  std::vector<named_number> results{};  ///< final numbers, such as `test accuracy`; no times
  run_history history{};
  std::vector<named_version> versions{{"rolewise", std::string{rolewise::version}},
                                      {"libtorch", TORCH_VERSION}};
  std::int64_t threads = at::get_num_threads();  ///< LibTorch's intra-op threads
};

/// The record with all times set to 0: repeated runs give the same bytes.
[[nodiscard]] inline run_record without_times(run_record record)
{
  for (auto& epoch : record.history.epochs) epoch.seconds = 0.0;
  return record;
}

namespace detail {

inline constexpr const char* record_format = "rolewise-run-record";
inline constexpr std::int64_t record_version = 1;

[[nodiscard]] ROLEWISE_INLINE std::optional<double> maybe_real(const json& object,
                                                               std::string_view name);

inline void add_if_there(json::object& to, const char* name, const std::optional<double>& x)
{
  if (x) to.emplace_back(name, *x);
}

[[nodiscard]] ROLEWISE_INLINE json::object object_of(const std::vector<named_number>& numbers);

[[nodiscard]] ROLEWISE_INLINE std::vector<named_number> numbers_of(const json& object);

[[nodiscard]] ROLEWISE_INLINE json object_of(const epoch_record& epoch);

[[nodiscard]] ROLEWISE_INLINE epoch_record epoch_of(const json& object);

[[nodiscard]] ROLEWISE_INLINE decltype(named_option::value) option_of(const json& x);

[[nodiscard]] ROLEWISE_INLINE run_record record_of(const json& object);

}  // namespace detail

/// A record as JSON text, with its keys in a fixed order.
///
/// Numbers round-trip bit for bit. JSON cannot represent non-finite numbers: they become `null`,
/// and `null` is read as NaN. Invalid UTF-8 in a text becomes U+FFFD.
[[nodiscard]] ROLEWISE_INLINE std::string json_text(const run_record& record);

/// Writes a record to a file; an existing file is replaced atomically.
/// @throws std::runtime_error if the file cannot be written
inline void write_json(const std::string& path, const run_record& record)
{
  support::write_file_atomically(path, json_text(record));
}

/// Reads a file that `write_json` wrote.
/// @throws std::runtime_error that names the file, and the byte or the part, if it cannot be read
///         or is not a run record of this version
[[nodiscard]] ROLEWISE_INLINE run_record read_run_record(const std::string& path);

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/run_record.hpp>
#endif
