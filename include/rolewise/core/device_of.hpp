// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The device of a network, and batches on it.

#include <rolewise/core/batch.hpp>

#include <concepts>
#include <optional>
#include <utility>

namespace rolewise {

namespace detail {

template<typename N>
concept says_device = requires(const N& network) {
  { network.device() } -> std::convertible_to<torch::Device>;
};
template<typename N>
concept lists_parameters =
    requires(const N& network) { network.parameters().front().value.device(); };
template<typename N>
concept lists_buffers = requires(const N& network) { network.buffers().front().value.device(); };

/// The device of a network: its `device()`, or that of its first parameter or buffer; `nullopt` if
/// it has none of these.
template<typename N>
[[nodiscard]] std::optional<torch::Device> device_of(const N& network)
{
  if constexpr (says_device<N>) return network.device();
  if constexpr (lists_parameters<N>)
    if (const auto all = network.parameters(); !all.empty()) return all.front().value.device();
  if constexpr (lists_buffers<N>)  // a network of codes has no parameters
    if (const auto all = network.buffers(); !all.empty()) return all.front().value.device();
  return std::nullopt;
}

/// The batch on the device of a network; unchanged if the device is not known.
template<typename N>
[[nodiscard]] batch on_device_of(const N& network, batch examples)
{
  const auto device = device_of(network);
  if (!device || *device == examples.inputs.device()) return examples;
  return to_device(std::move(examples), *device);
}

}  // namespace detail

}  // namespace rolewise
