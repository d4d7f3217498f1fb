// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `quant/`, for the unit that compiles them.

#include <rolewise/quant/detail/implementation/gradient_proxies.hpp>
#include <rolewise/quant/detail/implementation/learned_clip.hpp>
#include <rolewise/quant/detail/implementation/learned_step.hpp>
#include <rolewise/quant/detail/implementation/level_grid.hpp>
#include <rolewise/quant/detail/implementation/lq_basis.hpp>
#include <rolewise/quant/detail/implementation/run_passes.hpp>
#include <rolewise/quant/detail/implementation/straight_through.hpp>
#include <rolewise/quant/detail/implementation/through_tanh.hpp>
#include <rolewise/quant/implementation/affine_codes.hpp>
#include <rolewise/quant/implementation/apot.hpp>
#include <rolewise/quant/implementation/binary_connect.hpp>
#include <rolewise/quant/implementation/bit_allocation.hpp>
#include <rolewise/quant/implementation/bwn.hpp>
#include <rolewise/quant/implementation/dorefa.hpp>
#include <rolewise/quant/implementation/dorefa_gradients.hpp>
#include <rolewise/quant/implementation/element_draws.hpp>
#include <rolewise/quant/implementation/freeze_ranges.hpp>
#include <rolewise/quant/implementation/layer_report.hpp>
#include <rolewise/quant/implementation/lq_nets.hpp>
#include <rolewise/quant/implementation/lsq.hpp>
#include <rolewise/quant/implementation/lsq_plus.hpp>
#include <rolewise/quant/implementation/pact.hpp>
#include <rolewise/quant/implementation/quantized.hpp>
#include <rolewise/quant/implementation/range_observers.hpp>
#include <rolewise/quant/implementation/sawb.hpp>
#include <rolewise/quant/implementation/schemes.hpp>
#include <rolewise/quant/implementation/tied_layers.hpp>
#include <rolewise/quant/implementation/ttq.hpp>
#include <rolewise/quant/implementation/twn.hpp>
#include <rolewise/quant/implementation/xnor.hpp>
