// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/tiny_student.hpp"

#include <rolewise/agent/aug_mix.hpp>
#include <rolewise/agent/auto_augment.hpp>
#include <rolewise/agent/color_jitter.hpp>
#include <rolewise/agent/cutmix.hpp>
#include <rolewise/agent/mixup.hpp>
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/random_resized_crop.hpp>
#include <rolewise/agent/trivial_augment_wide.hpp>
#include <rolewise/loss/clipped_to_task.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/measurement/hessian_trace.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/apot.hpp>
#include <rolewise/quant/binary_connect.hpp>
#include <rolewise/quant/bwn.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/dorefa_gradients.hpp>
#include <rolewise/quant/lq_nets.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/no_quantizer.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/quant/paired.hpp>
#include <rolewise/quant/sawb.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/quant/ttq.hpp>
#include <rolewise/quant/twn.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/quant/with_gradients.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/post_training_quantized.hpp>
#include <rolewise/train/adamw.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/train/update_batch_norm.hpp>

#include <c10/core/DefaultDtype.h>
#include <c10/core/InferenceMode.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace rolewise;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

/// Sets the default dtype to double, as a surrounding program may have done.
class double_by_default {
 public:
  double_by_default() : before_{c10::get_default_dtype()}
  {
    c10::set_default_dtype(caffe2::TypeMeta::Make<double>());
  }
  double_by_default(const double_by_default&) = delete;
  double_by_default& operator=(const double_by_default&) = delete;
  ~double_by_default() { c10::set_default_dtype(before_); }

 private:
  caffe2::TypeMeta before_;
};

/// A data set with the same bits under any default dtype.
dataset colored(std::int64_t count)
{
  dataset data;
  data.shape = {.channels = 3, .height = 8, .width = 8, .classes = 4};
  data.inputs =
      torch::arange(count * 192).mul(89).remainder(251).to(torch::kByte).view({count, 3, 8, 8});
  data.labels = torch::arange(count).remainder(4);
  data.ids = torch::arange(count);
  data.normalization = {.mean = {0.4, 0.5, 0.6}, .std = {0.2, 0.3, 0.25}};
  data.name = "colored";
  return data;
}

template<typename Make>
void check_same_bits(const Make& make)
{
  auto wanted = make();
  const double_by_default from_now_on;
  auto found = make();
  CHECK(same_tensors(wanted, found));
}

template<typename Q>
auto student_with(const sample_shape& shape, const Q& quantizer, int bits)
{
  return resnet8(shape, quantizer,
                 full_precision_ends{.weights = bit_width{bits}, .activations = bit_width{bits}});
}
auto student_with(const sample_shape& shape, const no_quantizer&, int) { return resnet8(shape); }

template<typename Q>
void check_network(const Q& quantizer, int bits)
{
  CAPTURE(std::string{Q::name});
  const auto data = colored(12);
  check_same_bits([&] {
    supervised pretraining{.student = student_with(data.shape, quantizer, bits), .ema = ema{}};
    (void)fit(pretraining, data, {.epochs = 1, .batch_size = 6});
    CHECK(evaluate(pretraining.evaluated(), data).loss > 0);
    return pretraining.student;
  });
}

template<typename A>
void check_agent(const A& agent)
{
  CAPTURE(std::string{A::name});
  const auto examples = colored(12).examples();
  const auto view = [&] {
    auto made = agent(examples, training_progress{.epoch = 1, .epochs = 3}, seed{5});
    buffer_pool buffers;
    auto planned = view_of(agent, examples, training_progress{.epoch = 1, .epochs = 3}, seed{5},
                           view_form{}, buffers);
    return std::vector{made.inputs, made.labels, planned.inputs};
  };
  const auto wanted = view();
  const double_by_default from_now_on;
  const auto found = view();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK((found[i].scalar_type() == wanted[i].scalar_type()));
    CHECK(torch::equal(found[i], wanted[i]));
  }
}

}  // namespace

