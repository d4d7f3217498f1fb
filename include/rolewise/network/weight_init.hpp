// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Weight initialization as a function of a seed and a layer's name.

#include <rolewise/core/draws.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace rolewise {

/// The distribution of the initial weights of convolutions.
enum class conv_init {
  /// Normal, standard deviation sqrt(2 / (k^2 C_out)), where C_out counts the channels of all
  /// groups, as in LibTorch and in the released code of grouped networks. He, Zhang, Ren, Sun:
  /// Delving Deep into Rectifiers, 2015, arXiv:1502.01852.
  kaiming_normal_fan_out,
  /// Normal with standard deviation sqrt(1.3 * 2 / (k^2 C_in)), truncated at twice that:
  /// TensorFlow's variance scaling.
  variance_scaling_fan_in,
  /// Uniform in +- 1 / sqrt(k^2 C_in): LibTorch's default for convolutions.
  uniform_fan_in,
  /// Normal, standard deviation sqrt(2 / (k^2 C_in)): He et al., as above; Ronneberger, Fischer,
  /// Brox: U-Net, 2015, arXiv:1505.04597, section 3.
  kaiming_normal_fan_in
};

/// The distribution of the initial weights and bias of linear layers.
enum class linear_init {
  uniform,            ///< weights and bias uniform in +- 1 / sqrt(C_in): LibTorch's default
  uniform_zero_bias,  ///< weights as in `uniform`, bias 0
  xavier_zero_bias,   ///< weights uniform in +- sqrt(6 / (C_in + C_out)), bias 0
  normal_zero_bias,   ///< weights normal with standard deviation 0.01, bias 0
  /// Weights normal with standard deviation 0.02, truncated at twice that, bias 0. Devlin, Chang,
  /// Lee, Toutanova: BERT, 2018, arXiv:1810.04805, released code.
  truncated_normal_zero_bias
};

/// The weight initialization of all layers of a network. Equal seeds, names and shapes give equal
/// weights, for any number of threads and independent of LibTorch's generator.
struct weight_init {
  rolewise::seed seed{0};
  conv_init convolution = conv_init::kaiming_normal_fan_out;
  linear_init linear = linear_init::uniform;
  bool is_drawn = true;  ///< false: empty tensors, where layers are only listed

  /// @param in the input channels that an output channel reads, C_in: those of its group
  /// @return `[out, in, kernel, kernel]`, channels last
  [[nodiscard]] torch::Tensor of_convolution(std::string_view layer, std::int64_t out,
                                             std::int64_t in, std::int64_t kernel) const;
  /// @return `[out]`: uniform in +- 1 / sqrt(k^2 C_in) with `conv_init::uniform_fan_in`, else 0
  [[nodiscard]] torch::Tensor of_convolution_bias(std::string_view layer, std::int64_t out,
                                                  std::int64_t in, std::int64_t kernel) const;
  /// @return `[out, in]`
  [[nodiscard]] torch::Tensor of_linear(std::string_view layer, std::int64_t out,
                                        std::int64_t in) const;
  /// @return `[count, width]`, as of `linear_init::truncated_normal_zero_bias`
  [[nodiscard]] torch::Tensor of_embedding(std::string_view layer, std::int64_t count,
                                           std::int64_t width) const;
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

/// A float tensor drawn from a normal distribution that is truncated at two deviations: draws
/// beyond are repeated.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor drawn_truncated(std::vector<std::int64_t> sizes,
                                                            seed key, double deviation);

/// A float tensor drawn uniformly from +- bound.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor drawn_uniform(std::vector<std::int64_t> sizes, seed key,
                                                          double bound);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/weight_init.hpp>
#endif
