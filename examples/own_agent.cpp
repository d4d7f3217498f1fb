// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An augmentation agent of your own: a template for experiments on views.
//
//     build/test/examples/own_agent
//
// trains a student under the agent below, prints its accuracy and writes 16 images with their views
// to own_agent.svg.

#include <rolewise/rolewise.hpp>

#include <torch/types.h>

#include <iostream>

namespace rw = rolewise;

namespace mine {

/// Brightness jitter: adds to each image its own offset, uniform in -strength .. strength. Image
/// programs have no operation that adds an offset, so this agent works on tensors and is no
/// PlannedAgent.
struct brightness_jitter {
  static constexpr std::string_view name = "brightness-jitter";
  static constexpr bool has_state = false;

  double strength = 64;  // gray levels of 255

  rw::batch operator()(const rw::batch& examples, const rw::training_progress& progress,
                       rw::seed seed) const
  {
    // Draws are functions of (seed, epoch, sample id): no generator state to restore, and the same
    // view for any number of threads.
    const auto shift =
        rw::uniform_draws(seed.split(rw::purpose{"brightness"}), progress.epoch, examples.ids, 1)
            .mul(2 * strength)
            .sub(strength)
            .view({-1, 1, 1, 1})
            .to(examples.inputs.device());
    auto view = examples;  // shares the tensors, so never write into them
    view.inputs = examples.inputs.add(shift).round_().clamp_(0, 255).to(torch::kByte);
    return view;
  }
};

static_assert(rw::AugmentationAgent<brightness_jitter>);

}  // namespace mine

int main()
{
  const auto data = rw::glyphs({.classes = 10, .train = 1500, .test = 500, .seed = rw::seed{1}});

  rw::supervised pretraining{
      .student = rw::resnet8(data.shape),
      .agent = rw::compose{mine::brightness_jitter{}, rw::pad_crop_flip{.padding = 2}}};
  rw::fit(pretraining, data.train, {.epochs = 4, .batch_size = 64});
  std::cout << "accuracy " << rw::accuracy(pretraining.student, data.test) << '\n';

  const auto sixteen = rw::subset(data.train, torch::arange(16)).examples();
  rw::report::write_svg(
      "own_agent.svg",
      rw::report::contact_sheet{
          .rows = {{"original", sixteen},
                   {"view", pretraining.agent(sixteen, {.epoch = 0}, rw::seed{0})}}});
  rw::require_written();
}
