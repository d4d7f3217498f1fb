// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Contact sheet of augmentation operations at each magnitude level.

#include <rolewise/agent/images.hpp>
#include <rolewise/agent/operations.hpp>
#include <rolewise/core/batch.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/operation.hpp>
#include <rolewise/report/contact_sheet.hpp>
#include <rolewise/support/error.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::report {

/// The operations of a policy vector, in its order.
[[nodiscard]] inline std::vector<operation> all_policy_operations()
{
  std::vector<operation> all;
  for (std::int64_t i = 0; i < policy_operations; ++i) all.push_back(static_cast<operation>(i));
  return all;
}

/// The operations of nonzero probability in a policy, in the order of a policy vector.
[[nodiscard]] inline std::vector<operation> operations_in(const augmentation_policy& policy)
{
  std::vector<operation> found;
  for (std::int64_t i = 0; i < policy_operations; ++i)
    if (policy.probability(i) > 0 || policy.probability(i + policy_operations) > 0)
      found.push_back(static_cast<operation>(i));
  return found;
}

struct operation_sheet_options {
  std::vector<operation> operations = all_policy_operations();  ///< a row each; at least one
  std::int64_t scale = 2;  ///< pixels of the sheet per pixel of the image; at least 1
};

/// A contact sheet of one image: a row for each operation, first the image as it is, then the image
/// after the operation at the magnitude levels 0 .. 9 of a policy.
///
///     write_svg("operations.svg",
///               operation_sheet(example, {.operations = operations_in(policy)}));
///
/// Signed operations use the positive direction, cutout is centered in the image, and holes are
/// filled with the mean color of the data set.
/// @param example one image, uint8 `[1, C, H, W]`, C = 1 or 3
/// @throws std::invalid_argument for other inputs or no operation
[[nodiscard]] inline contact_sheet operation_sheet(const batch& example,
                                                   const operation_sheet_options& options = {})
{
  constexpr auto who = "operation_sheet";
  require_images(who, example);
  if (example.size() != 1) throw_invalid_argument(who, "want one image, got ", example.size());
  if (options.operations.empty()) throw_invalid_argument(who, "has no operations");
  constexpr auto levels = augmentation_policy::highest_magnitude + 1;
  const auto original = example.inputs.cpu();
  const auto each_level = original.expand({levels, -1, -1, -1}).contiguous();
  const auto all_at = [](std::int64_t place) {
    return at::full({levels}, static_cast<double>(place), torch::kDouble);
  };

  contact_sheet sheet{.rows = {},
                      .scale = options.scale,
                      .columns = levels + 1,
                      .class_names = {"as is"},
                      .captions_title = "level"};
  for (std::int64_t level = 0; level < levels; ++level)
    sheet.class_names.push_back(std::to_string(level));
  for (const auto what : options.operations) {
    std::vector<double> values;
    for (std::int64_t level = 0; level < levels; ++level)
      values.push_back(policy_parameter(what, level));
    const auto changed = apply(what, {.pixels = each_level, .covered = {}},
                               {.value = at::tensor(values, torch::kDouble),
                                .row = all_at(original.size(2) / 2),
                                .column = all_at(original.size(3) / 2)});
    const auto shown = filled(changed, mean_color(example.normalization, original.size(1)));
    sheet.rows.push_back({std::string{name(what)},
                          {.inputs = at::cat({original, shown}),
                           .labels = at::arange(levels + 1, torch::kLong),
                           .ids = {},
                           .normalization = {}}});
  }
  return sheet;
}

}  // namespace rolewise::report
