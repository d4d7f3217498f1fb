// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What quantizers keep beside their ranges, where these are copied: whether they have been
/// observed, and at which bit width.

#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>

#include <any>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>

namespace rolewise::detail {

/// Archive that calls `f(full name, value&)` for the plain values directly in a part.
template<typename F>
class value_walk {
 public:
  value_walk(const std::string& part, F& f) : part_{part}, f_{f} {}

  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view name, T& x)
  {
    f_(part_ + "." + std::string{name}, x);
  }
  template<typename Part>
  void part(std::string_view, Part&)
  {}

 private:
  const std::string& part_;
  F& f_;
};

/// Calls `f(full name, part&)` for the states of quantizers that have ranges (`start_ranges`).
template<typename Network, typename F>
void for_each_ranges(Network& network, const F& f)
{
  if constexpr (state_must::be_shown<Network>)
    for_each_part(network, [&](const std::string& name, auto& part) {
      if constexpr (requires { part.start_ranges(); }) f(name, part);
    });
}

template<typename Part>
[[nodiscard]] bool has_all_of(Part& part, const std::string& name,
                              const std::set<std::string>& wanted)
{
  bool all = true;
  for_each_tensor(part, [&](const std::string& inner, torch::Tensor&, tensor_kind) {
    all = all && wanted.contains(name + "." + inner);
  });
  return all;
}

/// Copies the plain values of the states whose tensors were all copied whole: a range goes on as
/// the source's would, at another bit width rescaled. What the source does not show starts anew.
template<typename From, typename To>
void copy_state_of_ranges(const From& from, To& to, const std::set<std::string>& copied)
{
  std::unordered_map<std::string, std::any> values;
  // Only reads, as `parameters() const` does.
  for_each_ranges(const_cast<From&>(from), [&](const std::string& name, auto& part) {
    auto note = [&](const std::string& full, const auto& x) { values.emplace(full, x); };
    value_walk walk{name, note};
    part.visit_state(walk);
  });
  for_each_ranges(to, [&](const std::string& name, auto& part) {
    if (!has_all_of(part, name, copied)) return;
    auto assign = [&](const std::string& full, auto& x) {
      const auto found = values.find(full);
      if (found == values.end()) return;
      if (const auto* value = std::any_cast<std::remove_cvref_t<decltype(x)>>(&found->second))
        x = *value;
    };
    value_walk walk{name, assign};
    part.visit_state(walk);
  });
}

/// Starts the ranges whose tensors were all loaded, some of them with other values than they had.
/// A file that holds the first values of an untrained network starts none.
template<typename Network>
void start_loaded_ranges(Network& network, const std::set<std::string>& loaded,
                         const std::set<std::string>& changed)
{
  for_each_ranges(network, [&](const std::string& name, auto& part) {
    bool has_changed = false;
    for_each_tensor(part, [&](const std::string& inner, torch::Tensor&, tensor_kind) {
      has_changed = has_changed || changed.contains(name + "." + inner);
    });
    if (has_changed && has_all_of(part, name, loaded)) part.start_ranges();
  });
}

}  // namespace rolewise::detail
