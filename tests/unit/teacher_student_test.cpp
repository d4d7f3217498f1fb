// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/student.hpp"
#include "laws/teacher.hpp"

#include <rolewise/agent/hardest_view.hpp>
#include <rolewise/agent/horizontal_flip.hpp>
#include <rolewise/measurement/agreement.hpp>
#include <rolewise/measurement/teacher_stddev.hpp>
#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/student/module_student.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/module_teacher.hpp>
#include <rolewise/teacher/shared_teacher.hpp>

#include <torch/csrc/autograd/autograd.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace rw = rolewise;

namespace {

const rw::sample_shape small{.channels = 1, .height = 8, .width = 8, .classes = 4};

rw::batch images(std::int64_t count)
{
  torch::manual_seed(3);
  return {torch::randint(0, 256, {count, 1, 8, 8}, torch::kByte),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {{0.5}, {0.25}}};
}

/// A user's module, not part of the library.
struct own_module : torch::nn::Cloneable<own_module> {
  own_module() { reset(); }
  void reset() override
  {
    convolution = register_module("convolution",
                                  torch::nn::Conv2d{torch::nn::Conv2dOptions{1, 6, 3}.bias(false)});
    norm = register_module("norm", torch::nn::BatchNorm2d{6});
    classifier = register_module("classifier", torch::nn::Linear{6, 4});
  }
  torch::Tensor forward(torch::Tensor x)
  {
    x = norm->forward(convolution->forward(x)).relu();
    return classifier->forward(x.mean({2, 3}));
  }

  torch::nn::Conv2d convolution{nullptr};
  torch::nn::BatchNorm2d norm{nullptr};
  torch::nn::Linear classifier{nullptr};
};

struct own_holder : torch::nn::ModuleHolder<own_module> {
  using torch::nn::ModuleHolder<own_module>::ModuleHolder;
};

/// A module that cannot be cloned; as a teacher it is accepted.
struct plain_net : torch::nn::Module {
  plain_net() : norm{register_module("norm", torch::nn::BatchNorm2d{1})} {}
  torch::Tensor forward(torch::Tensor x) { return norm->forward(x).flatten(1); }
  torch::nn::BatchNorm2d norm;
};

static_assert(rw::Teacher<rw::module_teacher<plain_net>>);
static_assert(rw::Teacher<rw::module_teacher<own_module>>);
static_assert(rw::Student<rw::module_student<own_module>>);
static_assert(rw::Student<rw::residual_network<>>);
static_assert(rw::Student<rw::residual_network<rw::dorefa>>);
static_assert(rw::Teacher<rw::frozen_teacher<rw::residual_network<rw::dorefa>>>);
static_assert(rw::Teacher<rw::frozen_teacher<rw::module_student<own_module>>>);

template<typename Student>
void shake(Student& student)
{
  const torch::NoGradGuard without_graph;
  rw::for_each_tensor(student, [](const std::string&, torch::Tensor& t, rw::tensor_kind) {
    if (t.is_floating_point()) t.add_(1);
  });
}

}  // namespace

TEST_CASE("a frozen network keeps its outputs, whatever becomes of the original")
{
  auto student = rw::resnet8(small, rw::dorefa{});
  (void)student.forward(images(8));
  constexpr auto all_taps = rw::offered_taps<decltype(student)>();
  static_assert(!all_taps.empty());
  const auto before = student.predict(images(8), all_taps);
  const auto teacher = rw::frozen(student);
  rw::laws::hold_for(teacher, images(8));

  (void)student.forward(images(8));
  shake(student);
  const auto answer = teacher.forward(images(8), all_taps);
  CHECK(torch::equal(answer.logits, before.logits));
  REQUIRE(answer.features.available() == all_taps);
  for (const auto& [id, value] : answer.features) {
    CHECK(torch::equal(value, before.features[id]));
    CHECK_FALSE(value.requires_grad());
  }
  for (const auto& p : teacher.network().parameters()) CHECK_FALSE(p.value.requires_grad());
  for (const auto& p : student.parameters()) CHECK(p.value.requires_grad());
}

