// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Weight initialization as a function of a seed and a layer's name.

#include <rolewise/core/draws.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

enum class conv_init {
  /// Normal, standard deviation sqrt(2 / (k^2 C_out)). He, Zhang, Ren, Sun: Delving Deep into
  /// Rectifiers, 2015, arXiv:1502.01852.
  kaiming_normal_fan_out,
  /// Normal with standard deviation sqrt(1.3 * 2 / (k^2 C_in)), truncated at twice that:
  /// TensorFlow's variance scaling.
  variance_scaling_fan_in,
  /// Uniform in +- 1 / sqrt(k^2 C_in): LibTorch's default for convolutions.
  uniform_fan_in
};

enum class linear_init {
  uniform,            ///< weights and bias uniform in +- 1 / sqrt(C_in): LibTorch's default
  uniform_zero_bias,  ///< weights as in `uniform`, bias 0
  xavier_zero_bias,   ///< weights uniform in +- sqrt(6 / (C_in + C_out)), bias 0
  normal_zero_bias    ///< weights normal with standard deviation 0.01, bias 0
};

/// The weight initialization of all layers of a network. Equal seeds, names and shapes give equal
/// weights, for any number of threads and independent of LibTorch's generator.
struct weight_init {
  rolewise::seed seed{0};
  conv_init convolution = conv_init::kaiming_normal_fan_out;
  linear_init linear = linear_init::uniform;
  bool is_drawn = true;  ///< false: empty tensors, where layers are only listed

  /// @return `[out, in, kernel, kernel]`, channels last
  [[nodiscard]] torch::Tensor of_convolution(std::string_view layer, std::int64_t out,
                                             std::int64_t in, std::int64_t kernel) const;
  /// @return `[out]`: uniform in +- 1 / sqrt(k^2 C_in) with `conv_init::uniform_fan_in`, else 0
  [[nodiscard]] torch::Tensor of_convolution_bias(std::string_view layer, std::int64_t out,
                                                  std::int64_t in, std::int64_t kernel) const;
  /// @return `[out, in]`
  [[nodiscard]] torch::Tensor of_linear(std::string_view layer, std::int64_t out,
                                        std::int64_t in) const;
  /// @return `[out]`
  [[nodiscard]] torch::Tensor of_bias(std::string_view layer, std::int64_t out,
                                      std::int64_t in) const;
};

namespace detail {

/// A float tensor of `f(0), f(1), ...` in row-major order.
template<typename F>
[[nodiscard]] torch::Tensor drawn(std::vector<std::int64_t> sizes, const F& f)
{
  const auto result = at::empty(sizes, torch::kFloat);
  auto* const out = result.template mutable_data_ptr<float>();
  parallel_for_ranges(result.numel(), 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i)
      out[i] = static_cast<float>(f(static_cast<std::uint64_t>(i)));
  });
  return result;
}

/// A float tensor drawn uniformly from +- bound.
[[nodiscard]] inline torch::Tensor drawn_uniform(std::vector<std::int64_t> sizes, seed key,
                                                 double bound)
{
  const draws of{key, 0, 0};
  return drawn(std::move(sizes), [&](std::uint64_t i) { return of.uniform(i, -bound, bound); });
}

}  // namespace detail

inline torch::Tensor weight_init::of_convolution(std::string_view layer, std::int64_t out,
                                                 std::int64_t in, std::int64_t kernel) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  const auto key = seed.split(purpose{"first weights"}).split(purpose{layer});
  const auto fan = static_cast<double>(kernel * kernel);
  const draws of{key, 0, 0};
  const auto normal = [&](std::uint64_t i) {
    return std::sqrt(2.0 / (fan * static_cast<double>(out))) * of.normal(i);
  };
  const auto truncated = [&](std::uint64_t i) {
    double z = of.normal(i);
    for (std::int64_t retry = 1; std::abs(z) > 2.0; ++retry) z = draws{key, retry, 0}.normal(i);
    return std::sqrt(1.3 * 2.0 / (fan * static_cast<double>(in))) * z;
  };
  const std::vector<std::int64_t> sizes{out, in, kernel, kernel};
  const auto weights = [&] {
    switch (convolution) {
      case conv_init::variance_scaling_fan_in:
        return detail::drawn(sizes, truncated);
      case conv_init::uniform_fan_in:
        return detail::drawn_uniform(sizes, key, 1.0 / std::sqrt(fan * static_cast<double>(in)));
      case conv_init::kaiming_normal_fan_out:
        break;
    }
    return detail::drawn(sizes, normal);
  };
  return weights().contiguous(torch::MemoryFormat::ChannelsLast);
}

inline torch::Tensor weight_init::of_convolution_bias(std::string_view layer, std::int64_t out,
                                                      std::int64_t in, std::int64_t kernel) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  if (convolution != conv_init::uniform_fan_in) return at::zeros({out}, torch::kFloat);
  return detail::drawn_uniform({out}, seed.split(purpose{"first bias"}).split(purpose{layer}),
                               1.0 / std::sqrt(static_cast<double>(kernel * kernel * in)));
}

inline torch::Tensor weight_init::of_linear(std::string_view layer, std::int64_t out,
                                            std::int64_t in) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  const auto key = seed.split(purpose{"first weights"}).split(purpose{layer});
  if (linear == linear_init::normal_zero_bias) {
    const draws of{key, 0, 0};
    return detail::drawn({out, in}, [&](std::uint64_t i) { return 0.01 * of.normal(i); });
  }
  const double bound = linear == linear_init::xavier_zero_bias
                           ? std::sqrt(6.0 / static_cast<double>(in + out))
                           : 1.0 / std::sqrt(static_cast<double>(in));
  return detail::drawn_uniform({out, in}, key, bound);
}

inline torch::Tensor weight_init::of_bias(std::string_view layer, std::int64_t out,
                                          std::int64_t in) const
{
  if (!is_drawn) return at::empty({0}, torch::kFloat);
  if (linear != linear_init::uniform) return at::zeros({out}, torch::kFloat);
  return detail::drawn_uniform({out}, seed.split(purpose{"first bias"}).split(purpose{layer}),
                               1.0 / std::sqrt(static_cast<double>(in)));
}

}  // namespace rolewise
