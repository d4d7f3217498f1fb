// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/run_record.hpp>.

#include <rolewise/report/run_record.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::report::detail {

ROLEWISE_INLINE std::optional<double> maybe_real(const json& object, std::string_view name)
{
  const auto* found = object.find(name);
  return found == nullptr ? std::nullopt : std::optional{found->real()};
}

ROLEWISE_INLINE json::object object_of(const std::vector<named_number>& numbers)
{
  json::object object;
  for (const auto& [name, value] : numbers) object.emplace_back(name, value);
  return object;
}

ROLEWISE_INLINE std::vector<named_number> numbers_of(const json& object)
{
  std::vector<named_number> numbers;
  for (const auto& [name, value] : object.members()) numbers.push_back({name, value.real()});
  return numbers;
}

ROLEWISE_INLINE json object_of(const epoch_record& epoch)
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

ROLEWISE_INLINE epoch_record epoch_of(const json& object)
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

ROLEWISE_INLINE decltype(named_option::value) option_of(const json& x)
{
  if (x.is_bool()) return x.boolean();
  if (x.is_integer()) return x.number<std::int64_t>();
  if (x.is_text()) return x.text();
  return x.real();
}

ROLEWISE_INLINE run_record record_of(const json& object)
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

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string json_text(const run_record& record)
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

ROLEWISE_INLINE run_record read_run_record(const std::string& path)
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
