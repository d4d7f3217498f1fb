// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of taps that students and teachers share.

#include "doctest.hpp"

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/taps.hpp>

#include <stdexcept>
#include <string>
#include <vector>

namespace rolewise::laws {

/// The set of all offered taps, each of them alone, and none.
[[nodiscard]] inline std::vector<taps> choices_of(const taps& offered)
{
  std::vector<taps> all{taps{}};
  if (offered.size() > 1) all.push_back(offered);
  offered.for_each([&](tap_id id) { all.push_back(taps{id}); });
  return all;
}

/// `found` has what is wanted and nothing else, with N first.
inline void are_delivered(const outputs& found, const taps& wanted, const batch& examples)
{
  CHECK_MESSAGE(found.features.available() == wanted, to_text(found.features.available()));
  CHECK(found.features.size() == wanted.size());
  for (const auto& [id, value] : found.features) {
    CAPTURE(tap_name{id}.view());
    REQUIRE(value.defined());
    REQUIRE(value.dim() >= 1);
    CHECK(value.size(0) == examples.size());
  }
}

/// Whether the examples have the shape that a body, if there is one, says its inputs have:
/// sequences may be shorter.
template<typename N>
[[nodiscard]] bool have_own_shape(const N& network, const batch& examples)
{
  if constexpr (requires { network.body().shape().sizes(); })
    return network.body().shape().sizes() == examples.inputs.sizes().slice(1).vec();
  else if constexpr (requires { network.network(); })
    return have_own_shape(network.network(), examples);
  else if constexpr (requires { network.teacher(); })
    return have_own_shape(network.teacher(), examples);
  else
    return true;
}

/// `tap_shapes` of a network gives the shapes of what is delivered for examples of its own shape,
/// or says that it lacks the shape of an example.
template<typename N>
void have_their_shapes(const N& network, const outputs& found, const batch& examples)
{
  if constexpr (ShowsTapShapes<N>) {
    const auto wanted = found.features.available();
    try {
      const feature_shapes shapes = network.tap_shapes(wanted);
      CHECK(shapes.available() == wanted);
      if (!have_own_shape(network, examples)) return;
      for (const auto& [id, value] : found.features) {
        CAPTURE(tap_name{id}.view());
        CHECK(shapes[id] == value.sizes().slice(1).vec());
      }
    } catch (const std::invalid_argument& refusal) {
      CHECK(std::string{refusal.what()}.find("shape") != std::string::npos);
    }
  }
}

/// What is wanted and not offered is refused, by name.
template<typename Predict>
void refuse_others(const taps& offered, Predict&& predict)
{
  for (const auto& id : {tap::stage<31>, tap::auxiliary<31>}) {
    if (offered.contains(id)) continue;
    try {
      (void)predict(offered | taps{id});
      FAIL_CHECK("delivers ", tap_name{id}.view());
    } catch (const std::invalid_argument& refusal) {
      CHECK(std::string{refusal.what()}.find(tap_name{id}.view()) != std::string::npos);
    }
  }
}

}  // namespace rolewise::laws
