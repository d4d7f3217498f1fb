// expect: cached: the views of an agent with state do not recur
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/cached.hpp>

struct teacher {
  rolewise::outputs forward(const rolewise::batch&, rolewise::taps) const { return {}; }
  std::uint64_t fingerprint() const { return 1; }
};

struct learning {
  static constexpr const char* name = "learning";
#ifdef ROLEWISE_CONTROL
  static constexpr bool has_state = false;
#else
  template<typename Archive>
  void visit_state(Archive&)
  {}
#endif
  rolewise::batch operator()(const rolewise::batch& examples, const rolewise::training_progress&,
                             rolewise::seed) const
  {
    return examples;
  }
};

auto use(const rolewise::dataset& data)
{
  const rolewise::cyclic_views shown{4, learning{}};
  return rolewise::cached(teacher{}, data, rolewise::shown_views{.teacher_agent = shown},
                          {.path = "x"});
}
