// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What a part must show so that a checkpoint, a copy or a report misses nothing of it.

#include <rolewise/core/tensor.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise {

/// What may be passed to `archive.value(name, x)`.
template<typename T>
concept PlainState =
    std::same_as<T, bool> || std::same_as<T, std::int64_t> || std::same_as<T, double> ||
    std::same_as<T, std::string> || std::same_as<T, std::vector<std::int64_t>> ||
    std::same_as<T, std::vector<double>> || std::same_as<T, std::vector<std::string>>;

/// The least that an archive offers; `visit_state` of every part is checked against it.
///
/// One function shows the state to writers and readers alike, so the two cannot disagree:
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

/// A part that either shows its state (`visit_state`) or says that it has none
/// (`static constexpr bool has_state = false`). A part that does neither does not compile in a
/// training step: forgotten state must not pass in silence.
template<typename P>
concept Stateful =
    state_must::be_shown<std::remove_cvref_t<P>> || state_must::be_denied<std::remove_cvref_t<P>>;

/// Shows a part to an archive if it has state.
template<Stateful P, typename Archive>
void visit_part(Archive& archive, std::string_view name, P& part)
{
  if constexpr (state_must::be_shown<P>) archive.part(name, part);
}

namespace detail {

/// Shows a value that older checkpoints do not have; read from one, it stays as it is.
template<typename Archive, typename T>
void visit_added_value(Archive& archive, std::string_view name, T& x)
{
  if constexpr (requires { archive.added_value(name, x); })
    archive.added_value(name, x);
  else
    archive.value(name, x);
}

}  // namespace detail

/// A `range` is learned like a `parameter`, but is a clip, step or offset of a quantizer: weight
/// decay passes it by, and it may have a learning rate of its own.
enum class tensor_kind { parameter, range, buffer };

/// Whether a gradient changes tensors of this kind.
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

/// Calls `f(full name, tensor&, kind)` for every tensor that a part shows, in its order.
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

/// Calls `f(full name, torch::Tensor&, tensor_kind)` for every tensor that a part shows.
template<state_must::be_shown P, typename F>
void for_each_tensor(P& part, F&& f)
{
  detail::tensor_walk<std::remove_reference_t<F>> walk{f};
  part.visit_state(walk);
}

namespace detail {

/// Calls `f(full name, part&)` for every part inside a part, the outer one first.
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

/// Calls `f(full name, part&)` for every part with state that a part shows, whatever its type, the
/// outer one first.
template<state_must::be_shown P, typename F>
void for_each_part(P& part, F&& f)
{
  detail::part_walk<std::remove_reference_t<F>> walk{f};
  part.visit_state(walk);
}

}  // namespace rolewise