TEST_CASE("networks learn the same bits whatever LibTorch's default type is")
{
  check_network(no_quantizer{}, 32);
  check_network(dorefa{}, 2);
  check_network(dorefa{}, 1);
  check_network(with_gradients{dorefa{}, dorefa_gradients{}}, 2);
  check_network(pact{}, 3);
  check_network(lsq{}, 4);
  check_network(lsq_plus{}, 4);
  check_network(apot{}, 3);
  check_network(lq_nets{}, 2);
  check_network(uniform_affine<>{}, 8);
  check_network(paired{bwn{}, dorefa{}}, 1);
  check_network(paired{binary_connect{.choice = binary_choice::stochastic}, dorefa{}}, 1);
  check_network(paired{twn{}, dorefa{}}, 2);
  check_network(paired{ttq{.start = ttq_start::means}, dorefa{}}, 2);
  check_network(paired{sawb{}, pact{}}, 2);
}

TEST_CASE("teachers of 8 bits, statistics and combined gradients do not see the default type")
{
  const auto data = colored(12);
  check_same_bits([&] {
    auto trained = wide_resnet(10, 1, data.shape);
    update_bn(trained, data, no_agent{}, {.batch_size = 6});
    const auto teacher = post_training_quantized(trained, {data.examples()});
    distillation training{
        .teacher = teacher,
        .student = resnet8(data.shape),
        .loss = clipped_to_task{.task = cross_entropy{}, .distillation = soft_target_kl{}},
        .optimizer = adamw{}};
    (void)fit(training, data, {.epochs = 1, .batch_size = 6});
    return training.student;
  });
  const auto traces = [&] {
    return measurement::hessian_traces(resnet8(data.shape), data.examples(), {}, {.draws = 2})[0]
        .trace;
  };
  const double wanted = traces();
  const double_by_default from_now_on;
  CHECK(traces() == wanted);
}

TEST_CASE("agents show the same bits whatever LibTorch's default type is")
{
  check_agent(trivial_augment_wide{});
  check_agent(rand_augment{});
  check_agent(auto_augment{});
  check_agent(aug_mix{});
  check_agent(color_jitter{.brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1});
  check_agent(random_resized_crop{});
  check_agent(mixup{.classes = 4});
  check_agent(cutmix{.classes = 4});
}

TEST_CASE("steps learn where the caller has switched gradients off")
{
  const auto data = tiny_data(20);
  const auto learn = [&] {
    supervised pretraining{.student = tiny_student{data.shape}};
    (void)fit(pretraining, data, {.batch_size = 8, .prefetch = 1});
    distillation training{.teacher = frozen(pretraining.student),
                          .student = tiny_student{data.shape, seed{3}},
                          .loss = soft_target_kl{}};
    (void)fit(training, data, {.batch_size = 8});
    (void)training(data.examples(), training_progress{.epochs = 1, .steps_per_epoch = 1});
    return training.student;
  };
  auto wanted = learn();
  const torch::NoGradGuard without_graph;
  auto found = learn();
  CHECK(same_tensors(wanted, found));
  CHECK_FALSE(at::GradMode::is_enabled());
}

TEST_CASE("steps say that nothing can be learned under InferenceMode, nor of what was made there")
{
  const auto data = tiny_data(20);
  const char* const words =
      "rolewise: supervised: is called under InferenceMode, in which no gradient can be had; leave "
      "it before, or say c10::InferenceMode off{false}";
  supervised pretraining{.student = tiny_student{data.shape}};
  {
    const c10::InferenceMode on;
    CHECK_THROWS_WITH_AS((void)fit(pretraining, data, {.batch_size = 8}), words,
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS((void)pretraining(data.examples(), training_progress{}), words,
                         std::invalid_argument);
    CHECK_THROWS_AS((void)measurement::hessian_traces(resnet8(data.shape), data.examples()),
                    std::invalid_argument);
  }
  const auto made = [&] {
    const c10::InferenceMode on;
    return resnet8(colored(4).shape);
  }();
  supervised stale{.student = resnet8(colored(4).shape)};
  {
    const c10::InferenceMode on;
    stale.student = made;
  }
  CHECK_THROWS_WITH_AS((void)fit(stale, colored(4), {.batch_size = 4}),
                       "rolewise: training step: 'stem.weight' was made under InferenceMode and "
                       "cannot learn; make the student outside of it, or copy it there",
                       std::invalid_argument);
  supervised fresh{.student = made};
  (void)fit(fresh, colored(4), {.batch_size = 4});
  CHECK(fresh.learner_state.updates() == 1);
}
