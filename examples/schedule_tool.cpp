// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the log of a population-based search or a schedule as JSON, shows its segments, stretches
// it to a training of another length and converts it.
//
//     schedule_tool examples/schedules/rcifar10_16_wrn.txt --epochs-searched 200
//     schedule_tool pbt_global.txt --trial 3 --epochs-searched 200 --epochs 1800 --write best.json
//     schedule_tool best.json --format json
//     schedule_tool pbt_global.txt --trial 3 --epochs-searched 200 --write - | gzip > best.json.gz
//     schedule_tool --help
//
// The first prints 17 segments and the weighted checksum 1292375. Invalid input prints a message
// and exits with status 2.

#include "command_line.hpp"

#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/policy_text.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/standard_output.hpp>
#include <rolewise/support/utf8.hpp>
#include <rolewise/version.hpp>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace rw = rolewise;

namespace {

struct request {
  std::string file;
  std::optional<std::int64_t> trial, searched, epochs;
  std::string format = "text";
  std::string output;
  std::string as = "schedule";
};

struct answer {
  std::size_t events = 0;                   ///< in the log
  std::vector<rw::exploit_event> ancestry;  ///< those that led to the trial
  std::vector<rw::search_segment> segments;
  rw::policy_schedule schedule;
};

/// @return nothing after `--help` or `--version`
std::optional<request> parse(int argc, char** argv)
{
  request wanted;
  CLI::App app{"Shows, stretches and converts schedules of augmentation policies."};
  app.set_version_flag("--version", std::string{rw::version});
  app.add_option("file", wanted.file, "pbt_policy_*.txt, pbt_global.txt or a schedule as JSON")
      ->required()
      ->check(command_line::file_name);
  app.add_option("--trial", wanted.trial, "whose ancestry to follow in a log of all trials")
      ->check(CLI::NonNegativeNumber);
  const CLI::Range lengths{std::int64_t{1}, rw::most_schedule_epochs};
  app.add_option("--epochs-searched", wanted.searched, "epochs of the search; logs need it")
      ->check(lengths);
  app.add_option("--epochs", wanted.epochs,
                 "epochs of the training to stretch to (default: those of the search)")
      ->check(lengths);
  app.add_option("--format", wanted.format, "of what is printed")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  app.add_option("--write", wanted.output,
                 "also write a file, a device or a pipe; `-` for the standard output, without what "
                 "is printed otherwise")
      ->check(command_line::file_name);
  app.add_option("--as", wanted.as,
                 "what to write: the stretched schedule by names, or the log of the trial alone in "
                 "one of its dialects")
      ->check(CLI::IsMember({"schedule", "json", "python"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& answered) {
    (void)app.exit(answered);
    return std::nullopt;
  }
  return wanted;
}

void note(const request& wanted, const std::string& words)
{
  std::cerr << "note: " << wanted.file << ": " << words << '\n';
}

/// Whether a log is that of all trials. In the log of one trial, each event copies the previous
/// event's target or, after stale lines, has the same target.
bool is_of_many_trials(const std::vector<rw::exploit_event>& events)
{
  return std::adjacent_find(events.begin(), events.end(), [](const auto& a, const auto& b) {
           return a.target != b.clone && a.target != b.target;
         }) != events.end();
}

answer read_log(const request& wanted, const std::string& text)
{
  const auto events = rw::parse_policy_log(text, wanted.file);
  if (!wanted.searched)
    throw CLI::ValidationError{"--epochs-searched",
                               "is missing: a log does not say how long the search was"};
  answer found;
  found.events = events.size();
  if (wanted.trial) {
    const auto trial = *wanted.trial;
    if (std::none_of(events.begin(), events.end(),
                     [&](const auto& e) { return e.target == trial || e.clone == trial; }))
      note(wanted, "has no trial " + std::to_string(trial) +
                       "; one that nobody copied or replaced kept the policy of all zeros");
    found.ancestry = rw::lineage_of(events, trial);
  } else {
    if (is_of_many_trials(events))
      note(wanted, "looks like the log of all trials; choose one of them by --trial");
    found.ancestry = rw::without_stale_events(events);
  }
  found.segments = rw::search_segments(found.ancestry, *wanted.searched, wanted.file);
  found.schedule = rw::stretched(found.segments, wanted.epochs.value_or(*wanted.searched));
  return found;
}

answer read_document(const request& wanted, const std::string& text)
{
  if (wanted.trial) throw CLI::ValidationError{"--trial", "is for the log of all trials"};
  if (wanted.epochs && !wanted.searched)
    throw CLI::ValidationError{"--epochs", "needs --epochs-searched, from which it stretches"};
  answer found;
  found.schedule = rw::parse_policy_schedule(text, wanted.file);
  if (!wanted.searched) return found;
  found.segments = rw::search_segments(found.schedule, *wanted.searched, wanted.file);
  if (wanted.epochs) found.schedule = rw::stretched(found.segments, *wanted.epochs);
  return found;
}

answer read(const request& wanted)
{
  const auto text = rw::support::text_of_file(wanted.file);
  return rw::is_policy_document(text) ? read_document(wanted, text) : read_log(wanted, text);
}

void write(const request& wanted, const answer& found)
{
  const std::string path = wanted.output == "-" ? "/dev/stdout" : wanted.output;
  if (wanted.as == "schedule")
    rw::write_policy_schedule(path, found.schedule);
  else if (found.ancestry.empty())
    rw::throw_invalid_argument("schedule_tool", "no event to write as a log, want --as schedule");
  else
    rw::write_policy_log(path, found.ancestry,
                         wanted.as == "json" ? rw::log_dialect::json : rw::log_dialect::python);
}

void print_text(const request& wanted, const answer& found)
{
  if (found.events > 0)
    std::cout << found.events << " events, " << found.ancestry.size() << " in the ancestry\n\n";
  if (!found.segments.empty()) {
    std::cout << "segment     epochs   checksum  policy\n";
    for (std::size_t i = 0; const auto& [epochs, policy] : found.segments)
      std::cout << std::setw(7) << i++ << std::setw(11) << epochs << std::setw(11)
                << rw::weighted_checksum(policy) << "  " << policy << '\n';
    std::cout << "searched over " << *wanted.searched << " epochs, weighted checksum "
              << rw::weighted_checksum(found.segments) << "\n\n";
  }
  if (const auto epochs = wanted.epochs ? wanted.epochs : wanted.searched)
    std::cout << "schedule for " << *epochs << " epochs\n";
  std::cout << found.schedule << '\n';
}

void print_json(const request& wanted, const answer& found)
{
  using nlohmann::ordered_json;
  ordered_json shown{{"file", wanted.file}};
  if (found.events > 0) {
    shown["events"] = found.events;
    shown["ancestry"] = found.ancestry.size();
  }
  if (!found.segments.empty()) {
    shown["epochs_searched"] = *wanted.searched;
    for (const auto& [epochs, policy] : found.segments)
      shown["segments"].push_back(
          {{"epochs", epochs},
           {"checksum", rw::weighted_checksum(policy)},
           {"operations", ordered_json::parse(rw::json_text(policy))["operations"]}});
    shown["checksum"] = rw::weighted_checksum(found.segments);
  }
  if (const auto epochs = wanted.epochs ? wanted.epochs : wanted.searched)
    shown["epochs"] = *epochs;
  shown["schedule"] = ordered_json::parse(rw::json_text(found.schedule));
  std::cout << shown.dump(2, ' ', false, ordered_json::error_handler_t::replace) << '\n';
}

void answer_to(const request& wanted)
{
  const auto found = read(wanted);
  if (!wanted.output.empty()) write(wanted, found);
  if (wanted.output == "-") return;
  if (wanted.format == "json")
    print_json(wanted, found);
  else
    print_text(wanted, found);
}

}  // namespace

int main(int argc, char** argv)
{
  return command_line::program(
      "schedule_tool",
      [&] {
        const auto wanted = parse(argc, argv);
        if (wanted) answer_to(*wanted);
      },
      "");
}
