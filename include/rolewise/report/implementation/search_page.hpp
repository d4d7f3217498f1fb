// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/search_page.hpp>.

#include <rolewise/report/search_page.hpp>

#include <array>
#include <charconv>
#include <variant>

namespace rolewise::report::detail {

ROLEWISE_INLINE std::string value_words(const search::configuration::value& value)
{
  if (const auto* name = std::get_if<std::string>(&value)) return *name;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), std::get<double>(value),
                                 std::chars_format::general, 4);
  return {text.data(), end.ptr};
}

ROLEWISE_INLINE std::string range_words(const search::dimension& of)
{
  if (const auto* names = std::get_if<search::choice_of>(&of.range)) {
    std::string all;
    for (const auto& name : names->names) all += (all.empty() ? "" : ", ") + name;
    return all;
  }
  if (const auto* whole = std::get_if<search::integer_interval>(&of.range))
    return std::to_string(whole->low) + " .. " + std::to_string(whole->high);
  const auto& real = std::get<search::real_interval>(of.range);
  return value_words(real.low) + " .. " + value_words(real.high) +
         (real.measure == search::spacing::logarithmic ? ", logarithmic" : "");
}

ROLEWISE_INLINE std::vector<std::string> policies_in(const search::search_space& space)
{
  const auto first = search::policy_space().dimensions().front().name;
  const auto& all = space.dimensions();
  std::vector<std::string> prefixes;
  for (const auto& begin : all) {
    if (!begin.name.ends_with(first)) continue;
    auto prefix = begin.name.substr(0, begin.name.size() - first.size());
    const auto policy = search::policy_space(prefix);
    if (std::ranges::all_of(policy.dimensions(), [&](const search::dimension& wanted) {
          return std::ranges::find(all, wanted) != all.end();
        }))
      prefixes.push_back(std::move(prefix));
  }
  return prefixes;
}

ROLEWISE_INLINE std::vector<search::dimension> other_dimensions(const search::search_space& space)
{
  constexpr std::size_t most = 8;
  std::vector<std::string> taken;
  for (const auto& prefix : policies_in(space)) {
    const auto policy = search::policy_space(prefix);
    for (const auto& d : policy.dimensions()) taken.push_back(d.name);
  }
  std::vector<search::dimension> others;
  for (const auto& d : space.dimensions())
    if (others.size() < most && std::ranges::find(taken, d.name) == taken.end())
      others.push_back(d);
  return others;
}

ROLEWISE_INLINE table trial_table(const search::search_history& history,
                                  const search_page_options& options)
{
  const auto lineage = lineage_of(history);
  const auto others = other_dimensions(history.space);
  std::vector<std::string> names{"place",
                                 "trial",
                                 "epochs",
                                 "last score",
                                 "mean of last " + std::to_string(options.evaluations),
                                 "copied",
                                 "was copied",
                                 "descends from",
                                 "end"};
  for (const auto& d : others) names.push_back(d.name);
  table rows{names};
  const auto add = [&](std::vector<std::string> row, const search::configuration& at) {
    for (const auto& d : others) {
      const auto* value = at.find(d.name);
      row.push_back(value == nullptr ? "-" : value_words(*value));
    }
    rows.add(std::move(row));
  };
  std::int64_t place = 0;
  for (const auto& [trial, epochs, mean] : search::ranked_trials(history, options.evaluations)) {
    const auto path = lineage.ancestry(trial);
    const auto& current = lineage.stretches[path.back()];
    std::int64_t took = 0, gave = 0;
    for (const auto& event : history.events)
      if (event.what == search::search_event::kind::copied) {
        if (event.trial == trial) ++took;
        if (event.from == trial) ++gave;
      }
    std::string ancestors;  // the latest first, one for each copy
    for (auto i = path.size() - 1; i-- > 0;)
      ancestors +=
          (ancestors.empty() ? "" : " < ") + std::to_string(lineage.stretches[path[i]].trial);
    const bool is_done = epochs >= history.epochs;
    std::vector<std::string> row{std::to_string(++place),
                                 std::to_string(trial),
                                 std::to_string(epochs),
                                 fixed_text(lineage.scores_of(trial).back().score, 4),
                                 fixed_text(mean, 4),
                                 std::to_string(took),
                                 std::to_string(gave),
                                 ancestors.empty() ? "-" : ancestors,
                                 current.stopped ? "stopped"
                                 : is_done       ? "finished"
                                                 : "under way"};
    add(std::move(row), current.at);
  }
  for (const auto& [trial, epoch, at, reason] : search::failed_trials(history))
    add({"-", std::to_string(trial), std::to_string(epoch), "-", "-", "-", "-", "-", "failed"}, at);
  return rows;
}

ROLEWISE_INLINE table failures_table(const search::search_history& history)
{
  table rows{{"round", "trial", "epochs", "reason"}};
  for (const auto& event : history.events)
    if (event.what == search::search_event::kind::failed)
      rows.add({std::to_string(event.round), std::to_string(event.trial),
                std::to_string(event.epoch), event.reason});
  return rows;
}

