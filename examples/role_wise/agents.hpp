// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Augmentation agents parsed from a command line: `mixup:0.2+rand-augment:2,5`.

#include "../command_line.hpp"

#include <rolewise/agent.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/policy.hpp>
#include <rolewise/support/error.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace role_wise {

/// The agents that a command line can name. `described_agents` lists the same ones.
using agent_part =
    std::variant<rolewise::rand_augment, rolewise::trivial_augment, rolewise::uniform_augment,
                 rolewise::cutout, rolewise::mixup, rolewise::cutmix, rolewise::policy_agent>;

inline constexpr const char* described_agents =
    "none, rand-augment:OPERATIONS,MAGNITUDE, trivial-augment, uniform-augment:OPERATIONS,\n"
    "cutout:SIZE, mixup:ALPHA, cutmix:ALPHA, schedule:FILE; several with + between them";

/// A sequence of agents as `rolewise::compose`, but composed at run time. Without parts it is the
/// identity.
class chosen_agent {
 public:
  static constexpr std::string_view name = "chosen-agent";
  static constexpr bool has_state = false;
  static constexpr bool mixes = true;

  chosen_agent() = default;
  explicit chosen_agent(std::vector<agent_part> parts) : parts_{std::move(parts)} {}

  [[nodiscard]] bool is_none() const { return parts_.empty(); }
  [[nodiscard]] bool mixes_examples() const
  {
    for (const auto& part : parts_)
      if (std::holds_alternative<rolewise::mixup>(part) ||
          std::holds_alternative<rolewise::cutmix>(part))
        return true;
    return false;
  }

  /// A copy whose mixing agents draw their partners from a data set.
  [[nodiscard]] chosen_agent with_partners(const rolewise::dataset& from) const
  {
    auto made = *this;
    for (auto& part : made.parts_)
      std::visit(
          [&](auto& agent) {
            if constexpr (requires { agent.partners; }) agent.partners = from;
          },
          part);
    return made;
  }

  [[nodiscard]] rolewise::batch operator()(const rolewise::batch& examples,
                                           const rolewise::training_progress& progress,
                                           rolewise::seed key) const
  {
    auto view = examples;
    for (std::size_t i = 0; i < parts_.size(); ++i)
      view = std::visit([&](const auto& agent) { return agent(view, progress, key.split(i)); },
                        parts_[i]);
    return view;
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    for (std::size_t i = 0; i < parts_.size(); ++i)
      std::visit(
          [&](const auto& agent) {
            archive.show(std::to_string(i), std::string{agent.name});
            archive.show(std::to_string(i) + "." + std::string{agent.name}, agent);
          },
          parts_[i]);
  }

 private:
  std::vector<agent_part> parts_;
};

static_assert(rolewise::AugmentationAgent<chosen_agent>);

namespace detail {

[[nodiscard]] inline std::vector<std::string> split(std::string_view text, char between)
{
  std::vector<std::string> parts;
  for (;;) {
    const auto end = text.find(between);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// The fields of `name:first,second`.
struct agent_words {
  std::string whole, name, values;

  /// The values as exactly `count` numbers.
  /// @throws std::invalid_argument otherwise
  template<typename Number>
  [[nodiscard]] std::vector<Number> numbers(std::size_t count) const
  {
    const auto texts = split(values, ',');
    std::vector<Number> found;
    for (const auto& text : texts) {
      Number x{};
      const auto* const end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(text.data(), end, x);
      if (error == std::errc{} && stop == end) found.push_back(x);
    }
    if (found.size() != count || texts.size() != count)
      rolewise::throw_invalid_argument("agent", "'", whole, "' wants ", count, " number",
                                       count == 1 ? "" : "s", " after its name, such as ", name,
                                       count == 2 ? ":2,5" : ":1");
    return found;
  }
};

[[nodiscard]] inline agent_part part_of(const agent_words& words)
{
  if (words.name == "rand-augment") {
    const auto n = words.numbers<std::int64_t>(2);
    return rolewise::rand_augment{.operations = n[0], .magnitude = n[1]};
  }
  if (words.whole == "trivial-augment") return rolewise::trivial_augment{};
  if (words.name == "uniform-augment")
    return rolewise::uniform_augment{.operations = words.numbers<std::int64_t>(1)[0]};
  if (words.name == "cutout") return rolewise::cutout{.size = words.numbers<std::int64_t>(1)[0]};
  if (words.name == "mixup") return rolewise::mixup{.alpha = words.numbers<double>(1)[0]};
  if (words.name == "cutmix") return rolewise::cutmix{.alpha = words.numbers<double>(1)[0]};
  if (words.name == "schedule")
    return rolewise::policy_agent{.policy = rolewise::read_policy_schedule(words.values)};
  rolewise::throw_invalid_argument("agent", "'", words.whole,
                                   "' is unknown, want one of: ", described_agents);
}

}  // namespace detail

/// Parses an agent.
/// @throws std::invalid_argument that describes what is invalid
/// @throws std::runtime_error for a schedule that cannot be read
[[nodiscard]] inline chosen_agent agent_of(const std::string& text)
{
  if (text == "none") return {};
  std::vector<agent_part> parts;
  for (const auto& words : detail::split(text, '+')) {
    const auto colon = words.find(':');
    parts.push_back(
        detail::part_of({words, words.substr(0, colon),
                         colon == std::string::npos ? std::string{} : words.substr(colon + 1)}));
  }
  return chosen_agent{std::move(parts)};
}

/// The same text with absolute paths of files, so that it is valid in any working directory.
[[nodiscard]] inline std::string with_whole_names(const std::string& text)
{
  constexpr std::string_view file = "schedule:";
  std::string whole;
  for (const auto& words : detail::split(text, '+')) {
    if (!whole.empty()) whole += '+';
    whole += words.starts_with(file)
                 ? std::string{file} + command_line::whole_name(words.substr(file.size()))
                 : words;
  }
  return whole;
}

}  // namespace role_wise
