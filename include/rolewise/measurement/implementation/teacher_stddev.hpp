// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/measurement/teacher_stddev.hpp>.

#include <rolewise/measurement/teacher_stddev.hpp>
#include <rolewise/support/classic_text.hpp>
#include <rolewise/support/error.hpp>

namespace rolewise::measurement {

ROLEWISE_INLINE double stddev_of_means(const torch::Tensor& means)
{
  if (!means.defined() || means.dim() != 2 || means.size(0) < 2 || means.size(1) < 1)
    throw_invalid_argument(
        "teacher_stddev", "want the means of 2 groups or more, [J, K], got ",
        means.defined() ? detail::classic_text(means.sizes()) : "an undefined tensor");
  return means.to(torch::kDouble).std(0, true).mean().item<double>();
}

}  // namespace rolewise::measurement
