// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The members of teachers that are made of several: a tuple of any types or a vector of one.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/device_of.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

namespace rolewise {

namespace detail {

template<typename T>
inline constexpr bool are_frozen_teachers = false;
template<FrozenTeacher T>
inline constexpr bool are_frozen_teachers<std::vector<T>> = true;
template<FrozenTeacher... T>
inline constexpr bool are_frozen_teachers<std::tuple<T...>> = sizeof...(T) > 0;

}  // namespace detail

/// Frozen teachers that act as one: a `std::tuple` of any types, or a `std::vector` of one.
template<typename M>
concept TeacherMembers = std::copyable<M> && detail::are_frozen_teachers<M>;

namespace detail {

template<typename T>
concept says_fingerprint = requires(const T teacher) {
  { teacher.fingerprint() } -> std::same_as<std::uint64_t>;
};
template<typename T>
concept moves_to_device = requires(T teacher, torch::Device device) { teacher.to(device); };

/// What is known of the members by their type.
template<typename M>
struct members_of;
template<typename T>
struct members_of<std::vector<T>> {
  template<std::size_t>
  using type = T;
  static constexpr bool have_fingerprints = says_fingerprint<T>;
  static constexpr bool move = moves_to_device<T>;
  static constexpr bool say_device = says_device<T>;
  template<std::size_t Number>
  static constexpr bool has = true;  // the constructor counts them
};
template<typename... T>
struct members_of<std::tuple<T...>> {
  template<std::size_t Number>
  using type = std::tuple_element_t<Number, std::tuple<T...>>;
  static constexpr bool have_fingerprints = (says_fingerprint<T> && ...);
  static constexpr bool move = (moves_to_device<T> && ...);
  static constexpr bool say_device = (says_device<T> && ...);
  template<std::size_t Number>
  static constexpr bool has = Number < sizeof...(T);
};

/// Calls `f(member)` for each member, in order.
template<typename M, typename F>
void for_each_member(M& members, F&& f)
{
  if constexpr (requires { members.size(); })
    for (auto& each : members) f(each);
  else
    std::apply([&](auto&... each) { (f(each), ...); }, members);
}

template<typename M>
[[nodiscard]] std::size_t member_count(const M& members)
{
  if constexpr (requires { members.size(); })
    return members.size();
  else
    return std::tuple_size_v<M>;
}

template<std::size_t Number, typename M>
[[nodiscard]] const auto& member_at(const M& members)
{
  if constexpr (requires { members.size(); })
    return members[Number];
  else
    return std::get<Number>(members);
}

/// @throws std::invalid_argument without members, or where two say different devices
template<typename M>
void require_members(std::string_view who, const M& members)
{
  if (member_count(members) == 0) throw_invalid_argument(who, "want at least one member, got none");
  std::optional<torch::Device> first;
  for_each_member(members, [&](const auto& each) {
    const auto device = device_of(each);
    if (!device) return;
    if (!first) first = device;
    if (*device != *first)
      throw_invalid_argument(who, "want members on one device, got ", first->str(), " and ",
                             device->str());
  });
}

template<typename M>
void add_members(checksum& sum, const M& members)
{
  sum.add(static_cast<std::uint64_t>(member_count(members)));
  for_each_member(members, [&](const auto& each) { sum.add(each.fingerprint()); });
}

/// @throws std::invalid_argument unless all logits are floating point, alike in shape and dtype,
///         with the classes at axis 1
ROLEWISE_INLINE void require_alike(std::string_view who, const std::vector<torch::Tensor>& logits);

/// The same for logits of different examples: N may differ.
ROLEWISE_INLINE void require_alike_rows(std::string_view who,
                                        const std::vector<torch::Tensor>& logits);

/// 16-bit logits in single precision; any others as they are.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor in_single_or_double(const torch::Tensor& logits);

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/detail/implementation/teacher_members.hpp>
#endif
