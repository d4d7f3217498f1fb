// expect: cached: an agent that mixes makes views that are not functions of one id
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/cached.hpp>

struct teacher {
  rolewise::outputs forward(const rolewise::batch&, rolewise::taps) const { return {}; }
  std::uint64_t fingerprint() const { return 1; }
};

struct neighbors {
  static constexpr const char* name = "neighbors";
  static constexpr bool has_state = false;
#ifndef ROLEWISE_CONTROL
  static constexpr bool mixes = true;
#endif
  rolewise::batch operator()(const rolewise::batch& examples, const rolewise::training_progress&,
                             rolewise::seed) const
  {
    return examples;
  }
};

auto use(const rolewise::dataset& data)
{
  const rolewise::cyclic_views shown{4, neighbors{}};
  return rolewise::cached(teacher{}, data, rolewise::shown_views{.teacher_agent = shown},
                          {.path = "x"});
}
