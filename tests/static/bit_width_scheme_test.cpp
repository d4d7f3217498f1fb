// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/quant/schemes.hpp>

namespace {

using namespace rolewise::scheme_must;
using rolewise::bit_width;
using rolewise::BitWidthScheme;
using rolewise::layer_bits;
using rolewise::layer_id;

struct least_that_conforms {
  layer_bits operator()(const layer_id&) const { return {}; }
};
static_assert(BitWidthScheme<least_that_conforms>);

struct returns_a_number {
  int operator()(const layer_id&) const { return 2; }
};
static_assert(!give_every_layer_its_bits<returns_a_number>);
static_assert(!BitWidthScheme<returns_a_number>);

struct changes_as_it_is_asked {
  layer_bits operator()(const layer_id&) { return {}; }
};
static_assert(!give_every_layer_its_bits<changes_as_it_is_asked>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(give_every_layer_its_bits<cannot_be_copied>);
static_assert(!BitWidthScheme<cannot_be_copied>);

static_assert(rolewise::inner_bits<2>.weights == bit_width{2});
static_assert(rolewise::inner_bits<1, 4>.activations == bit_width{4});

}  // namespace
