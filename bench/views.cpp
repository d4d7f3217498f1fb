// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What do views cost a step? Distillation with a policy for each role and a crop that both share,
// against the same step on views that lie in memory, normalised, in the layout that networks take.

#include "support/measure.hpp"

#include <rolewise/rolewise.hpp>

#include <cstdint>
#include <string_view>

namespace rw = rolewise;

namespace {

/// Shows what has been prepared.
struct from_memory {
  static constexpr std::string_view name = "from-memory";
  static constexpr bool has_state = false;

  rw::batch view;

  rw::batch operator()(const rw::batch&, const rw::moment&, rw::seed) const { return view; }
};

}  // namespace

int main(int argc, char** argv)
{
  (void)bench::is_short(argc, argv);  // short enough as it is
  const rw::sample_shape shape{.channels = 3, .height = 32, .width = 32, .classes = 100};
  const rw::batch examples{.inputs = torch::randint(0, 256, {128, 3, 32, 32}, torch::kByte),
                           .labels = torch::randint(0, 100, {128}, torch::kLong),
                           .ids = torch::arange(128),
                           .scaling = {.mean = {.5, .5, .5}, .deviation = {.25, .25, .25}}};
  const auto lesson = [&](auto teachers, auto students, auto shared) {
    return rw::distillation{
        .teacher = rw::frozen(rw::resnet20(shape)),
        .student = rw::resnet20(shape, {.seed = rw::seed{1}}),
        .teacher_agent = teachers,
        .student_agent = students,
        .shared_agent = shared,
        .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}},
    };
  };
  const rw::rand_augment policy{.operations = 2, .magnitude = 5};
  auto ours = lesson(policy, policy, rw::pad_crop_flip{});

  rw::buffer_pool buffers;
  const auto made = rw::make_views(examples, policy, policy, rw::pad_crop_flip{}, rw::moment{},
                                   rw::seed{0}, rw::view_form{}, buffers);
  auto prepared = lesson(from_memory{made.teacher}, from_memory{made.student}, rw::no_agent{});

  std::int64_t epoch = 0;
  bench::print(bench::compare(
      "distillation step, ResNet-20 -> ResNet-20, a policy for each role, against views in memory",
      1 / 1.03, 15, [&] { (void)ours(examples, rw::moment{.epoch = epoch++, .epochs = 1000}); },
      [&] { (void)prepared(examples, rw::moment{.epoch = epoch, .epochs = 1000}); }));
}
