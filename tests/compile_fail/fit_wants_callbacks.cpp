// expect: fit: each callback must satisfy Callback
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include "support/least_student.hpp"

// A callback that declares neither state nor its absence.
struct watcher {
#ifdef ROLEWISE_CONTROL
  static constexpr bool has_state = false;
#endif
  int epochs = 0;
  void on(const rolewise::epoch_end&) { ++epochs; }
  void on(const auto&) {}
};

void use(const rolewise::dataset& data)
{
  rolewise::supervised step{.student = least_student{}};
  rolewise::fit(step, data, {}, watcher{});
}
