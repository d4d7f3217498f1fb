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
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise::report {

/// The operations of a policy vector, in its order.
[[nodiscard]] ROLEWISE_INLINE std::vector<operation> all_policy_operations();

/// The operations of nonzero probability in a policy, in the order of a policy vector.
[[nodiscard]] ROLEWISE_INLINE std::vector<operation> operations_in(
    const augmentation_policy& policy);

/// Options of a sheet of operations.
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
[[nodiscard]] ROLEWISE_INLINE contact_sheet
operation_sheet(const batch& example, const operation_sheet_options& options = {});

}  // namespace rolewise::report

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/report/implementation/operation_sheet.hpp>
#endif
