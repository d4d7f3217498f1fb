// expect: a network wants a BitWidthScheme
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>

// A scheme that returns one number instead of a layer's two bit widths.
struct four_bits {
#ifdef ROLEWISE_CONTROL
  rolewise::layer_bits operator()(const rolewise::layer_id&) const
  {
    return {rolewise::bit_width{4}, rolewise::bit_width{4}};
  }
#else
  int operator()(const rolewise::layer_id&) const { return 4; }
#endif
};

auto use() { return rolewise::resnet8({}, rolewise::dorefa{}, four_bits{}); }
