// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Weighted sums of losses: `0.1 * cross_entropy{} + 0.9 * soft_target_kl{}`.

#include <rolewise/core/state.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/detail/target_rows.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/support/classic_text.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace rolewise {

/// Weight of a loss in a sum; unitless. 0 keeps a loss in the report and out of the gradient, a
/// negative weight makes the sum larger where the loss is small.
class weight {
 public:
  /// @throws std::invalid_argument unless the value is finite; in a constant, a compile error
  constexpr explicit weight(double value) : value_{value}
  {
    constexpr double largest = std::numeric_limits<double>::max();
    if (!(value >= -largest && value <= largest))
      throw std::invalid_argument{"rolewise: weight of a loss must be finite"};
  }

  [[nodiscard]] constexpr double value() const noexcept { return value_; }
  friend constexpr bool operator==(const weight&, const weight&) = default;

 private:
  double value_;
};

template<LossFunction O>
struct weighted_term {
  weight by{1.0};
  O loss;
};

namespace detail {

/// All `Os::name`, joined by " + ", as a constant.
template<typename... Os>
struct joined_name {
  static constexpr std::string_view between = " + ";
  static constexpr std::size_t size =
      (std::string_view{Os::name}.size() + ...) + between.size() * (sizeof...(Os) - 1);

  static constexpr std::array<char, size> letters = [] {
    std::array<char, size> joined{};
    auto* out = joined.data();
    for (const std::string_view part : {std::string_view{Os::name}...}) {
      if (out != joined.data()) out = std::copy(between.begin(), between.end(), out);
      out = std::copy(part.begin(), part.end(), out);
    }
    return joined;
  }();
  static constexpr std::string_view value{letters.data(), size};
};

}  // namespace detail

/// Weighted sum of losses; built with `*` and `+`.
///
///     total = sum_i w_i * loss_i
///
/// Flat: a sum of sums is one sum, and a weight on a sum multiplies each of its weights.
/// Argument-dependent lookup finds the operators if one operand is a type of rolewise; for your
/// own loss write `weight{0.9} * mine::loss{}`.
///
/// @par Gradients
/// Those of the losses, times their weights.
template<LossFunction... Os>
class weighted_sum {
  static_assert(sizeof...(Os) > 0, "a weighted_sum wants at least one loss");

 public:
  static constexpr std::string_view name = detail::joined_name<Os...>::value;
  static constexpr taps teacher_taps = (rolewise::teacher_taps<Os>() | ...);
  static constexpr taps student_taps = (rolewise::student_taps<Os>() | ...);
  static constexpr bool has_state = !(state_must::be_denied<Os> && ...);
  static constexpr bool reads_teacher = (rolewise::reads_teacher<Os>() || ...);
  static constexpr bool reaches_teacher = (rolewise::reaches_teacher<Os>() || ...);
  static constexpr bool minimum_at_teacher = (rolewise::minimum_at_teacher<Os>() && ...);
  static constexpr rolewise::invariances invariances = (invariances_of<Os>() & ...);
  static constexpr bool wants_class_labels = (rolewise::wants_class_labels<Os>() || ...);

  constexpr explicit weighted_sum(weighted_term<Os>... terms) : terms_{std::move(terms)...} {}
  constexpr explicit weighted_sum(std::tuple<weighted_term<Os>...> terms) : terms_{std::move(terms)}
  {}

  [[nodiscard]] torch::Tensor operator()(const paired_outputs& pair, const targets& targets) const
  {
    return evaluate_terms(pair, targets).total;
  }

  /// @return the total, and the value of each loss before its weight
  [[nodiscard]] loss_terms evaluate_terms(const paired_outputs& pair, const targets& targets) const
  {
    loss_terms found;
    found.terms.reserve(sizeof...(Os));
    const auto together = evaluate_together(pair, targets);
    if (together) found.total = together->total;
    std::apply([&](const auto&... term) { (add(term, pair, targets, together, found), ...); },
               terms_);
    return found;
  }

  /// A tuple of `weighted_term`.
  [[nodiscard]] constexpr const std::tuple<weighted_term<Os>...>& terms() const { return terms_; }

