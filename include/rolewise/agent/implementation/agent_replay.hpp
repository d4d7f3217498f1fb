// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/agent_replay.hpp>.

#include <rolewise/agent/agent_replay.hpp>

#include <rolewise/support/error.hpp>

#include <numeric>

namespace rolewise {

ROLEWISE_INLINE agent_replay::agent_replay(double decay) : decay_{decay}
{
  if (!(decay > 0.0 && decay <= 1.0))
    throw_invalid_argument("agent_replay", "want a decay in (0, 1], got ", decay);
}

ROLEWISE_INLINE std::int64_t agent_replay::place_of(double u) const
{
  auto left = u * std::accumulate(priorities_.begin(), priorities_.end(), 1.0);
  for (std::size_t i = 0; i < priorities_.size(); ++i) {
    if (left < priorities_[i]) return static_cast<std::int64_t>(i);
    left -= priorities_[i];
  }
  return size();
}

ROLEWISE_INLINE void agent_replay::append(const std::vector<torch::Tensor>& tensors)
{
  const torch::NoGradGuard without_graph;
  if (tensors.empty()) throw_invalid_argument("agent_replay", "want an agent with tensors");
  const auto row = at::cat(tensors).unsqueeze(0);
  if (copies_->defined() && copies_->size(1) != row.size(1))
    throw_invalid_argument("agent_replay", "want agents of ", copies_->size(1), " values, got ",
                           row.size(1));
  *copies_ = copies_->defined() ? at::cat({*copies_, row.to(copies_->options())}) : row;
  priorities_.push_back(1.0);
  for (auto& each : priorities_) each *= decay_;
}

ROLEWISE_INLINE torch::Tensor agent_replay::copy_at(std::int64_t place) const
{
  if (place < 0 || place >= size())
    throw_invalid_argument("agent_replay", "want a place in 0 .. ", size(), ", got ", place);
  return copies_->select(0, place);
}

ROLEWISE_INLINE torch::Tensor agent_replay::taken(torch::Tensor& left, std::int64_t count)
{
  if (left.size(0) < count)
    throw_invalid_argument("agent_replay", "the agent has more values than the copy");
  const auto first = left.narrow(0, 0, count);
  left = left.narrow(0, count, left.size(0) - count);
  return first;
}

ROLEWISE_INLINE void agent_replay::require_all_taken(const torch::Tensor& left)
{
  if (left.size(0) > 0)
    throw_invalid_argument("agent_replay", "the agent has ", left.size(0),
                           " values less than the copy");
}

}  // namespace rolewise
