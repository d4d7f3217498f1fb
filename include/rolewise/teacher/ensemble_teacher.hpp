// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// An ensemble of frozen teachers that acts as one teacher.

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/teacher/detail/teacher_members.hpp>
#include <rolewise/teacher/teacher.hpp>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

namespace rolewise {

/// How an ensemble makes one prediction of those of its members: `mean_logits`,
/// `mean_probabilities` or `mean_probabilities_at(temperature)`.
struct ensemble_reduction {
  bool of_logits = false;
  rolewise::temperature temperature{1.0};  ///< of the probabilities

  friend bool operator==(const ensemble_reduction&, const ensemble_reduction&) = default;
};

/// z = sum_m w_m z_m: the normalized geometric mean of the probabilities.
inline constexpr ensemble_reduction mean_logits{.of_logits = true};
/// softmax(z) = sum_m w_m softmax(z_m).
inline constexpr ensemble_reduction mean_probabilities{};
/// softmax(z / T) = sum_m w_m softmax(z_m / T), for losses at this temperature.
[[nodiscard]] constexpr ensemble_reduction mean_probabilities_at(temperature t)
{
  return {.temperature = t};
}

/// Options of `ensemble`.
struct ensemble_options {
  ensemble_reduction reduction = mean_probabilities;
  std::vector<double> weights{};  ///< one for each member, above 0; empty means equal ones
};

namespace detail {

/// The weights with sum 1, one for each of `count` members.
/// @throws std::invalid_argument for another number of weights, or weights that are not above 0
[[nodiscard]] ROLEWISE_INLINE std::vector<double> normalized_weights(std::vector<double> weights,
                                                                     std::size_t count);

/// @param weights with sum 1
/// @return logits, in the shape and dtype of each member's
[[nodiscard]] ROLEWISE_INLINE torch::Tensor reduced_logits(const std::vector<torch::Tensor>& logits,
                                                           const ensemble_reduction& reduction,
                                                           const std::vector<double>& weights);

}  // namespace detail

/// The ensemble offers the features of none of its members.
struct features_of_no_member {};
/// The ensemble offers the features of one member, which `with_features_of` chooses.
template<std::size_t Number>
struct features_of_member {};

/// Frozen teachers that act as one: its logits are the mean of their logits, or the logits of the
/// mean of their probabilities; `ensemble(...)` makes one.
///
///     mean_logits                 z = sum_m w_m z_m
///     mean_probabilities_at(T)    z = T log sum_m w_m softmax(z_m / T),  by log-sum-exp
///
/// The student then learns from one distribution: with `mean_probabilities_at` the temperature of
/// the loss, the gradient of `soft_target_kl` is the mean of its gradients to the members. A batch
/// costs the forward passes of all members; `cached` stores their mean.
///
/// Features do not average: an ensemble has those of one member, if `with_features_of` chooses
/// one, or none. It never changes (`has_state = false`), and a copy is as deep as those of its
/// members.
///
/// @tparam Members `std::tuple` or `std::vector` of frozen teachers of the same classes
/// @par Source
/// Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531,
/// section 1 (arithmetic or geometric mean); Allen-Zhu, Li: Towards Understanding Ensemble,
/// Knowledge Distillation and Self-Distillation in Deep Learning, 2020, arXiv:2012.09816.
template<typename Members, typename Features = features_of_no_member>
class ensemble_teacher;

template<typename Members>
class ensemble_teacher<Members, features_of_no_member> {
  static_assert(TeacherMembers<Members>,
                "ensemble wants a std::tuple or std::vector of teachers that never change "
                "(has_state = false), such as frozen(network)");

 public:
  static constexpr bool has_state = false;
  static constexpr taps offered_taps{};

  /// What the compiler says of a loss that wants features.
  template<typename Loss>
  struct missing_taps {
    static_assert(sizeof(Loss) == 0,
                  "ensemble: the loss wants features, which do not average; "
                  "with_features_of<number>(ensemble(...)) has those of one member");
  };

  /// @throws std::invalid_argument without members, for members on different devices, or unless
  ///         there is one weight above 0 for each member, or none
  explicit ensemble_teacher(Members members, ensemble_options options = {})
      : members_{std::move(members)},
        reduction_{options.reduction},
        weights_{
            detail::normalized_weights(std::move(options.weights), detail::member_count(members_))}
  {
    detail::require_members("ensemble", members_);
  }

