// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `network/`: layers and networks over a quantizer and a bit-width scheme.

#include <rolewise/network/activation.hpp>
#include <rolewise/network/batch_norm.hpp>
#include <rolewise/network/bottleneck_projector.hpp>
#include <rolewise/network/byte_grid.hpp>
#include <rolewise/network/common_networks.hpp>
#include <rolewise/network/convolution.hpp>
#include <rolewise/network/convolution_shape.hpp>
#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/embedding.hpp>
#include <rolewise/network/image_body.hpp>
#include <rolewise/network/imagenet_resnet.hpp>
#include <rolewise/network/int8_body.hpp>
#include <rolewise/network/int8_convolution.hpp>
#include <rolewise/network/int8_layers.hpp>
#include <rolewise/network/integer_forward.hpp>
#include <rolewise/network/integer_weights.hpp>
#include <rolewise/network/layer_norm.hpp>
#include <rolewise/network/layer_plan.hpp>
#include <rolewise/network/layered.hpp>
#include <rolewise/network/linear.hpp>
#include <rolewise/network/linear_classifier.hpp>
#include <rolewise/network/load_named_weights.hpp>
#include <rolewise/network/mobilenet_v2.hpp>
#include <rolewise/network/module.hpp>
#include <rolewise/network/name_map.hpp>
#include <rolewise/network/network.hpp>
#include <rolewise/network/network_options.hpp>
#include <rolewise/network/pass_precision.hpp>
#include <rolewise/network/planned_body.hpp>
#include <rolewise/network/quantized_weight.hpp>
#include <rolewise/network/residual_block.hpp>
#include <rolewise/network/residual_body.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/text_transformer.hpp>
#include <rolewise/network/transformer_block.hpp>
#include <rolewise/network/unet.hpp>
#include <rolewise/network/vgg.hpp>
#include <rolewise/network/vision_transformer.hpp>
#include <rolewise/network/weight_init.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/network/window_magnitude.hpp>
