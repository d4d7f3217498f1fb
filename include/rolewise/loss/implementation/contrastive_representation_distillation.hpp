// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/contrastive_representation_distillation.hpp>.

#include <rolewise/loss/contrastive_representation_distillation.hpp>

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/parallel_for.hpp>

#include <ATen/ops/log_sigmoid.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace rolewise::detail {

namespace contrastive {

[[nodiscard]] inline std::vector<std::int64_t> numbers_of(const torch::Tensor& t, const char* what,
                                                          std::string_view caller)
{
  if (!t.defined() || t.dim() != 1 || t.scalar_type() != torch::kLong || !t.is_cpu() ||
      t.numel() == 0)
    throw_invalid_argument(
        caller, "want .", what, " [N] of Long on the CPU, got ",
        t.defined() ? classic_text(t.sizes(), " of ", t.scalar_type(), " on ", t.device())
                    : "an undefined tensor");
  const auto dense = t.contiguous();
  const auto* const begin = dense.const_data_ptr<std::int64_t>();
  return {begin, begin + dense.numel()};
}

[[nodiscard]] auto& element(auto& of, std::int64_t i) { return of[static_cast<std::size_t>(i)]; }

/// log Z of the products of a batch, divided by the temperature.
[[nodiscard]] inline torch::Tensor log_scale_of(const torch::Tensor& products, std::int64_t rows)
{
  const auto all = products.detach().flatten();
  return all.logsumexp(0) - std::log(static_cast<double>(all.numel()) / static_cast<double>(rows));
}

}  // namespace contrastive

ROLEWISE_INLINE void contrastive_examples::configure(const torch::Tensor& labels,
                                                     const torch::Tensor& ids,
                                                     negative_examples which,
                                                     std::string_view caller)
{
  using contrastive::element;
  const auto label = contrastive::numbers_of(labels, "labels", caller);
  auto id = ids.defined() ? contrastive::numbers_of(ids, "ids", caller)
                          : std::vector<std::int64_t>(label.size());
  if (!ids.defined()) std::iota(id.begin(), id.end(), std::int64_t{0});
  if (id.size() != label.size())
    throw_invalid_argument(caller, "want as many ids as labels, got ", id.size(), " and ",
                           label.size());

  place_of_id_.resize(id.size());
  std::iota(place_of_id_.begin(), place_of_id_.end(), std::int64_t{0});
  order_ = place_of_id_;
  std::ranges::sort(place_of_id_, {}, [&](std::int64_t i) { return element(id, i); });
  ids_.clear();
  for (const auto place : place_of_id_) ids_.push_back(element(id, place));
  if (const auto twice = std::ranges::adjacent_find(ids_); twice != ids_.end())
    throw_invalid_argument(caller, "want different ids, got ", *twice, " twice");
  exclude(label, which == negative_examples::of_other_classes, caller);
}

ROLEWISE_INLINE void contrastive_examples::exclude(const std::vector<std::int64_t>& label,
                                                   bool by_class, std::string_view caller)
{
  using contrastive::element;
  if (by_class)
    std::ranges::stable_sort(order_, {}, [&](std::int64_t i) { return element(label, i); });
  first_.resize(order_.size());
  excluded_.resize(order_.size());
  for (std::int64_t begin = 0, end = 0; begin < size(); begin = end) {
    const auto label_at = [&](std::int64_t i) { return element(label, element(order_, i)); };
    end = begin + 1;
    while (by_class && end < size() && label_at(end) == label_at(begin)) ++end;
    if (end - begin == size())
      throw_invalid_argument(caller, "want negatives for each example, got ", size(),
                             " with the label ", label.front(), " alone");
    for (auto i = begin; i < end; ++i) {
      element(first_, element(order_, i)) = begin;
      element(excluded_, element(order_, i)) = end - begin;
    }
  }
}

ROLEWISE_INLINE torch::Tensor contrastive_examples::places(const torch::Tensor& ids,
                                                           std::int64_t count, seed key,
                                                           std::int64_t epoch,
                                                           std::string_view caller) const
{
  using contrastive::element;
  const auto dense = ids.cpu().contiguous();
  const auto* const id = dense.const_data_ptr<std::int64_t>();
  const auto result = at::empty({ids.size(0), 1 + count}, torch::kLong);
  auto* const out = result.mutable_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < ids.size(0); ++n) {
    const auto found = std::ranges::lower_bound(ids_, id[n]);
    if (found == ids_.end() || *found != id[n])
      throw_invalid_argument(caller, "want ids of the ", size(), " examples of the memory, got ",
                             id[n]);
    out[n * (1 + count)] = element(place_of_id_, found - ids_.begin());
  }
  constexpr std::int64_t draws_of_piece = 16384;
  const auto longest = std::max(draws_of_piece / (1 + count), std::int64_t{1});
  parallel_for_ranges(ids.size(0), longest, [&](std::int64_t begin, std::int64_t end) {
    for (auto n = begin; n < end; ++n) {
      const auto own = out[n * (1 + count)];
      const auto first = element(first_, own), excluded = element(excluded_, own);
      const std::span row{out + n * (1 + count) + 1, static_cast<std::size_t>(count)};
      draws{key, epoch, id[n]}.below(size() - excluded, row);
      for (auto& place : row) place = element(order_, place < first ? place : place + excluded);
    }
  });
  return result;
}

