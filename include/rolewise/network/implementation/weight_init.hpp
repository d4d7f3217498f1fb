// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/weight_init.hpp>.

#include <rolewise/network/weight_init.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor drawn_truncated(std::vector<std::int64_t> sizes, seed key,
                                              double deviation)
{
  const draws of{key, 0, 0};
  return drawn(std::move(sizes), [&](std::uint64_t i) {
    double z = of.normal(i);
    for (std::int64_t retry = 1; std::abs(z) > 2.0; ++retry) z = draws{key, retry, 0}.normal(i);
    return deviation * z;
  });
}

ROLEWISE_INLINE torch::Tensor drawn_uniform(std::vector<std::int64_t> sizes, seed key, double bound)
{
  const draws of{key, 0, 0};
  return drawn(std::move(sizes), [&](std::uint64_t i) { return of.uniform(i, -bound, bound); });
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE torch::Tensor weight_init::of_convolution(std::string_view layer, std::int64_t out,
                                                          std::int64_t in,
                                                          std::int64_t kernel) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  const auto key = seed.split(purpose{"first weights"}).split(purpose{layer});
  const auto fan = static_cast<double>(kernel * kernel);
  const draws of{key, 0, 0};
  const auto normal = [&](std::uint64_t i) {
    const auto maps = convolution == conv_init::kaiming_normal_fan_in ? in : out;
    return std::sqrt(2.0 / (fan * static_cast<double>(maps))) * of.normal(i);
  };
  const std::vector<std::int64_t> sizes{out, in, kernel, kernel};
  const auto weights = [&] {
    switch (convolution) {
      case conv_init::variance_scaling_fan_in:
        return detail::drawn_truncated(sizes, key,
                                       std::sqrt(1.3 * 2.0 / (fan * static_cast<double>(in))));
      case conv_init::uniform_fan_in:
        return detail::drawn_uniform(sizes, key, 1.0 / std::sqrt(fan * static_cast<double>(in)));
      case conv_init::kaiming_normal_fan_in:
      case conv_init::kaiming_normal_fan_out:
        break;
    }
    return detail::drawn(sizes, normal);
  };
  return weights().contiguous(torch::MemoryFormat::ChannelsLast);
}

ROLEWISE_INLINE torch::Tensor weight_init::of_convolution_bias(std::string_view layer,
                                                               std::int64_t out, std::int64_t in,
                                                               std::int64_t kernel) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  if (convolution != conv_init::uniform_fan_in) return at::zeros({out}, torch::kFloat);
  return detail::drawn_uniform({out}, seed.split(purpose{"first bias"}).split(purpose{layer}),
                               1.0 / std::sqrt(static_cast<double>(kernel * kernel * in)));
}

ROLEWISE_INLINE torch::Tensor weight_init::of_linear(std::string_view layer, std::int64_t out,
                                                     std::int64_t in) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  const auto key = seed.split(purpose{"first weights"}).split(purpose{layer});
  if (linear == linear_init::normal_zero_bias) {
    const draws of{key, 0, 0};
    return detail::drawn({out, in}, [&](std::uint64_t i) { return 0.01 * of.normal(i); });
  }
  if (linear == linear_init::truncated_normal_zero_bias)
    return detail::drawn_truncated({out, in}, key, 0.02);
  const double bound = linear == linear_init::xavier_zero_bias
                           ? std::sqrt(6.0 / static_cast<double>(in + out))
                           : 1.0 / std::sqrt(static_cast<double>(in));
  return detail::drawn_uniform({out, in}, key, bound);
}

ROLEWISE_INLINE torch::Tensor weight_init::of_embedding(std::string_view layer, std::int64_t count,
                                                        std::int64_t width) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  const auto key = seed.split(purpose{"first weights"}).split(purpose{layer});
  return detail::drawn_truncated({count, width}, key, 0.02);
}

ROLEWISE_INLINE torch::Tensor weight_init::of_bias(std::string_view layer, std::int64_t out,
                                                   std::int64_t in) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  if (linear != linear_init::uniform) return at::zeros({out}, torch::kFloat);
  return detail::drawn_uniform({out}, seed.split(purpose{"first bias"}).split(purpose{layer}),
                               1.0 / std::sqrt(static_cast<double>(in)));
}

}  // namespace rolewise
