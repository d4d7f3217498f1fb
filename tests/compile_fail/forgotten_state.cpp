// expect: supervised: .agent must show its state \(visit_state\) or say has_state = false
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/supervised.hpp>

#include <string_view>
#include <vector>

struct student {
  rolewise::outputs forward(const rolewise::batch&, rolewise::taps) { return {}; }
  rolewise::outputs predict(const rolewise::batch&, rolewise::taps) const { return {}; }
  std::vector<rolewise::named_tensor> parameters() const { return {}; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};

struct counting_agent {
  static constexpr std::string_view name = "counting";
#ifdef ROLEWISE_CONTROL
  static constexpr bool has_state = false;
#endif
  rolewise::batch operator()(const rolewise::batch& examples, const rolewise::training_progress&,
                             rolewise::seed) const
  {
    return examples;
  }
};

auto use() { return rolewise::supervised{.student = student{}, .agent = counting_agent{}}; }
