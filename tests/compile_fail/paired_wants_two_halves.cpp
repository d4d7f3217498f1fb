// expect: paired: the second part must satisfy ActivationQuantizer
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/quant/apot.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/paired.hpp>

#include <string_view>

// A quantizer for weights alone.
struct weights_alone {
  static constexpr std::string_view name = "weights-alone";

  rolewise::dorefa::weights start_weights(const rolewise::layer_id&) const { return {}; }
};

#ifdef ROLEWISE_CONTROL
auto use() { return rolewise::paired{weights_alone{}, rolewise::apot{}}; }
#else
auto use() { return rolewise::paired{rolewise::apot{}, weights_alone{}}; }
#endif
