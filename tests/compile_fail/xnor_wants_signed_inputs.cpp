// expect: activation::rectify: this quantizer wants signed inputs
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/xnor.hpp>

// After a ReLU all signs are +1.
#ifdef ROLEWISE_CONTROL
using quantizer = rolewise::dorefa;
#else
using quantizer = rolewise::xnor;
#endif

auto use(const rolewise::batch& examples)
{
  auto network = rolewise::resnet8({}, quantizer{}, rolewise::inner_bits<1>);
  return network.forward(examples);
}
