// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Trainable` concept: a model whose parameters an optimizer can update.
///
/// data -> agent -> teacher/student -> loss -> [train] -> report

#include <rolewise/core/distinct_tensors.hpp>
#include <rolewise/core/state.hpp>

#include <concepts>
#include <utility>
#include <vector>

namespace rolewise {

namespace trainable_must {

template<typename M>
concept be_copyable = std::copyable<M>;

template<typename M>
concept show_their_state = state_must::be_shown<M>;

}  // namespace trainable_must

/// A part with parameters: a student, a discriminator, a generator, an agent or a loss.
///
/// Its `visit_state` lists all of its tensors. Parameters are those of `parameters()` where it has
/// that function, otherwise the tensors that `visit_state` shows as `parameter` or `range`. A copy
/// is deep.
template<typename M>
concept Trainable = trainable_must::be_copyable<M> && trainable_must::show_their_state<M>;

/// A part that declares learned parameters by `parameters()`, as every `Student` does. In a
/// training step it has to stand in a `learner`, or nothing would update them.
template<typename P>
concept HasParameters = requires(const P part) {
  { part.parameters() } -> std::same_as<std::vector<named_tensor>>;
};

/// The parameters of a model under their names; a tensor with several names under the first.
template<Trainable M>
[[nodiscard]] std::vector<named_tensor> parameters_of(M& model)
{
  std::vector<named_tensor> found;
  if constexpr (HasParameters<M>)
    found = model.parameters();
  else
    for_each_tensor(model, [&](const std::string& name, torch::Tensor& t, tensor_kind kind) {
      if (is_learned(kind) && t.defined()) found.push_back({name, t, kind});
    });
  return each_once(std::move(found));
}

}  // namespace rolewise
