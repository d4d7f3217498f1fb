// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"

#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/detail/carry_out.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/agent/view_of.hpp>
#include <rolewise/agent/views.hpp>
#include <rolewise/policy/augmentation_policy.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

rw::augmentation_policy every_operation()
{
  std::vector<std::int64_t> levels;
  for (std::int64_t i = 0; i < 30; ++i) levels.insert(levels.end(), {6, (3 * i + 1) % 10});
  return rw::augmentation_policy{levels};
}

rw::batch examples_of(std::int64_t channels, std::int64_t height, std::int64_t width)
{
  auto examples = rw::laws::images_for_agents(channels);
  const auto n = examples.size();
  examples.inputs =
      torch::cat({torch::randint(0, 256, {n / 2, channels, height, width}, torch::kLong),
                  torch::arange((n - n / 2) * channels * height * width)
                      .view({n - n / 2, channels, height, width})
                      .div(7, "floor")
                      .remainder(256)})
          .to(torch::kByte);
  examples.normalization.mean = {0.4914, 0.4822, 0.4465};
  examples.normalization.std = {0.2470, 0.2435, 0.2616};
  examples.normalization.mean.resize(static_cast<std::size_t>(channels));
  examples.normalization.std.resize(static_cast<std::size_t>(channels));
  return examples;
}

const rw::training_progress progress{.epoch = 2};
const rw::seed key{19};

/// The output of the reference implementation for the program of an agent.
template<rw::PlannedAgent A>
torch::Tensor by_reference(const A& agent, const rw::batch& examples)
{
  const auto& x = examples.inputs;
  rw::image_program program{static_cast<std::size_t>(examples.size())};
  agent.plan({{examples.ids.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(x.size(0))},
              x.size(1),
              x.size(2),
              x.size(3)},
             progress, key, program);
  return rw::detail::carry_out(program, x, rw::mean_color(examples.normalization, x.size(1)));
}

/// An agent without a `plan`: it darkens its images.
struct darker {
  static constexpr std::string_view name = "darker";
  static constexpr bool has_state = false;
  [[nodiscard]] rw::batch operator()(const rw::batch& examples, const rw::training_progress&,
                                     rw::seed) const
  {
    auto view = examples;
    view.inputs = examples.inputs.div(2, "floor");
    return view;
  }
};
static_assert(rw::AugmentationAgent<darker> && !rw::PlannedAgent<darker>);
static_assert(rw::PlannedAgent<rw::no_agent>);
static_assert(rw::PlannedAgent<rw::compose<rw::rand_augment, rw::pad_crop_flip, rw::cutout>>);
static_assert(!rw::PlannedAgent<rw::compose<rw::rand_augment, darker>>);

template<typename Check>
void for_each_agent(const Check& check)
{
  const rw::policy_agent policy{.policy = every_operation()};
  check(rw::no_agent{});
  check(policy);
  check(rw::policy_agent{.policy = every_operation(), .gray = rw::gray_rounding::down});
  check(rw::rand_augment{.operations = 3, .magnitude = 9});
  check(rw::trivial_augment{});
  check(rw::cutout{.size = 6});
  check(rw::pad_crop_flip{});
  check(rw::pad_crop_flip{.padding = 40});
  check(rw::compose{policy, rw::pad_crop_flip{}, rw::cutout{}});
  check(rw::compose{rw::pad_crop_flip{.padding = 2}, rw::rand_augment{}, rw::pad_crop_flip{}});
}

}  // namespace

TEST_CASE("kernels carry out what agents plan as the reference does")
{
  for (const std::int64_t channels : {1, 3})
    for (const auto& [height, width] :
         std::initializer_list<std::pair<std::int64_t, std::int64_t>>{{1, 1}, {32, 32}, {17, 30}}) {
      const auto examples = examples_of(channels, height, width);
      for_each_agent([&](const auto& agent) {
        CAPTURE(agent.name);
        CAPTURE(channels);
        CAPTURE(height);
        CHECK(torch::equal(agent(examples, progress, key).inputs, by_reference(agent, examples)));
      });
    }
}

