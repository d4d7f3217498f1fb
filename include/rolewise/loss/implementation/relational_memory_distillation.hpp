// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/relational_memory_distillation.hpp>.

#include <rolewise/loss/relational_memory_distillation.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE torch::Tensor relational_memory_values(
    const contrastive_memory::similarities_of_both& of, memory_similarity which,
    temperature of_teacher, temperature of_student)
{
  const auto similarity = [&](const contrastive_memory::similarities& to) {
    return which == memory_similarity::cosine ? to.cosines : to.log_exponentials().exp();
  };
  const auto p = (similarity(of.teacher).detach() / of_teacher.value()).softmax(1);
  const auto log_q = (similarity(of.student) / of_student.value()).log_softmax(1);
  return -(p * log_q).sum(1);
}

}  // namespace rolewise::detail
