// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/no_quantizer.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/quant/quantizer.hpp>

namespace {

using namespace rolewise::quantizer_must;
using rolewise::ActivationQuantizer;
using rolewise::bit_width;
using rolewise::layer_id;
using rolewise::quantized;
using rolewise::Quantizer;
using rolewise::WeightQuantizer;

struct least_state {
  static constexpr bool has_state = false;
  quantized operator()(const torch::Tensor& x, bit_width) const
  {
    return {.levels = x, .scale = {}};
  }
};

struct least_for_weights {
  static constexpr const char* name = "least";
  least_state start_weights(const layer_id&) const { return {}; }
};
static_assert(WeightQuantizer<least_for_weights>);
static_assert(!ActivationQuantizer<least_for_weights>);

struct least_for_activations {
  static constexpr const char* name = "least";
  least_state start_activations(const layer_id&) const { return {}; }
};
static_assert(ActivationQuantizer<least_for_activations>);
static_assert(!WeightQuantizer<least_for_activations>);

struct least_of_both : least_for_weights {
  least_state start_activations(const layer_id&) const { return {}; }
};
static_assert(Quantizer<least_of_both>);
static_assert(!rolewise::changes_nothing<least_of_both>());
static_assert(!rolewise::rectifies<least_of_both>());
static_assert(rolewise::changes_nothing<rolewise::no_quantizer>());
static_assert(rolewise::rectifies<rolewise::dorefa>());
static_assert(rolewise::rectifies<rolewise::pact>());
static_assert(rolewise::rectifies<rolewise::lsq>());
static_assert(!rolewise::rectifies<rolewise::lsq_plus>());
static_assert(!rolewise::rectifies<rolewise::basic_lsq<rolewise::code_signs::signed_codes>>());
static_assert(Quantizer<rolewise::basic_lsq<rolewise::code_signs::narrow_codes>>);

// Each of these violates one requirement.

struct unnamed {
  least_state start_weights(const layer_id&) const { return {}; }
};
static_assert(!carry_a_name_for_the_report<unnamed>);
static_assert(start_a_state_for_weights<unnamed>);
static_assert(!WeightQuantizer<unnamed>);

struct returns_a_tensor {
  static constexpr bool has_state = false;
  torch::Tensor operator()(const torch::Tensor& x, bit_width) const { return x; }
};
static_assert(!have_states_that_quantize<returns_a_tensor>);
static_assert(have_states_that_show_their_state<returns_a_tensor>);

struct changes_as_it_quantizes {
  [[maybe_unused]] static constexpr bool has_state = false;
  quantized operator()(const torch::Tensor& x, bit_width) { return {.levels = x, .scale = {}}; }
};
static_assert(!have_states_that_quantize<changes_as_it_quantizes>);

struct silent_about_state {
  quantized operator()(const torch::Tensor& x, bit_width) const
  {
    return {.levels = x, .scale = {}};
  }
};
static_assert(have_states_that_quantize<silent_about_state>);
static_assert(!have_states_that_show_their_state<silent_about_state>);

template<typename State>
struct with_states {
  static constexpr const char* name = "with-states";
  State start_weights(const layer_id&) const { return {}; }
  State start_activations(const layer_id&) const { return {}; }
};
static_assert(Quantizer<with_states<least_state>>);
static_assert(!start_a_state_for_weights<with_states<returns_a_tensor>>);
static_assert(!start_a_state_for_activations<with_states<returns_a_tensor>>);
static_assert(!start_a_state_for_weights<with_states<silent_about_state>>);
static_assert(!start_a_state_for_activations<with_states<silent_about_state>>);
static_assert(!Quantizer<with_states<changes_as_it_quantizes>>);

struct changes_as_it_starts {
  [[maybe_unused]] static constexpr const char* name = "changes";
  least_state start_weights(const layer_id&) { return {}; }
};
static_assert(!start_a_state_for_weights<changes_as_it_starts>);

struct cannot_be_copied : least_of_both {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(start_a_state_for_weights<cannot_be_copied>);
static_assert(!WeightQuantizer<cannot_be_copied>);
static_assert(!ActivationQuantizer<cannot_be_copied>);

}  // namespace