TEST_CASE("a window may show holes, and what lies outside of it is none")
{
  const auto examples = examples_of(3, 12, 11);
  const auto n = static_cast<std::size_t>(examples.size());
  const auto plan = [](const rw::image_subjects& subjects, rw::image_program& program) {
    const auto steps = program.add_operations();
    for (auto& step : steps) step = {rw::operation::translate_x, 3.0};
    const auto windows = program.add_windows();
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const auto id = subjects.ids[i];
      windows[i] = {id % 7 - 3, id % 5 - 2, id % 2 == 0};
    }
    for (auto& step : program.add_operations()) step = {rw::operation::sharpness, 1.7};
  };
  rw::image_program program{n};
  plan({{examples.ids.const_data_ptr<std::int64_t>(), n}, 3, 12, 11}, program);
  const auto wanted =
      rw::detail::carry_out(program, examples.inputs, rw::mean_color(examples.normalization, 3));
  CHECK(torch::equal(rw::detail::planned_view(plan, examples).inputs, wanted));
}

TEST_CASE("a view in the form of a network is the agent's view, normalized, bit for bit")
{
  rw::buffer_pool buffers;
  for (const std::int64_t channels : {1, 3}) {
    auto examples = examples_of(channels, 17, 30);
    for (const bool scaled : {true, false}) {
      if (!scaled) examples.normalization = {};
      for_each_agent([&](const auto& agent) {
        CAPTURE(agent.name);
        const auto plain = agent(examples, progress, key);
        for (const auto dtype : {torch::kFloat32, torch::kBFloat16, torch::kFloat64})
          for (const bool last : {true, false}) {
            const auto view = rw::view_of(agent, examples, progress, key, {dtype, last}, buffers);
            const auto wanted = rw::normalized_inputs(plain, dtype);
            CHECK((view.inputs.scalar_type() == dtype));
            CHECK(view.inputs.is_contiguous(last ? torch::MemoryFormat::ChannelsLast
                                                 : torch::MemoryFormat::Contiguous));
            CHECK(torch::equal(view.inputs, wanted));
            CHECK(torch::equal(view.ids, examples.ids));
            CHECK(torch::equal(view.labels, examples.labels));
          }
        const auto bytes = rw::view_of(agent, examples, progress, key, {torch::kByte}, buffers);
        CHECK(torch::equal(bytes.inputs, plain.inputs));
      });
    }
  }
}

TEST_CASE("large views, which bypass the caches, hold the same numbers")
{
  rw::buffer_pool buffers;
  for (const auto& [height, width] :
       std::initializer_list<std::pair<std::int64_t, std::int64_t>>{{192, 176}, {181, 183}}) {
    auto examples = examples_of(3, height, width);
    examples = rw::laws::part_of(examples, torch::arange(3));
    const rw::compose agent{rw::rand_augment{}, rw::pad_crop_flip{}};
    const auto wanted = rw::normalized_inputs(agent(examples, progress, key));
    CHECK(torch::equal(rw::view_of(agent, examples, progress, key, {}, buffers).inputs, wanted));
    CHECK(torch::equal(agent(examples, progress, key).inputs, by_reference(agent, examples)));
  }
}

TEST_CASE("every value of a byte becomes the number that normalized_inputs makes of it")
{
  rw::buffer_pool buffers;
  rw::batch all{torch::arange(256).to(torch::kByte).view({1, 1, 16, 16}).repeat({1, 3, 1, 1}),
                torch::zeros({1}, torch::kLong),
                torch::zeros({1}, torch::kLong),
                {}};
  const rw::draws random{rw::seed{8}, 0, 0};
  for (std::uint64_t i = 0; i < 500; i += 6) {
    for (std::uint64_t c = 0; c < 3; ++c) {
      all.normalization.mean.resize(3);
      all.normalization.std.resize(3);
      all.normalization.mean[c] = random.uniform(i + c);
      all.normalization.std[c] = random.uniform(i + 3 + c) * 0.5 + 0.001;
    }
    const auto view = rw::view_of(rw::no_agent{}, all, progress, key, {}, buffers);
    CHECK(torch::equal(view.inputs, rw::normalized_inputs(all)));
  }
}