TEST_CASE("a frozen teacher has a graph to inputs that require one, and to nothing else")
{
  const auto gradient_of = [](const auto& answer, const rw::batch& asking) {
    const auto logits = answer(asking).logits;
    return torch::autograd::grad({logits.square().sum()}, {asking.inputs})[0];
  };
  auto asking = images(4);
  asking.inputs = normalized_inputs(asking).set_requires_grad(true);

  auto student = rw::resnet8(small);
  (void)student.forward(images(8));
  const auto teacher = rw::frozen(student);
  const auto wanted = gradient_of([&](const rw::batch& x) { return student.predict(x); }, asking);
  CHECK(wanted.abs().sum().item<double>() > 0);
  CHECK(
      torch::equal(gradient_of([&](const auto& x) { return teacher.forward(x); }, asking), wanted));
  const rw::shared_teacher shared{teacher};
  CHECK(
      torch::equal(gradient_of([&](const auto& x) { return shared.forward(x); }, asking), wanted));
  teacher.forward(asking).logits.sum().backward();
  for (const auto& p : teacher.network().parameters()) CHECK_FALSE(p.value.grad().defined());

  // A user's modules: frozen by copy, and taken over.
  const auto module = std::make_shared<own_module>();
  const auto copy = rw::frozen(rw::module_student{module});
  rw::laws::hold_for(copy, images(8));
  for (const auto& p : copy.network().parameters()) CHECK_FALSE(p.value.requires_grad());
  const rw::module_teacher taken{module};
  rw::laws::hold_for(taken, images(8));
  asking.inputs.mutable_grad() = torch::Tensor{};
  taken.forward(asking).logits.sum().backward();
  CHECK(asking.inputs.grad().defined());
  for (const auto& p : module->parameters()) CHECK_FALSE(p.grad().defined());
}

TEST_CASE("a module refuses a tensor with a graph in place of a parameter")
{
  rw::module_student student{std::make_shared<own_module>()};
  const auto replace = [&] {
    rw::for_each_tensor(student, [](const std::string&, torch::Tensor& t, rw::tensor_kind kind) {
      if (rw::is_learned(kind)) t = t * 2;
    });
  };
  CHECK_THROWS_WITH_AS(replace(), doctest::Contains("is replaced by a tensor with a graph"),
                       std::invalid_argument);
  const torch::NoGradGuard off;
  replace();
}

TEST_CASE("a frozen network may compute in bfloat16 and says in what it cannot")
{
  const auto student = rw::resnet8(small);
  const auto fine = rw::frozen(student),
             coarse = rw::frozen(student, {.compute = torch::kBFloat16});
  rw::laws::hold_for(coarse, images(8));
  const auto a = fine.forward(images(8)).logits, b = coarse.forward(images(8)).logits;
  CHECK((b.scalar_type() == torch::kFloat));
  CHECK_FALSE(torch::equal(a, b));
  CHECK((a - b).abs().max().item<double>() < 0.05 * a.std().item<double>());

  const rw::module_student module{std::make_shared<own_module>()};
  CHECK_THROWS_WITH_AS((void)rw::frozen(module, {.compute = torch::kBFloat16}),
                       "rolewise: frozen: this network cannot be cast to BFloat16",
                       std::invalid_argument);
}

