// expect: distillation: .student must satisfy Student
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/train/distillation.hpp>

#include <vector>

struct teacher {
  static constexpr bool has_state = false;
  rolewise::outputs forward(const rolewise::batch&, rolewise::taps) const { return {}; }
};

struct student {
  rolewise::outputs forward(const rolewise::batch&, rolewise::taps) { return {}; }
#ifdef ROLEWISE_CONTROL
  rolewise::outputs predict(const rolewise::batch&, rolewise::taps) const { return {}; }
#endif
  std::vector<rolewise::named_tensor> parameters() const { return {}; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};

auto use()
{
  return rolewise::distillation{
      .teacher = teacher{}, .student = student{}, .loss = rolewise::cross_entropy{}};
}
