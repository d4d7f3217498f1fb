// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Training, validation and test examples of each seed.

#include "job.hpp"

#include <rolewise/data.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/systems/search_splits.hpp>

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace role_wise {

/// The data sets of a seed: test images are for the table alone, validation images for the curves.
struct sources {
  rolewise::dataset train, validation, test;
};

/// Draws the examples of a seed: of the glyphs, a new alphabet and new images; of a data set,
/// disjoint training and validation images. So differences over seeds hold for the task and not
/// for one sample of it.
class source_of_seeds {
 public:
  explicit source_of_seeds(const job& wanted) : job_{wanted}
  {
    if (!wanted.data.empty()) data_ = command_line::open_data(wanted.data, wanted.relabel);
  }

  /// @throws std::invalid_argument for data too small to train or test with
  [[nodiscard]] sources of(std::int64_t number) const
  {
    const rolewise::seed key{static_cast<std::uint64_t>(number)};
    auto found = data_ ? drawn(key) : glyphs(key);
    for (const auto* part : {&found.train, &found.test})
      if (part->size() < 1)
        rolewise::throw_invalid_argument(
            "role_wise", "'", part->name,
            "' is too small: want examples to train with and to test with");
    return found;
  }

 private:
  /// Large enough that the test's own sampling error, about a point, is small against the deviation
  /// between seeds.
  static constexpr std::int64_t glyphs_to_test_with = 2000;

  [[nodiscard]] sources glyphs(rolewise::seed key) const
  {
    const auto samples = job_.samples > 0 ? job_.samples : 2000;
    if (samples < job_.classes)
      rolewise::throw_invalid_argument("role_wise", "want at least one example for each of ",
                                       job_.classes, " classes to train with, got ", samples);
    auto all = rolewise::glyphs({.classes = job_.classes,
                                 .train = samples + job_.validation,
                                 .test = glyphs_to_test_with,
                                 .seed = key});
    const auto part = [&](std::int64_t from, std::int64_t count) {
      return rolewise::subset(all.train, torch::arange(from, from + count));
    };
    // Labels cycle through the classes, so each part is balanced.
    return {part(0, samples), part(samples, job_.validation), std::move(all.test)};
  }

  [[nodiscard]] sources drawn(rolewise::seed key) const
  {
    const auto& whole = data_->train;
    const auto samples = job_.samples > 0 ? job_.samples : whole.size() - job_.validation;
    if (job_.validation == 0)
      return {rolewise::stratified_subset(whole, samples, key),
              rolewise::subset(whole, torch::arange(0)), data_->test};
    auto parts = rolewise::systems::split_for_search(whole, samples, job_.validation, key);
    return {std::move(parts.search), std::move(parts.validation), data_->test};
  }

  job job_;
  std::optional<rolewise::dataset_splits> data_;
};

}  // namespace role_wise
