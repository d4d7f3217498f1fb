// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `snapshot`: the state of an object as a list of named entries, the content of a checkpoint.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace rolewise {

/// One tensor or value under its full name, such as `step.student.stage1.0.convolution1.weight`.
struct state_entry {
  using value_type =
      std::variant<torch::Tensor, bool, std::int64_t, double, std::string,
                   std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>>;

  std::string name;
  bool learned = false;  ///< whether it is a parameter or a learned range
  value_type value;
};

/// The entries of an object in the order of `visit_state`. Tensors share memory with the object.
using snapshot = std::vector<state_entry>;

namespace detail {

/// Base class of the `snapshot` archives: the name prefix of nested parts.
class nested_names {
 protected:
  [[nodiscard]] std::string full(std::string_view name) const
  {
    return prefix_ + std::string{name};
  }
  template<typename Part, typename Archive>
  void enter(std::string_view name, Part& inner, Archive& archive)
  {
    const auto length = prefix_.size();
    prefix_.append(name).append(".");
    inner.visit_state(archive);
    prefix_.resize(length);
  }

 private:
  std::string prefix_;
};

class snapshot_writer : nested_names {
 public:
  explicit snapshot_writer(snapshot& out) : out_{out} {}
  void parameter(std::string_view name, torch::Tensor& t) { out_.push_back({full(name), true, t}); }
  void range(std::string_view name, torch::Tensor& t) { parameter(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { out_.push_back({full(name), false, t}); }
  template<PlainState T>
  void value(std::string_view name, T& x)
  {
    out_.push_back({full(name), false, x});
  }
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    enter(name, inner, *this);
  }

 private:
  snapshot& out_;
};

/// Index of the entries of a snapshot by name.
class snapshot_index {
 public:
  explicit snapshot_index(const snapshot& entries)
  {
    for (const auto& entry : entries) by_name_.emplace(entry.name, &entry);
  }
  [[nodiscard]] const state_entry* find(const std::string& name) const;

 private:
  std::unordered_map<std::string_view, const state_entry*> by_name_;
};

/// Archive that compares an object with a snapshot and assigns nothing.
class snapshot_checker : nested_names {
 public:
  explicit snapshot_checker(const snapshot_index& stored) : stored_{stored} {}

  void parameter(std::string_view name, torch::Tensor& t) { tensor(name, t); }
  void range(std::string_view name, torch::Tensor& t) { tensor(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { tensor(name, t); }
  template<PlainState T>
  void value(std::string_view name, T&)
  {
    const auto* entry = look_up(name);
    if (entry != nullptr && !std::holds_alternative<T>(entry->value))
      complain(entry->name, "holds a value of another kind");
  }
  template<PlainState T>
  void added_value(std::string_view name, T& x)
  {
    if (stored_.find(full(name)) != nullptr) value(name, x);
  }
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    enter(name, inner, *this);
  }

  /// Reports the entries that the object does not have, then throws if there is any difference.
  void finish(std::string_view who, const snapshot& entries);

 private:
  static constexpr std::size_t shown_at_most = 6;

  void tensor(std::string_view name, const torch::Tensor& t);
  const state_entry* look_up(std::string_view name);
  void complain(const std::string& name, const std::string& words);

  const snapshot_index& stored_;
  std::unordered_map<std::string, bool> asked_;
  std::string complaints_;
  std::size_t count_ = 0;
};

/// Archive that assigns a checked snapshot to an object.
class snapshot_reader : nested_names {
 public:
  explicit snapshot_reader(const snapshot_index& stored) : stored_{stored} {}

  void parameter(std::string_view name, torch::Tensor& t) { tensor(name, t, true); }
  void range(std::string_view name, torch::Tensor& t) { parameter(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { tensor(name, t, false); }
  template<PlainState T>
  void value(std::string_view name, T& x)
  {
    x = std::get<T>(stored_.find(full(name))->value);
  }
  template<PlainState T>
  void added_value(std::string_view name, T& x)
  {
    if (stored_.find(full(name)) != nullptr) value(name, x);
  }
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    enter(name, inner, *this);
  }

 private:
  void tensor(std::string_view name, torch::Tensor& t, bool learned);

  const snapshot_index& stored_;
};

}  // namespace detail

/// Returns the state of an object as a snapshot.
template<state_must::be_shown P>
[[nodiscard]] snapshot snapshot_of(P& part)
{
  snapshot entries;
  detail::snapshot_writer writer{entries};
  part.visit_state(writer);
  return entries;
}

/// Restores the state of an object from a snapshot of one with the same structure. Tensors keep
/// their memory, device and layout.
/// @pre the names that `visit_state` lists do not depend on the object's values
/// @throws std::runtime_error that begins with `who` and lists entries that are missing, unknown
///         or of another shape or type; the object is then unchanged
template<state_must::be_shown P>
void restore(P& part, const snapshot& entries, std::string_view who = "restore")
{
  const detail::snapshot_index index{entries};
  detail::snapshot_checker checker{index};
  part.visit_state(checker);
  checker.finish(who, entries);
  detail::snapshot_reader reader{index};
  part.visit_state(reader);
}

/// Returns the entries whose names begin with `within.`, without that prefix.
[[nodiscard]] ROLEWISE_INLINE snapshot part_of(const snapshot& whole, std::string_view within);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/snapshot.hpp>
#endif
