// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Probe of the convolutions from uint8 to uint8.

#include <rolewise/network/detail/integer_probe.hpp>
#include <rolewise/network/integer_forward.hpp>
#include <rolewise/support/inline.hpp>

#include <string>
#include <utility>

namespace rolewise::detail {

/// Compares output codes with a floating-point reference. They may differ by one, as
/// floating-point sums round differently.
template<typename Operators>
[[nodiscard]] bool bytes_are_right(const Operators& operators, const byte_case& c, bool rectify,
                                   bool add)
{
  const auto w = extreme_weights(c), x = extreme_inputs(c);
  const auto scale = at::arange(1, c.out + 1, torch::kFloat) / 2e6;
  const auto bias = at::arange(c.out, torch::kFloat) / 8 - 2;
  const auto aside = at::arange(2 * c.out * c.size * c.size, torch::kInt)
                         .remainder(256)
                         .to(torch::kByte)
                         .view({2, c.out, c.size, c.size})
                         .contiguous(torch::MemoryFormat::ChannelsLast);
  auto values = at::conv2d(x.to(torch::kFloat), w.to(torch::kFloat), {}, 1, 1, 1, c.groups)
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
      {x, 0, operators.pack_convolution(w, 1, 1, c.groups, x.sizes()), scale}, 1, 1, c.groups, to);
  return got.scalar_type() == torch::kByte && got.sizes() == wanted.sizes() &&
         (got.to(torch::kFloat) - wanted).abs().max().template item<double>() <= 1.0;
}

template<typename Operators>
[[nodiscard]] integer_support probe_byte_outputs(const Operators& operators)
{
  const auto of = [&](const byte_case& c) {
    return problem_of([&]() -> std::string {
      for (const bool rectify : {false, true})
        for (const bool add : {false, true})
          if (!bytes_are_right(operators, c, rectify, add))
            return "convolutions from bytes to bytes give other codes than they should";
      return {};
    });
  };
  if (auto problem = of({16, 32, 8, 3, 1, 0}); !problem.empty())
    return {.reason = std::move(problem)};
  return {.available = true, .problem_of_groups = of({32, 32, 8, 3, 1, 0, 32})};
}

/// Probed once per process; returns `integer_forward_support` where that is not available.
[[nodiscard]] ROLEWISE_INLINE const integer_support& byte_output_support();

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/byte_output_probe.hpp>
#endif
