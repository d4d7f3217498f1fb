// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/callback.hpp>

#include <optional>

namespace {

using namespace rolewise::callback_must;
using rolewise::Callback;
using rolewise::epoch_end;
using rolewise::fit_begin;
using rolewise::fit_end;
using rolewise::KeepingCallback;
using rolewise::run_history;
using rolewise::snapshot;
using rolewise::step_end;
using rolewise::StoppingCallback;

struct least_that_conforms {
  static constexpr bool has_state = false;
  void on(const auto&) {}
};
static_assert(Callback<least_that_conforms>);
static_assert(!StoppingCallback<least_that_conforms>);
static_assert(!KeepingCallback<least_that_conforms>);

struct spelt_out {
  static constexpr bool has_state = false;
  void on(const fit_begin&) {}
  void on(const step_end&) {}
  void on(const epoch_end&) {}
  void on(const fit_end&) {}
};
static_assert(Callback<spelt_out>);

// Each of these violates one requirement.

struct misses_the_beginning {
  [[maybe_unused]] static constexpr bool has_state = false;
  void on(const step_end&) {}
  void on(const epoch_end&) {}
  void on(const fit_end&) {}
};
static_assert(!handle_fit_begin<misses_the_beginning>);
static_assert(!Callback<misses_the_beginning>);

struct misses_steps {
  [[maybe_unused]] static constexpr bool has_state = false;
  void on(const fit_begin&) {}
  void on(const epoch_end&) {}
  void on(const fit_end&) {}
};
static_assert(!handle_step_end<misses_steps>);
static_assert(!Callback<misses_steps>);

struct misses_epochs {
  [[maybe_unused]] static constexpr bool has_state = false;
  void on(const fit_begin&) {}
  void on(const step_end&) {}
  void on(const fit_end&) {}
};
static_assert(!handle_epoch_end<misses_epochs>);
static_assert(!Callback<misses_epochs>);

struct misses_the_end {
  [[maybe_unused]] static constexpr bool has_state = false;
  void on(const fit_begin&) {}
  void on(const step_end&) {}
  void on(const epoch_end&) {}
};
static_assert(!handle_fit_end<misses_the_end>);
static_assert(!Callback<misses_the_end>);

struct forgets_its_state {
  void on(const auto&) {}
};
static_assert(!show_or_deny_their_state<forgets_its_state>);
static_assert(!Callback<forgets_its_state>);

struct wants_to_change_the_run {
  [[maybe_unused]] static constexpr bool has_state = false;
  void on(run_history&) {}
};
static_assert(!Callback<wants_to_change_the_run>);

struct stops : least_that_conforms {
  [[nodiscard]] bool wants_to_stop() const { return true; }
};
static_assert(StoppingCallback<stops>);

struct cannot_say : least_that_conforms {
  void wants_to_stop() const {}
};
static_assert(!say_whether_to_stop<cannot_say>);
static_assert(!StoppingCallback<cannot_say>);

struct keeps : least_that_conforms {
  void keep(const snapshot&, const run_history&) {}
  [[nodiscard]] std::optional<snapshot> kept() { return {}; }
};
static_assert(KeepingCallback<keeps>);

struct loses : least_that_conforms {
  void keep(const snapshot&, const run_history&) {}
};
static_assert(!find_what_was_kept<loses>);
static_assert(!KeepingCallback<loses>);

struct keeps_nothing : least_that_conforms {
  [[nodiscard]] std::optional<snapshot> kept() { return {}; }
};
static_assert(!keep_what_can_be_resumed<keeps_nothing>);
static_assert(!KeepingCallback<keeps_nothing>);

}  // namespace
