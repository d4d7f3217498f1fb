// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of NetworkBody that no compiler can check. Those of a network with
/// this body as a student are in `laws/student.hpp`.

#include "support/doctest.hpp"

#include <rolewise/network/network.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace rolewise::laws {

/// @param inputs normalized, `[N, C, H, W]`
template<NetworkBody B>
void body_holds_for(B body, const torch::Tensor& inputs, std::int64_t classes)
{
  const torch::NoGradGuard without_graph;
  std::map<std::string, torch::Tensor> before;
  for_each_tensor(body, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    CHECK_MESSAGE(before.emplace(name, t.defined() ? t.clone() : t).second, name);
  });
  const auto kept = inputs.clone();

  // Evaluation changes nothing, returns features on request only, and the same logits either way.
  const auto answer = body.forward(inputs, phase::evaluation, {});
  CHECK(answer.logits.sizes() == torch::IntArrayRef{inputs.size(0), classes});
  CHECK(answer.features.empty());
  const auto tapped = body.forward(inputs, phase::evaluation, {.features = true});
  CHECK_FALSE(tapped.features.empty());
  CHECK(torch::equal(tapped.logits, answer.logits));
  for (const auto& feature : tapped.features) CHECK(feature.size(0) == inputs.size(0));
  CHECK(torch::equal(inputs, kept));
  for_each_tensor(body, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    if (t.defined()) CHECK_MESSAGE(torch::equal(t, before.at(name)), name);
  });

  // Every layer is reported once, in order, with the number of its weights.
  const auto layers = body.layers();
  std::set<std::string> names;
  std::int64_t index = 0, reported = 0, learned = 0;
  for (const auto& layer : layers) {
    CHECK_MESSAGE(names.insert(layer.place.name).second, layer.place.name);
    CHECK(layer.place.index == index++);
    CHECK(layer.place.count == static_cast<std::int64_t>(layers.size()));
    CHECK(before.at(layer.place.name + ".weight").numel() == layer.weights);
    reported += layer.weights;
  }
  for_each_tensor(body, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
    if (is_learned(kind) && t.defined()) learned += t.numel();
  });
  CHECK(reported > 0);
  CHECK(reported <= learned);
}

}  // namespace rolewise::laws
