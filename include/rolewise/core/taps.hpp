// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Taps: the intermediate features that a network offers and a loss wants, as constants.

#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace rolewise {

/// What a tap reads, in the order of a forward pass.
enum class tap_kind : std::uint8_t {
  embedding,          ///< of tokens or patches, before the first block
  stage,              ///< the output of a stage, after its last activation
  before_activation,  ///< the output of a stage, before its last activation
  attention,          ///< the attention probabilities of a block
  penultimate,        ///< what the classifier reads: `[N, D]`, for sequences `[N, L, D]`
  auxiliary           ///< the logits of an auxiliary head
};

/// One tap: its kind and its index, 0 .. 31. The constants of namespace `tap` name all.
struct tap_id {
  tap_kind kind = tap_kind::penultimate;
  std::uint8_t index = 0;

  friend constexpr auto operator<=>(const tap_id&, const tap_id&) = default;
};

/// The names of the taps. Stages count from 1, and `stage<0>` is the stem; blocks and auxiliary
/// heads count from 0.
namespace tap {

namespace detail {

template<int Index>
[[nodiscard]] consteval tap_id at(tap_kind kind)
{
  static_assert(Index >= 0 && Index < 32, "the index of a tap lies in 0 .. 31");
  return {kind, static_cast<std::uint8_t>(Index)};
}

}  // namespace detail

inline constexpr tap_id embedding{tap_kind::embedding};
inline constexpr tap_id penultimate{tap_kind::penultimate};
template<int Index>
inline constexpr tap_id stage = detail::at<Index>(tap_kind::stage);
template<int Index>
inline constexpr tap_id before_activation = detail::at<Index>(tap_kind::before_activation);
template<int Index>
inline constexpr tap_id attention = detail::at<Index>(tap_kind::attention);
template<int Index>
inline constexpr tap_id auxiliary = detail::at<Index>(tap_kind::auxiliary);

}  // namespace tap

/// The name of a tap as it is written in code, such as `tap::stage<2>`.
struct tap_name {
  std::array<char, 32> letters{};

  constexpr explicit tap_name(tap_id id)
  {
    constexpr std::array<std::string_view, 6> kinds{"embedding", "stage",       "before_activation",
                                                    "attention", "penultimate", "auxiliary"};
    auto* out = letters.data();
    for (const auto part : {std::string_view{"tap::"}, kinds[static_cast<std::size_t>(id.kind)]})
      out = std::copy(part.begin(), part.end(), out);
    if (id.kind == tap_kind::embedding || id.kind == tap_kind::penultimate) return;
    *out++ = '<';
    if (id.index >= 10) *out++ = static_cast<char>('0' + id.index / 10);
    *out++ = static_cast<char>('0' + id.index % 10);
    *out++ = '>';
  }

  [[nodiscard]] constexpr std::string_view view() const { return letters.data(); }
};

/// A set of taps: those that a network offers, or those that a loss or a caller wants.
///
///     static constexpr taps offered_taps{tap::stage<1>, tap::stage<2>, tap::penultimate};
///
/// What nobody wants is neither computed nor kept.
struct taps {
  std::array<std::uint32_t, 6> indices{};  ///< for each kind, a bit for each index

  constexpr taps() = default;
  constexpr taps(std::initializer_list<tap_id> all)
  {
    for (const auto& each : all) insert(each);
  }

  constexpr void insert(tap_id id) { row(id) |= bit(id); }
  [[nodiscard]] constexpr bool contains(tap_id id) const
  {
    return (indices[static_cast<std::size_t>(id.kind)] & bit(id)) != 0;
  }
  [[nodiscard]] constexpr bool contains(const taps& others) const
  {
    return others.without(*this).empty();
  }
  [[nodiscard]] constexpr bool empty() const { return *this == taps{}; }
  [[nodiscard]] constexpr std::size_t size() const
  {
    std::size_t count = 0;
    for (const auto row : indices) count += static_cast<std::size_t>(std::popcount(row));
    return count;
  }
  [[nodiscard]] constexpr taps without(const taps& others) const
  {
    auto left = *this;
    for (std::size_t kind = 0; kind < indices.size(); ++kind)
      left.indices[kind] &= ~others.indices[kind];
    return left;
  }
  /// @throws std::invalid_argument if the set is empty; in a constant, a compile error
  [[nodiscard]] constexpr tap_id first() const
  {
    for (std::size_t kind = 0; kind < indices.size(); ++kind)
      if (indices[kind] != 0)
        return {static_cast<tap_kind>(kind),
                static_cast<std::uint8_t>(std::countr_zero(indices[kind]))};
    throw std::invalid_argument{"rolewise: taps: want the first of none"};
  }

  /// Calls `f(tap_id)` for each tap, in the order of `tap_kind` and index.
  template<typename F>
  constexpr void for_each(F&& f) const
  {
    for (auto left = *this; !left.empty();) {
      const auto id = left.first();
      f(id);
      left.row(id) &= ~bit(id);
    }
  }

  friend constexpr taps operator|(taps a, const taps& b)
  {
    for (std::size_t kind = 0; kind < a.indices.size(); ++kind) a.indices[kind] |= b.indices[kind];
    return a;
  }
  friend constexpr bool operator==(const taps&, const taps&) = default;

  [[nodiscard]] static constexpr std::uint32_t bit(tap_id id)
  {
    return std::uint32_t{1} << (id.index % 32);
  }
  [[nodiscard]] constexpr std::uint32_t& row(tap_id id)
  {
    return indices[static_cast<std::size_t>(id.kind)];
  }
};

/// The taps by name, joined by ", "; "none" if there are none.
[[nodiscard]] ROLEWISE_INLINE std::string to_text(const taps& all);

/// The taps that a network or teacher offers: its constant `offered_taps`; none without one.
template<typename N>
[[nodiscard]] consteval taps offered_taps()
{
  if constexpr (requires { std::bool_constant<std::remove_cvref_t<N>::offered_taps.empty()>{}; })
    return std::remove_cvref_t<N>::offered_taps;
  else
    return {};
}

namespace detail {

template<tap_kind Tap, int Index, typename Wants, typename Offers>
consteval void must_be_offered()
{
  static_assert(Index < 0,
                "a loss wants a tap that the network does not offer: the arguments of "
                "must_be_offered are the tap, its index, the loss and the network");
}

/// A network that says itself why taps are missing: `missing_taps<Wants>`, whose instantiation does
/// not compile.
template<typename Offers, typename Wants>
concept ExplainsMissingTaps = requires { typename Offers::template missing_taps<Wants>; };

/// Fails to compile, naming the first missing tap, unless `Offers` offers all of `Wanted`.
template<taps Wanted, typename Wants, typename Offers>
[[nodiscard]] consteval bool taps_are_offered()
{
  constexpr auto missing = Wanted.without(offered_taps<Offers>());
  if constexpr (!missing.empty() && ExplainsMissingTaps<Offers, Wants>)
    return sizeof(typename Offers::template missing_taps<Wants>) == 0;
  else if constexpr (!missing.empty())
    must_be_offered<missing.first().kind, int{missing.first().index}, Wants, Offers>();
  return true;
}

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/core/implementation/taps.hpp>
#endif
