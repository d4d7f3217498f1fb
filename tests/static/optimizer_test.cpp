// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/optimizer.hpp>

namespace {

using namespace rolewise::optimizer_must;
using rolewise::named_tensor;
using rolewise::Optimizer;

struct least_state {
  void update(const std::vector<named_tensor>&, const std::vector<torch::Tensor>&, double) {}
  template<typename Archive>
  void visit_state(Archive&)
  {}
};

template<typename State>
struct starts {
  double learning_rate = 0.1;
  [[nodiscard]] State start(const std::vector<named_tensor>&) const { return {}; }
};
static_assert(Optimizer<starts<least_state>>);

// Each of these violates one requirement.

struct hides_its_state {
  void update(const std::vector<named_tensor>&, const std::vector<torch::Tensor>&, double) {}
};
static_assert(!have_states_that_show_their_state<hides_its_state>);
static_assert(!Optimizer<starts<hides_its_state>>);

struct never_updates {
  template<typename Archive>
  void visit_state(Archive&)
  {}
};
static_assert(!have_states_that_update<never_updates>);
static_assert(!Optimizer<starts<never_updates>>);

struct keeps_its_own_rate : never_updates {
  void update(const std::vector<named_tensor>&, const std::vector<torch::Tensor>&) {}
};
static_assert(!have_states_that_update<keeps_its_own_rate>);
static_assert(!Optimizer<starts<keeps_its_own_rate>>);

struct cannot_be_copied : least_state {
  cannot_be_copied() = default;
  cannot_be_copied(cannot_be_copied&&) = default;
};
static_assert(!have_states_that_can_be_copied<cannot_be_copied>);
static_assert(!Optimizer<starts<cannot_be_copied>>);

struct has_no_rate {
  [[nodiscard]] least_state start(const std::vector<named_tensor>&) const { return {}; }
};
static_assert(!say_their_learning_rate<has_no_rate>);
static_assert(!Optimizer<has_no_rate>);

struct starts_only_once : starts<least_state> {
  [[nodiscard]] least_state start(const std::vector<named_tensor>&) { return {}; }
};
static_assert(!start_a_state_for_parameters<starts_only_once>);
static_assert(!Optimizer<starts_only_once>);

}  // namespace
