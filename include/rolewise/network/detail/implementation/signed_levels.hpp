// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/detail/signed_levels.hpp>.

#include <rolewise/network/detail/signed_levels.hpp>

#include <rolewise/network/detail/quantized_product.hpp>
#include <rolewise/support/error.hpp>

#include <utility>

namespace rolewise::detail {

ROLEWISE_INLINE quantized with_signs_of(const torch::Tensor& x, quantized magnitudes,
                                        std::string_view who)
{
  if (magnitudes.offset.defined())
    throw_invalid_argument(
        who,
        "its levels of magnitudes have an offset, so they cannot be given signs; "
        "a state that quantizes signed activations itself declares "
        "quantizes_signs");
  auto q = with_gradient_proxy(std::move(magnitudes));
  const auto signs = x.detach().sign();
  const auto type = q.gradient_proxy.scalar_type();
  const auto zero = std::exchange(q.zero_point, 0);
  if (q.range) q.range = level_range{zero - q.range->highest, q.range->highest - zero};
  if (zero == 0 && q.levels.scalar_type() == torch::kByte && q.range && q.range->highest <= 127) {
    q.levels = q.levels.to(torch::kChar).mul_(signs.to(torch::kChar));
  } else {
    const quantized apart{.levels = q.levels, .zero_point = zero};
    q.levels = levels_from_zero(apart, type) * signs;
  }
  if (q.gradient_proxy.requires_grad()) q.gradient_proxy = q.gradient_proxy * signs;
  return q;
}

}  // namespace rolewise::detail
