// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/train/snapshot.hpp>.

#include <rolewise/train/snapshot.hpp>

#include <rolewise/support/error.hpp>

#include <type_traits>

namespace rolewise::detail {

ROLEWISE_INLINE const state_entry* snapshot_index::find(const std::string& name) const
{
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

ROLEWISE_INLINE void snapshot_checker::finish(std::string_view who, const snapshot& entries)
{
  for (const auto& entry : entries)
    if (!asked_.contains(entry.name)) complain(entry.name, "is not wanted here");
  if (count_ == 0) return;
  if (count_ > shown_at_most)
    complaints_ += detail::classic_text("; and ", count_ - shown_at_most, " more differences");
  throw_runtime_error(who, "belongs to something else: ", complaints_);
}

ROLEWISE_INLINE void snapshot_checker::tensor(std::string_view name, const torch::Tensor& t)
{
  const auto* entry = look_up(name);
  if (entry == nullptr) return;
  const auto* stored = std::get_if<torch::Tensor>(&entry->value);
  if (stored == nullptr) return complain(entry->name, "holds a value, not a tensor");
  if (!stored->defined() || !t.defined()) return;
  if (stored->sizes() != t.sizes())
    complain(entry->name,
             detail::classic_text("has the shape ", stored->sizes(), ", wanted ", t.sizes()));
  else if (stored->scalar_type() != t.scalar_type())
    complain(entry->name,
             detail::classic_text("is ", stored->scalar_type(), ", wanted ", t.scalar_type()));
}

ROLEWISE_INLINE const state_entry* snapshot_checker::look_up(std::string_view name)
{
  auto whole = full(name);
  const auto* entry = stored_.find(whole);
  if (entry == nullptr) complain(whole, "is missing");
  asked_.emplace(std::move(whole), true);
  return entry;
}

ROLEWISE_INLINE void snapshot_checker::complain(const std::string& name, const std::string& words)
{
  if (++count_ > shown_at_most) return;
  complaints_ += (complaints_.empty() ? "'" : "; '") + name + "' " + words;
}

ROLEWISE_INLINE void snapshot_reader::tensor(std::string_view name, torch::Tensor& t, bool learned)
{
  const torch::NoGradGuard without_graph;
  const auto& stored = std::get<torch::Tensor>(stored_.find(full(name))->value);
  if (t.defined() && stored.defined())
    t.copy_(stored);
  else if (stored.defined())
    t = stored.detach().clone().set_requires_grad(learned && stored.is_floating_point());
  else
    t = torch::Tensor{};
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE snapshot part_of(const snapshot& whole, std::string_view within)
{
  const auto prefix = std::string{within} + ".";
  snapshot entries;
  for (const auto& entry : whole)
    if (entry.name.starts_with(prefix))
      entries.push_back({entry.name.substr(prefix.size()), entry.learned, entry.value});
  return entries;
}

}  // namespace rolewise
