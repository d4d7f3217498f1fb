// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Networks that read embeddings in place of tokens: their tables, and the map from the table of
/// one network to that of another.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/inline.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace rolewise {

namespace detail {

template<typename N>
[[nodiscard]] consteval bool has_token_table()
{
  if constexpr (requires(const N network) {
                  { network.token_table() } -> std::convertible_to<torch::Tensor>;
                })
    return true;
  else if constexpr (requires(const N network) { network.body(); })
    return has_token_table<std::remove_cvref_t<decltype(std::declval<const N&>().body())>>();
  else if constexpr (requires(const N network) { network.module(); })
    return has_token_table<std::remove_cvref_t<decltype(std::declval<const N&>().module())>>();
  else if constexpr (requires(const N network) { network.network(); })
    return has_token_table<std::remove_cvref_t<decltype(std::declval<const N&>().network())>>();
  else
    return false;
}

}  // namespace detail

/// A network, or a teacher made of one, whose inputs may be embeddings of tokens, `[N, L, D]`
/// floating point, in the place of their indices. It, its body or its module shows the table that
/// it looks tokens up in: `torch::Tensor token_table() const`, `[V, D]`.
template<typename N>
concept ReadsEmbeddings = detail::has_token_table<std::remove_cvref_t<N>>();

/// The table of a network, `[V, D]`, which shares memory with it.
template<ReadsEmbeddings N>
[[nodiscard]] torch::Tensor token_table(const N& network)
{
  if constexpr (requires { network.token_table(); })
    return network.token_table();
  else if constexpr (requires { network.body(); })
    return token_table(network.body());
  else if constexpr (requires { network.module(); })
    return token_table(network.module());
  else
    return token_table(network.network());
}

/// The embeddings of the tokens of a batch; of padding, those of token 0.
/// @param table `[V, D]`
/// @return `[N, L, D]`, with a graph to the table if it requires a gradient
/// @throws std::invalid_argument unless the inputs are `[N, L]` int64
[[nodiscard]] ROLEWISE_INLINE torch::Tensor embeddings_of(const batch& examples,
                                                          const torch::Tensor& table);

/// The linear map of embeddings that takes one table nearest to another: the Q of least Frobenius
/// norm among those that minimize
///
///     |from Q - to|,  Q = pinv(from) to
///
/// A sentence in the embeddings e of one network is e Q in those of another with the same tokens.
/// Computed in double precision; waits for the device.
///
/// @param from, to `[V, D_from]` and `[V, D_to]`, floating point, with the same tokens in the same
///        order
/// @return `[D_from, D_to]`, in the dtype and on the device of `to`, without a graph
/// @throws std::invalid_argument for others
/// @throws diverged if a table is not finite
[[nodiscard]] ROLEWISE_INLINE torch::Tensor embedding_map(const torch::Tensor& from,
                                                          const torch::Tensor& to);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/token_table.hpp>
#endif
