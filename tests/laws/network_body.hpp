// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of NetworkBody that no compiler can check. Those of a network with
/// this body as a student are in `laws/student.hpp`.

#include "doctest.hpp"

#include <rolewise/network/network.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <type_traits>

namespace rolewise::laws {

/// @param inputs normalized, `[N, C, H, W]`; or a batch, for a body that reads one
template<NetworkBody B, typename Inputs = torch::Tensor>
void body_holds_for(B body, const Inputs& examples, std::int64_t classes)
{
  const torch::NoGradGuard without_graph;
  std::map<std::string, torch::Tensor> before;
  for_each_tensor(body, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    CHECK_MESSAGE(before.emplace(name, t.defined() ? t.clone() : t).second, name);
  });
  const torch::Tensor& inputs = [&]() -> const torch::Tensor& {
    if constexpr (std::is_same_v<Inputs, batch>)
      return examples.inputs;
    else
      return examples;
  }();
  const auto kept = inputs.clone();

  // Evaluation changes nothing, returns the features that are wanted and no others, and the same
  // logits and features whatever is wanted.
  constexpr auto offered = offered_taps<B>();
  const auto answer = body.forward(examples, phase::evaluation, {});
  REQUIRE(answer.logits.dim() >= 2);  // further axes are tokens or pixels
  CHECK(answer.logits.sizes().slice(0, 2) == torch::IntArrayRef{inputs.size(0), classes});
  CHECK(answer.features.empty());
  const auto all = body.forward(examples, phase::evaluation, offered);
  CHECK(all.features.available() == offered);
  CHECK(torch::equal(all.logits, answer.logits));
  offered.for_each([&](tap_id id) {
    CAPTURE(tap_name{id}.view());
    const auto one = body.forward(examples, phase::evaluation, {id});
    CHECK(one.features.available() == taps{id});
    CHECK(torch::equal(one.logits, answer.logits));
    CHECK(torch::equal(one.features[id], all.features[id]));
    CHECK(one.features[id].size(0) == inputs.size(0));
    CHECK(one.features[id].is_floating_point());
  });
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
