// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/relational_representation_distillation.hpp>.

#include <rolewise/loss/relational_representation_distillation.hpp>

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::detail {

namespace relational {

/// The rows that `count` embeddings take from `next` on.
[[nodiscard]] inline torch::Tensor places(const torch::Tensor& rows, std::int64_t next,
                                          std::int64_t count, std::string_view caller)
{
  if (count > rows.size(0))
    throw_invalid_argument(caller, "want batches of at most .queue_size = ", rows.size(0),
                           " examples, got ", count);
  return at::arange(next, next + count, rows.options().dtype(torch::kLong)).remainder(rows.size(0));
}

}  // namespace relational

ROLEWISE_INLINE torch::Tensor relational_values(const torch::Tensor& teacher,
                                                const torch::Tensor& student,
                                                const torch::Tensor& rows,
                                                const relational_settings& by)
{
  const auto keys = rows.detach().t();
  const auto p = (teacher.detach().mm(keys) / by.of_teacher.value()).softmax(1);
  const auto log_q = (student.mm(keys) / by.of_student.value()).log_softmax(1);
  return -(p * log_q).sum(1);
}

ROLEWISE_INLINE void relational_queue::configure(const std::vector<std::int64_t>& teacher,
                                                 const std::vector<std::int64_t>& student,
                                                 std::int64_t size, std::int64_t embedding_size,
                                                 seed key, std::string_view caller)
{
  if (size < 1) throw_invalid_argument(caller, "want a queue of at least 1 row, got ", size);
  of_teacher.configure(teacher, embedding_size, key.split(purpose{"teacher"}), caller);
  of_student.configure(student, embedding_size, key.split(purpose{"student"}), caller);
  if (rows->defined()) {
    if (rows->size(0) != size)
      throw_invalid_argument(caller, "was made with a queue of ", rows->size(0),
                             " rows, .queue_size is ", size);
    return;
  }
  for (auto* fixed : {&of_teacher.weight, &of_teacher.bias}) (*fixed)->set_requires_grad(false);
  rows = owned_tensor{
      directions(uniform_tensor({size, embedding_size}, key.split(purpose{"queue"}), 1.0))};
}

ROLEWISE_INLINE torch::Tensor relational_queue::operator()(const torch::Tensor& teacher,
                                                           const torch::Tensor& student,
                                                           const relational_settings& by,
                                                           std::string_view caller) const
{
  const auto v = embedded(teacher, caller);
  const auto u = directions(of_student(student.flatten(1), caller));
  return relational_values(
      v, u, by.order == queue_order::enqueue_first ? with(v, caller) : rows->detach(), by);
}

ROLEWISE_INLINE void relational_queue::push(const torch::Tensor& teacher, std::string_view caller)
{
  const torch::NoGradGuard without_graph;
  const auto v = embedded(teacher, caller);
  rows->index_copy_(0, relational::places(*rows, next, v.size(0), caller), v);
  next = (next + v.size(0)) % rows->size(0);
}

ROLEWISE_INLINE torch::Tensor relational_queue::embedded(const torch::Tensor& teacher,
                                                         std::string_view caller) const
{
  require_configured(rows, caller);
  return directions(of_teacher(teacher.detach().flatten(1), caller)).detach();
}

/// The queue after these embeddings have entered it.
ROLEWISE_INLINE torch::Tensor relational_queue::with(const torch::Tensor& embeddings,
                                                     std::string_view caller) const
{
  return rows->index_copy(0, relational::places(*rows, next, embeddings.size(0), caller),
                          embeddings);
}

}  // namespace rolewise::detail
