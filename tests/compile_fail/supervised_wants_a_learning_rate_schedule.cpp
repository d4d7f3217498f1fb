// expect: supervised: .lr_schedule must satisfy LearningRateSchedule
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/supervised.hpp>

#include "support/least_student.hpp"

// A schedule that counts its calls, so a resumed run would restart it.
struct counting {
  int calls = 0;
#ifdef ROLEWISE_CONTROL
  double operator()(const rolewise::training_progress& progress) const
  {
    return 1.0 - progress.fraction();
  }
#else
  double operator()(const rolewise::training_progress&) { return 1.0 / ++calls; }
#endif
};

auto use() { return rolewise::supervised{.student = least_student{}, .lr_schedule = counting{}}; }
