// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The state of one part for another of its kind, in memory.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/train/snapshot.hpp>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// Tensors that lie alike on the CPU are one `memcpy`: `copy_` takes longer to decide how to copy
/// the small tensors of a network than to copy them.
inline void copy_bytes_or_values(torch::Tensor& to, const torch::Tensor& from)
{
  const bool lie_alike = to.is_cpu() && from.is_cpu() && to.layout() == torch::kStrided &&
                         from.layout() == torch::kStrided &&
                         to.scalar_type() == from.scalar_type() && to.sizes() == from.sizes() &&
                         to.strides() == from.strides() && to.is_non_overlapping_and_dense() &&
                         !to.is_inference() && !to.is_conj() && !from.is_conj() && !to.is_neg() &&
                         !from.is_neg();
  if (!lie_alike) {
    const torch::NoGradGuard without_graph;
    to.copy_(from);
    return;
  }
  const auto* source = from.const_data_ptr();
  auto* target = to.mutable_data_ptr();
  if (target != source && to.numel() > 0) std::memcpy(target, source, to.nbytes());
  to.unsafeGetTensorImpl()->bump_version();  // for whoever keeps something as long as they stay
}

/// Whether a part shows what is in a snapshot, in its order and with its shapes.
class order_checker {
 public:
  explicit order_checker(const snapshot& stored) : stored_{stored} {}

  void parameter(std::string_view name, torch::Tensor& t) { tensor(name, t); }
  void range(std::string_view name, torch::Tensor& t) { tensor(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { tensor(name, t); }
  template<PlainState T>
  void value(std::string_view name, T&)
  {
    const auto* entry = next(name);
    fits_ = entry != nullptr && std::holds_alternative<T>(entry->value);
  }
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    const auto length = prefix_.size();
    prefix_.append(name).append(".");
    inner.visit_state(*this);
    prefix_.resize(length);
  }
  [[nodiscard]] bool fits() const { return fits_ && at_ == stored_.size(); }

 private:
  void tensor(std::string_view name, const torch::Tensor& t)
  {
    const auto* entry = next(name);
    const auto* there = entry == nullptr ? nullptr : std::get_if<torch::Tensor>(&entry->value);
    fits_ =
        there != nullptr && there->defined() == t.defined() &&
        (!t.defined() || (there->scalar_type() == t.scalar_type() && there->sizes() == t.sizes()));
  }
  [[nodiscard]] const state_entry* next(std::string_view name)
  {
    if (!fits_ || at_ == stored_.size()) return nullptr;
    const auto& entry = stored_[at_++];
    const std::string_view whole = entry.name;
    return whole.size() == prefix_.size() + name.size() && whole.starts_with(prefix_) &&
                   whole.ends_with(name)
               ? &entry
               : nullptr;
  }

  const snapshot& stored_;
  std::size_t at_ = 0;
  std::string prefix_;
  bool fits_ = true;
};

/// Assigns a snapshot that fits.
class order_copier {
 public:
  explicit order_copier(const snapshot& stored) : next_{stored.begin()} {}

  void parameter(std::string_view, torch::Tensor& t) { tensor(t); }
  void range(std::string_view, torch::Tensor& t) { tensor(t); }
  void buffer(std::string_view, torch::Tensor& t) { tensor(t); }
  template<PlainState T>
  void value(std::string_view, T& x)
  {
    x = std::get<T>((next_++)->value);
  }
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }

 private:
  void tensor(torch::Tensor& t)
  {
    const auto& stored = std::get<torch::Tensor>((next_++)->value);
    if (stored.defined()) copy_bytes_or_values(t, stored);
  }

  snapshot::const_iterator next_;
};

/// `restore`, made for parts of the same make: tensors keep their memory, nothing is looked up and
/// nothing allocated where part and snapshot show the same in the same order.
/// @throws std::runtime_error as `restore` does; the part is as it was then
template<state_must::be_shown P>
void take_over(P& part, const snapshot& entries, std::string_view who)
{
  order_checker checker{entries};
  part.visit_state(checker);
  if (!checker.fits()) return restore(part, entries, who);
  order_copier copier{entries};
  part.visit_state(copier);
}

/// Makes `kept` a deep copy of `shown`, in the memory that it has where it is of the same make.
inline void keep_apart(snapshot& kept, const snapshot& shown)
{
  const torch::NoGradGuard without_graph;
  const auto apart = [](const torch::Tensor& t) { return t.defined() ? t.detach().clone() : t; };
  kept.resize(shown.size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto* from = std::get_if<torch::Tensor>(&shown[i].value);
    auto* to = std::get_if<torch::Tensor>(&kept[i].value);
    const bool lie_alike = from != nullptr && to != nullptr && from->defined() && to->defined() &&
                           from->scalar_type() == to->scalar_type() &&
                           from->sizes() == to->sizes() && from->device() == to->device();
    if (lie_alike)
      copy_bytes_or_values(*to, *from);
    else if (from != nullptr)
      kept[i].value = apart(*from);
    else
      kept[i].value = shown[i].value;
    if (kept[i].name != shown[i].name) kept[i].name = shown[i].name;
    kept[i].learned = shown[i].learned;
  }
}

}  // namespace rolewise::detail
