// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/measurement/distance_to_teacher.hpp>.

#include <rolewise/measurement/distance_to_teacher.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::measurement {

namespace detail {

ROLEWISE_INLINE void distance_sums::add(const torch::Tensor& teacher, const torch::Tensor& student,
                                        const distance_options& options)
{
  if (teacher.dim() < 2 || teacher.sizes() != student.sizes())
    throw_invalid_argument(
        "distance_to_teacher", "want logits of one shape [N, C] or [N, C, ...], ", "got ",
        teacher.sizes(), " of the teacher and ", student.sizes(), " of the student");
  const auto classes = teacher.size(1);
  if (options.top_k < 1 || options.top_k > classes)
    throw_invalid_argument("distance_to_teacher", "want a top_k of 1 to ", classes, ", got ",
                           options.top_k);
  const auto rows_of = [&](const torch::Tensor& logits) {
    return logits.movedim(1, -1).reshape({-1, classes}).cpu().to(torch::kDouble);
  };
  const auto t = rows_of(teacher), s = rows_of(student);
  const double at = options.temperature.value();
  const auto log_p = (t / at).log_softmax(1), log_q = (s / at).log_softmax(1);
  sums_.divergence += at * at * (log_p.exp() * (log_p - log_q)).sum().item<double>();
  sums_.euclidean += (s - t).square().sum(1).sqrt().sum().item<double>();
  const auto best = t.argmax(1, true);
  const auto own = s.gather(1, best);
  const auto place = at::arange(classes, best.options()).unsqueeze(0);
  const auto above = s.gt(own).logical_or(s.eq(own).logical_and(place < best)).sum(1);
  sums_.agreement += static_cast<double>(above.lt(options.top_k).sum().item<std::int64_t>());
  sums_.count += t.size(0);
}

ROLEWISE_INLINE teacher_distance distance_sums::means() const
{
  if (sums_.count == 0) throw_invalid_argument("distance_to_teacher", "want examples, got none");
  const auto count = static_cast<double>(sums_.count);
  return {sums_.divergence / count, sums_.euclidean / count, sums_.agreement / count, sums_.count};
}

}  // namespace detail

}  // namespace rolewise::measurement
