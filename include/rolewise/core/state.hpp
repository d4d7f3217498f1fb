// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The state of a part: `visit_state` lists it completely for checkpoints, copies and reports.

#include <rolewise/core/tensor.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise {

/// Types that `archive.value(name, x)` accepts.
template<typename T>
concept PlainState =
    std::same_as<T, bool> || std::same_as<T, std::int64_t> || std::same_as<T, double> ||
    std::same_as<T, std::string> || std::same_as<T, std::vector<std::int64_t>> ||
    std::same_as<T, std::vector<double>> || std::same_as<T, std::vector<std::string>>;

/// Minimal archive; `visit_state` of every part is checked against it.
///
/// One function serves writers and readers alike, so the two cannot differ:
///
///     template<typename Archive> void visit_state(Archive& archive)
///     {
///       archive.parameter("weight", weight);    // learned; a tensor that may be undefined
///       archive.range("step", step);            // learned too, but the range of a quantizer
///       archive.buffer("running_mean", mean);   // kept, not learned
///       archive.value("updates", updates);      // PlainState
///       archive.part("block", block);           // nested; its names get the prefix "block."
///     }
///
/// A reader assigns through the references. Names are unique within a part and stay the same for
/// the life of the object.
struct archive_archetype {
  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view, Part&)
  {}
};

namespace state_must {

template<typename P>
concept be_shown = requires(P part, archive_archetype& archive) { part.visit_state(archive); };

template<typename P>
concept be_denied = requires { requires P::has_state == false; };

}  // namespace state_must

/// A part that either lists its state (`visit_state`) or declares that it has none
/// (`static constexpr bool has_state = false`). A part that does neither does not compile in a
/// training step, so that state is never omitted silently.
template<typename P>
concept Stateful =
    state_must::be_shown<std::remove_cvref_t<P>> || state_must::be_denied<std::remove_cvref_t<P>>;

/// Passes a part to an archive if it has state.
template<Stateful P, typename Archive>
void visit_part(Archive& archive, std::string_view name, P& part)
{
  if constexpr (state_must::be_shown<P>) archive.part(name, part);
}

/// Kind of a state tensor. A `range` is learned like a `parameter`, but is a clipping range, step
/// or offset of a quantizer: weight decay does not apply to it, and it may have its own learning
/// rate.
enum class tensor_kind { parameter, range, buffer };

/// Whether gradients update tensors of this kind.
[[nodiscard]] constexpr bool is_learned(tensor_kind kind) noexcept
{
  return kind != tensor_kind::buffer;
}

/// A tensor of a part under its full name, such as `stage2.0.convolution1.weight`.
struct named_tensor {
  std::string name;
  torch::Tensor value;
  tensor_kind kind = tensor_kind::parameter;
};

namespace detail {

/// Archive that calls `f(full name, tensor&, kind)` for every tensor of a part, in its order.
template<typename F>
class tensor_walk {
 public:
  explicit tensor_walk(F& f) : f_{f} {}

  void parameter(std::string_view name, torch::Tensor& t)
  {
    f_(prefix_ + std::string{name}, t, tensor_kind::parameter);
  }
  void range(std::string_view name, torch::Tensor& t)
  {
    f_(prefix_ + std::string{name}, t, tensor_kind::range);
  }
  void buffer(std::string_view name, torch::Tensor& t)
  {
    f_(prefix_ + std::string{name}, t, tensor_kind::buffer);
  }
  template<PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    const auto length = prefix_.size();
    prefix_.append(name).append(".");
    inner.visit_state(*this);
    prefix_.resize(length);
  }

 private:
  F& f_;
  std::string prefix_;
};

}  // namespace detail

/// Calls `f(full name, torch::Tensor&, tensor_kind)` for every tensor of a part's state.
template<state_must::be_shown P, typename F>
void for_each_tensor(P& part, F&& f)
{
  detail::tensor_walk<std::remove_reference_t<F>> walk{f};
  part.visit_state(walk);
}

namespace detail {

/// Archive that calls `f(full name, part&)` for every nested part, outer parts first.
template<typename F>
class part_walk {
 public:
  explicit part_walk(F& f) : f_{f} {}

  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    const auto length = prefix_.size();
    prefix_.append(name);
    f_(prefix_, inner);
    prefix_.append(".");
    inner.visit_state(*this);
    prefix_.resize(length);
  }

 private:
  F& f_;
  std::string prefix_;
};

}  // namespace detail

/// Calls `f(full name, part&)` for every nested part with state, whatever its type, outer parts
/// first.
template<state_must::be_shown P, typename F>
void for_each_part(P& part, F&& f)
{
  detail::part_walk<std::remove_reference_t<F>> walk{f};
  part.visit_state(walk);
}

}  // namespace rolewise
