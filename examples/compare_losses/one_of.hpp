// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// One of several losses, chosen at run time, as one type: a training step is compiled once for
/// all.

#include <rolewise/core/state.hpp>
#include <rolewise/loss/loss_function.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace compare_losses {

namespace rw = rolewise;

/// The loss that it holds; it wants the features that any of the alternatives wants.
template<rw::LossFunction... Losses>
struct one_of {
  static constexpr std::string_view name = "loss";
  static constexpr rw::taps teacher_taps = (rw::teacher_taps<Losses>() | ...);
  static constexpr rw::taps student_taps = (rw::student_taps<Losses>() | ...);
  static constexpr bool wants_class_labels = (rw::wants_class_labels<Losses>() || ...);

  std::variant<Losses...> chosen;

  [[nodiscard]] torch::Tensor operator()(const rw::paired_outputs& pair,
                                         const rw::targets& targets) const
  {
    return std::visit([&](const auto& loss) { return rw::evaluate_loss(loss, pair, targets); },
                      chosen);
  }
  void configure(const rw::feature_shapes& teacher, const rw::feature_shapes& student)
  {
    std::visit([&](auto& loss) { rw::configure_loss(loss, teacher, student); }, chosen);
  }
  void after_step(const rw::paired_outputs& pair, const rw::targets& targets)
  {
    std::visit([&](auto& loss) { rw::loss_after_step(loss, pair, targets); }, chosen);
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    std::visit([&](auto& loss) { rw::visit_part(archive, "chosen", loss); }, chosen);
  }
};

/// A loss with the name of its row, and with the epochs in which it alone trains, to initialize the
/// student; after them the task alone does.
template<typename Loss>
struct row {
  std::string name;
  Loss loss;
  std::int64_t initial_epochs = 0;
};

template<typename... Losses>
using rows = std::vector<row<one_of<Losses...>>>;

/// Rows of one type.
template<typename... Losses>
[[nodiscard]] rows<Losses...> rows_of(row<Losses>... each)
{
  rows<Losses...> all;
  [&]<std::size_t... Places>(std::index_sequence<Places...>) {
    (all.push_back({std::move(each.name),
                    {std::variant<Losses...>{std::in_place_index<Places>, std::move(each.loss)}},
                    each.initial_epochs}),
     ...);
  }(std::index_sequence_for<Losses...>{});
  return all;
}

}  // namespace compare_losses
