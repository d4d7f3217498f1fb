// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/detail/cached_logits_codec.hpp>.

#include <rolewise/teacher/detail/cached_logits_codec.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>
#include <limits>
#include <tuple>

namespace rolewise::detail {

ROLEWISE_INLINE std::int64_t cached_logits_format::bytes() const
{
  return (is_exact() ? 0 : 4) + kept * value_bytes() + (is_whole() ? 0 : kept * place_bytes() + 4);
}

ROLEWISE_INLINE void require_form(const cached_logits_format& form)
{
  constexpr const char* who = "teacher cache";
  if (form.classes < 2) throw_invalid_argument(who, "want 2 classes or more, got ", form.classes);
  if (form.kept < 1 || form.kept > form.classes)
    throw_invalid_argument(who, "keep is ", form.kept, ", want 1 .. ", form.classes - 1,
                           " of the classes, or 0 for all");
  if (form.type != torch::kFloat && form.type != torch::kHalf && form.type != torch::kBFloat16)
    throw_invalid_argument(who, "answers can be kept as Float, Half or BFloat16, not as ",
                           form.type);
}

ROLEWISE_INLINE torch::Tensor encoded(const torch::Tensor& logits, const cached_logits_format& form)
{
  std::vector<torch::Tensor> columns;
  auto values = logits.contiguous();
  torch::Tensor places, rest;
  if (!form.is_whole()) {
    std::tie(values, places) = logits.topk(form.kept, 1);
    const auto others = logits.scatter(1, places, -std::numeric_limits<float>::infinity());
    rest = (others / form.temperature).logsumexp(1, true) * form.temperature;
  }
  if (!form.is_exact()) {
    const auto highest = values.amax(1, true);
    columns.push_back(as_bytes(highest));
    const double least = form.type == torch::kHalf ? -65504.0 : -3.3e38;
    values = (values - highest).clamp_min(least).to(form.type);
  }
  columns.push_back(as_bytes(values));
  if (!form.is_whole()) {
    columns.push_back(as_bytes(places.to(form.place_bytes() == 2 ? torch::kShort : torch::kInt)));
    columns.push_back(as_bytes(rest));
  }
  return at::cat(columns, 1);
}

ROLEWISE_INLINE torch::Tensor decoded(const torch::Tensor& bytes, const cached_logits_format& form)
{
  std::int64_t at = 0;
  const auto next = [&](std::int64_t count, std::int64_t size, torch::ScalarType type) {
    const auto columns =
        bytes.narrow(1, at, count * size).clone(at::MemoryFormat::Contiguous).view(type);
    at += count * size;
    return columns;
  };
  torch::Tensor highest;
  if (!form.is_exact()) highest = next(1, 4, torch::kFloat);
  auto values = next(form.kept, form.value_bytes(), form.type);
  if (!form.is_exact()) values = values.to(torch::kFloat) + highest;
  if (form.is_whole()) return values;
  const auto places =
      next(form.kept, form.place_bytes(), form.place_bytes() == 2 ? torch::kShort : torch::kInt)
          .to(torch::kLong);
  const auto rest = next(1, 4, torch::kFloat);
  const auto others = static_cast<double>(form.classes - form.kept);
  return (rest - form.temperature * std::log(others))
      .repeat({1, form.classes})
      .scatter_(1, places, values);
}

}  // namespace rolewise::detail
