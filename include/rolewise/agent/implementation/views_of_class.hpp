// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/views_of_class.hpp>.

#include <rolewise/agent/views_of_class.hpp>

#include <rolewise/agent/label_maps.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/support/error.hpp>

#include <cstddef>

namespace rolewise {

namespace detail {

/// Numbers of a batch, one for each example, on the CPU.
[[nodiscard]] inline torch::Tensor one_each(const torch::Tensor& t, const batch& examples,
                                            std::string_view what, std::string_view who)
{
  if (!t.defined() || t.dim() != 1 || t.scalar_type() != torch::kLong ||
      t.size(0) != examples.size())
    throw_invalid_argument(
        who, "want ", what, " [", examples.size(), "] of Long, got ",
        t.defined() ? classic_text(t.sizes(), " of ", t.scalar_type()) : "an undefined tensor");
  return t.cpu().contiguous();
}

/// The batch with other images, of which nothing of its own but labels, ids and weights is left.
[[nodiscard]] inline batch with_images(const batch& examples, torch::Tensor images,
                                       const normalization& of_images)
{
  return {.inputs = std::move(images),
          .labels = examples.labels,
          .ids = examples.ids,
          .normalization = of_images,
          .weights = examples.weights,
          .ignore_index = examples.ignore_index};
}

}  // namespace detail

ROLEWISE_INLINE example_of_class::example_of_class(const dataset& bank)
{
  if (bank.size() == 0) throw_invalid_argument(name, "want a bank of examples, got none");
  const auto labels = detail::one_each(bank.labels, bank.examples(), "labels of the bank", name);
  auto known = std::make_shared<places>(places{bank, {}});
  known->of_class.resize(static_cast<std::size_t>(bank.shape.classes));
  const auto* const label = labels.const_data_ptr<std::int64_t>();
  for (std::int64_t place = 0; place < bank.size(); ++place) {
    if (label[place] < 0 || label[place] >= bank.shape.classes)
      throw_invalid_argument(name, "want labels 0 .. ", bank.shape.classes - 1,
                             " of the bank, got ", label[place]);
    known->of_class[static_cast<std::size_t>(label[place])].push_back(place);
  }
  known_ = std::move(known);
}

ROLEWISE_INLINE batch example_of_class::operator()(const batch& examples,
                                                   const training_progress& progress,
                                                   seed key) const
{
  refuse_label_maps(name, examples, "it shows images of a class");
  const auto labels = detail::one_each(examples.labels, examples, "labels", name);
  const auto ids = detail::one_each(examples.ids, examples, "ids", name);
  const auto* const label = labels.const_data_ptr<std::int64_t>();
  const auto* const id = ids.const_data_ptr<std::int64_t>();
  const auto of_draws = key.split(purpose{"example of class"});
  const auto& of_class = known_->of_class;
  const auto drawn = at::empty({examples.size()}, torch::kLong);
  auto* const place = drawn.mutable_data_ptr<std::int64_t>();
  for (std::int64_t n = 0; n < examples.size(); ++n) {
    if (label[n] < 0 || label[n] >= known_->bank.shape.classes ||
        of_class[static_cast<std::size_t>(label[n])].empty())
      throw_invalid_argument(name, "want labels of which the bank has examples, got ", label[n]);
    const auto& all = of_class[static_cast<std::size_t>(label[n])];
    const auto number =
        draws{of_draws, progress.epoch, id[n]}.below(0, static_cast<std::int64_t>(all.size()));
    place[n] = all[static_cast<std::size_t>(number)];
  }
  return detail::with_images(examples, known_->bank.inputs.index_select(0, drawn),
                             known_->bank.normalization);
}

ROLEWISE_INLINE batch digits_of_class::operator()(const batch& examples,
                                                  const training_progress& progress, seed key) const
{
  refuse_label_maps(name, examples, "it shows images of a class");
  const auto labels = detail::one_each(examples.labels, examples, "labels", name);
  const auto ids = detail::one_each(examples.ids, examples, "ids", name);
  return detail::with_images(
      examples,
      composed_digit_images(options, labels, ids, key.split(purpose{"digits of class"}),
                            progress.epoch),
      normalization);
}

}  // namespace rolewise
