// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// In-memory copy of the state of one part to another of the same kind.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/train/snapshot.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

namespace rolewise::detail {

/// Copies a tensor; between CPU tensors of the same layout by one `memcpy`, because `copy_` takes
/// longer to dispatch than to copy the small tensors of a network.
ROLEWISE_INLINE void copy_bytes_or_values(torch::Tensor& to, const torch::Tensor& from);

/// One tensor or value, keyed by the hash of its full name: building the names of a hundred
/// tensors as strings takes as long as copying the tensors.
struct state_slot {
  std::uint64_t name = 0;
  state_entry::value_type value;
};

/// FNV-1a hashes of full names, updated as parts are entered and left.
class summed_names {
 protected:
  [[nodiscard]] std::uint64_t full(std::string_view name) const { return added(prefix_, name); }
  template<typename Part, typename Archive>
  void enter(std::string_view name, Part& inner, Archive& archive)
  {
    const auto outer = prefix_;
    prefix_ = added(added(prefix_, name), ".");
    inner.visit_state(archive);
    prefix_ = outer;
  }

  static constexpr std::uint64_t begin_of_sum = 0xCBF29CE484222325;
  [[nodiscard]] static constexpr std::uint64_t added(std::uint64_t sum, std::string_view words)
  {
    for (const char c : words) {
      sum ^= static_cast<unsigned char>(c);
      sum *= 0x100000001B3;
    }
    return sum;
  }

 private:
  std::uint64_t prefix_ = begin_of_sum;
};

/// Archive that lists the state of a part; the listed tensors share memory with it.
class slot_writer : summed_names {
 public:
  explicit slot_writer(std::vector<state_slot>& out) : out_{out} {}
  slot_writer(std::vector<state_slot>& out, const snapshot& entries) : out_{out}
  {
    for (const auto& entry : entries) add(entry.name).value = entry.value;
  }
  void parameter(std::string_view name, torch::Tensor& t) { add(name).value = t; }
  void range(std::string_view name, torch::Tensor& t) { parameter(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { parameter(name, t); }
  template<PlainState T>
  void value(std::string_view name, T& x)
  {
    add(name).value = x;
  }
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    enter(name, inner, *this);
  }

 private:
  state_slot& add(std::string_view name)
  {
    auto& slot = out_.emplace_back();
    slot.name = full(name);
    return slot;
  }

  std::vector<state_slot>& out_;
};

/// Archive that checks whether a part has these slots, in this order and with these shapes.
class slot_checker : summed_names {
 public:
  explicit slot_checker(const std::vector<state_slot>& slots) : slots_{slots} {}

  void parameter(std::string_view name, torch::Tensor& t);
  void range(std::string_view name, torch::Tensor& t) { parameter(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { parameter(name, t); }
  template<PlainState T>
  void value(std::string_view name, T&)
  {
    const auto* slot = next(name);
    fits_ = slot != nullptr && std::holds_alternative<T>(slot->value);
  }
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    enter(name, inner, *this);
  }
  [[nodiscard]] bool fits() const { return fits_ && at_ == slots_.size(); }

 private:
  [[nodiscard]] const state_slot* next(std::string_view name);

  const std::vector<state_slot>& slots_;
  std::size_t at_ = 0;
  bool fits_ = true;
};

/// Archive that assigns slots to a part that `slot_checker` has accepted.
class slot_reader {
 public:
  explicit slot_reader(const std::vector<state_slot>& slots) : next_{slots.begin()} {}

  void parameter(std::string_view, torch::Tensor& t);
  void range(std::string_view name, torch::Tensor& t) { parameter(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { parameter(name, t); }
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
  std::vector<state_slot>::const_iterator next_;
};

/// Assigns slots to a part if they match.
/// @return whether they match; if not, the part is unchanged
template<state_must::be_shown P>
[[nodiscard]] bool take_slots(P& part, const std::vector<state_slot>& slots)
{
  slot_checker checker{slots};
  part.visit_state(checker);
  if (!checker.fits()) return false;
  slot_reader reader{slots};
  part.visit_state(reader);
  return true;
}

/// `restore`, fast for parts of the same structure: tensors keep their memory, and names are not
/// looked up where part and snapshot list the same state in the same order.
/// @throws std::runtime_error as `restore` does; the part is unchanged then
template<state_must::be_shown P>
void copy_trial_state(P& part, const snapshot& other, std::string_view who)
{
  std::vector<state_slot> slots;
  const slot_writer list{slots, other};
  if (!take_slots(part, slots)) restore(part, other, who);
}

/// The same from another part.
template<state_must::be_shown P>
void copy_trial_state(P& part, P& other, std::string_view who)
{
  std::vector<state_slot> slots;
  slots.reserve(256);
  slot_writer list{slots};
  other.visit_state(list);
  if (!take_slots(part, slots)) restore(part, snapshot_of(other), who);
}

/// Makes `kept` a deep copy of `shown`, in its existing memory where dtype, shape and device
/// agree.
ROLEWISE_INLINE void keep_apart(snapshot& kept, const snapshot& shown);

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/detail/implementation/copy_trial_state.hpp>
#endif
