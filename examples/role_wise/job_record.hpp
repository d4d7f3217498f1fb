// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Reads and writes `job.json`, the options of a job in its folder.

#include "job.hpp"

#include <rolewise/support/display_width.hpp>
#include <rolewise/support/file.hpp>

#include <nlohmann/json.hpp>

#include <concepts>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace role_wise {

inline std::string record_path(const std::string& folder) { return folder + "/job.json"; }

/// Visits the options that determine the results: `visit(name, validator, value)`.
template<typename Job, typename Visit>
void visit_options(Job& of, const Visit& visit)
{
  static const CLI::Validator any{[](std::string&) { return std::string{}; }, ""};
  visit("data", any, of.data);
  visit("relabel", any, of.relabel);
  visit("classes", may_be::classes, of.classes);
  visit("samples", may_be::count, of.samples);
  visit("validation", may_be::count, of.validation);
  visit("epochs", may_be::epochs, of.epochs);
  visit("batch_size", may_be::batch_size, of.batch_size);
  visit("first_seed", may_be::first_seed, of.first_seed);
  visit("seeds", may_be::seeds, of.seeds);
  visit("arms", may_be::arm, of.arms);
  visit("teacher_agent", may_be::agent, of.teacher_agent);
  visit("student_agent", may_be::agent, of.student_agent);
  visit("bits", may_be::bits, of.bits);
  visit("quantizer", may_be::quantizer, of.quantizer);
  visit("start", may_be::start, of.start);
  visit("teacher_depth", may_be::depth, of.teacher_depth);
  visit("student_depth", may_be::depth, of.student_depth);
  visit("teacher_rate", command_line::finite_number, of.teacher_rate);
  visit("alone_rate", command_line::finite_number, of.alone_rate);
  visit("distilled_rate", command_line::finite_number, of.distilled_rate);
}

inline nlohmann::json record_of(const job& wanted)
{
  nlohmann::json record;
  visit_options(wanted,
                [&](const char* name, const auto&, const auto& value) { record[name] = value; });
  return record;
}

/// Reads the members of a record; accepts the values that the command line accepts.
/// Errors are `std::runtime_error`s of the form `rolewise: <file>: <member>: ...`.
class record_reader {
 public:
  record_reader(std::string path, nlohmann::json members)
      : path_{std::move(path)}, members_(std::move(members))  // braces would make a JSON array
  {
    if (!members_.is_object())
      rolewise::throw_runtime_error(path_, "is not the record of a job: want an object, found ",
                                    shown(members_));
  }

  template<typename T>
  void take(const char* name, const CLI::Validator& allowed, T& to)
  {
    take(name, allowed, member(name), to);
  }

  /// Requires that every member has been read: any other is no option of a job.
  void want_no_other() const
  {
    for (const auto& [name, value] : members_.items())
      if (!taken_.contains(name)) complain(name.c_str(), "is no option of a job");
  }

 private:
  template<typename... Words>
  [[noreturn]] void complain(const char* name, const Words&... words) const
  {
    rolewise::throw_runtime_error(path_, rolewise::support::cut_to_width(name, 40), ": ", words...);
  }

  template<std::integral Integer>
  void take(const char* name, const CLI::Validator& allowed, const nlohmann::json& value,
            Integer& to) const
  {
    if (!value.is_number_integer()) complain(name, "want an integer, found ", shown(value));
    require(name, allowed, value.dump());
    value.get_to(to);
  }
  void take(const char* name, const CLI::Validator& allowed, const nlohmann::json& value,
            double& to) const
  {
    if (!value.is_number()) complain(name, "want a number, found ", shown(value));
    require(name, allowed, value.dump());
    value.get_to(to);
  }
  void take(const char* name, const CLI::Validator&, const nlohmann::json& value, bool& to) const
  {
    if (!value.is_boolean()) complain(name, "want true or false, found ", shown(value));
    value.get_to(to);
  }
  void take(const char* name, const CLI::Validator& allowed, const nlohmann::json& value,
            std::string& to) const
  {
    if (!value.is_string()) complain(name, "want a string, found ", shown(value));
    value.get_to(to);
    require(name, allowed, to);
  }
  template<typename T>
  void take(const char* name, const CLI::Validator& allowed, const nlohmann::json& value,
            std::vector<T>& to) const
  {
    if (!value.is_array() || value.empty())
      complain(name, "want a list of at least one, found ", shown(value));
    to.clear();
    for (const auto& each : value) take(name, allowed, each, to.emplace_back());
  }

