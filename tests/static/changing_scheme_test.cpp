// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/quant/progressive.hpp>

#include <cstdint>

namespace {

using namespace rolewise::scheme_must;
using rolewise::ChangingScheme;
using rolewise::full_precision;
using rolewise::layer_bits;
using rolewise::layer_id;

struct least_that_conforms : full_precision {
  full_precision at(std::int64_t) const { return {}; }
};
static_assert(ChangingScheme<least_that_conforms>);

struct is_no_scheme_itself {
  full_precision at(std::int64_t) const { return {}; }
};
static_assert(know_the_scheme_of_each_epoch<is_no_scheme_itself>);
static_assert(!ChangingScheme<is_no_scheme_itself>);

struct gives_bits_instead : full_precision {
  layer_bits at(std::int64_t) const { return {}; }
};
static_assert(!know_the_scheme_of_each_epoch<gives_bits_instead>);
static_assert(!ChangingScheme<gives_bits_instead>);

static_assert(!ChangingScheme<full_precision>);
static_assert(!ChangingScheme<rolewise::per_layer<>>);
static_assert(ChangingScheme<rolewise::per_layer<rolewise::progressive<>>>);
static_assert(ChangingScheme<rolewise::two_step<rolewise::progressive<>>>);

}  // namespace
