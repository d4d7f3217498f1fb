// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Run record: options, versions and results of a run, as a JSON file.

#include <rolewise/core/seed.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
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

[[nodiscard]] inline std::optional<double> maybe_real(const json& object, std::string_view name)
{
  const auto* found = object.find(name);
  return found == nullptr ? std::nullopt : std::optional{found->real()};
}

inline void add_if_there(json::object& to, const char* name, const std::optional<double>& x)
{
  if (x) to.emplace_back(name, *x);
}

[[nodiscard]] inline json::object object_of(const std::vector<named_number>& numbers)
{
  json::object object;
  for (const auto& [name, value] : numbers) object.emplace_back(name, value);
  return object;
}

[[nodiscard]] inline std::vector<named_number> numbers_of(const json& object)
{
  std::vector<named_number> numbers;
  for (const auto& [name, value] : object.members()) numbers.push_back({name, value.real()});
  return numbers;
}

[[nodiscard]] inline json object_of(const epoch_record& epoch)
{
  json::object object{{"epoch", epoch.epoch}, {"metrics", object_of(epoch.numbers)}}, validation;
  add_if_there(object, "learning_rate", epoch.learning_rate);
  add_if_there(validation, "accuracy", epoch.validation_accuracy);
  add_if_there(validation, "loss", epoch.validation_loss);
  if (const auto& score = epoch.validation_metric) {
    validation.emplace_back("metric", score->name);
    validation.emplace_back("value", score->value);
    validation.emplace_back("higher_is_better", score->higher_is_better);
  }
  if (!validation.empty()) object.emplace_back("validation", std::move(validation));
  object.emplace_back("seconds", epoch.seconds);
  return object;
}

[[nodiscard]] inline epoch_record epoch_of(const json& object)
{
  epoch_record epoch;
  epoch.epoch = object.at("epoch").number<std::int64_t>();
  epoch.numbers = numbers_of(object.at("metrics"));
  epoch.learning_rate = maybe_real(object, "learning_rate");
  if (const auto* validation = object.find("validation")) {
    epoch.validation_accuracy = maybe_real(*validation, "accuracy");
    epoch.validation_loss = maybe_real(*validation, "loss");
    if (const auto* metric = validation->find("metric"))
      epoch.validation_metric = validation_score{metric->text(), validation->at("value").real(),
                                                 validation->at("higher_is_better").boolean()};
  }
  epoch.seconds = object.at("seconds").real();
  return epoch;
}

[[nodiscard]] inline decltype(named_option::value) option_of(const json& x)
{
  if (x.is_bool()) return x.boolean();
  if (x.is_integer()) return x.number<std::int64_t>();
  if (x.is_text()) return x.text();
  return x.real();
}

[[nodiscard]] inline run_record record_of(const json& object)
{
  run_record record;
  record.name = object.at("name").text();
  record.seed = rolewise::seed{object.at("seed").number<std::uint64_t>()};
  for (const auto& [name, value] : object.at("options").members())
    record.options.push_back({name, option_of(value)});
  record.results = numbers_of(object.at("results"));
  for (const auto& epoch : object.at("epochs").elements())
    record.history.epochs.push_back(epoch_of(epoch));
  record.history.best_accuracy = maybe_real(object.at("best"), "accuracy");
  record.history.best_epoch = object.at("best").at("epoch").number<std::int64_t>();
  record.history.stopped_early = object.at("stopped_early").boolean();
  if (const auto* changes = object.find("changes"))
    for (const auto& change : changes->elements()) record.history.changes.push_back(change.text());
  record.versions.clear();
  for (const auto& [name, number] : object.at("versions").members())
    record.versions.push_back({name, number.text()});
  record.threads = object.at("threads").number<std::int64_t>();
  return record;
}

}  // namespace detail

/// A record as JSON text, with its keys in a fixed order.
///
/// Numbers round-trip bit for bit. JSON cannot represent non-finite numbers: they become `null`,
/// and `null` is read as NaN. Invalid UTF-8 in a text becomes U+FFFD.
[[nodiscard]] inline std::string json_text(const run_record& record)
{
  using detail::json;
  json::object options, versions, best;
  json::array epochs;
  for (const auto& [name, value] : record.options)
    options.emplace_back(name, std::visit([](const auto& x) { return json{x}; }, value));
  for (const auto& [name, number] : record.versions) versions.emplace_back(name, number);
  for (const auto& epoch : record.history.epochs) epochs.push_back(detail::object_of(epoch));
  detail::add_if_there(best, "accuracy", record.history.best_accuracy);
  best.emplace_back("epoch", record.history.best_epoch);
  json::object whole{{"format", detail::record_format},
                     {"format_version", detail::record_version},
                     {"name", record.name},
                     {"seed", record.seed.value},
                     {"threads", record.threads},
                     {"versions", std::move(versions)},
                     {"options", std::move(options)},
                     {"results", detail::object_of(record.results)},
                     {"best", std::move(best)},
                     {"stopped_early", record.history.stopped_early}};
  if (!record.history.changes.empty())
    whole.emplace_back("changes",
                       json::array(record.history.changes.begin(), record.history.changes.end()));
  whole.emplace_back("epochs", std::move(epochs));
  std::string text;
  json{std::move(whole)}.write(text);
  return text + "\n";
}

/// Writes a record to a file; an existing file is replaced atomically.
/// @throws std::runtime_error if the file cannot be written
inline void write_json(const std::string& path, const run_record& record)
{
  support::write_file_atomically(path, json_text(record));
}

/// Reads a file that `write_json` wrote.
/// @throws std::runtime_error that names the file, and the byte or the part, if it cannot be read
///         or is not a run record of this version
[[nodiscard]] inline run_record read_run_record(const std::string& path)
{
  const auto text = support::text_of_file(path);
  detail::json whole;
  try {
    whole = detail::json_reader{text}.read();
  } catch (const detail::json_error& error) {
    throw_runtime_error(path, "is not JSON: at byte ", error.byte, ": ", error.what);
  }
  try {
    if (whole.at("format").text() != detail::record_format)
      throw_runtime_error(path, "is no run record but of the format '", whole.at("format").text(),
                          "'");
    if (const auto found = whole.at("format_version").number<std::int64_t>();
        found != detail::record_version)
      throw_runtime_error(path, "is a run record of version ", found, ", want ",
                          detail::record_version);
    return detail::record_of(whole);
  } catch (const detail::json_error& error) {
    throw_runtime_error(path, "is no whole run record: ", error.what);
  }
}

}  // namespace rolewise::report
