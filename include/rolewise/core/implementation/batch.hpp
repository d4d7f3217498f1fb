// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/core/batch.hpp>.

#include <rolewise/core/batch.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise {

ROLEWISE_INLINE std::vector<std::int64_t> sample_shape::sizes() const
{
  switch (kind) {
    case sample_kind::tokens:
      return {width};
    case sample_kind::vector:
      return {channels};
    case sample_kind::image:
      break;
  }
  return {channels, height, width};
}

}  // namespace rolewise

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor per_channel(const std::vector<double>& values,
                                          const torch::Tensor& like)
{
  return at::tensor(values, torch::kDouble)
      .to(torch::TensorOptions{}.dtype(torch::kFloat).device(like.device()))
      .view({1, -1, 1, 1});
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE torch::Tensor normalized_inputs(const batch& examples, torch::ScalarType dtype)
{
  const auto& x = examples.inputs;
  if (!x.defined() || x.dim() != 4)
    throw_invalid_argument("batch", "want inputs [N, C, H, W], got ",
                           x.defined() ? detail::classic_text(x.sizes()) : "an undefined tensor");
  if (x.is_floating_point()) return x.to(dtype).contiguous(torch::MemoryFormat::ChannelsLast);
  if (x.scalar_type() != torch::kByte)
    throw_invalid_argument("batch", "want inputs of uint8 or floating point, got ",
                           x.scalar_type());
  const auto& [mean, std] = examples.normalization;
  for (const auto* values : {&mean, &std})
    if (!values->empty() && static_cast<std::int64_t>(values->size()) != x.size(1))
      throw_invalid_argument("batch", "normalization has ", values->size(),
                             " channels, the inputs have ", x.size(1));

  auto y = x.to(torch::kFloat, false, true, torch::MemoryFormat::ChannelsLast);
  if (!mean.empty()) y.sub_(detail::per_channel(mean, x).mul_(255.0));
  if (std.empty())
    y.mul_(1.0 / 255.0);
  else
    y.mul_(detail::per_channel(std, x).mul_(255.0).reciprocal_());
  return y.to(dtype);
}

ROLEWISE_INLINE batch to_device(batch examples, torch::Device device, bool non_blocking)
{
  examples.inputs = examples.inputs.to(device, non_blocking);
  for (auto* each : {&examples.labels, &examples.mask, &examples.weights})
    if (each->defined()) *each = each->to(device, non_blocking);
  return examples;
}

}  // namespace rolewise
