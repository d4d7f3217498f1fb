// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `RangeObserver` concept: computes the range of values that a quantizer covers.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/quant/affine_codes.hpp>

#include <concepts>

namespace rolewise {

namespace range_observer_must {

template<typename O>
concept find_the_range_of_rows =
    requires(const O callback, const torch::Tensor rows, const affine_codes codes) {
      { callback.newest(rows, codes) } -> std::same_as<value_range>;
    };

template<typename O>
concept join_it_with_the_range_before =
    requires(const O callback, const value_range before, const value_range newest) {
      { callback.joined(before, newest) } -> std::same_as<value_range>;
    };

}  // namespace range_observer_must

/// Computes a range from statistics; has no state of its own.
///
/// `newest(rows, codes)` returns the range of each row of `[G, n]`, n >= 1, as two tensors `[G]`;
/// `joined(before, newest)` returns the range to keep after a further batch.
template<typename O>
concept RangeObserver = std::copyable<O> && range_observer_must::find_the_range_of_rows<O> &&
                        range_observer_must::join_it_with_the_range_before<O>;

}  // namespace rolewise