TEST_CASE("views of both roles in the form of a network are the views, normalized")
{
  rw::buffer_pool buffers;
  const auto examples = examples_of(3, 32, 32);
  const auto check = [&](const auto& teachers, const auto& students, const auto& shared) {
    const auto plain = rw::make_views(examples, teachers, students, shared, progress, key);
    const auto formed =
        rw::make_views(examples, teachers, students, shared, progress, key, {}, buffers);
    CHECK(formed.same == plain.same);
    CHECK(formed.teacher.inputs.is_same(formed.student.inputs) == plain.same);
    CHECK(torch::equal(formed.teacher.inputs, rw::normalized_inputs(plain.teacher)));
    CHECK(torch::equal(formed.student.inputs, rw::normalized_inputs(plain.student)));
  };
  check(rw::rand_augment{}, rw::trivial_augment{}, rw::pad_crop_flip{});
  check(rw::no_agent{}, rw::rand_augment{}, rw::no_agent{});
  check(rw::no_agent{}, rw::no_agent{}, rw::pad_crop_flip{});
  check(rw::same_view{}, rw::rand_augment{}, rw::pad_crop_flip{});
  check(darker{}, rw::rand_augment{}, rw::pad_crop_flip{});
  check(rw::rand_augment{}, darker{}, darker{});
}

TEST_CASE("views go into memory that is used again, and never into what a reader holds")
{
  rw::buffer_pool buffers;
  const auto examples = examples_of(3, 8, 8);
  const rw::rand_augment agent{};
  const auto kept = rw::view_of(agent, examples, progress, key, {}, buffers);
  const auto copy = kept.inputs.clone();
  for (std::int64_t epoch = 3; epoch < 20; ++epoch)
    (void)rw::view_of(agent, examples, {.epoch = epoch}, key, {}, buffers);
  CHECK(buffers.made() == 2);
  CHECK(torch::equal(kept.inputs, copy));
  const auto copied = buffers;
  CHECK(copied.made() == 0);
}

TEST_CASE("any number of threads makes the same views")
{
  rw::buffer_pool buffers;
  const auto examples = examples_of(3, 40, 33);
  const rw::compose agent{rw::rand_augment{}, rw::pad_crop_flip{}};
  const auto threads_before = at::get_num_threads();
  const auto wanted = rw::normalized_inputs(agent(examples, progress, key));
  for (const int threads : {1, 2, 3, 7}) {
    at::set_num_threads(threads);
    CHECK(torch::equal(rw::view_of(agent, examples, progress, key, {}, buffers).inputs, wanted));
  }
  // An exception in one thread is thrown by the call, and the next call works.
  CHECK_THROWS_AS(
      (void)rw::view_of(rw::pad_crop_flip{.padding = -1}, examples, progress, key, {}, buffers),
      std::invalid_argument);
  CHECK(torch::equal(rw::view_of(agent, examples, progress, key, {}, buffers).inputs, wanted));
  at::set_num_threads(threads_before);
}

TEST_CASE("what kernels cannot take is refused or made by the agent, in its own words")
{
  rw::buffer_pool buffers;
  auto examples = examples_of(3, 8, 8);
  const auto refusal = [&](const std::function<void()>& f) -> std::string {
    try {
      f();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  CHECK(refusal([&] {
          (void)rw::view_of(rw::rand_augment{.magnitude = 11}, examples, progress, key, {},
                            buffers);
        }) == "rolewise: rand-augment: magnitude is 11, want 0 .. 10");
  const auto layout = examples.inputs.contiguous(torch::MemoryFormat::ChannelsLast);
  const auto wanted = rw::view_of(rw::rand_augment{}, examples, progress, key, {}, buffers).inputs;
  examples.inputs = layout;
  CHECK(torch::equal(rw::view_of(rw::rand_augment{}, examples, progress, key, {}, buffers).inputs,
                     wanted));

  const auto numbers = rw::normalized(examples);
  CHECK(rw::view_of(rw::no_agent{}, numbers, progress, key, {}, buffers)
            .inputs.is_same(numbers.inputs));
  CHECK(refusal([&] {
          (void)rw::view_of(rw::compose{rw::pad_crop_flip{}}, numbers, progress, key, {}, buffers);
        }) ==
        "rolewise: pad-crop-flip: want images of uint8, got Float [24, 3, 8, 8]; change images "
        "before they are normalized");
}