TEST_CASE("a user's module as teacher runs in evaluation mode, from a pointer or a holder")
{
  const auto module = std::make_shared<own_module>();
  const rw::module_teacher teacher{module};
  rw::laws::hold_for(teacher, images(8));
  CHECK_FALSE(module->is_training());
  CHECK(torch::equal(module->norm->running_mean, torch::zeros(6)));
  CHECK(torch::equal(teacher.forward(images(8)).logits,
                     module->forward(rw::normalized_inputs(images(8))).detach()));

  own_holder holder;
  const rw::module_teacher from_holder{holder};
  rw::laws::hold_for(from_holder, images(8));
  rw::laws::hold_for(rw::module_teacher{std::make_shared<plain_net>()}, images(8));
  auto doubled = std::make_shared<own_module>();
  doubled->to(torch::kFloat64);
  CHECK((rw::module_teacher{doubled}.forward(images(2)).logits.scalar_type() == torch::kFloat64));

  CHECK_THROWS_WITH_AS((void)teacher.forward(images(2), {rw::tap::penultimate}),
                       "rolewise: module_teacher: want tap::penultimate; the offered taps are none",
                       std::invalid_argument);
  module->train();
  CHECK_THROWS_WITH_AS(
      (void)teacher.forward(images(2)),
      "rolewise: module_teacher: the module has been put into training mode; call eval() on it",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS(rw::module_teacher{std::shared_ptr<plain_net>{}},
                       "rolewise: module_teacher: want a module, got none", std::invalid_argument);
}

TEST_CASE("a user's module is a student with the laws of students")
{
  rw::laws::hold_for(rw::module_student{std::make_shared<own_module>()}, images(8));
  own_holder holder;
  rw::laws::hold_for(rw::module_student{holder}, images(8));
  CHECK_THROWS_WITH_AS(rw::module_student{std::shared_ptr<own_module>{}},
                       "rolewise: module_student: want a module, got none", std::invalid_argument);
}

TEST_CASE("predict keeps the training mode of each part of a module")
{
  rw::module_student student{std::make_shared<own_module>()};
  student.module().norm->eval();
  (void)student.predict(images(8));
  CHECK(student.module().is_training());
  CHECK(student.module().convolution->is_training());
  CHECK_FALSE(student.module().norm->is_training());

  student.module().norm->train();
  CHECK(torch::equal(student.module().norm->running_mean, torch::zeros(6)));
  (void)student.forward(images(8));
  CHECK_FALSE(torch::equal(student.module().norm->running_mean, torch::zeros(6)));

  auto evaluated = std::make_shared<own_module>();
  evaluated->eval();
  rw::module_student woken{evaluated};
  CHECK(evaluated->is_training());
  CHECK_THROWS_AS((void)woken.predict(images(2), {rw::tap::penultimate}), std::invalid_argument);
  CHECK(evaluated->is_training());
}

TEST_CASE("what an archive assigns reaches a user's module, and stays learnable")
{
  rw::module_student student{std::make_shared<own_module>()};
  student.module().convolution->weight.set_requires_grad(false);
  rw::for_each_tensor(student, [](const std::string&, torch::Tensor& t, rw::tensor_kind) {
    t = torch::full_like(t, 3);
  });
  CHECK(torch::equal(student.module().classifier->weight.detach(), torch::full({4, 6}, 3.0f)));
  CHECK(torch::equal(student.module().norm->running_mean, torch::full({6}, 3.0f)));
  CHECK(student.module().classifier->weight.requires_grad());
  CHECK(student.parameters()[0].name == "convolution.weight");
  CHECK(student.buffers()[0].name == "norm.running_mean");

  const auto copy = student;
  CHECK_FALSE(copy.module().convolution->weight.requires_grad());
  CHECK(copy.module().classifier->weight.requires_grad());
  CHECK(torch::equal(copy.module().norm->running_mean, torch::full({6}, 3.0f)));
}

TEST_CASE("a frozen copy of a user's module is not reached by training it further")
{
  rw::module_student student{std::make_shared<own_module>()};
  const auto teacher = rw::frozen(student);
  rw::laws::hold_for(teacher, images(8));
  const auto before = teacher.forward(images(8)).logits;
  shake(student);
  CHECK(torch::equal(teacher.forward(images(8)).logits, before));
  CHECK_FALSE(torch::equal(student.predict(images(8)).logits.detach(), before));

  rw::module_student fresh{std::make_shared<own_module>()};
  const auto report = rw::copy_weights(student, fresh);
  CHECK(report.only_in_target.empty());
  CHECK(torch::equal(fresh.predict(images(8)).logits, student.predict(images(8)).logits));
}

namespace {

/// A module that keeps its batch norm in training mode in every mode, as some networks keep their
/// dropout.
struct stubborn_module : torch::nn::Cloneable<stubborn_module> {
  stubborn_module() { reset(); }
  void reset() override
  {
    norm = register_module("norm", torch::nn::BatchNorm2d{1});
    classifier = register_module("classifier", torch::nn::Linear{64, 4});
  }
  void train(bool on = true) override
  {
    torch::nn::Module::train(on);
    norm->train();
  }
  torch::Tensor forward(torch::Tensor x)
  {
    return classifier->forward(norm->forward(x).flatten(1));
  }

  torch::nn::BatchNorm2d norm{nullptr};
  torch::nn::Linear classifier{nullptr};
};

/// A teacher on a device without memory: records where its inputs are.
struct distant_teacher {
  static constexpr bool has_state = false;

  std::shared_ptr<std::vector<torch::Device>> seen = std::make_shared<std::vector<torch::Device>>();

  [[nodiscard]] torch::Device device() const { return torch::kMeta; }
  [[nodiscard]] rw::outputs forward(const rw::batch& examples, rw::taps = {}) const
  {
    seen->push_back(examples.inputs.device());
    return {.logits = torch::zeros({examples.size(), 4}), .features = {}};
  }
};

TEST_CASE("teachers report their device and get their inputs on it")
{
  auto teacher = rw::frozen(rw::resnet8(small));
  CHECK(teacher.device() == torch::Device{torch::kCPU});
  teacher.to(torch::kMeta);
  CHECK(teacher.device() == torch::Device{torch::kMeta});
  CHECK(rw::shared_teacher{teacher}.device() == torch::Device{torch::kMeta});
  const rw::module_teacher of_module{std::make_shared<own_module>()};
  CHECK(of_module.device() == torch::Device{torch::kCPU});

  const distant_teacher distant;
  (void)rw::measurement::agreement(distant, distant, std::vector{images(3)});
  const rw::hardest_view harder{.agent = rw::horizontal_flip{}, .teacher = distant};
  CHECK(harder(images(3), rw::training_progress{}, rw::seed{1}).inputs.is_cpu());
  rw::dataset data;
  data.inputs = images(8).inputs;
  data.labels = images(8).labels;
  data.ids = images(8).ids;
  data.shape = small;
  (void)rw::measurement::teacher_stddev(distant, data, rw::horizontal_flip{},
                                        {.batch_size = 2, .steps = 1, .epochs = 1});
  CHECK(distant.seen->size() >= 2 + 2 + 8);
  for (const auto& device : *distant.seen) CHECK(device == torch::Device{torch::kMeta});
}

}  // namespace

TEST_CASE("no statistics of a teacher move, whatever mode its parts are in")
{
  const auto still = torch::zeros(1);
  auto module = std::make_shared<stubborn_module>();
  const rw::module_teacher teacher{module};
  CHECK_FALSE(module->norm->is_training());
  (void)teacher.forward(images(8));
  CHECK(torch::equal(module->norm->running_mean, still));

  module->norm->train();  // the module as a whole is in evaluation mode
  CHECK_FALSE(module->is_training());
  CHECK_THROWS_WITH_AS((void)teacher.forward(images(8)),
                       "rolewise: module_teacher: part 'norm' of the module has been put into "
                       "training mode; call eval() on the module",
                       std::invalid_argument);
  CHECK(torch::equal(module->norm->running_mean, still));

  const rw::module_student student{std::make_shared<stubborn_module>()};
  (void)student.predict(images(8));
  CHECK(torch::equal(student.module().norm->running_mean, still));
  CHECK(student.module().norm->is_training());
  CHECK(student.module().classifier->is_training());

  const auto frozen = rw::frozen(student);
  CHECK_FALSE(frozen.network().module().is_training());
  CHECK_FALSE(frozen.network().module().norm->is_training());
  (void)frozen.forward(images(8));
  CHECK(torch::equal(frozen.network().module().norm->running_mean, still));
  const auto copy = frozen;
  CHECK_FALSE(copy.network().module().norm->is_training());
  CHECK(student.module().is_training());
}

TEST_CASE("the copy of a user's module has its parts in the modes of the original")
{
  rw::module_student student{std::make_shared<own_module>()};
  student.module().norm->eval();
  auto copy = student;
  CHECK(copy.module().is_training());
  CHECK(copy.module().convolution->is_training());
  CHECK_FALSE(copy.module().norm->is_training());
  (void)copy.forward(images(8));
  CHECK(torch::equal(copy.module().norm->running_mean, torch::zeros(6)));
}

TEST_CASE("several threads may evaluate one frozen module")
{
  const auto teacher = rw::frozen(rw::module_student{std::make_shared<own_module>()});
  const rw::shared_teacher shared{teacher};
  const auto examples = images(8);
  const auto wanted = teacher.forward(examples).logits;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round)
        if (!torch::equal(shared.forward(examples).logits, wanted)) ++wrong;
    });
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(torch::equal(shared.teacher().network().module().norm->running_mean, torch::zeros(6)));
}
