// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `quant/`: quantizers and bit-width schemes.

#include <rolewise/quant/affine_codes.hpp>
#include <rolewise/quant/apot.hpp>
#include <rolewise/quant/binary_connect.hpp>
#include <rolewise/quant/bit_allocation.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/bwn.hpp>
#include <rolewise/quant/changing_scheme.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/dorefa_gradients.hpp>
#include <rolewise/quant/element_draws.hpp>
#include <rolewise/quant/freeze_ranges.hpp>
#include <rolewise/quant/fusible_steps.hpp>
#include <rolewise/quant/gradient_quantizer.hpp>
#include <rolewise/quant/granularity.hpp>
#include <rolewise/quant/layer_arithmetic.hpp>
#include <rolewise/quant/layer_report.hpp>
#include <rolewise/quant/lq_nets.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/no_quantizer.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/quant/paired.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/quant/progressive.hpp>
#include <rolewise/quant/quantized.hpp>
#include <rolewise/quant/quantized_in.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/quant/range_observer.hpp>
#include <rolewise/quant/range_observers.hpp>
#include <rolewise/quant/rounding.hpp>
#include <rolewise/quant/sawb.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/quant/tied_layers.hpp>
#include <rolewise/quant/ttq.hpp>
#include <rolewise/quant/twn.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/quant/with_gradients.hpp>
#include <rolewise/quant/xnor.hpp>
