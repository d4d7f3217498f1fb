// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/detail/read_policy_json.hpp>.

#include <rolewise/policy/detail/read_policy_json.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::string_view want_kind(literal_reader in, std::string_view kind,
                                           std::string_view or_kind)
{
  std::string_view found;
  auto where = in.next();
  in.members([&](std::string_view name, std::size_t) {
    if (name != "rolewise") return in.pass_over();
    where = in.next();
    found = in.string("the kind of document");
  });
  if (found == kind) return kind;
  if (!or_kind.empty() && found == or_kind) return or_kind;
  const auto wanted = or_kind.empty() ? shown(kind) : shown(kind) + " or " + shown(or_kind);
  if (found.empty()) in.complain_at(where, "found no 'rolewise', want it to be ", wanted);
  in.complain_at(where, "found the document ", shown(found), ", want ", wanted);
}

ROLEWISE_INLINE void read_version(literal_reader& in)
{
  const auto where = in.next();
  const auto version = in.integer("a version");
  if (version != policy_document_version)
    in.complain_at(where, "found version ", version, ", want ", policy_document_version);
}

ROLEWISE_INLINE operation read_operation(literal_reader& in, bool or_identity)
{
  const auto where = in.next();
  const auto wanted = in.string("the name of an operation");
  if (or_identity && wanted == name(operation::identity)) return operation::identity;
  const auto found = find_operation(wanted);
  if (!found)
    in.complain_at(where, "found the operation ", shown(wanted), ", want one of a policy; is it ",
                   shown(name(nearest_operation(wanted.substr(0, 40)))), "?");
  return *found;
}

ROLEWISE_INLINE augmentation_policy read_operations(literal_reader& in)
{
  std::array<std::int64_t, 2 * augmentation_policy::pairs> levels{};
  std::array<std::size_t, policy_operations> times{};
  in.elements('[', ']', [&] {
    auto what = operation::identity;
    const auto begin = in.next();
    std::array<std::size_t, 2> where{};
    std::array<std::int64_t, 2> level{};
    exact_members<3>(in, {"operation", "probability", "magnitude"}, [&](std::size_t i) {
      if (i == 0) {
        what = read_operation(in);
      } else {
        where[i - 1] = in.next();
        level[i - 1] = in.integer("a level");
      }
    });
    const auto place = static_cast<std::size_t>(what);
    if (times[place] == 2)
      in.complain_at(begin, "found ", shown(name(what)), " a third time, want at most two pairs");
    const auto pair = place + times[place] * policy_operations;
    ++times[place];
    for (std::size_t i = 0; i < 2; ++i) {
      const auto objection = augmentation_policy::objection_to_level(2 * pair + i, level[i]);
      if (!objection.empty()) in.complain_at(where[i], objection);
      levels[2 * pair + i] = level[i];
    }
  });
  return augmentation_policy{levels};
}

ROLEWISE_INLINE augmentation_policy read_policy_document(literal_reader& in)
{
  augmentation_policy policy;
  exact_members<3>(in, {"rolewise", "version", "operations"}, [&](std::size_t i) {
    if (i == 0)
      (void)in.string("the kind of document");
    else if (i == 1)
      read_version(in);
    else
      policy = read_operations(in);
  });
  in.want_end();
  return policy;
}

ROLEWISE_INLINE policy_segment read_segment(literal_reader& in, std::int64_t earliest)
{
  policy_segment segment;
  exact_members<2>(in, {"first_epoch", "operations"}, [&](std::size_t i) {
    if (i == 1) {
      segment.policy = read_operations(in);
      return;
    }
    const auto where = in.next();
    segment.first_epoch = in.integer("an epoch");
    if (earliest == 0 ? segment.first_epoch != 0 : segment.first_epoch < earliest)
      in.complain_at(where, "found the first epoch ", segment.first_epoch, ", want ",
                     earliest == 0 ? "" : "at least ", earliest);
  });
  return segment;
}

ROLEWISE_INLINE policy_schedule read_schedule_document(literal_reader& in)
{
  std::vector<policy_segment> segments;
  exact_members<3>(in, {"rolewise", "version", "segments"}, [&](std::size_t i) {
    if (i == 0) {
      (void)in.string("the kind of document");
    } else if (i == 1) {
      read_version(in);
    } else {
      const auto where = in.next();
      in.elements('[', ']', [&] {
        segments.push_back(
            read_segment(in, segments.empty() ? 0 : segments.back().first_epoch + 1));
      });
      if (segments.empty()) in.complain_at(where, "found no segment, want at least one");
    }
  });
  in.want_end();
  return policy_schedule{std::move(segments)};
}

}  // namespace rolewise::detail
