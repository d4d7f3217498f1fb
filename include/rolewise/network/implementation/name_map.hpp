// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/name_map.hpp>.

#include <rolewise/network/name_map.hpp>

#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstddef>

namespace rolewise {

namespace detail {

/// What a rule finds in a name: the numbers, and what follows, with its dot.
struct fitted_name {
  std::vector<std::string_view> numbers;
  std::string_view rest;
};

[[nodiscard]] ROLEWISE_INLINE std::optional<fitted_name> fitted(std::string_view pattern,
                                                                std::string_view name)
{
  fitted_name found;
  for (const char c : pattern) {
    if (c == '#') {
      const auto length = std::min(name.find_first_not_of("0123456789"), name.size());
      if (length == 0) return std::nullopt;
      found.numbers.push_back(name.substr(0, length));
      name.remove_prefix(length);
    } else {
      if (!name.starts_with(c)) return std::nullopt;
      name.remove_prefix(1);
    }
  }
  if (!name.empty() && name.front() != '.') return std::nullopt;
  found.rest = name;
  return found;
}

[[nodiscard]] ROLEWISE_INLINE std::string with_numbers(const name_rule& rule,
                                                       const std::vector<std::string_view>& numbers)
{
  std::string name;
  std::size_t next = 0;
  for (const char c : rule.ours) {
    if (c != '#') {
      name += c;
      continue;
    }
    if (next == numbers.size())
      throw_invalid_argument("name_rules", "'", rule.ours, "' has more # than '", rule.theirs,
                             "', whose numbers take their places");
    name += numbers[next++];
  }
  return name;
}

}  // namespace detail

ROLEWISE_INLINE std::optional<std::string> name_rules::operator()(std::string_view theirs) const
{
  if (theirs == "num_batches_tracked" || theirs.ends_with(".num_batches_tracked")) return "";
  for (const auto& rule : rules) {
    const auto found = detail::fitted(rule.theirs, theirs);
    if (!found) continue;
    if (rule.ours.empty()) return "";
    auto ours = detail::with_numbers(rule, found->numbers) + std::string{found->rest};
    if (ours.ends_with(".running_var")) ours += "iance";
    return ours;
  }
  return std::nullopt;
}

ROLEWISE_INLINE name_rules resnet_names()
{
  return {{{"conv1", "stem"},
           {"bn1", "stem_batch_norm"},
           {"layer#.#.conv#", "stage#.#.convolution#"},
           {"layer#.#.bn#", "stage#.#.batch_norm#"},
           {"layer#.#.downsample.0", "stage#.#.shortcut"},
           {"layer#.#.downsample.1", "stage#.#.shortcut_batch_norm"},
           {"layer#.#.shortcut.0", "stage#.#.shortcut"},
           {"layer#.#.shortcut.1", "stage#.#.shortcut_batch_norm"},
           {"fc", "classifier"},
           {"linear", "classifier"}}};
}

ROLEWISE_INLINE name_rules wide_resnet_names()
{
  return {{{"conv1", "stem"},
           {"block#.layer.#.conv#", "stage#.#.convolution#"},
           {"block#.layer.#.bn#", "stage#.#.batch_norm#"},
           {"block#.layer.#.convShortcut", "stage#.#.shortcut"},
           {"bn1", "last_batch_norm"},
           {"fc", "classifier"}}};
}

ROLEWISE_INLINE name_rules vgg_names()
{
  name_rules names{{{"classifier", "classifier"}}};
  for (int i = 0; i < 4; ++i) {  // at most four convolutions in a block
    const auto ours = "block#." + std::to_string(i);
    names.rules.push_back({"block#." + std::to_string(3 * i), ours + ".convolution"});
    names.rules.push_back({"block#." + std::to_string(3 * i + 1), ours + ".batch_norm"});
  }
  return names;
}

}  // namespace rolewise
