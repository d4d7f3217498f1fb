// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Probe of the convolutions from uint8 to uint8.

#include <rolewise/network/detail/integer_probe.hpp>
#include <rolewise/network/integer_forward.hpp>
#include <rolewise/support/inline.hpp>

#include <string>

namespace rolewise::detail {

/// Compares output codes with a floating-point reference. They may differ by one, as
/// floating-point sums round differently.
template<typename Operators>
[[nodiscard]] bool bytes_are_right(const Operators& operators, bool rectify, bool add)
{
  const byte_case c{16, 32, 8, 3, 1, 0};
  const auto w = extreme_weights(c), x = extreme_inputs(c);
  const auto scale = at::arange(1, c.out + 1, torch::kFloat) / 2e6;
  const auto bias = at::arange(c.out, torch::kFloat) / 8 - 2;
  const auto aside = at::arange(2 * c.out * c.size * c.size, torch::kInt)
                         .remainder(256)
                         .to(torch::kByte)
                         .view({2, c.out, c.size, c.size})
                         .contiguous(torch::MemoryFormat::ChannelsLast);
  auto values = at::conv2d(x.to(torch::kFloat), w.to(torch::kFloat), {}, 1, 1)
                    .mul_(scale.view({1, -1, 1, 1}))
                    .add_(bias.view({1, -1, 1, 1}));
  byte_output to{.bias = bias, .rectify = rectify, .scale = 0.25, .zero = rectify ? 0 : 90};
  if (add) {
    values.add_((aside.to(torch::kFloat) - 60) * 0.125);
    to.accumulator = aside.clone();
    to.accumulator_scale = 0.125;
    to.accumulator_zero = 60;
  }
  if (rectify) values.relu_();
  const auto wanted = (values * 4).round_().add_(to.zero).clamp_(0, 255);
  const auto got = operators.convolution(
      {x, 0, operators.pack_convolution(w, 1, 1, x.sizes()), scale}, 1, 1, to);
  return got.scalar_type() == torch::kByte && got.sizes() == wanted.sizes() &&
         (got.to(torch::kFloat) - wanted).abs().max().template item<double>() <= 1.0;
}

template<typename Operators>
[[nodiscard]] integer_support probe_byte_outputs(const Operators& operators)
{
  try {
    const torch::NoGradGuard without_graph;
    for (const bool rectify : {false, true})
      for (const bool add : {false, true})
        if (!bytes_are_right(operators, rectify, add))
          return {false, "convolutions from bytes to bytes give other codes than they should"};
    return {.available = true};
  } catch (const c10::Error& error) {
    return {false, std::string{"an operator failed: "} + error.what_without_backtrace()};
  } catch (const std::exception& error) {
    return {false, std::string{"an operator failed: "} + error.what()};
  } catch (...) {
    return {false, "an operator failed"};
  }
}

/// Probed once per process; returns `integer_forward_support` where that is not available.
[[nodiscard]] ROLEWISE_INLINE const integer_support& byte_output_support();

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/byte_output_probe.hpp>
#endif
