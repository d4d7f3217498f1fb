// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/detail/read_levels.hpp>.

#include <rolewise/policy/detail/read_levels.hpp>

#include <array>
#include <charconv>
#include <optional>
#include <system_error>

namespace rolewise::detail {

ROLEWISE_INLINE std::int64_t read_trial(literal_reader& in)
{
  const auto where = in.next();
  const auto tag = in.string("a trial in quotes");
  std::int64_t trial = 0;
  const auto* end = tag.data() + tag.size();
  const auto [stop, error] = std::from_chars(tag.data(), end, trial);
  if (error != std::errc{} || stop != end || trial < 0 || tag[0] == '-')
    in.complain_at(where, "found the trial ", shown(tag), ", want digits");
  return trial;
}

ROLEWISE_INLINE std::int64_t read_iteration(literal_reader& in)
{
  const auto where = in.next();
  const auto iteration = in.integer("an iteration");
  if (iteration < 0) in.complain_at(where, "found the iteration ", iteration, ", want at least 0");
  return iteration;
}

ROLEWISE_INLINE augmentation_policy read_levels(literal_reader& in)
{
  std::array<std::int64_t, 2 * augmentation_policy::pairs> levels{};
  std::size_t count = 0;
  const auto begin = in.next();
  in.elements('[', ']', [&] {
    const auto where = in.next();
    const auto level = in.integer("a level");
    if (count < levels.size()) {
      const auto objection = augmentation_policy::objection_to_level(count, level);
      if (!objection.empty()) in.complain_at(where, objection);
      levels[count] = level;
    }
    ++count;
  });
  const auto objection = augmentation_policy::objection_to_length(count);
  if (!objection.empty()) in.complain_at(begin, objection);
  return augmentation_policy{levels};
}

ROLEWISE_INLINE augmentation_policy read_configuration(literal_reader& in)
{
  if (in.sees('[')) return read_levels(in);
  if (!in.sees('{')) in.complain("a list of levels or a dictionary");
  std::optional<augmentation_policy> policy;
  const auto begin = in.next();
  in.members([&](std::string_view name, std::size_t where) {
    if (name != "hp_policy") return in.pass_over();
    if (policy) in.complain_at(where, "found 'hp_policy' twice, want it once");
    policy = read_levels(in);
  });
  if (!policy) in.complain_at(begin, "found a dictionary without 'hp_policy', want one with it");
  return *policy;
}

}  // namespace rolewise::detail
