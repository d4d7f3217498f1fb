// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/quant/dorefa_gradients.hpp>
#include <rolewise/quant/range_observers.hpp>
#include <rolewise/quant/rounding.hpp>

namespace {

using rolewise::affine_codes;
using rolewise::GradientQuantizer;
using rolewise::layer_id;
using rolewise::purpose;
using rolewise::RangeObserver;
using rolewise::Rounding;
using rolewise::value_range;
using namespace rolewise::range_observer_must;
using namespace rolewise::rounding_must;
using namespace rolewise::gradient_quantizer_must;

struct least_callback {
  value_range newest(const torch::Tensor&, const affine_codes&) const { return {}; }
  value_range joined(const value_range& before, const value_range&) const { return before; }
};
static_assert(RangeObserver<least_callback>);

struct finds_nothing {
  value_range joined(const value_range& before, const value_range&) const { return before; }
};
static_assert(!find_the_range_of_rows<finds_nothing>);
static_assert(join_it_with_the_range_before<finds_nothing>);
static_assert(!RangeObserver<finds_nothing>);

struct forgets {
  value_range newest(const torch::Tensor&, const affine_codes&) const { return {}; }
};
static_assert(find_the_range_of_rows<forgets>);
static_assert(!join_it_with_the_range_before<forgets>);
static_assert(!RangeObserver<forgets>);

struct changes_as_it_looks : least_callback {
  value_range newest(const torch::Tensor&, const affine_codes&) { return {}; }
};
static_assert(!find_the_range_of_rows<changes_as_it_looks>);

template<typename State>
struct rounding_with {
  State start(const layer_id&, purpose) const { return {}; }
};
struct least_rounding {
  void advance() {}
  torch::Tensor operator()(const torch::Tensor& x) const { return x; }
};
struct never_told {
  torch::Tensor operator()(const torch::Tensor& x) const { return x; }
};
static_assert(Rounding<rounding_with<least_rounding>>);
static_assert(!Rounding<rounding_with<never_told>>);
static_assert(!start_a_state_that_rounds<least_rounding>);

template<typename State>
struct gradients_with {
  State start_gradients(const layer_id&) const { return {}; }
};
struct least_gradients {
  static constexpr bool has_state = false;
  torch::Tensor operator()(const torch::Tensor& y) { return y; }
};
struct silent_gradients {
  torch::Tensor operator()(const torch::Tensor& y) { return y; }
};
struct returns_nothing {
  [[maybe_unused]] static constexpr bool has_state = false;
  void operator()(const torch::Tensor&) {}
};
static_assert(GradientQuantizer<gradients_with<least_gradients>>);
static_assert(start_a_state_that_passes_outputs_on<gradients_with<silent_gradients>>);
static_assert(!have_states_that_show_their_state<gradients_with<silent_gradients>>);
static_assert(!GradientQuantizer<gradients_with<silent_gradients>>);
static_assert(!start_a_state_that_passes_outputs_on<gradients_with<returns_nothing>>);
static_assert(!GradientQuantizer<least_gradients>);

}  // namespace
