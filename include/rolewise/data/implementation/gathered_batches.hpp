// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/gathered_batches.hpp>.

#include <rolewise/data/gathered_batches.hpp>
#include <rolewise/support/error.hpp>

#include <algorithm>
#include <cstring>

namespace rolewise {

ROLEWISE_INLINE gathered_batches::gathered_batches(batch examples, std::vector<std::int64_t> order,
                                                   std::int64_t size)
    : examples_{std::move(examples)}, size_{size}
{
  if (size < 1) throw_invalid_argument("batches", "want batches of at least 1, got ", size);
  for (auto* part : {&examples_.inputs, &examples_.labels, &examples_.ids}) require(*part);
  for (auto* part : {&examples_.mask, &examples_.weights})
    if (part->defined()) require(*part);
  const auto count = examples_.size();
  for (const auto place : order)
    if (place < 0 || place >= count)
      throw_invalid_argument("batches", "want places of 0 to ", count - 1, ", got ", place);
  order_ = std::make_shared<const std::vector<std::int64_t>>(std::move(order));
}

ROLEWISE_INLINE batch gathered_batches::operator()(std::int64_t step, batch_memory& memory) const
{
  const auto begin = step * size_;
  const auto end = std::min(begin + size_, static_cast<std::int64_t>(order_->size()));
  batch part{.inputs = rows(examples_.inputs, begin, end, memory.inputs),
             .labels = rows(examples_.labels, begin, end, memory.labels),
             .ids = rows(examples_.ids, begin, end, memory.ids),
             .normalization = examples_.normalization,
             .ignore_index = examples_.ignore_index};
  if (examples_.mask.defined()) part.mask = rows(examples_.mask, begin, end, memory.mask);
  if (examples_.weights.defined())
    part.weights = rows(examples_.weights, begin, end, memory.weights);
  return part;
}

ROLEWISE_INLINE void gathered_batches::require(torch::Tensor& part) const
{
  const auto& of = examples_;
  if (!part.defined() || part.dim() < 1 || part.size(0) != of.inputs.size(0))
    throw_invalid_argument(
        "batches", "want as many labels and ids as inputs, got inputs ",
        detail::shape_words(of.inputs), ", labels ", detail::shape_words(of.labels), ", ids ",
        detail::shape_words(of.ids),
        of.mask.defined() ? ", mask " + detail::shape_words(of.mask) : std::string{},
        of.weights.defined() ? ", weights " + detail::shape_words(of.weights) : std::string{});
  if (!part.is_cpu())
    throw_invalid_argument("batches", "want a data set on the CPU, got one on ", part.device());
  part = part.detach().contiguous();
}

ROLEWISE_INLINE torch::Tensor gathered_batches::rows(const torch::Tensor& from, std::int64_t begin,
                                                     std::int64_t end, buffer_pool& pool) const
{
  auto sizes = from.sizes().vec();
  sizes[0] = end - begin;
  auto to = pool.take(sizes, from.scalar_type());
  const auto bytes = static_cast<std::size_t>(from.numel() / from.size(0)) *
                     static_cast<std::size_t>(from.element_size());
  const auto* const source = static_cast<const char*>(from.const_data_ptr());
  auto* target = static_cast<char*>(to.mutable_data_ptr());
  for (auto n = begin; n < end; ++n, target += bytes)
    std::memcpy(target,
                source + static_cast<std::size_t>((*order_)[static_cast<std::size_t>(n)]) * bytes,
                bytes);
  return to;
}

}  // namespace rolewise
