// expect: fit: each observer must satisfy Observer
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include "support/least_student.hpp"

// An observer that declares neither state nor its absence.
struct watcher {
#ifdef ROLEWISE_CONTROL
  static constexpr bool has_state = false;
#endif
  int epochs = 0;
  void see(const rolewise::epoch_ends&) { ++epochs; }
  void see(const auto&) {}
};

void use(const rolewise::dataset& data)
{
  rolewise::supervised step{.student = least_student{}};
  rolewise::fit(step, data, {}, watcher{});
}
