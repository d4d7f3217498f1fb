// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/settings.hpp>.

#include <rolewise/core/settings.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE bool changed_setting::is_of_one_template() const
{
  const auto open = stored.find('<');
  return open != std::string::npos && stored.compare(0, open, current, 0, current.find('<')) == 0;
}

ROLEWISE_INLINE std::vector<changed_setting> changed_settings(const std::vector<setting>& stored,
                                                              const std::vector<setting>& current)
{
  const auto value_in = [](const std::vector<setting>& all, const std::string& name) {
    const auto found = std::ranges::find(all, name, &setting::name);
    return found == all.end() ? std::string{"nothing"} : found->value;
  };
  std::vector<changed_setting> changed;
  for (const auto& [name, value] : stored)
    if (auto other = value_in(current, name); other != value)
      changed.push_back({name, value, std::move(other)});
  for (const auto& [name, value] : current)
    if (std::ranges::find(stored, name, &setting::name) == stored.end())
      changed.push_back({name, "nothing", value});
  return changed;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE std::string differences(const std::vector<setting>& stored,
                                        const std::vector<setting>& current)
{
  constexpr std::size_t most_shown = 6;
  const auto changed = detail::changed_settings(stored, current);
  std::string words;
  std::size_t count = 0;
  for (const auto& each : changed) {
    const bool is_told_by_another = std::ranges::any_of(changed, [&](const auto& other) {
      return (each.is_of_one_template() && each.holds(other)) ||
             (!other.is_of_one_template() && other.holds(each));
    });
    if (is_told_by_another || ++count > most_shown) continue;
    words.append(words.empty() ? "" : ", ").append(each.name.empty() ? "the step" : each.name);
    words.append(" ").append(each.stored).append(" (now ").append(each.current).append(")");
  }
  if (count > most_shown)
    words.append(" and ").append(std::to_string(count - most_shown)).append(" more");
  return words;
}

}  // namespace rolewise
