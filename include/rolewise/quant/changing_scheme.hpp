// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `ChangingScheme` concept: bit-width schemes that change over the epochs of training.

#include <rolewise/quant/bit_width_scheme.hpp>

#include <cstdint>

namespace rolewise {

namespace scheme_must {

template<typename S>
concept know_the_scheme_of_each_epoch = requires(const S scheme, const std::int64_t epoch) {
  { scheme.at(epoch) } -> BitWidthScheme;
};

}  // namespace scheme_must

/// A bit-width scheme with `at(epoch)`, 0-based, which returns the scheme of that epoch. Called
/// as a scheme it gives the widths of epoch 0, with which networks are built. Training steps pass
/// the epoch to their student (`network::begin_epoch`), so `fit` applies the change. The epoch is
/// part of the network's state, so a restored checkpoint continues with the widths it was saved
/// with.
template<typename S>
concept ChangingScheme = BitWidthScheme<S> && scheme_must::know_the_scheme_of_each_epoch<S>;

/// Returns the scheme of an epoch; a scheme that does not change is returned as it is.
template<BitWidthScheme S>
[[nodiscard]] auto scheme_at(const S& scheme, std::int64_t epoch)
{
  if constexpr (ChangingScheme<S>)
    return scheme.at(epoch);
  else
    return scheme;
}

}  // namespace rolewise
