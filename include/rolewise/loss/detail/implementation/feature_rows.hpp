// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/feature_rows.hpp>.

#include <rolewise/loss/detail/feature_rows.hpp>

#include <rolewise/loss/detail/require_logits.hpp>
#include <rolewise/loss/detail/weighted_mean.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/linalg_vector_norm.h>

#include <limits>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor weights_of_examples(const torch::Tensor& weights)
{
  return weights.dim() > 1 && weights.is_floating_point() ? weights.flatten(1).mean(1) : weights;
}

ROLEWISE_INLINE void require_features(const torch::Tensor& teacher, const torch::Tensor& student,
                                      std::string_view caller, std::string_view where)
{
  for (const auto* features : {&teacher, &student})
    if (!features->defined() || features->dim() < 2 || features->numel() == 0 ||
        !features->is_floating_point())
      throw_invalid_argument(
          caller, "want features [N, ...] of floating point at ", where, ", got ",
          features->defined() ? classic_text(features->sizes(), " of ", features->scalar_type())
                              : "an undefined tensor",
          features == &teacher ? " of the teacher" : " of the student");
  const auto alike = [&](const char* what, const auto& of_teacher, const auto& of_student) {
    if (of_teacher != of_student)
      throw_invalid_argument(caller, what, " at ", where, " of teacher ", of_teacher,
                             ", of student ", of_student);
  };
  alike("number of examples", teacher.size(0), student.size(0));
  alike("dtype", teacher.scalar_type(), student.scalar_type());
  alike("device", teacher.device(), student.device());
}

ROLEWISE_INLINE feature_rows feature_rows_of(const torch::Tensor& teacher,
                                             const torch::Tensor& student, const targets& targets,
                                             std::string_view caller, std::string_view where)
{
  require_features(teacher, student, caller, where);
  if (student.size(0) < 2)
    throw_invalid_argument(caller, "want at least two examples to relate to each other, got one");

  feature_rows found{
      wide_enough(teacher.detach()).flatten(1), wide_enough(student).flatten(1), {}, {}};
  if (!targets.weights.defined()) return found;
  const auto given = weights_for(found.student.detach().select(1, 0),
                                 weights_of_examples(targets.weights), caller);
  found.count = given.ne(0).sum().to(given.scalar_type());
  const auto sum = given.sum().clamp_min(double{std::numeric_limits<float>::min()});
  found.weights = given * (found.count / sum);
  const auto out = given.eq(0).unsqueeze(1);
  found.teacher = found.teacher.masked_fill(out, 0.0);
  found.student = found.student.masked_fill(out, 0.0);
  return found;
}

ROLEWISE_INLINE void require_ids(const targets& targets, std::int64_t n, std::string_view caller)
{
  const auto& ids = targets.ids;
  if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1 || ids.size(0) != n)
    throw_invalid_argument(caller, "want ids [", n, "] of Long, got ",
                           ids.defined() ? classic_text(ids.sizes(), " of ", ids.scalar_type())
                                         : "an undefined tensor");
}

ROLEWISE_INLINE torch::Tensor mean_of_pairs(const torch::Tensor& values, const feature_rows& rows)
{
  if (!rows.weights.defined()) return values.mean();
  const auto& w = rows.weights;
  return (values * w * w.unsqueeze(1)).sum() / rows.count.square().clamp_min(1.0);
}

ROLEWISE_INLINE torch::Tensor mean_of_examples(const torch::Tensor& values, const targets& targets,
                                               std::string_view caller)
{
  if (!targets.weights.defined()) return values.mean();
  return weighted_mean(values, weights_for(values, weights_of_examples(targets.weights), caller));
}

ROLEWISE_INLINE torch::Tensor directions(const torch::Tensor& x, std::int64_t axis)
{
  const auto length = at::linalg_vector_norm(x, 2, axis, true);
  const auto none = length.eq(0);
  return (x / length.masked_fill(none, 1.0)).masked_fill(none, 0.0);
}

}  // namespace rolewise::detail
