// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Several frozen teachers of which one answers for each example.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/detail/teacher_members.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// For each example the member with the lowest entropy of softmax(logits); of pixels or tokens, on
/// their average. Of equal ones the first.
struct most_confident {
  static constexpr std::string_view name = "most-confident";

  /// @param logits of each member, alike in shape
  /// @return `[N]` int64: the number of a member for each example
  [[nodiscard]] torch::Tensor operator()(const std::vector<torch::Tensor>& logits,
                                         const batch& examples) const;
};

/// For each example the member with the lowest cross-entropy on its label, hard or soft, one for
/// each example. Of equal ones, and where the label is `ignore_index`, the first.
///
/// The teacher reads the labels of its view. So its accuracy is that of an oracle: it says how good
/// the members are together, not how good a teacher without labels would be.
/// @throws std::invalid_argument, when called, without labels `[N]` int64 or `[N, C]`
struct lowest_cross_entropy {
  static constexpr std::string_view name = "lowest-cross-entropy";

  [[nodiscard]] torch::Tensor operator()(const std::vector<torch::Tensor>& logits,
                                         const batch& examples) const;
};

/// For each example a member drawn by (seed, number of the view, id), each with the same
/// probability. Only this member computes the example, so a batch costs one forward pass, in parts.
///
/// A teacher knows no epoch, because the same view has to have the same outputs. An example keeps
/// its member for the whole run, unless the teacher's agent is `cyclic_views`: then each of its
/// views has a draw of its own.
struct drawn_member {
  static constexpr std::string_view name = "drawn-member";

  rolewise::seed seed{0};

  /// @return `[N]` int64, on the CPU
  [[nodiscard]] torch::Tensor operator()(std::size_t members, const batch& examples) const;
};

namespace policy_must {

template<typename P>
concept choose_by_logits =
    requires(const P policy, const std::vector<torch::Tensor> logits, const batch examples) {
      { policy(logits, examples) } -> std::same_as<torch::Tensor>;
    };

template<typename P>
concept choose_in_advance = requires(const P policy, std::size_t members, const batch examples) {
  { policy(members, examples) } -> std::same_as<torch::Tensor>;
};

}  // namespace policy_must

/// Chooses a member for each example: `policy(logits, batch)` by what all members say, or
/// `policy(number of members, batch)` before any is asked, on the CPU. The result is `[N]` int64, a
/// function of its arguments.
template<typename P>
concept MemberPolicy =
    std::copyable<P> && (policy_must::choose_by_logits<P> || policy_must::choose_in_advance<P>);

namespace detail {

/// Row n is that of member choice[n].
/// @param choice `[N]` int64, on the device of the logits
[[nodiscard]] ROLEWISE_INLINE torch::Tensor selected_rows(const std::vector<torch::Tensor>& logits,
                                                          const torch::Tensor& choice);

/// The places of the examples of each member.
/// @throws std::invalid_argument unless the choice is `[count]` int64 in 0 .. members - 1
[[nodiscard]] ROLEWISE_INLINE std::vector<std::vector<std::int64_t>> places_of_members(
    const torch::Tensor& choice, std::int64_t count, std::size_t members);

/// The examples of a batch at the given places, in that order.
[[nodiscard]] ROLEWISE_INLINE batch examples_at(batch whole,
                                                const std::vector<std::int64_t>& places);

/// Joins parts whose rows belong at the given places.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor joined_at(
    const std::vector<torch::Tensor>& parts, const std::vector<std::vector<std::int64_t>>& places);

}  // namespace detail

/// Frozen teachers of which one answers for each example, by a policy; `selected(...)` makes one.
/// Has no features.
///
/// @tparam Members `std::tuple` or `std::vector` of frozen teachers of the same classes
/// @tparam Policy `most_confident`, `lowest_cross_entropy`, `drawn_member` or your own
template<typename Members, typename Policy>
class selected_teacher {
  static_assert(TeacherMembers<Members>,
                "selected wants a std::tuple or std::vector of teachers that never change "
                "(has_state = false), such as frozen(network)");
  static_assert(MemberPolicy<Policy>,
                "selected wants a MemberPolicy, such as most_confident{}: policy(logits, batch) or "
                "policy(count, batch), const, gives a tensor [N]");

 public:
  static constexpr bool has_state = false;
  static constexpr taps offered_taps{};

  /// @throws std::invalid_argument without members, or for members on different devices
  selected_teacher(Members members, Policy policy)
      : members_{std::move(members)}, policy_{std::move(policy)}
  {
    detail::require_members("selected", members_);
  }

  /// @throws std::invalid_argument if taps are wanted, the logits of the members differ in shape or
  ///         dtype, or the policy lacks what it reads
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered("selected", offered_taps, wanted);
    if constexpr (policy_must::choose_in_advance<Policy>)
      return {.logits = asked_apart(examples), .features = {}};
    else
      return {.logits = asked_all(examples), .features = {}};
  }

  [[nodiscard]] const Members& members() const noexcept { return members_; }
  [[nodiscard]] const Policy& policy() const noexcept { return policy_; }

  void to(torch::Device device)
    requires(detail::members_of<Members>::move)
  {
    detail::for_each_member(members_, [&](auto& each) { each.to(device); });
  }
  [[nodiscard]] torch::Device device() const
    requires(detail::members_of<Members>::say_device)
  {
    return detail::member_at<0>(members_).device();
  }

  /// 64-bit fingerprint: over those of the members, the name of the policy and its seed.
  [[nodiscard]] std::uint64_t fingerprint() const
    requires(detail::members_of<Members>::have_fingerprints &&
             requires { std::string_view{Policy::name}; })
  {
    checksum sum;
    detail::add_members(sum, members_);
    sum.add(std::string_view{Policy::name});
    if constexpr (requires { policy_.seed.value; }) sum.add(policy_.seed.value);
    return sum.value();
  }

 private:
  [[nodiscard]] torch::Tensor asked_all(const batch& examples) const
  {
    std::vector<torch::Tensor> logits;
    detail::for_each_member(
        members_, [&](const auto& each) { logits.push_back(each.forward(examples).logits); });
    detail::require_alike("selected", logits);
    return detail::selected_rows(logits, policy_(std::as_const(logits), examples));
  }

  [[nodiscard]] torch::Tensor asked_apart(const batch& examples) const
  {
    const auto count = detail::member_count(members_);
    const auto places = detail::places_of_members(policy_(count, examples), examples.size(), count);
    std::vector<torch::Tensor> parts;
    std::vector<std::vector<std::int64_t>> of_parts;
    std::size_t number = 0;
    detail::for_each_member(members_, [&](const auto& each) {
      const auto& at = places[number++];
      const bool is_last_resort = examples.size() == 0 && parts.empty();
      if (at.empty() && !is_last_resort) return;
      parts.push_back(each.forward(detail::examples_at(examples, at)).logits);
      of_parts.push_back(at);
    });
    return detail::joined_at(parts, of_parts);
  }

  Members members_;
  Policy policy_;
};

/// Makes a teacher that answers for each example by the member that the policy chooses.
///
///     selected(std::vector{frozen(a), frozen(b)}, most_confident{})
template<typename Members, typename Policy>
[[nodiscard]] selected_teacher<Members, Policy> selected(Members members, Policy policy)
{
  return {std::move(members), std::move(policy)};
}

static_assert(MemberPolicy<most_confident> && MemberPolicy<lowest_cross_entropy> &&
              MemberPolicy<drawn_member>);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/implementation/selected_teacher.hpp>
#endif
