// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Checks of losses on features that are zero, constant, large, or of 16 bits.

#include "support/doctest.hpp"

#include <torch/types.h>

namespace rolewise::testing {

/// `value(x)` and its gradient are finite for zeros, a constant and `large` times the features `s`.
template<typename Value>
void is_finite_for_odd_features(const Value& value, const torch::Tensor& s, double large = 1e4)
{
  for (const auto& odd : {torch::zeros_like(s), torch::full_like(s, 2.0), s * large}) {
    const torch::Tensor x = odd.clone().set_requires_grad(true);
    const torch::Tensor found = value(x);
    found.backward();
    CHECK(found.isfinite().item<bool>());
    CHECK(x.grad().isfinite().all().item<bool>());
  }
}

/// `value(t, s)` of features in 16 bits has their dtype, is close to that in double precision, and
/// has a finite gradient.
template<typename Value>
void is_close_in_16_bits(const Value& value, const torch::Tensor& t, const torch::Tensor& s,
                         double relative = 2e-2)
{
  for (const auto type : {torch::kHalf, torch::kBFloat16}) {
    const torch::Tensor x = s.to(type).set_requires_grad(true);
    const torch::Tensor found = value(t.to(type), x);
    CHECK((found.scalar_type() == type));
    CHECK(torch::allclose(found.to(torch::kDouble), value(t, s), relative, relative / 10.0));
    found.backward();
    CHECK(x.grad().isfinite().all().item<bool>());
  }
}

}  // namespace rolewise::testing
