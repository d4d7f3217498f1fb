// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/report/operation_sheet.hpp>.

#include <rolewise/report/operation_sheet.hpp>

#include <rolewise/support/error.hpp>

namespace rolewise::report {

ROLEWISE_INLINE std::vector<operation> all_policy_operations()
{
  std::vector<operation> all;
  for (std::int64_t i = 0; i < policy_operations; ++i) all.push_back(static_cast<operation>(i));
  return all;
}

ROLEWISE_INLINE std::vector<operation> operations_in(const augmentation_policy& policy)
{
  std::vector<operation> found;
  for (std::int64_t i = 0; i < policy_operations; ++i)
    if (policy.probability(i) > 0 || policy.probability(i + policy_operations) > 0)
      found.push_back(static_cast<operation>(i));
  return found;
}

ROLEWISE_INLINE contact_sheet operation_sheet(const batch& example,
                                              const operation_sheet_options& options)
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
