// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/network/network.hpp>

#include <string>
#include <vector>

namespace {

using namespace rolewise::network_must;
using rolewise::layer_report;
using rolewise::NetworkBody;
using rolewise::outputs;
using rolewise::phase;
using rolewise::taps;

struct least_that_conforms {
  outputs forward(const torch::Tensor&, phase, taps) { return {}; }
  std::vector<layer_report> layers() const { return {}; }
  const char* name() const { return "least"; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};
static_assert(NetworkBody<least_that_conforms>);
static_assert(!turn_a_batch_into_outputs<least_that_conforms>);
static_assert(rolewise::network<least_that_conforms>::offered_taps.empty());

struct reads_a_batch : least_that_conforms {
  static constexpr taps offered_taps{rolewise::tap::embedding};
  outputs forward(const rolewise::batch&, phase, taps) { return {}; }
};
static_assert(turn_a_batch_into_outputs<reads_a_batch>);
static_assert(NetworkBody<reads_a_batch>);
static_assert(rolewise::network<reads_a_batch>::offered_taps == reads_a_batch::offered_taps);

// Each of these violates one requirement.

struct returns_logits : least_that_conforms {
  torch::Tensor forward(const torch::Tensor&, phase, taps) { return {}; }
};
static_assert(!turn_inputs_into_outputs<returns_logits>);
static_assert(report_their_layers<returns_logits>);
static_assert(!NetworkBody<returns_logits>);

struct knows_no_phase : least_that_conforms {
  outputs forward(const torch::Tensor&, taps) { return {}; }
};
static_assert(!turn_inputs_into_outputs<knows_no_phase>);

struct hides_its_state {
  [[maybe_unused]] static constexpr bool has_state = false;
  outputs forward(const torch::Tensor&, phase, taps) { return {}; }
  std::vector<layer_report> layers() const { return {}; }
  const char* name() const { return "hides"; }
};
static_assert(!show_their_state<hides_its_state>);
static_assert(!NetworkBody<hides_its_state>);

struct unnamed {
  outputs forward(const torch::Tensor&, phase, taps) { return {}; }
  std::vector<layer_report> layers() const { return {}; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};
static_assert(!report_their_layers<unnamed>);
static_assert(!NetworkBody<unnamed>);

struct reports_no_layers : unnamed {
  const char* name() const { return "reports no layers"; }
  int layers() const { return 3; }
};
static_assert(!report_their_layers<reports_no_layers>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(turn_inputs_into_outputs<cannot_be_copied>);
static_assert(!NetworkBody<cannot_be_copied>);

}  // namespace
