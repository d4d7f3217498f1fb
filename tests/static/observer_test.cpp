// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/observer.hpp>

#include <optional>

namespace {

using namespace rolewise::observer_must;
using rolewise::epoch_ends;
using rolewise::KeepingObserver;
using rolewise::Observer;
using rolewise::run_begins;
using rolewise::run_ends;
using rolewise::run_history;
using rolewise::snapshot;
using rolewise::step_ends;
using rolewise::StoppingObserver;

struct least_that_conforms {
  static constexpr bool has_state = false;
  void see(const auto&) {}
};
static_assert(Observer<least_that_conforms>);
static_assert(!StoppingObserver<least_that_conforms>);
static_assert(!KeepingObserver<least_that_conforms>);

struct spelt_out {
  static constexpr bool has_state = false;
  void see(const run_begins&) {}
  void see(const step_ends&) {}
  void see(const epoch_ends&) {}
  void see(const run_ends&) {}
};
static_assert(Observer<spelt_out>);

// Each of these violates one requirement.

struct misses_the_beginning {
  [[maybe_unused]] static constexpr bool has_state = false;
  void see(const step_ends&) {}
  void see(const epoch_ends&) {}
  void see(const run_ends&) {}
};
static_assert(!see_a_run_begin<misses_the_beginning>);
static_assert(!Observer<misses_the_beginning>);

struct misses_steps {
  [[maybe_unused]] static constexpr bool has_state = false;
  void see(const run_begins&) {}
  void see(const epoch_ends&) {}
  void see(const run_ends&) {}
};
static_assert(!see_every_step<misses_steps>);
static_assert(!Observer<misses_steps>);

struct misses_epochs {
  [[maybe_unused]] static constexpr bool has_state = false;
  void see(const run_begins&) {}
  void see(const step_ends&) {}
  void see(const run_ends&) {}
};
static_assert(!see_every_epoch<misses_epochs>);
static_assert(!Observer<misses_epochs>);

struct misses_the_end {
  [[maybe_unused]] static constexpr bool has_state = false;
  void see(const run_begins&) {}
  void see(const step_ends&) {}
  void see(const epoch_ends&) {}
};
static_assert(!see_a_run_end<misses_the_end>);
static_assert(!Observer<misses_the_end>);

struct forgets_its_state {
  void see(const auto&) {}
};
static_assert(!show_or_deny_their_state<forgets_its_state>);
static_assert(!Observer<forgets_its_state>);

struct wants_to_change_the_run {
  [[maybe_unused]] static constexpr bool has_state = false;
  void see(run_history&) {}
};
static_assert(!Observer<wants_to_change_the_run>);

struct stops : least_that_conforms {
  [[nodiscard]] bool wants_to_stop() const { return true; }
};
static_assert(StoppingObserver<stops>);

struct cannot_say : least_that_conforms {
  void wants_to_stop() const {}
};
static_assert(!say_whether_to_stop<cannot_say>);
static_assert(!StoppingObserver<cannot_say>);

struct keeps : least_that_conforms {
  void keep(const snapshot&, const run_history&) {}
  [[nodiscard]] std::optional<snapshot> kept() { return {}; }
};
static_assert(KeepingObserver<keeps>);

struct loses : least_that_conforms {
  void keep(const snapshot&, const run_history&) {}
};
static_assert(!find_what_was_kept<loses>);
static_assert(!KeepingObserver<loses>);

struct keeps_nothing : least_that_conforms {
  [[nodiscard]] std::optional<snapshot> kept() { return {}; }
};
static_assert(!keep_what_can_be_resumed<keeps_nothing>);
static_assert(!KeepingObserver<keeps_nothing>);

}  // namespace
