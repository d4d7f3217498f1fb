// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `model_input` function: a view as a network takes it.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/device_of.hpp>

#include <utility>

namespace rolewise {

/// A view on the device of a model, its images converted from `uint8` once (`normalized`).
///
/// Tokens, vectors and images that are floating point already stay as they are. Two networks that
/// are given the result share the conversion.
template<typename Model>
[[nodiscard]] batch model_input(batch view, const Model& model)
{
  view = detail::on_device_of(model, std::move(view));
  return view.inputs.scalar_type() == torch::kByte && view.inputs.dim() == 4
             ? normalized(std::move(view))
             : view;
}

}  // namespace rolewise
