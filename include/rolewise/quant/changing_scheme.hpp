// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Schemes whose widths change while a network is trained.

#include <rolewise/quant/bit_width_scheme.hpp>

#include <cstdint>

namespace rolewise {

namespace scheme_must {

template<typename S>
concept know_the_scheme_of_each_epoch = requires(const S scheme, const std::int64_t epoch) {
  { scheme.at(epoch) } -> BitWidthScheme;
};

}  // namespace scheme_must

/// A scheme that says by `at(epoch)`, 0-based, which scheme is that epoch's. As a scheme it is that
/// of epoch 0, which networks are built with. Training steps tell their student which epoch it is
/// (`network::begin_epoch`), so `fit` carries the change out; the epoch is part of the network's
/// state, so a checkpoint goes on with the widths that it was kept with.
template<typename S>
concept ChangingScheme = BitWidthScheme<S> && scheme_must::know_the_scheme_of_each_epoch<S>;

/// The scheme of an epoch; one that does not change is the same in all.
template<BitWidthScheme S>
[[nodiscard]] auto scheme_at(const S& scheme, std::int64_t epoch)
{
  if constexpr (ChangingScheme<S>)
    return scheme.at(epoch);
  else
    return scheme;
}

}  // namespace rolewise
