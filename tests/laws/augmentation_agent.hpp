// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Tests of the requirements of AugmentationAgent that no compiler can check.

#include "doctest.hpp"

#include <rolewise/agent/augmentation_agent.hpp>

#include <ATen/Parallel.h>  // at::set_num_threads

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace rolewise::laws {

/// Test images: smooth and noisy ones, with ids neither sorted nor dense.
[[nodiscard]] inline batch images_for_agents(std::int64_t channels)
{
  torch::manual_seed(3);
  constexpr std::int64_t count = 24, height = 40, width = 36;
  const auto slope = (torch::arange(height).view({1, 1, height, 1}) * 3 +
                      torch::arange(width).view({1, 1, 1, width}) * 2);
  auto images = torch::randint(0, 256, {count, channels, height, width}, torch::kLong);
  images.narrow(0, 0, count / 2)
      .mul_(0)
      .add_(slope)
      .add_(torch::arange(channels).view({1, -1, 1, 1}));
  return {images.to(torch::kByte),
          torch::arange(count) % 7,
          torch::randperm(count) * 1000003 + 5,
          {std::vector<double>(static_cast<std::size_t>(channels), 0.45),
           std::vector<double>(static_cast<std::size_t>(channels), 0.25)}};
}

[[nodiscard]] inline batch part_of(const batch& whole, const torch::Tensor& places)
{
  return {whole.inputs.index_select(0, places), whole.labels.index_select(0, places),
          whole.ids.index_select(0, places), whole.normalization};
}

/// `images_for_agents` with label maps in which every pixel of the batch has a label of its own,
/// and weights that follow from the labels.
[[nodiscard]] inline batch with_label_maps(batch examples)
{
  const auto count = examples.size(), height = examples.inputs.size(2),
             width = examples.inputs.size(3);
  examples.labels = torch::arange(count * height * width).view({count, height, width});
  examples.weights = examples.labels.to(torch::kFloat64) + 1.0;
  return examples;
}

/// Checks what an agent promises about label maps: it refuses them in words, or moves them with
/// the pixels. Its view of the images is `view`.
template<AugmentationAgent A>
void hold_for_label_maps(const A& agent, const batch& examples, const batch& view,
                         const training_progress& progress, seed key, bool mixes)
{
  const auto given = with_label_maps(examples);
  const auto labels_kept = given.labels.clone(), weights_kept = given.weights.clone();
  batch moved;
  try {
    moved = agent(given, progress, key);
  } catch (const std::invalid_argument& error) {
    CHECK(std::string_view{error.what()}.find("label maps") != std::string_view::npos);
    return;
  }
  // The pixels don't depend on labels, and the input is unchanged.
  CHECK(torch::equal(moved.inputs, view.inputs));
  CHECK(torch::equal(given.labels, labels_kept));
  CHECK(torch::equal(given.weights, weights_kept));

  // A label for each pixel of the view: one of its example, with its weight, or a hole of weight 0.
  REQUIRE((moved.labels.scalar_type() == torch::kLong));
  REQUIRE(moved.labels.sizes() ==
          torch::IntArrayRef{view.size(), view.inputs.size(2), view.inputs.size(3)});
  const auto hole = moved.labels.eq(given.ignore_index);
  CHECK(
      torch::equal(moved.weights, torch::where(hole, 0.0, moved.labels.to(torch::kFloat64) + 1.0)));
  const auto source = moved.labels.div(given.labels[0].numel(), "floor");
  if (mixes) return;
  CHECK(source.eq(torch::arange(view.size()).view({-1, 1, 1})).logical_or(hole).all().item<bool>());
  for (std::int64_t n = 0; n < view.size(); ++n)
    if (torch::equal(view.inputs[n], examples.inputs[n]))
      CHECK(torch::equal(moved.labels[n], given.labels[n]));
}

/// Checks an agent for images of the given number of channels. An agent that `mixes` may use other
/// examples, so its labels and its views of parts of the batch are not checked.
template<AugmentationAgent A>
void hold_for(const A& agent, std::int64_t channels)
{
  CAPTURE(A::name);
  CAPTURE(channels);
  const auto examples = images_for_agents(channels);
  const auto kept = examples.inputs.clone();
  const auto labels_kept = examples.labels.clone();
  const auto ids_kept = examples.ids.clone();
  const training_progress progress{.epoch = 3, .step = 2, .epochs = 5, .steps_per_epoch = 10};
  const seed key{41};
  const auto view = agent(examples, progress, key);

  // The input batch is unchanged; the view has its ids, dtype, shape and normalization.
  CHECK(torch::equal(examples.inputs, kept));
  CHECK(torch::equal(examples.labels, labels_kept));
  CHECK(torch::equal(examples.ids, ids_kept));
  CHECK(torch::equal(view.ids, ids_kept));
  CHECK((view.inputs.scalar_type() == torch::kByte));
  CHECK(view.inputs.sizes() == kept.sizes());
  CHECK(view.normalization == examples.normalization);

  // Equal arguments give equal views; the step and the length of the run have no effect.
  CHECK(torch::equal(agent(examples, progress, key).inputs, view.inputs));
  CHECK(
      torch::equal(agent(examples, {.epoch = 3, .step = 7, .epochs = 9}, key).inputs, view.inputs));
  const auto copy = agent;
  CHECK(torch::equal(copy(examples, progress, key).inputs, view.inputs));

  // The number of threads has no effect.
  const auto threads_before = at::get_num_threads();
  for (const int threads : {1, 2, 4}) {
    CAPTURE(threads);
    at::set_num_threads(threads);
    CHECK(torch::equal(agent(examples, progress, key).inputs, view.inputs));
  }
  at::set_num_threads(threads_before);

  bool mixes = false;
  if constexpr (requires { A::mixes; }) mixes = A::mixes;
  hold_for_label_maps(agent, examples, view, progress, key, mixes);
  if (mixes) return;

  // Labels stay with their images; position and the rest of the batch have no effect.
  CHECK(torch::equal(view.labels, labels_kept));
  const auto order = torch::randperm(examples.size());
  for (const std::int64_t count : {examples.size(), std::int64_t{5}, std::int64_t{1}}) {
    CAPTURE(count);
    const auto places = order.narrow(0, 0, count);
    const auto part = agent(part_of(examples, places), progress, key);
    CHECK(torch::equal(part.inputs, view.inputs.index_select(0, places)));
    CHECK(torch::equal(part.labels, labels_kept.index_select(0, places)));
  }
}

/// For random agents: another seed, another epoch or another id gives another view.
template<AugmentationAgent A>
void draws_matter_for(const A& agent)
{
  CAPTURE(A::name);
  auto examples = images_for_agents(3);
  const auto view = agent(examples, {.epoch = 3}, seed{41});
  CHECK_FALSE(torch::equal(agent(examples, {.epoch = 4}, seed{41}).inputs, view.inputs));
  CHECK_FALSE(torch::equal(agent(examples, {.epoch = 3}, seed{42}).inputs, view.inputs));
  examples.ids = examples.ids + 1;
  CHECK_FALSE(torch::equal(agent(examples, {.epoch = 3}, seed{41}).inputs, view.inputs));
}

/// For image agents: invalid input throws, with the agent's name in the message.
template<AugmentationAgent A>
void refuses_what_are_no_images(const A& agent)
{
  const std::string who = "rolewise: " + std::string{std::string_view{A::name}} + ": ";
  const auto refusal = [&](const batch& examples) -> std::string {
    try {
      (void)agent(examples, {}, seed{1});
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  const auto ids = torch::arange(2);
  const auto good = torch::zeros({2, 3, 4, 5}, torch::kByte);
  CHECK(refusal({good.to(torch::kFloat32), ids, ids, {}}) ==
        who +
            "want images of uint8, got Float [2, 3, 4, 5]; change images before they are "
            "normalized");
  CHECK(refusal({torch::zeros({2, 2, 4, 5}, torch::kByte), ids, ids, {}}) ==
        who + "want images of 1 or 3 channels, got 2 in [2, 2, 4, 5]");
  CHECK(refusal({good[0], ids, ids, {}}) == who + "want images [N, C, H, W], got [3, 4, 5]");
  CHECK(refusal({{}, ids, ids, {}}) == who + "want images [N, C, H, W], got an undefined tensor");
  CHECK(refusal({torch::zeros({2, 3, 0, 5}, torch::kByte), ids, ids, {}}) ==
        who + "want images of at least one pixel, got [2, 3, 0, 5]");
  CHECK(refusal({good, ids, {}, {}}) == who + "want ids of int64 [2], got an undefined tensor");
  CHECK(refusal({good, ids, torch::arange(3), {}}) == who + "want ids of int64 [2], got Long [3]");
  CHECK(refusal({good, ids, ids, {{0.5}, {}}}) ==
        who + "normalization has 1 channels, the images have 3");

  // An empty batch is valid.
  const auto none = torch::empty({0}, torch::kLong);
  CHECK(agent({torch::empty({0, 3, 4, 5}, torch::kByte), none, none, {}}, {}, seed{1})
            .inputs.sizes() == torch::IntArrayRef{0, 3, 4, 5});
}

}  // namespace rolewise::laws