  void configure(const feature_shapes& teacher, const feature_shapes& student)
    requires(wants_configuration<Os>() || ...)
  {
    std::apply([&](auto&... term) { (configure_loss(term.loss, teacher, student), ...); }, terms_);
  }
  void after_step(const paired_outputs& pair, const targets& targets)
    requires(moves_after_step<Os>() || ...)
  {
    std::apply([&](auto&... term) { (loss_after_step(term.loss, pair, targets), ...); }, terms_);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
    requires((Stateful<Os> && ...) && (state_must::be_shown<Os> || ...))
  {
    int number = 0;
    std::apply(
        [&](auto&... term) {
          (visit_part(archive, detail::classic_text("term", number++), term.loss), ...);
        },
        terms_);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    int number = 0;
    std::apply(
        [&](const auto&... term) {
          (archive.show(std::string{"term"}.append(std::to_string(number++)), term), ...);
        },
        terms_);
  }

 private:
  /// Whether two terms are evaluated in one pass over the logits: the usual sum of a task loss and
  /// a distillation loss, once each.
  template<typename O>
  static constexpr int times = (static_cast<int>(std::is_same_v<O, Os>) + ...);
  static constexpr bool has_both = times<cross_entropy> == 1 && times<soft_target_kl> == 1;

  [[nodiscard]] std::optional<detail::hard_and_soft> evaluate_together(const paired_outputs& pair,
                                                                       const targets& targets) const
  {
    if constexpr (has_both) {
      const auto& hard = std::get<weighted_term<cross_entropy>>(terms_);
      const auto& soft = std::get<weighted_term<soft_target_kl>>(terms_);
      return detail::hard_and_soft_value(detail::hard_targets_of(hard.loss, hard.by.value()),
                                         detail::soft_targets_of(soft.loss, soft.by.value()), pair,
                                         targets);
    } else {
      return std::nullopt;
    }
  }

  /// Adds a term; one that `together` has is in the total already.
  template<typename O>
  static void add(const weighted_term<O>& term, const paired_outputs& pair, const targets& targets,
                  const std::optional<detail::hard_and_soft>& together, loss_terms& found)
  {
    if constexpr (std::is_same_v<O, cross_entropy>) {
      if (together) return detail::add_term(found, O::name, together->hard);
    } else if constexpr (std::is_same_v<O, soft_target_kl>) {
      if (together) return detail::add_term(found, O::name, together->soft);
    }
    const auto value = evaluate_loss(term.loss, pair, targets);
    const double by = term.by.value();
    if (found.total.defined())
      found.total = found.total.add(value, by);
    else
      found.total = by == 1.0 ? value : value * by;
    detail::add_term(found, O::name, value.detach());
  }

  std::tuple<weighted_term<Os>...> terms_;
};

namespace detail {

template<typename O>
[[nodiscard]] constexpr auto as_sum(O loss)
{
  return weighted_sum<O>{weighted_term<O>{weight{1.0}, std::move(loss)}};
}
template<typename... Os>
[[nodiscard]] constexpr weighted_sum<Os...> as_sum(weighted_sum<Os...> sum)
{
  return sum;
}

template<typename... Os>
[[nodiscard]] constexpr weighted_sum<Os...> sum_of(std::tuple<weighted_term<Os>...> terms)
{
  return weighted_sum<Os...>{std::move(terms)};
}

}  // namespace detail

/// Multiplies a loss, or every term of a sum, by a weight.
template<LossFunction O>
[[nodiscard]] constexpr auto operator*(weight by, O loss)
{
  auto terms = detail::as_sum(std::move(loss)).terms();
  std::apply([&](auto&... term) { ((term.by = weight{by.value() * term.by.value()}), ...); },
             terms);
  return detail::sum_of(std::move(terms));
}

/// @throws std::invalid_argument for a weight that is not finite
template<LossFunction O>
[[nodiscard]] constexpr auto operator*(double by, O loss)
{
  return weight{by} * std::move(loss);
}

template<LossFunction A, LossFunction B>
[[nodiscard]] constexpr auto operator+(A first, B second)
{
  return detail::sum_of(std::tuple_cat(detail::as_sum(std::move(first)).terms(),
                                       detail::as_sum(std::move(second)).terms()));
}

}  // namespace rolewise
