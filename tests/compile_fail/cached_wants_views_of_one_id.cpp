// expect: cached: an agent that mixes makes views that are not functions of one id
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/cached.hpp>

struct teacher {
  rolewise::response respond(const rolewise::batch&, rolewise::taps) const { return {}; }
  std::uint64_t fingerprint() const { return 1; }
};

struct neighbours {
  static constexpr const char* name = "neighbours";
  static constexpr bool has_state = false;
#ifndef ROLEWISE_CONTROL
  static constexpr bool mixes = true;
#endif
  rolewise::batch operator()(const rolewise::batch& examples, const rolewise::moment&,
                             rolewise::seed) const
  {
    return examples;
  }
};

auto use(const rolewise::dataset& data)
{
  const rolewise::recurring_views shown{4, neighbours{}};
  return rolewise::cached(teacher{}, data, rolewise::shown_views{.teacher_agent = shown},
                          {.path = "x"});
}
