// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `RangeObserver` concept: computes the range of values that a quantizer covers.
///
/// core -> [quant] -> network -> teacher/student

#include <rolewise/quant/affine_codes.hpp>

#include <concepts>

namespace rolewise {

namespace observer_must {

template<typename O>
concept find_the_range_of_rows =
    requires(const O observer, const torch::Tensor rows, const affine_codes codes) {
      { observer.newest(rows, codes) } -> std::same_as<value_range>;
    };

template<typename O>
concept join_it_with_the_range_before =
    requires(const O observer, const value_range before, const value_range newest) {
      { observer.joined(before, newest) } -> std::same_as<value_range>;
    };

}  // namespace observer_must

/// Computes a range from statistics; has no state of its own.
///
/// `newest(rows, codes)` returns the range of each row of `[G, n]`, n >= 1, as two tensors `[G]`;
/// `joined(before, newest)` returns the range to keep after a further batch.
template<typename O>
concept RangeObserver = std::copyable<O> && observer_must::find_the_range_of_rows<O> &&
                        observer_must::join_it_with_the_range_before<O>;

}  // namespace rolewise
