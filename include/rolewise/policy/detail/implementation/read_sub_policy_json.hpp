// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/policy/detail/read_sub_policy_json.hpp>.

#include <rolewise/policy/detail/read_sub_policy_json.hpp>

#include <array>

namespace rolewise::detail {

ROLEWISE_INLINE sub_policy::step read_step(literal_reader& in, std::size_t place)
{
  auto what = operation::identity;
  std::array<std::size_t, 2> where{};
  std::array<std::int64_t, 2> level{};
  exact_members<3>(in, {"operation", "probability", "magnitude"}, [&](std::size_t i) {
    if (i == 0) {
      what = read_operation(in, true);
    } else {
      where[i - 1] = in.next();
      level[i - 1] = in.integer("a level");
    }
  });
  for (std::size_t i = 0; i < 2; ++i) {
    const auto alone =
        i == 0 ? sub_policy::step{what, level[0], 0} : sub_policy::step{what, 0, level[1]};
    const auto objection = objection_to_levels(alone, place);
    if (!objection.empty()) in.complain_at(where[i], objection);
  }
  return {what, level[0], level[1]};
}

ROLEWISE_INLINE sub_policy read_sub_policy(literal_reader& in, std::size_t place)
{
  sub_policy found;
  std::size_t count = 0;
  const auto begin = in.next();
  in.elements('[', ']', [&] {
    if (count == 2) in.complain_at(in.next(), "found a third operation, want two");
    (count == 0 ? found.first : found.second) = read_step(in, place);
    ++count;
  });
  if (count != 2)
    in.complain_at(begin, "found ", count == 0 ? "no operation" : "one operation", ", want two");
  return found;
}

ROLEWISE_INLINE std::vector<sub_policy> read_sub_policies_document(literal_reader& in)
{
  std::vector<sub_policy> policy;
  exact_members<3>(in, {"rolewise", "version", "sub_policies"}, [&](std::size_t i) {
    if (i == 0) {
      (void)in.string("the kind of document");
    } else if (i == 1) {
      read_version(in);
    } else {
      const auto where = in.next();
      in.elements('[', ']', [&] { policy.push_back(read_sub_policy(in, policy.size())); });
      if (policy.empty()) in.complain_at(where, "found no sub-policy, want at least one");
    }
  });
  in.want_end();
  return policy;
}

}  // namespace rolewise::detail
