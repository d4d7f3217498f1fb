// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `compose` agent: applies several agents one after the other.

#include <rolewise/agent/detail/mixes.hpp>
#include <rolewise/agent/detail/planned_view.hpp>
#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/agent/planned_agent.hpp>
#include <rolewise/core/state.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rolewise {

namespace detail {

/// The names of agents with " + " between them.
template<typename... Parts>
inline constexpr auto joined_names = [] {
  constexpr std::string_view between = " + ";
  constexpr std::size_t length =
      (std::string_view{Parts::name}.size() + ...) + between.size() * (sizeof...(Parts) - 1);
  std::array<char, length> text{};
  std::size_t at = 0;
  const auto write = [&](std::string_view words) {
    if (at != 0)
      for (const char c : between) text[at++] = c;
    for (const char c : words) text[at++] = c;
  };
  (write(Parts::name), ...);
  return text;
}();

}  // namespace detail

/// Applies its parts in order, each to the view of the part before:
/// `compose{rand_augment{}, cutout{}}`.
///
/// Part i gets `seed.split(i)`, so two equal parts draw differently, and the draws of a part do
/// not depend on the others. A sequence has state, and mixes, if a part does. It is a
/// `PlannedAgent` if all parts are; then each image passes through all parts before the next one
/// is processed.
template<typename... Parts>
class compose {
  static_assert(sizeof...(Parts) > 0, "a sequence wants at least one agent; see no_agent");
  static_assert((AugmentationAgent<Parts> && ...),
                "a sequence wants parts that satisfy AugmentationAgent");
  static_assert((Stateful<Parts> && ...),
                "a sequence wants parts that show their state: visit_state or has_state = false");

 public:
  static constexpr std::string_view name{detail::joined_names<Parts...>.data(),
                                         detail::joined_names<Parts...>.size()};
  static constexpr bool has_state = (state_must::be_shown<Parts> || ...);
  static constexpr bool mixes = (detail::mixes_examples<Parts>() || ...);
  static constexpr bool stays_in_step = (!IndependentAgent<Parts> || ...);

  compose()
    requires(std::default_initializable<Parts> && ...)
  = default;
  explicit compose(Parts... parts) : parts_{std::move(parts)...} {}

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    if constexpr ((PlannedAgent<Parts> && ...)) {
      if (detail::fits_kernels(examples))
        return detail::planned_view(
            [&](const image_subjects& subjects, image_program& program) {
              plan(subjects, progress, key, program);
            },
            examples);
    }
    auto view = examples;
    std::uint64_t position = 0;
    std::apply(
        [&](const auto&... part) { ((view = part(view, progress, key.split(position++))), ...); },
        parts_);
    return view;
  }

  void plan(const image_subjects& subjects, const training_progress& progress, seed key,
            image_program& program) const
    requires(PlannedAgent<Parts> && ...)
  {
    std::uint64_t position = 0;
    std::apply(
        [&](const auto&... part) {
          (part.plan(subjects_after(program, subjects), progress, key.split(position++), program),
           ...);
        },
        parts_);
  }

  /// Part number I.
  template<std::size_t I>
  [[nodiscard]] const auto& part() const
  {
    return std::get<I>(parts_);
  }

  template<typename Archive>
    requires(has_state)
  void visit_state(Archive& archive)
  {
    std::size_t position = 0;
    std::apply([&](auto&... part) { (visit_part(archive, std::to_string(position++), part), ...); },
               parts_);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    std::size_t position = 0;
    std::apply([&](const auto&... part) { (archive.show(std::to_string(position++), part), ...); },
               parts_);
  }

 private:
  std::tuple<Parts...> parts_;
};

}  // namespace rolewise
