// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `network/`, for the unit that compiles them.

#include <rolewise/network/detail/implementation/added_values.hpp>
#include <rolewise/network/detail/implementation/bit_width_changer.hpp>
#include <rolewise/network/detail/implementation/byte_normalization.hpp>
#include <rolewise/network/detail/implementation/byte_output_probe.hpp>
#include <rolewise/network/detail/implementation/calibrated_ranges.hpp>
#include <rolewise/network/detail/implementation/convolution_geometry.hpp>
#include <rolewise/network/detail/implementation/convolution_of.hpp>
#include <rolewise/network/detail/implementation/deferred_batch_norm.hpp>
#include <rolewise/network/detail/implementation/folded.hpp>
#include <rolewise/network/detail/implementation/fused_batch_norm.hpp>
#include <rolewise/network/detail/implementation/int8_graph.hpp>
#include <rolewise/network/detail/implementation/integer_operators.hpp>
#include <rolewise/network/detail/implementation/integer_plan.hpp>
#include <rolewise/network/detail/implementation/integer_probe.hpp>
#include <rolewise/network/detail/implementation/kept.hpp>
#include <rolewise/network/detail/implementation/norm_passes.hpp>
#include <rolewise/network/detail/implementation/quantized_convolution.hpp>
#include <rolewise/network/detail/implementation/quantized_product.hpp>
#include <rolewise/network/detail/implementation/shown_layers.hpp>
#include <rolewise/network/detail/implementation/trace.hpp>
#include <rolewise/network/detail/implementation/winograd.hpp>
#include <rolewise/network/implementation/batch_norm.hpp>
#include <rolewise/network/implementation/byte_grid.hpp>
#include <rolewise/network/implementation/common_networks.hpp>
#include <rolewise/network/implementation/convolution_shape.hpp>
#include <rolewise/network/implementation/copy_weights.hpp>
#include <rolewise/network/implementation/int8_convolution.hpp>
#include <rolewise/network/implementation/int8_layers.hpp>
#include <rolewise/network/implementation/integer_forward.hpp>
#include <rolewise/network/implementation/layer_plan.hpp>
#include <rolewise/network/implementation/layered.hpp>
#include <rolewise/network/implementation/module.hpp>
#include <rolewise/network/implementation/network_options.hpp>
#include <rolewise/network/implementation/resnet.hpp>
#include <rolewise/network/implementation/vgg.hpp>
#include <rolewise/network/implementation/weight_init.hpp>
#include <rolewise/network/implementation/wide_resnet.hpp>
#include <rolewise/network/implementation/window_magnitude.hpp>
