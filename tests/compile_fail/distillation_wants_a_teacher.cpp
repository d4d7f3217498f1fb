// expect: distillation: .teacher must satisfy Teacher; frozen\(network\) makes one
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>

#include "support/least_student.hpp"

// A trainable network is passed without `frozen`.
auto use()
{
  return rolewise::distillation{
#ifdef ROLEWISE_CONTROL
      .teacher = rolewise::frozen(least_student{}),
#else
      .teacher = least_student{},
#endif
      .student = least_student{},
      .loss = rolewise::cross_entropy{}};
}
