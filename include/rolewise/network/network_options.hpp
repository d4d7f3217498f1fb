// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What every network of the library can be told beside its shape, and what their bodies share.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/error.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/network/activation.hpp>
#include <rolewise/network/backward_precision.hpp>
#include <rolewise/network/batch_norm.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise {

struct network_options {
  rolewise::seed seed{0};                             ///< of the first weights
  std::optional<batch_norm_options> normalisation{};  ///< none: what the network's authors took
  backward_precision backward = backward_precision::full;  ///< of quantised convolutions
};

namespace detail {

/// Parts of one type, named by their numbers.
template<typename Part>
struct sequence {
  std::vector<Part> parts;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    for (std::size_t i = 0; i < parts.size(); ++i) archive.part(std::to_string(i), parts[i]);
  }
};

[[nodiscard]] inline std::string block_name(std::size_t stage, std::int64_t block)
{
  return "stage" + std::to_string(stage + 1) + "." + std::to_string(block);
}

inline void require_shape(std::string_view network, const sample_shape& shape)
{
  if (shape.channels < 1 || shape.height < 1 || shape.width < 1 || shape.classes < 1)
    refuse(network, "want channels, height, width and classes above 0, got ", shape.channels, ", ",
           shape.height, ", ", shape.width, " and ", shape.classes);
}

inline void require_images(std::string_view network, const torch::Tensor& x, std::int64_t channels)
{
  if (x.size(1) != channels)
    refuse(network, "want images of ", channels, " channels, got ", x.sizes());
}

/// A 16-bit tensor in single precision, any other as it is.
[[nodiscard]] inline torch::Tensor widened(const torch::Tensor& x)
{
  return c10::isReducedFloatingType(x.scalar_type()) ? x.to(torch::kFloat) : x;
}

/// `[N, D, H, W]` to the mean `[N, D]`, in at least single precision.
[[nodiscard]] inline torch::Tensor pooled(const torch::Tensor& x)
{
  const auto type = c10::isReducedFloatingType(x.scalar_type()) ? torch::kFloat : x.scalar_type();
  return x.mean(at::IntArrayRef{2, 3}, false, type);
}

}  // namespace detail

}  // namespace rolewise