ROLEWISE_INLINE table settings_table(const search::search_history& history,
                                     const search_page_options& options)
{
  table rows{{"setting", "value"}};
  for (const auto& [name, value] : options.settings) rows.add({name, value});
  rows.add({"strategy", history.strategy});
  rows.add({"trials", std::to_string(history.trials)});
  rows.add({"epochs of a trial", std::to_string(history.epochs)});
  rows.add({"epochs between evaluations", std::to_string(history.evaluation_interval)});
  rows.add({"seed", std::to_string(history.seed.value)});
  rows.add({"best trial",
            "highest mean of the last " + std::to_string(options.evaluations) + " scores"});
  rows.add({"dimensions searched", std::to_string(history.space.dimensions().size())});
  for (const auto& prefix : policies_in(history.space))
    rows.add({prefix + "policy", "15 operations twice, probability 0 .. 10, magnitude 0 .. 9"});
  for (const auto& d : other_dimensions(history.space)) rows.add({d.name, range_words(d)});
  return rows;
}

ROLEWISE_INLINE std::string search_summary(const search::search_history& history,
                                           std::int64_t evaluations)
{
  std::int64_t trained = 0, copies = 0, stopped = 0, failures = 0;
  double seconds = 0.0;
  for (const auto& event : history.events) {
    if (event.what == search::search_event::kind::copied) ++copies;
    if (event.what == search::search_event::kind::stopped) ++stopped;
    if (event.what == search::search_event::kind::failed) ++failures;
    seconds = std::max(seconds, event.seconds);
  }
  const auto lineage = lineage_of(history);
  for (const auto& own : lineage.stretches) trained += own.end - own.begin;
  std::string out = "<p>" + std::to_string(history.trials) + " trials, " + std::to_string(trained) +
                    " epochs trained in all, " + std::to_string(copies) + " copies, " +
                    std::to_string(stopped) + " stopped, " +
                    (failures > 0 ? std::to_string(failures) + " failures, " : "") +
                    fixed_text(seconds, 1) + " s. What is left descends from " +
                    std::to_string(lineage.founders_left()) + " of the first trials.</p>\n";
  if (const auto ranked = search::ranked_trials(history, evaluations); !ranked.empty())
    out += "<p><b>Best: trial " + std::to_string(ranked.front().trial) + "</b>, mean of its last " +
           std::to_string(evaluations) + " scores " + fixed_text(ranked.front().mean, 4) +
           ".</p>\n";
  else
    out += "<p>No trial has a score yet.</p>\n";
  return out;
}

ROLEWISE_INLINE std::string schedule_pictures(const search::search_history& history,
                                              std::int64_t evaluations)
{
  const auto ranked = search::ranked_trials(history, evaluations);
  if (ranked.empty()) return {};
  const auto& best = ranked.front();
  const auto epochs = std::min(best.epochs, static_cast<std::int64_t>(most_heat_map_columns));
  std::string out;
  for (const auto& prefix : policies_in(history.space)) {
    const auto schedule = search::schedule_of(history, best.trial, prefix);
    out += "<h2>" +
           xml_text("The " + prefix + "policy of trial " + std::to_string(best.trial) +
                    " over epochs") +
           "</h2>\n" + svg_text(probability_map(schedule, epochs)) +
           svg_text(magnitude_map(schedule, epochs));
  }
  return out;
}

}  // namespace rolewise::report::detail

namespace rolewise::report {

ROLEWISE_INLINE std::string search_page(const search::search_history& history,
                                        const search_page_options& options)
{
  const auto title = detail::xml_text(options.title);
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + title +
      "</title>\n<style>body{font-family:Helvetica,Arial,sans-serif;color:#333;max-width:64em;"
      "margin:2em auto;padding:0 1em}table{border-collapse:collapse;font-size:90%}"
      "th,td{padding:.25em .7em;border-bottom:1px solid #ddd;text-align:left}"
      ".number{text-align:right}svg{max-width:100%;height:auto;display:block;margin:1em 0}"
      "</style></head>\n<body>\n<h1>" +
      title + "</h1>\n" + detail::search_summary(history, options.evaluations) +
      lineage_tree(history, options.evaluations);
  if (std::ranges::any_of(history.events, [](const search::search_event& event) {
        return event.what == search::search_event::kind::scored;
      }))
    page += search_curves(history, options.evaluations);
  page += detail::schedule_pictures(history, options.evaluations);
  page += "<h2>Trial states</h2>\n" + detail::trial_table(history, options).html();
  if (std::ranges::any_of(history.events, [](const search::search_event& event) {
        return event.what == search::search_event::kind::failed;
      }))
    page += "<h2>Failures</h2>\n" + detail::failures_table(history).html();
  page += "<h2>Settings</h2>\n" + detail::settings_table(history, options).html();
  return page + "</body></html>\n";
}

}  // namespace rolewise::report
