// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The main job's options in its folder: `job.json`.

#include "job.hpp"

#include <rolewise/core/display_width.hpp>
#include <rolewise/core/file.hpp>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace role_wise {

inline std::string record_path(const std::string& folder) { return folder + "/job.json"; }

inline nlohmann::json record_of(const job& wanted)
{
  return {{"data", wanted.data},
          {"relabel", wanted.relabel},
          {"samples", wanted.samples},
          {"epochs", wanted.epochs},
          {"seeds", wanted.seeds},
          {"batch_size", wanted.batch_size},
          {"bits", wanted.bits},
          {"students", wanted.students},
          {"teacher_input", wanted.teacher_input}};
}

/// Takes the members of a record, each of which must be what the command line would take.
/// Errors are `std::runtime_error`s of the form `rolewise: <file>: <member>: ...`.
class record_reader {
 public:
  record_reader(std::string path, nlohmann::json members)
      : path_{std::move(path)}, members_(std::move(members))  // braces would make a list of it
  {
    if (!members_.is_object())
      rolewise::fail(path_, "is not the record of a job: want an object, found ", shown(members_));
  }

  template<typename Integer>
  void take(const char* name, const CLI::Validator& allowed, Integer& to)
  {
    const auto& value = member(name);
    if (!value.is_number_integer()) complain(name, "want an integer, found ", shown(value));
    require(name, allowed, value.dump());
    value.get_to(to);
  }
  /// May be left out, as records of earlier jobs do: it is false then.
  void take_if_there(const char* name, bool& to)
  {
    if (!members_.contains(name)) return;
    const auto& value = member(name);
    if (!value.is_boolean()) complain(name, "want true or false, found ", shown(value));
    value.get_to(to);
  }
  void take(const char* name, const CLI::Validator& allowed, std::string& to)
  {
    to = text(name, member(name));
    require(name, allowed, to);
  }
  void take(const char* name, const CLI::Validator& allowed, std::vector<std::string>& to)
  {
    const auto& value = member(name);
    if (!value.is_array() || value.empty())
      complain(name, "want an array of at least one string, found ", shown(value));
    to.clear();
    for (const auto& each : value) {
      to.push_back(text(name, each));
      require(name, allowed, to.back());
    }
  }

  /// What was not taken by now is nobody's.
  void want_no_other() const
  {
    for (const auto& [name, value] : members_.items())
      if (!taken_.contains(name)) complain(name.c_str(), "is no option of a job");
  }

 private:
  template<typename... Words>
  [[noreturn]] void complain(const char* name, const Words&... words) const
  {
    rolewise::fail(path_, rolewise::cut_to_width(name, 40), ": ", words...);
  }

  const nlohmann::json& member(const char* name)
  {
    if (!members_.contains(name)) complain(name, "is missing");
    taken_.insert(name);
    return members_[name];
  }
  [[nodiscard]] std::string text(const char* name, const nlohmann::json& value) const
  {
    if (!value.is_string()) complain(name, "want a string, found ", shown(value));
    return value.get<std::string>();
  }
  void require(const char* name, const CLI::Validator& allowed, const std::string& value) const
  {
    if (const auto why = allowed(value); !why.empty()) complain(name, why);
  }
  static std::string shown(const nlohmann::json& value)
  {
    return rolewise::cut_to_width(value.dump(), 40);
  }

  std::string path_;
  nlohmann::json members_;
  std::set<std::string> taken_;
};

/// JSON whose outermost members have each a name of its own.
inline nlohmann::json parsed_record(const std::string& path)
{
  std::set<std::string> names;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& found) {
    if (event == nlohmann::json::parse_event_t::key && depth == 1 &&
        !names.insert(found.get<std::string>()).second)
      rolewise::fail(path, found.get<std::string>(), ": is there twice, want it once");
    return true;
  };
  const auto text = rolewise::text_of_file(path);
  try {
    return nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::exception& error) {
    rolewise::fail(path, "is not the record of a job: ", error.what());
  }
}

/// The job of a folder, to be resumed.
/// @throws std::runtime_error that names the file and, where it is one, the member
inline job read_job(const std::string& folder)
{
  const auto path = record_path(folder);
  if (!std::filesystem::exists(path))
    rolewise::fail(path, "cannot be read: is ", folder, " the folder of a job?");
  const CLI::Validator any{[](std::string&) { return std::string{}; }, ""};
  record_reader record{path, parsed_record(path)};
  job found{.folder = folder, .is_resumed = true};
  record.take("data", any, found.data);
  record.take_if_there("relabel", found.relabel);
  record.take("samples", may_be::samples, found.samples);
  record.take("epochs", may_be::epochs, found.epochs);
  record.take("seeds", may_be::seeds, found.seeds);
  record.take("batch_size", may_be::batch_size, found.batch_size);
  record.take("bits", may_be::bits, found.bits);
  record.take("students", may_be::student, found.students);
  record.take("teacher_input", may_be::teacher_input, found.teacher_input);
  record.want_no_other();
  if (!found.data.empty()) found.data = command_line::whole_name(found.data);
  sort_students(found);
  return found;
}

/// @throws std::invalid_argument for a folder that holds a job already: it is left alone
inline void require_free(const job& wanted)
{
  if (std::filesystem::exists(record_path(wanted.folder)))
    rolewise::refuse("role_wise", wanted.folder, " holds a job already: continue it with --resume ",
                     wanted.folder, " or choose another --out");
}

/// Makes the folder of a new job, once its inputs have been opened.
inline void start(const job& wanted)
{
  require_free(wanted);
  std::string record;
  try {
    record = record_of(wanted).dump(2) + "\n";
  } catch (const nlohmann::json::exception&) {
    rolewise::refuse("role_wise", "the name of --data is not UTF-8, which ",
                     record_path(wanted.folder), " has to be");
  }
  command_line::make_folder(wanted.folder);
  rolewise::write_file_atomically(record_path(wanted.folder), record);
}

}  // namespace role_wise
