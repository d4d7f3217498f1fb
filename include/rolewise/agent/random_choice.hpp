// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `random_choice` agent: applies one of several agents, chosen at random, to each example.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/mixed_labels.hpp>
#include <rolewise/agent/detail/mixes.hpp>
#include <rolewise/agent/independent_agent.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/support/error.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace rolewise {

namespace detail {

/// The names of agents, joined by " | ".
template<typename... Parts>
inline constexpr auto names_to_choose_from = [] {
  constexpr std::string_view between = " | ";
  std::array<char,
             (std::string_view{Parts::name}.size() + ...) + between.size() * (sizeof...(Parts) - 1)>
      text{};
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

/// Applies one of several agents, chosen at random, to each example:
/// `random_choice{rand_augment{}, cutout{}}` with equal probabilities,
/// `random_choice{{0.9, 0.1}, rand_augment{}, no_agent{}}` with given ones. Weights need not sum
/// to 1.
///
/// Agent i gets `seed.split(i)`, and an example's view is bit-equal to the one that this agent
/// alone makes under that seed. An agent that mixes receives the whole batch. If one of the
/// agents makes soft labels, all become soft, and examples that were not mixed are their own
/// partners; likewise, if one gives weights, all have weights. The mixture has state, and mixes, if
/// a part does. A mixture of `cyclic_views` does not recur; recurring views of a mixture do.
///
/// @par Determinism
/// The choice of agent is a function of seed, epoch and id; the rest is that of the agents.
/// @throws std::invalid_argument for weights that are negative, not finite or all 0, for ids that
///         are not int64 `[N]`, and if agents make images of different shapes or dtypes; as the
///         agents do
template<typename... Parts>
class random_choice {
  static_assert(sizeof...(Parts) > 0, "a mixture wants at least one agent; see no_agent");
  static_assert((AugmentationAgent<Parts> && ...),
                "a mixture wants parts that satisfy AugmentationAgent");
  static_assert((Stateful<Parts> && ...),
                "a mixture wants parts that show their state: visit_state or has_state = false");

 public:
  static constexpr std::string_view name{detail::names_to_choose_from<Parts...>.data(),
                                         detail::names_to_choose_from<Parts...>.size()};
  static constexpr bool has_state = (state_must::be_shown<Parts> || ...);
  static constexpr bool mixes = (detail::mixes_examples<Parts>() || ...);
  static constexpr bool stays_in_step = (!IndependentAgent<Parts> || ...);
  static constexpr std::size_t size = sizeof...(Parts);

  random_choice()
    requires(std::default_initializable<Parts> && ...)
      : random_choice{Parts{}...}
  {}
  explicit random_choice(Parts... parts) : parts_{std::move(parts)...} { weights_.fill(1.0); }
  random_choice(const std::array<double, sizeof...(Parts)>& weights, Parts... parts)
      : parts_{std::move(parts)...}, weights_{weights}
  {
    double sum = 0.0;
    for (const double weight : weights) {
      if (!(weight >= 0.0 && std::isfinite(weight)))
        throw_invalid_argument("random_choice", "a weight is ", weight,
                               ", want 0 or more, and finite");
      sum += weight;
    }
    if (!(sum > 0.0 && std::isfinite(sum)))
      throw_invalid_argument("random_choice", "want a weight above 0");
  }

  [[nodiscard]] batch operator()(const batch& examples, const training_progress& progress,
                                 seed key) const
  {
    const auto rows = chosen(examples, progress.epoch, key.split(purpose{"mixture"}));
    batch view;
    std::size_t number = 0;
    std::apply(
        [&](const auto&... part) {
          (show(part, number++, rows, examples, progress, key, view), ...);
        },
        parts_);
    view.view = {};
    return view;
  }

  /// Part number I.
  template<std::size_t I>
  [[nodiscard]] const auto& part() const
  {
    return std::get<I>(parts_);
  }
  [[nodiscard]] const std::array<double, sizeof...(Parts)>& weights() const { return weights_; }

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
    archive.show("weights", weights_);
    std::size_t position = 0;
    std::apply([&](const auto&... part) { (archive.show(std::to_string(position++), part), ...); },
               parts_);
  }

 private:
  using rows_of_parts = std::array<std::vector<std::int64_t>, sizeof...(Parts)>;

  [[nodiscard]] rows_of_parts chosen(const batch& examples, std::int64_t epoch, seed key) const
  {
    const auto& given = examples.ids;
    if (!given.defined() || given.scalar_type() != torch::kLong || given.dim() != 1 ||
        given.size(0) != examples.size())
      throw_invalid_argument(name, "want ids of int64 [", examples.size(), "], got ",
                             given.defined()
                                 ? detail::classic_text(given.scalar_type(), " ", given.sizes())
                                 : "an undefined tensor");
    double sum = 0.0;
    for (const double weight : weights_) sum += weight;
    const auto ids = given.cpu().contiguous();
    rows_of_parts rows;
    for (std::int64_t n = 0; n < examples.size(); ++n) {
      double left = sum * draws{key, epoch, ids.const_data_ptr<std::int64_t>()[n]}.uniform(0);
      std::size_t last = 0;  // of weight above 0; takes a remainder of rounding
      for (std::size_t part = 0; part < size; ++part) {
        if (weights_[part] == 0.0) continue;
        last = part;
        if (left < weights_[part]) break;
        left -= weights_[part];
      }
      rows[last].push_back(n);
    }
    return rows;
  }

  template<typename Part>
  void show(const Part& part, std::size_t number, const rows_of_parts& rows, const batch& examples,
            const training_progress& progress, seed key, batch& view) const
  {
    const auto& own = rows[number];
    const bool is_last = number + 1 == size;
    // For an empty batch the last agent defines the form of the view.
    if (own.empty() && !(is_last && !view.inputs.defined())) return;
    const auto its_seed = key.split(std::uint64_t{number});
    if (static_cast<std::int64_t>(own.size()) == examples.size()) {
      view = part(examples, progress, its_seed);
      return;
    }
    const auto places = at::tensor(own, torch::kLong);
    if constexpr (detail::mixes_examples<Part>())
      put(rows_at(part(examples, progress, its_seed), places), places, examples.size(), view);
    else
      put(part(rows_at(examples, places), progress, its_seed), places, examples.size(), view);
  }

  [[nodiscard]] static batch rows_at(const batch& from, const torch::Tensor& places)
  {
    const auto take = [&](const torch::Tensor& t) {
      return t.defined() ? t.index_select(0, places.to(t.device())) : t;
    };
    auto part = from;
    part.inputs = take(from.inputs);
    part.labels = take(from.labels);
    part.ids = take(from.ids);
    part.partners = take(from.partners);
    part.mask = take(from.mask);
    part.weights = take(from.weights);
    return part;
  }

  /// Writes the view of some examples into that of the whole batch.
  static void put(batch part, const torch::Tensor& places, std::int64_t count, batch& whole)
  {
    const auto room_for = [&](const torch::Tensor& t) {
      auto sizes = t.sizes().vec();
      sizes[0] = count;
      return at::zeros(sizes, t.options());
    };
    const auto set = [&](torch::Tensor& to, const torch::Tensor& from) {
      if (from.defined()) to.index_copy_(0, places.to(to.device()), from);
    };
    if (!whole.inputs.defined()) {
      whole = part;
      whole.inputs = room_for(part.inputs);
      if (part.labels.defined()) whole.labels = room_for(part.labels);
      whole.ids = room_for(part.ids);
      for (const auto one : {&batch::partners, &batch::mask, &batch::weights})
        if ((part.*one).defined()) whole.*one = room_for(part.*one);
    }
    if (whole.inputs.sizes().slice(1) != part.inputs.sizes().slice(1) ||
        whole.inputs.scalar_type() != part.inputs.scalar_type())
      throw_invalid_argument("random_choice", "one agent makes images of ",
                             whole.inputs.scalar_type(), " ", whole.inputs.sizes().slice(1),
                             ", another one of ", part.inputs.scalar_type(), " ",
                             part.inputs.sizes().slice(1));
    soften(part, whole);
    weigh_alike(part, whole);
    set(whole.inputs, part.inputs);
    if (whole.labels.defined()) set(whole.labels, part.labels);
    set(whole.ids, part.ids);
    if (whole.partners.defined()) set(whole.partners, part.partners);
    if (whole.mask.defined()) set(whole.mask, part.mask);
    if (whole.weights.defined()) set(whole.weights, part.weights);
  }

  /// If one batch has soft labels, makes those of both soft; if one has partners, gives both
  /// some.
  static void soften(batch& a, batch& b)
  {
    for (auto* const pair : {&a, &b}) {
      const auto& other = pair == &a ? b : a;
      if (other.labels.defined() && other.labels.dim() == 2 && pair->labels.defined() &&
          pair->labels.dim() == 1)
        pair->labels = detail::soft_labels("random_choice", pair->labels, pair->labels.size(0),
                                           other.labels.size(1));
      if (other.partners.defined() && !pair->partners.defined()) pair->partners = pair->ids.clone();
    }
  }

  /// If one batch has weights, gives both some, for each pixel if one has these.
  static void weigh_alike(batch& a, batch& b)
  {
    for (auto* const pair : {&a, &b}) {
      const auto& other = (pair == &a ? b : a).weights;
      auto& weights = pair->weights;
      if (!other.defined()) continue;
      if (!weights.defined()) weights = at::ones({pair->size()}, other.options());
      if (weights.dim() == 1 && other.dim() == 3)
        weights = weights.view({-1, 1, 1}).expand({-1, other.size(1), other.size(2)}).clone();
    }
  }

  std::tuple<Parts...> parts_;
  std::array<double, sizeof...(Parts)> weights_{};
};

template<typename... Parts>
random_choice(const std::array<double, sizeof...(Parts)>&, Parts...) -> random_choice<Parts...>;

}  // namespace rolewise
