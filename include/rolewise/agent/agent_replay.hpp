// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `agent_replay`: earlier states of an agent that learns, drawn by their age.

#include <rolewise/core/owned_tensor.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rolewise {

/// A replay buffer of agents: copies of one agent's tensors as they were, each with a priority,
/// from which a step draws between them and the agent as it is.
///
///     agent_replay replay;
///     replay.store(agent);                       // now and then
///     auto earlier = agent;
///     replay.load(replay.place_of(u), earlier);  // u uniform in [0, 1)
///
/// A copy is stored with priority 1; then all priorities, its own among them, are multiplied by
/// `decay`. The agent as it is has priority 1. Copies are not trained.
///
/// The state is all of it. It is restored into a buffer that is empty or holds as many copies.
/// @par Source
/// Suzuki: TeachAugment, 2022, arXiv:2202.12513, code at 66ec099, where it is called a prioritized
/// replay; priorities follow age, not losses.
class agent_replay {
 public:
  /// @param decay in (0, 1]; 0.9 is usual
  /// @throws std::invalid_argument for another decay
  explicit agent_replay(double decay = 0.9);

  /// Number of stored copies.
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(priorities_.size()); }
  /// Of the copies, the oldest first.
  [[nodiscard]] const std::vector<double>& priorities() const { return priorities_; }
  [[nodiscard]] double decay() const { return decay_; }

  /// The place 0 .. size() - 1 of a copy, the oldest first, or size(), the agent as it is; each
  /// with a probability in proportion to its priority.
  /// @param u uniform in [0, 1)
  [[nodiscard]] std::int64_t place_of(double u) const;

  /// Stores the tensors of an agent.
  /// @throws std::invalid_argument unless they are as many values as those stored before
  template<state_must::be_shown Agent>
  void store(Agent& agent)
  {
    std::vector<torch::Tensor> all;
    for_each_tensor(agent, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined()) all.push_back(t.detach().flatten());
    });
    append(all);
  }

  /// Gives an agent the values of the copy at a place; at size() it stays as it is.
  /// @throws std::invalid_argument for another place, and an agent of another size
  template<state_must::be_shown Agent>
  void load(std::int64_t place, Agent& agent) const
  {
    if (place == size()) return;
    const torch::NoGradGuard without_graph;
    auto left = copy_at(place);
    for_each_tensor(agent, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      if (t.defined()) t.copy_(taken(left, t.numel()).view(t.sizes()));
    });
    require_all_taken(left);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("priorities", priorities_);
    archive.buffer("copies", *copies_);
  }
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("decay", decay_);
  }

 private:
  void append(const std::vector<torch::Tensor>& tensors);
  [[nodiscard]] torch::Tensor copy_at(std::int64_t place) const;
  /// The first values of `left`, which loses them.
  [[nodiscard]] static torch::Tensor taken(torch::Tensor& left, std::int64_t count);
  static void require_all_taken(const torch::Tensor& left);

  double decay_;
  std::vector<double> priorities_;
  owned_tensor copies_;  // [size(), values of an agent]; undefined if empty
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/agent/implementation/agent_replay.hpp>
#endif
