// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Parts of `systems::tst`: the loss of its search, batches side by side, the mean of a pass.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>
#include <rolewise/train/training_step.hpp>

#include <cstdint>

namespace rolewise::systems::detail {

template<typename F>
[[nodiscard]] auto without_graph(const F& f)
{
  const torch::NoGradGuard none;
  return f();
}

/// The loss of a search, low where the teacher is right and the student is not: the terms
/// `teacher-cross-entropy` and `non-saturating`, weights 1 and 1.
[[nodiscard]] ROLEWISE_INLINE loss_terms teachable(const paired_outputs& pair,
                                                   const targets& targets);

/// Two views of the same examples as one batch, normalized, on the device of the first.
/// @param view floating point
[[nodiscard]] ROLEWISE_INLINE batch joined_views(const batch& view, const batch& other);

/// The logits of the first n examples, detached.
[[nodiscard]] inline paired_outputs first_logits(const paired_outputs& pair, std::int64_t n)
{
  const auto some = [&](const outputs& all) {
    return outputs{.logits = all.logits.detach().narrow(0, 0, n), .features = {}};
  };
  return {some(pair.teacher), some(pair.student)};
}

/// The loss, the terms of a search and the accuracy.
[[nodiscard]] ROLEWISE_INLINE metrics search_metrics(const outputs& student, const targets& targets,
                                                     const torch::Tensor& loss,
                                                     const loss_terms& terms);

/// The mean of a loss over the examples of a pass, summed on its device.
class pass_mean {
 public:
  static constexpr bool has_settings = false;

  void add(const torch::Tensor& loss, std::int64_t examples);
  /// The mean, after which a new pass begins; synchronizes with the device.
  [[nodiscard]] double take();

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("sum", *sum_);
    archive.value("examples", examples_);
  }

 private:
  owned_tensor sum_;
  std::int64_t examples_ = 0;
};

}  // namespace rolewise::systems::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/systems/detail/implementation/tst_parts.hpp>
#endif