  /// @throws std::invalid_argument if taps are wanted, or the logits of the members differ in shape
  ///         or dtype
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered("ensemble", offered_taps, wanted);
    return forward_with(examples, wanted, detail::member_count(members_));
  }

  [[nodiscard]] const Members& members() const noexcept { return members_; }
  [[nodiscard]] const ensemble_reduction& reduction() const noexcept { return reduction_; }
  /// With sum 1.
  [[nodiscard]] const std::vector<double>& weights() const noexcept { return weights_; }

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

  /// 64-bit fingerprint: over those of the members, in their order, the reduction and the weights.
  [[nodiscard]] std::uint64_t fingerprint() const
    requires(detail::members_of<Members>::have_fingerprints)
  {
    checksum sum;
    detail::add_members(sum, members_);
    sum.add(std::uint64_t{reduction_.of_logits});
    for (const auto x : weights_) sum.add(&x, sizeof x);
    const auto t = reduction_.temperature.value();
    sum.add(&t, sizeof t);
    return sum.value();
  }

 protected:
  /// @param tapped the number of the member that delivers the wanted features
  [[nodiscard]] outputs forward_with(const batch& examples, taps wanted, std::size_t tapped) const
  {
    outputs found;
    std::vector<torch::Tensor> logits;
    detail::for_each_member(members_, [&](const auto& each) {
      auto of_each = each.forward(examples, logits.size() == tapped ? wanted : taps{});
      if (logits.size() == tapped) found.features = std::move(of_each.features);
      logits.push_back(std::move(of_each.logits));
    });
    detail::require_alike("ensemble", logits);
    found.logits = detail::reduced_logits(logits, reduction_, weights_);
    return found;
  }

 private:
  Members members_;
  ensemble_reduction reduction_;
  std::vector<double> weights_;
};

/// An ensemble with the features of one member.
template<typename Members, std::size_t Number>
class ensemble_teacher<Members, features_of_member<Number>>
    : public ensemble_teacher<Members, features_of_no_member> {
  using base = ensemble_teacher<Members, features_of_no_member>;
  using tapped = typename detail::members_of<Members>::template type<Number>;

 public:
  static constexpr taps offered_taps = rolewise::offered_taps<tapped>();
  using missing_taps = void;  // a loss may still want others than the member's

  /// @throws std::invalid_argument if there is no member of this number
  explicit ensemble_teacher(base all) : base{std::move(all)}
  {
    if (const auto count = detail::member_count(this->members()); Number >= count)
      throw_invalid_argument("with_features_of", "want the features of member ", Number,
                             ", there are members 0 .. ", count - 1);
  }

  /// @throws std::invalid_argument as the ensemble without features, and if taps are wanted that
  ///         the member does not offer
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered("ensemble", offered_taps, wanted);
    return this->forward_with(examples, wanted, Number);
  }

  /// Shapes of the tapped features of one example.
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
    requires ShowsTapShapes<tapped>
  {
    return detail::member_at<Number>(this->members()).tap_shapes(wanted);
  }
};

/// Makes an ensemble of teachers of one type or, in a tuple, of any types.
///
///     ensemble(std::vector{frozen(a), frozen(b), frozen(c)})
///     ensemble(std::tuple{frozen(wide), frozen(deep)},
///              {.reduction = mean_probabilities_at(temperature{4}), .weights = {2, 1}})
template<typename Members>
[[nodiscard]] auto ensemble(Members members, ensemble_options options = {})
{
  return ensemble_teacher<Members>{std::move(members), std::move(options)};
}

/// The same ensemble, with the features of the member of a number, from 0, for losses that read
/// features of the teacher.
///
///     with_features_of<0>(ensemble(std::tuple{frozen(wide), frozen(deep)}))
template<std::size_t Number, typename Members>
[[nodiscard]] auto with_features_of(ensemble_teacher<Members> all)
{
  static_assert(detail::members_of<Members>::template has<Number>,
                "with_features_of: the ensemble has no member of this number; they count from 0");
  if constexpr (detail::members_of<Members>::template has<Number>)
    return ensemble_teacher<Members, features_of_member<Number>>{std::move(all)};
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/teacher/implementation/ensemble_teacher.hpp>
#endif
