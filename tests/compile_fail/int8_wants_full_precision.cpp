// expect: an 8-bit network is made from one in full precision
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/network/int8_body.hpp>
#include <rolewise/network/residual_body.hpp>
#include <rolewise/quant/dorefa.hpp>

// A network with a quantizer, whose forward pass has no trace.
#ifdef ROLEWISE_CONTROL
using body = rolewise::residual_body<>;
#else
using body = rolewise::residual_body<rolewise::dorefa>;
#endif

auto use() { return rolewise::int8_body<body>::offered_taps; }
