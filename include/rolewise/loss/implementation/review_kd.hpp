// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/review_kd.hpp>.

#include <rolewise/loss/review_kd.hpp>

#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <algorithm>

namespace rolewise {

ROLEWISE_INLINE torch::Tensor hierarchical_context_loss(const torch::Tensor& teacher,
                                                        const torch::Tensor& student)
{
  constexpr std::string_view who = "hierarchical_context_loss";
  detail::require_features(teacher, student, who, "its arguments");
  if (student.dim() != 4 || teacher.sizes() != student.sizes())
    throw_invalid_argument(who, "want maps [N, C, H, W] of one shape, got ", teacher.sizes(),
                           " and ", student.sizes());
  return detail::hierarchical_context_values(detail::wide_enough(teacher),
                                             detail::wide_enough(student))
      .mean();
}

namespace detail {

ROLEWISE_INLINE torch::Tensor hierarchical_context_values(const torch::Tensor& teacher,
                                                          const torch::Tensor& student)
{
  // Averages are linear: those of the difference are the difference of those.
  const auto apart = student - teacher;
  const auto mean_square = [](const torch::Tensor& x) { return x.square().flatten(1).mean(1); };
  auto value = mean_square(apart);
  double weight = 1.0, sum = 1.0;
  for (const std::int64_t fields : {4, 2, 1}) {
    if (fields >= std::min(apart.size(2), apart.size(3))) continue;
    weight /= 2.0;
    sum += weight;
    value = value + mean_square(at::adaptive_avg_pool2d(apart, {fields, fields})) * weight;
  }
  return value / sum;
}

ROLEWISE_INLINE std::vector<std::int64_t> as_map(std::vector<std::int64_t> shape)
{
  if (shape.size() == 1) shape.resize(3, 1);
  return shape;
}

ROLEWISE_INLINE torch::Tensor as_map(const torch::Tensor& features)
{
  return features.defined() && features.dim() == 2 ? features.unsqueeze(2).unsqueeze(3) : features;
}

ROLEWISE_INLINE std::int64_t channels_passed(std::int64_t wanted, std::int64_t deepest,
                                             std::string_view caller)
{
  constexpr std::int64_t most = 512;
  if (wanted < 0) throw_invalid_argument(caller, "want at least 0 channels, got ", wanted);
  return wanted > 0 ? wanted : std::min(deepest, most);
}

ROLEWISE_INLINE void attention_fusion::configure(std::int64_t in, std::int64_t middle,
                                                 std::int64_t out, bool deepest, seed key,
                                                 std::string_view caller)
{
  entry.configure(in, middle, 1, key.split(purpose{"entry"}), caller);
  exit.configure(middle, out, 3, key.split(purpose{"exit"}), caller);
  if (!deepest) attention.configure(2 * middle, 2, 1, key.split(purpose{"attention"}), caller);
}

ROLEWISE_INLINE attention_fusion::fused attention_fusion::operator()(const torch::Tensor& student,
                                                                     const torch::Tensor& deeper,
                                                                     at::IntArrayRef size,
                                                                     std::string_view caller) const
{
  const auto sized = [](const torch::Tensor& x, at::IntArrayRef wanted) {
    return x.sizes().slice(2) == wanted ? x : at::upsample_nearest2d(x, wanted);
  };
  auto x = entry(student, caller);
  if (deeper.defined()) {
    const auto y = sized(deeper, x.sizes().slice(2));
    const auto maps = attention(at::cat({x, y}, 1), caller).sigmoid();
    x = x * maps.narrow(1, 0, 1) + y * maps.narrow(1, 1, 1);
  }
  x = sized(x, size);
  return {exit(x, caller), x};
}

}  // namespace detail

}  // namespace rolewise
