// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Encoding of logits as bytes for the teacher cache, and decoding.

#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>
#include <vector>

namespace rolewise::detail {

/// Storage format of a row of logits.
struct cached_logits_format {
  std::int64_t classes = 0;
  std::int64_t kept = 0;  ///< highest logits stored per row; `classes`: all
  torch::ScalarType type = torch::kFloat;
  double temperature = 1.0;  ///< at which the mass of the others is preserved

  [[nodiscard]] bool is_whole() const { return kept == classes; }
  /// Whether logits are stored unchanged; otherwise as distances from the row's maximum.
  [[nodiscard]] bool is_exact() const { return type == torch::kFloat; }
  [[nodiscard]] std::int64_t value_bytes() const { return type == torch::kFloat ? 4 : 2; }
  [[nodiscard]] std::int64_t place_bytes() const { return classes <= 32768 ? 2 : 4; }
  /// Bytes per row: the maximum unless exact; the values; in top-k rows the classes and the mass
  /// of the rest.
  [[nodiscard]] std::int64_t bytes() const
  {
    return (is_exact() ? 0 : 4) + kept * value_bytes() +
           (is_whole() ? 0 : kept * place_bytes() + 4);
  }
};

inline void require_form(const cached_logits_format& form)
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

[[nodiscard]] inline torch::Tensor as_bytes(const torch::Tensor& rows)
{
  return rows.contiguous().view(torch::kByte);
}

/// @param logits `[N, classes]` float32, on the CPU
/// @return `[N, form.bytes()]` uint8
[[nodiscard]] inline torch::Tensor encoded(const torch::Tensor& logits,
                                           const cached_logits_format& form)
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

/// @param bytes `[N, form.bytes()]` uint8
/// @return `[N, classes]` float32
[[nodiscard]] inline torch::Tensor decoded(const torch::Tensor& bytes,
                                           const cached_logits_format& form)
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
