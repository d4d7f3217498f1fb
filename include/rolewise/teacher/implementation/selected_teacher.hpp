// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/selected_teacher.hpp>.

#include <rolewise/teacher/selected_teacher.hpp>

#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <numeric>

namespace rolewise {

namespace detail {

/// Which of several values, `[N]` or `[N, ...]` averaged over the rest, is lowest: `[N]`.
ROLEWISE_INLINE torch::Tensor lowest_of(const std::vector<torch::Tensor>& values)
{
  std::vector<torch::Tensor> of_examples;
  for (const auto& each : values)
    of_examples.push_back(each.dim() > 1 ? each.flatten(1).mean(1) : each);
  return at::stack(of_examples).argmin(0);
}

ROLEWISE_INLINE torch::Tensor selected_rows(const std::vector<torch::Tensor>& logits,
                                            const torch::Tensor& choice)
{
  const auto all = at::stack(logits);
  if (!choice.defined() || choice.scalar_type() != torch::kLong || choice.dim() != 1 ||
      choice.size(0) != all.size(1))
    throw_invalid_argument("selected", "want a choice [", all.size(1),
                           "] of int64 from the policy, got ", form_of(choice));
  auto sizes = all.sizes().vec();
  sizes[0] = 1;
  std::vector<std::int64_t> ones(sizes.size(), 1);
  ones[1] = sizes[1];
  return all.gather(0, choice.view(ones).expand(sizes)).squeeze(0);
}

ROLEWISE_INLINE std::vector<std::vector<std::int64_t>> places_of_members(
    const torch::Tensor& choice, std::int64_t count, std::size_t members)
{
  if (!choice.defined() || choice.scalar_type() != torch::kLong || !choice.is_cpu() ||
      choice.dim() != 1 || choice.size(0) != count)
    throw_invalid_argument("selected", "want a choice [", count,
                           "] of int64, on the CPU, from the policy, got ", form_of(choice));
  const auto chosen = choice.contiguous();
  const auto* const member = chosen.const_data_ptr<std::int64_t>();
  std::vector<std::vector<std::int64_t>> places(members);
  for (std::int64_t n = 0; n < count; ++n) {
    if (member[n] < 0 || member[n] >= static_cast<std::int64_t>(members))
      throw_invalid_argument("selected", "want members 0 .. ", members - 1,
                             " from the policy, got ", member[n]);
    places[static_cast<std::size_t>(member[n])].push_back(n);
  }
  return places;
}

ROLEWISE_INLINE batch examples_at(batch whole, const std::vector<std::int64_t>& places)
{
  const auto index = at::tensor(places, torch::kLong);
  for (auto* each :
       {&whole.inputs, &whole.labels, &whole.ids, &whole.partners, &whole.mask, &whole.weights})
    if (each->defined()) *each = each->index_select(0, index.to(each->device()));
  return whole;
}

ROLEWISE_INLINE torch::Tensor joined_at(const std::vector<torch::Tensor>& parts,
                                        const std::vector<std::vector<std::int64_t>>& places)
{
  require_alike_rows("selected", parts);
  std::size_t count = 0;
  for (const auto& each : places) count += each.size();
  std::vector<std::int64_t> row_of(count);
  std::int64_t row = 0;
  for (const auto& each : places)
    for (const auto place : each) row_of[static_cast<std::size_t>(place)] = row++;
  const auto all = at::cat(parts);
  return all.index_select(0, at::tensor(row_of, torch::kLong).to(all.device()));
}

}  // namespace detail

ROLEWISE_INLINE torch::Tensor most_confident::operator()(const std::vector<torch::Tensor>& logits,
                                                         const batch&) const
{
  const torch::NoGradGuard without_graph;
  std::vector<torch::Tensor> entropies;
  for (const auto& each : logits) {
    const auto log_p = at::log_softmax(detail::in_single_or_double(each), 1);
    entropies.push_back(-(log_p.exp() * log_p).sum(1));
  }
  return detail::lowest_of(entropies);
}

ROLEWISE_INLINE torch::Tensor lowest_cross_entropy::operator()(
    const std::vector<torch::Tensor>& logits, const batch& examples) const
{
  const torch::NoGradGuard without_graph;
  const auto& z = logits.front();
  const auto& labels = examples.labels;
  const bool is_hard = labels.defined() && labels.scalar_type() == torch::kLong &&
                       labels.dim() == 1 && labels.size(0) == z.size(0);
  const bool is_soft =
      labels.defined() && labels.is_floating_point() && labels.sizes() == z.sizes();
  if (z.dim() != 2 || !(is_hard || is_soft))
    throw_invalid_argument(name, "want logits [N, C] and labels [N] of int64 or [N, C], got ",
                           detail::form_of(z), " and ", detail::form_of(labels));
  const auto target = labels.to(z.device());
  std::vector<torch::Tensor> values;
  for (const auto& each : logits) {
    const auto log_p = at::log_softmax(detail::in_single_or_double(each), 1);
    if (is_soft) {
      values.push_back(-(target * log_p).sum(1));
      continue;
    }
    const auto ignored = target == examples.ignore_index;
    const auto of_label = log_p.gather(1, target.masked_fill(ignored, 0).unsqueeze(1)).squeeze(1);
    values.push_back(-of_label.masked_fill(ignored, 0.0));
  }
  return detail::lowest_of(values);
}

ROLEWISE_INLINE torch::Tensor drawn_member::operator()(std::size_t members,
                                                       const batch& examples) const
{
  const auto& ids = examples.ids;
  if (!ids.defined() || ids.scalar_type() != torch::kLong || ids.dim() != 1)
    throw_invalid_argument(name, "want ids [N] of int64, got ", detail::form_of(ids));
  const auto on_cpu = ids.cpu().contiguous();
  const auto* const id = on_cpu.const_data_ptr<std::int64_t>();
  const auto key = seed.split(purpose{"drawn-member"});
  auto choice = at::empty({ids.size(0)}, torch::kLong);
  auto* const member = choice.mutable_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < ids.size(0); ++n)
    member[n] =
        draws{key, examples.view.number, id[n]}.below(0, static_cast<std::int64_t>(members));
  return choice;
}

}  // namespace rolewise
