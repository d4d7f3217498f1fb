// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Fewer bits: quantizers and bit-width schemes.

#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/layer_arithmetic.hpp>
#include <rolewise/quant/no_quantizer.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/quant/quantised.hpp>
#include <rolewise/quant/quantizer.hpp>
#include <rolewise/quant/schemes.hpp>