ROLEWISE_INLINE torch::Tensor contrastive_examples::places(const targets& targets,
                                                           std::int64_t size, std::int64_t count,
                                                           seed key, std::string_view caller) const
{
  require_ids(targets, size, caller);
  return places(targets.ids, count, key.split(purpose{"negatives"}), targets.progress.epoch,
                caller);
}

ROLEWISE_INLINE torch::Tensor memory_products(const torch::Tensor& embeddings,
                                              const torch::Tensor& memory,
                                              const torch::Tensor& places)
{
  if (memory.size(0) <= places.size(1) * memory.size(1))
    return embeddings.mm(memory.t()).gather(1, places);
  std::vector<torch::Tensor> products;
  for (std::int64_t n = 0; n < places.size(0); ++n)
    products.push_back(memory.index_select(0, places.select(0, n)).mv(embeddings.select(0, n)));
  return at::stack(products);
}

ROLEWISE_INLINE torch::Tensor contrastive_values(const torch::Tensor& log_ratios)
{
  const auto own = at::log_sigmoid(log_ratios.select(1, 0));
  const auto others = at::log_sigmoid(-log_ratios.narrow(1, 1, log_ratios.size(1) - 1));
  return -own - others.sum(1);
}

ROLEWISE_INLINE void contrastive_memory::configure(const std::vector<std::int64_t>& teacher,
                                                   const std::vector<std::int64_t>& student,
                                                   std::int64_t examples, const settings& with,
                                                   seed key, std::string_view caller)
{
  if (with.negatives < 1)
    throw_invalid_argument(caller, "want at least 1 negative, got ", with.negatives);
  if (!(with.temperature > 0.0) || !std::isfinite(with.temperature))
    throw_invalid_argument(caller, "want a finite temperature above 0, got ", with.temperature);
  if (!(with.momentum >= 0.0 && with.momentum <= 1.0))
    throw_invalid_argument(caller, "want a momentum in 0 .. 1, got ", with.momentum);
  of_teacher.configure(teacher, with.embedding_size, key.split(purpose{"teacher"}), caller);
  of_student.configure(student, with.embedding_size, key.split(purpose{"student"}), caller);
  if (fixed_teacher)
    for (auto* fixed : {&of_teacher.weight, &of_teacher.bias}) (*fixed)->set_requires_grad(false);
  const std::array<std::int64_t, 2> sizes{examples, with.embedding_size};
  if (teacher_rows->defined()) {
    if (teacher_rows->sizes() != at::IntArrayRef{sizes})
      throw_invalid_argument(caller, "was made with a memory of ", teacher_rows->size(0),
                             " examples, there are ", examples);
    return;
  }
  const double bound = std::sqrt(3.0 / static_cast<double>(with.embedding_size));
  teacher_rows = owned_tensor{uniform_tensor(sizes, key.split(purpose{"teacher memory"}), bound)};
  student_rows = owned_tensor{uniform_tensor(sizes, key.split(purpose{"student memory"}), bound)};
  log_scale = owned_tensor{at::zeros({2}, torch::kFloat)};
}

ROLEWISE_INLINE contrastive_memory::similarities_of_both contrastive_memory::operator()(
    const torch::Tensor& teacher, const torch::Tensor& student, const torch::Tensor& places,
    const settings& with, std::string_view caller) const
{
  require_configured(teacher_rows, caller);
  const auto at_places = places.to(teacher_rows->device());
  const auto side = [&](const torch::Tensor& features, const linear_layer& embedding,
                        const torch::Tensor& memory, std::int64_t number) -> similarities {
    const auto unit = directions(embedding(features.flatten(1), caller));
    const auto cosines = memory_products(unit, memory, at_places);
    const auto log_z = has_scale
                           ? log_scale->select(0, number)
                           : contrastive::log_scale_of(cosines / with.temperature, memory.size(0));
    return {cosines, log_z, with.temperature};
  };
  return {side(student, of_student, *teacher_rows, 0),
          side(teacher.detach(), of_teacher, *student_rows, 1)};
}

ROLEWISE_INLINE void contrastive_memory::remember(const torch::Tensor& teacher,
                                                  const torch::Tensor& student,
                                                  const torch::Tensor& places, const settings& with,
                                                  std::string_view caller)
{
  const torch::NoGradGuard without_graph;
  const auto at_places = places.to(teacher_rows->device());
  const auto of_t = directions(of_teacher(teacher.flatten(1), caller));
  const auto of_s = directions(of_student(student.flatten(1), caller));
  if (!has_scale) {
    const auto log_z = [&](const torch::Tensor& unit, const torch::Tensor& memory) {
      return contrastive::log_scale_of(memory_products(unit, memory, at_places) / with.temperature,
                                       memory.size(0));
    };
    log_scale->copy_(at::stack({log_z(of_s, *teacher_rows), log_z(of_t, *student_rows)}));
    has_scale = true;
  }
  const auto own = at_places.select(1, 0);
  const auto move = [&](torch::Tensor& memory, const torch::Tensor& unit) {
    const auto moved = memory.index_select(0, own) * with.momentum + unit * (1.0 - with.momentum);
    memory.index_copy_(0, own, directions(moved));
  };
  move(*teacher_rows, of_t);
  move(*student_rows, of_s);
}

}  // namespace rolewise::detail
