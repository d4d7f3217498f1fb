// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks that all trained tensors of a step are finite.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::detail {

/// Checks every parameter and range of a step, including those of a moving average. Buffers are
/// left out: they may hold infinities for what has not been observed yet.
///
/// The last update of an epoch affects no metric of that epoch, so only this check detects that it
/// diverged. Synchronizes with the device once.
/// @throws diverged that names the epoch and the first tensor
template<state_must::be_shown Step>
void require_finite_state(Step& step, std::int64_t epoch)
{
  const torch::NoGradGuard without_graph;
  std::vector<std::string> names;
  std::vector<torch::Tensor> answers;
  for_each_tensor(step, [&](const std::string& name, torch::Tensor& t, tensor_kind kind) {
    if (!is_learned(kind) || !t.defined() || t.numel() == 0) return;
    if (!t.is_floating_point() && !t.is_complex()) return;
    names.push_back(name);
    answers.push_back(t.detach().isfinite().all());
  });
  if (answers.empty()) return;
  const auto home = answers.front().device();
  for (auto& answer : answers) answer = answer.to(home);
  const auto are_finite = at::stack(answers).cpu();
  const auto* const found = are_finite.const_data_ptr<bool>();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!found[i])
      diverge("fit", "'", names[i], "' is not finite after the last step of epoch ", epoch);
}

}  // namespace rolewise::detail