  const nlohmann::json& member(const char* name)
  {
    if (!members_.contains(name)) complain(name, "is missing");
    taken_.insert(name);
    return members_[name];
  }
  void require(const char* name, const CLI::Validator& allowed, const std::string& value) const
  {
    if (const auto why = allowed(value); !why.empty()) complain(name, why);
  }
  static std::string shown(const nlohmann::json& value)
  {
    return rolewise::support::cut_to_width(value.dump(), 40);
  }

  std::string path_;
  nlohmann::json members_;
  std::set<std::string> taken_;
};

/// Parses JSON whose outermost members have unique names.
inline nlohmann::json parsed_record(const std::string& path)
{
  std::set<std::string> names;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& found) {
    if (event == nlohmann::json::parse_event_t::key && depth == 1 &&
        !names.insert(found.get<std::string>()).second)
      rolewise::throw_runtime_error(path, found.get<std::string>(),
                                    ": is there twice, want it once");
    return true;
  };
  const auto text = rolewise::support::text_of_file(path);
  try {
    return nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::exception& error) {
    rolewise::throw_runtime_error(path, "is not the record of a job: ", error.what());
  }
}

/// Reads the job of a folder, to resume it.
/// @param resumed the result of `parse`: its number of seeds, if any, replaces the job's
/// @throws std::runtime_error that names the file and, if one is invalid, the member
/// @throws std::invalid_argument for fewer seeds than the job has
inline job read_job(const job& resumed)
{
  const auto path = record_path(resumed.folder);
  if (!std::filesystem::exists(path))
    rolewise::throw_runtime_error(path, "cannot be read: is ", resumed.folder,
                                  " the folder of a job?");
  record_reader record{path, parsed_record(path)};
  job found{.max_concurrent_trials = resumed.max_concurrent_trials,
            .folder = resumed.folder,
            .is_resumed = true};
  visit_options(found, [&](const char* name, const CLI::Validator& allowed, auto& value) {
    record.take(name, allowed, value);
  });
  record.want_no_other();
  if (!found.data.empty()) found.data = command_line::whole_name(found.data);
  sort_lists(found);
  if (resumed.seeds == 0) return found;
  if (resumed.seeds < found.seeds)
    rolewise::throw_invalid_argument("role_wise", "the job in ", found.folder, " has ", found.seeds,
                                     " seeds, --seeds may be more, not ", resumed.seeds);
  found.seeds = resumed.seeds;
  return found;
}

/// Requires a folder without a job.
/// @throws std::invalid_argument for a folder that holds a job already
inline void require_free(const job& wanted)
{
  if (std::filesystem::exists(record_path(wanted.folder)))
    rolewise::throw_invalid_argument("role_wise", wanted.folder,
                                     " holds a job already: continue it with --resume ",
                                     wanted.folder, " or choose another --out");
}

/// The job, marked as resumed if its folder holds the same one.
/// @throws std::invalid_argument if it holds another job
inline job begun_or_resumed(job wanted)
{
  if (!std::filesystem::exists(record_path(wanted.folder))) return wanted;
  job known{.seeds = 0, .folder = wanted.folder};
  if (record_of(read_job(known)) != record_of(wanted))
    rolewise::throw_invalid_argument("role_wise", wanted.folder,
                                     " holds another job: choose another folder");
  wanted.is_resumed = true;
  return wanted;
}

/// Creates the folder of a new job, or records the new number of seeds of a resumed one. To be
/// called after the inputs have been opened.
inline void start(const job& wanted)
{
  if (!wanted.is_resumed) require_free(wanted);
  std::string record;
  try {
    record = record_of(wanted).dump(2) + "\n";
  } catch (const nlohmann::json::exception&) {
    rolewise::throw_invalid_argument("role_wise",
                                     "the name of a file or folder is not UTF-8, which ",
                                     record_path(wanted.folder), " has to be");
  }
  if (!wanted.is_resumed) command_line::make_folder(wanted.folder);
  rolewise::support::write_file_atomically(record_path(wanted.folder), record);
}

}  // namespace role_wise
