// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Compile-time reflection of aggregates: members and their names, without a hand-written list.

#include <rolewise/core/detail/type_name.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rolewise::detail {

/// Converts to an initializer of any type. Never executed.
struct any_initializer {
  template<typename T>
  operator T() const  // NOLINT: initializers convert implicitly
  {
    std::terminate();
  }
};

/// Converts to base classes of T only.
template<typename T>
struct base_initializer {
  template<typename Base>
    requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>)
  operator Base() const  // NOLINT
  {
    std::terminate();
  }
};

template<typename T, std::size_t... I>
[[nodiscard]] consteval bool takes_initializers(std::index_sequence<I...>)
{
  return requires { T{(static_cast<void>(I), any_initializer{})...}; };
}

inline constexpr std::size_t most_members = 20;

/// Number of members of an aggregate; one more than `most_members` if there are more.
template<typename T, std::size_t N = most_members + 1>
[[nodiscard]] consteval std::size_t member_count()
{
  if constexpr (N == 0)
    return 0;
  else if constexpr (takes_initializers<T>(std::make_index_sequence<N>{}))
    return N;
  else
    return member_count<T, N - 1>();
}

template<typename T>
[[nodiscard]] consteval bool has_base()
{
  return requires { T{base_initializer<T>{}}; };
}

/// Calls `f(member...)` with all members, in their order.
template<typename T, typename F>
constexpr decltype(auto) with_members(T& x, F&& f)
{
  constexpr auto count = member_count<std::remove_const_t<T>>();
  static_assert(count <= most_members,
                "an aggregate of settings may have 20 members; put some of "
                "them into an aggregate of their own");
  // clang-format off
  if constexpr (count == 0) { return f(); }
  else if constexpr (count == 1) { auto& [a] = x; return f(a); }
  else if constexpr (count == 2) { auto& [a, b] = x; return f(a, b); }
  else if constexpr (count == 3) { auto& [a, b, c] = x; return f(a, b, c); }
  else if constexpr (count == 4) { auto& [a, b, c, d] = x; return f(a, b, c, d); }
  else if constexpr (count == 5) { auto& [a, b, c, d, e] = x; return f(a, b, c, d, e); }
  else if constexpr (count == 6) { auto& [a, b, c, d, e, g] = x; return f(a, b, c, d, e, g); }
  else if constexpr (count == 7) { auto& [a, b, c, d, e, g, h] = x; return f(a, b, c, d, e, g, h); }
  else if constexpr (count == 8) { auto& [a, b, c, d, e, g, h, i] = x; return f(a, b, c, d, e, g, h, i); }
  else if constexpr (count == 9) { auto& [a, b, c, d, e, g, h, i, j] = x; return f(a, b, c, d, e, g, h, i, j); }
  else if constexpr (count == 10) { auto& [a, b, c, d, e, g, h, i, j, k] = x; return f(a, b, c, d, e, g, h, i, j, k); }
  else if constexpr (count == 11) { auto& [a, b, c, d, e, g, h, i, j, k, l] = x; return f(a, b, c, d, e, g, h, i, j, k, l); }
  else if constexpr (count == 12) { auto& [a, b, c, d, e, g, h, i, j, k, l, m] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m); }
  else if constexpr (count == 13) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m, n); }
  else if constexpr (count == 14) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o); }
  else if constexpr (count == 15) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p); }
  else if constexpr (count == 16) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q); }
  else if constexpr (count == 17) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r); }
  else if constexpr (count == 18) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r, s] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r, s); }
  else if constexpr (count == 19) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r, s, t] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r, s, t); }
  else if constexpr (count == 20) { auto& [a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u] = x; return f(a, b, c, d, e, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u); }
  // clang-format on
}

/// Storage for a T that is never constructed: provides addresses and names of its members.
template<typename T>
union never_made {
  char nothing;
  T value;
  constexpr never_made() : nothing{} {}
  constexpr ~never_made() {}  // NOLINT: a union of what may have a destructor
};

template<typename T>
inline constexpr never_made<T> never_made_of{};

/// A pointer as a template argument; wrapped in a class, so that clang 17 accepts one into an
/// object.
template<typename T>
struct pointer_to {
  const T* place;
};
template<typename T>
pointer_to(const T*) -> pointer_to<T>;

template<typename T, std::size_t I>
[[nodiscard]] consteval std::string_view member_name()
{
  constexpr auto place = with_members(never_made_of<T>.value, [](const auto&... members) {
    return pointer_to{&std::get<I>(std::tie(members...))};
  });
  return last_identifier(pretty_name<place>());
}

/// The names of all members of an aggregate, in their order.
template<typename T>
[[nodiscard]] consteval auto member_names()
{
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, sizeof...(I)>{member_name<T, I>()...};
  }(std::make_index_sequence<member_count<T>()>{});
}

}  // namespace rolewise::detail
