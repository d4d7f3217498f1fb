// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SimKD: students with the classifier of their teacher.
#include "support/doctest.hpp"

#include "laws/distillation_loss.hpp"
#include "laws/student.hpp"
#include "laws/teacher.hpp"
#include "laws/training_step.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/resumed_run.hpp"

#include <rolewise/core/draws.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/loss/simkd.hpp>
#include <rolewise/network/bottleneck_projector.hpp>
#include <rolewise/network/linear_classifier.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/vgg.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/student/reused_classifier.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/shared_teacher.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/types.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;

/// A network whose running statistics are not those of the beginning.
template<typename Network>
[[nodiscard]] Network moved(Network of)
{
  for (int i = 0; i < 3; ++i) (void)of.forward(noise_images(8).examples());
  return of;
}

/// How far the logits of the teacher's own map are from those of the teacher.
template<tap_id Map, typename Student, typename Network>
[[nodiscard]] double logits_apart(const Student& student, const Network& teacher)
{
  const torch::NoGradGuard without_graph;
  const auto answer = teacher.predict(noise_images(8).examples(), {Map});
  auto map = answer.features[Map];
  if constexpr (Map.kind == tap_kind::before_activation) map = map.relu();
  return (student.classify(map) - answer.logits).abs().max().template item<double>();
}

}  // namespace

TEST_CASE("the teacher's own map gives the teacher's logits")
{
  const auto small = resnet8(noise_shape);
  const auto residual = moved(resnet14(noise_shape, {.seed = seed{1}}));
  CHECK(logits_apart<tap::stage<3>>(with_reused_classifier<tap::stage<3>>(small, frozen(residual)),
                                    residual) < 1e-6);
  const auto wide = moved(wide_resnet(10, 1, noise_shape, {.seed = seed{2}}));
  constexpr auto last = tap::before_activation<3>;
  CHECK(logits_apart<last>(with_reused_classifier<last, tap::stage<3>>(small, frozen(wide)), wide) <
        1e-6);
  const auto vgg = moved(vgg8(noise_shape));
  CHECK(logits_apart<tap::stage<4>>(with_reused_classifier<tap::stage<4>, tap::stage<3>>(
                                        small, shared_teacher{frozen(vgg)}),
                                    vgg) < 1e-6);
  const auto own = with_reused_classifier<tap::stage<3>, last>(wide, frozen(residual));
  CHECK(logits_apart<tap::stage<3>>(own, residual) < 1e-6);
}

TEST_CASE("the projector has the layers of the paper, and the student no classifier of its own")
{
  const auto count_of = [](const bottleneck_shape& shape) {
    bottleneck_projector projector{shape, seed{0}};
    std::int64_t count = 0;
    for_each_tensor(projector, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
      if (is_learned(kind)) count += t.numel();
    });
    return count;
  };
  // 256 -> 128 -> 128 -> 256: 32 768 + 147 456 + 32 768 weights and 1 024 of batch norm.
  CHECK(count_of({.in = 256, .out = 256}) == 214'016);
  CHECK(count_of({.in = 64, .out = 64}) == 2'048 + 9'216 + 2'048 + 4 * 32 + 2 * 64);
  CHECK(count_of({.in = 64, .out = 256, .reduction = 4}) == 4'096 + 36'864 + 16'384 + 256 + 512);

  const sample_shape shape{.classes = 100};
  const auto teacher = frozen(resnet14(shape));
  const auto student = with_reused_classifier<tap::stage<3>>(resnet8(shape), teacher);
  CHECK(student.parameter_count() == 83'892 - 6'500 + 13'568);
  CHECK(student.tap_shapes({tap::stage<3>})[tap::stage<3>] == std::vector<std::int64_t>{64, 8, 8});
  CHECK(student.layers().back().place.name == "projector.convolution3");
  std::int64_t weights = 0;
  for (const auto& layer : student.layers()) weights += layer.weights;
  std::int64_t shown = 0;
  for (const auto& p : student.parameters())
    if (p.value.dim() == 4) shown += p.value.numel();
  CHECK(weights == shown);
}

TEST_CASE("the first weights are a function of the seed, and a copy of the projector is deep")
{
  const bottleneck_shape shape{.in = 3, .out = 4};
  bottleneck_projector one{shape, seed{1}}, same{shape, seed{1}}, other{shape, seed{2}};
  CHECK(state_sum(one) == state_sum(same));
  CHECK(state_sum(one) != state_sum(other));
  auto copy = one;
  const auto maps = uniform_tensor({2, 3, 4, 4}, seed{3}, 1.0);
  (void)one(maps, phase::training);
  CHECK(state_sum(one) != state_sum(same));
  CHECK(state_sum(copy) == state_sum(same));
  copy = one;
  CHECK(state_sum(copy) == state_sum(one));
  (void)one(maps, phase::evaluation);
  CHECK(state_sum(copy) == state_sum(one));
}

TEST_CASE(
    "a student with its teacher's classifier has the laws of students and, frozen, of teachers")
{
  const auto examples = noise_images(8).examples();
  const auto teacher = frozen(moved(resnet14(noise_shape, {.seed = seed{1}})));
  const auto student = with_reused_classifier<tap::stage<3>>(resnet8(noise_shape), teacher);
  laws::hold_for(student, examples);
  laws::hold_for(with_reused_classifier<tap::before_activation<3>, tap::stage<3>>(
                     resnet8(noise_shape, dorefa{}), teacher),
                 examples);
  laws::hold_for(frozen(student), examples);
  CHECK(frozen(student).fingerprint() == frozen(student).fingerprint());
  static_assert(Described<decltype(student)>);

  auto named = student;
  std::vector<std::string> of_classifiers;
  for_each_tensor(named, [&](const std::string& name, torch::Tensor&, tensor_kind kind) {
    if (name.find("classifier") == std::string::npos) return;
    of_classifiers.push_back(name);
    CHECK((kind == tensor_kind::buffer));
  });
  CHECK(of_classifiers == std::vector<std::string>{"student.classifier.weight",
                                                   "student.classifier.bias", "classifier.weight",
                                                   "classifier.bias"});
  std::size_t buffers = 0;
  for_each_tensor(named, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
    if (!is_learned(kind) && t.defined()) ++buffers;
  });
  CHECK(student.buffers().size() == buffers);
}

TEST_CASE("the distance of maps has its value, its gradient and the laws of losses")
{
  const auto t = torch::tensor({1.0, -2.0, 3.0, 4.0}, torch::kDouble).view({1, 1, 2, 2});
  const auto s = torch::tensor({0.0, 1.0, 3.0, 2.0}, torch::kDouble).view({1, 1, 2, 2});
  const auto pair_of = [](const torch::Tensor& teacher, const torch::Tensor& student) {
    return paired_outputs{
        .teacher = {.logits = {},
                    .features = {{tap::stage<3>, teacher}, {tap::before_activation<3>, teacher}}},
        .student = {.logits = {}, .features = {{tap::stage<3>, student}}}};
  };
  const auto value = [&](const auto& loss, const auto& pair) {
    return loss(pair, targets{}).template item<double>();
  };
  CHECK(value(simkd<tap::stage<3>>{}, pair_of(t, s)) == doctest::Approx(14.0 / 4));
  CHECK(value(simkd<tap::before_activation<3>>{}, pair_of(t, s)) == doctest::Approx(6.0 / 4));
  // The mean of the teacher's map is 1.5; of the rectified one 2.
  CHECK(value(simkd<tap::stage<3>>{}, pair_of(t, s.mean({2, 3}, true))) == doctest::Approx(0.0));
  CHECK(value(simkd<tap::before_activation<3>>{}, pair_of(t, s.mean({2, 3}, true))) ==
        doctest::Approx(0.25));

  const auto x = s.clone().set_requires_grad(true);
  const auto loss = simkd<tap::stage<3>>{}(pair_of(t, x), targets{});
  const auto gradient = torch::autograd::grad({loss}, {x})[0];
  CHECK(torch::allclose(gradient, (s - t) / 2));
  CHECK(torch::allclose(gradient,
                        testing::finite_differences(
                            [&](const torch::Tensor& at) {
                              return simkd<tap::stage<3>>{}(pair_of(t, at), targets{});
                            },
                            s),
                        1e-6, 1e-8));
  laws::hold_for(simkd<tap::stage<3>>{});
  laws::hold_for(simkd<tap::before_activation<2>>{});
  CHECK_THROWS_WITH_AS((void)simkd<tap::stage<3>>{}(pair_of(t.repeat({1, 2, 1, 1}), s), targets{}),
                       doctest::Contains("want maps of as many channels, the teacher's has 2, the "
                                         "student's 1; with_reused_classifier projects it"),
                       std::invalid_argument);
}

TEST_CASE("maps of other sizes meet at the smaller one")
{
  const sample_shape shape{.channels = 3, .height = 16, .width = 16, .classes = 4};
  auto data = noise_images(6);
  data.shape = shape;
  data.inputs = data.inputs.repeat({1, 1, 2, 2});
  const auto residual = resnet8(shape);  // 4 x 4
  const auto vgg = vgg8(shape);          // 2 x 2
  const auto narrowed = with_reused_classifier<tap::stage<4>, tap::stage<3>>(residual, frozen(vgg));
  CHECK(narrowed.tap_shapes({tap::stage<4>})[tap::stage<4>] ==
        std::vector<std::int64_t>{512, 2, 2});
  laws::hold_for(narrowed, data.examples());
  const auto kept = with_reused_classifier<tap::stage<3>, tap::stage<4>>(vgg, frozen(residual));
  CHECK(kept.tap_shapes({tap::stage<3>})[tap::stage<3>] == std::vector<std::int64_t>{64, 2, 2});
  distillation training{
      .teacher = frozen(residual), .student = kept, .loss = simkd<tap::stage<3>>{}};
  fit(training, data, {.epochs = 1, .batch_size = 3});
}

TEST_CASE("training lowers the distance and raises accuracy, and no classifier changes")
{
  const auto data = glyphs({.classes = 4, .train = 256, .test = 64});
  supervised pretraining{.student = resnet8(data.train.shape)};
  fit(pretraining, data.train, {.epochs = 6, .batch_size = 32});
  // [simkd]
  const auto teacher = frozen(pretraining.student);
  distillation training{
      .teacher = teacher,
      .student = with_reused_classifier<tap::stage<3>>(resnet8(data.train.shape, {.seed = seed{2}}),
                                                       teacher, {.seed = seed{3}}),
      .loss = simkd<tap::stage<3>>{}};  // alone: no label is read
  const auto history = fit(training, data.train, {.epochs = 8, .batch_size = 32});
  const double reached = accuracy(training.student, data.test);
  // [/simkd]
  const auto last = classifier_of(teacher);
  CHECK(history.epochs.back()["loss"] < 0.75 * history.epochs.front()["loss"]);
  MESSAGE("accuracy of teacher ", accuracy(teacher, data.test), ", of student ", reached, ", loss ",
          history.epochs.front()["loss"], " to ", history.epochs.back()["loss"]);
  CHECK(reached > 0.4);
  CHECK(torch::equal(*training.student.classifier().weight, *last.weight));
  CHECK(torch::equal(*training.student.classifier().bias, *last.bias));
  CHECK_FALSE(training.student.classifier().weight->grad().defined());
  const auto own = classifier_of(training.student.body());
  CHECK(torch::equal(*own.weight,
                     *classifier_of(resnet8(data.train.shape, {.seed = seed{2}})).weight));
}

TEST_CASE("a run of it goes on from a checkpoint with the same bits, with a moving average too")
{
  const auto data = noise_images(16);
  const auto teacher = frozen(moved(resnet8(noise_shape, {.seed = seed{1}})));
  const auto make = [&] {
    return distillation{.teacher = teacher,
                        .student = with_reused_classifier<tap::stage<3>>(
                            resnet8(noise_shape, dorefa{}), teacher, {.seed = seed{3}}),
                        .loss = simkd<tap::stage<3>>{},
                        .ema = ema{.decay = 0.9}};
  };
  testing::goes_on_with_the_same_bits(make, data, {.epochs = 2, .batch_size = 8});
  laws::step_holds_for(make, data);
}

TEST_CASE("a classifier that cannot be reused is refused in words")
{
  const auto teacher = frozen(resnet8(noise_shape));
  CHECK_THROWS_WITH_AS((void)classifier_of(teacher, "head"),
                       "rolewise: classifier_of: want a linear layer with the parameter "
                       "head.weight [classes, D], the network has none of this name",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)classifier_of(resnet8(noise_shape, dorefa{}, all_alike{})),
                       "rolewise: classifier_of: want a classifier in full precision, classifier "
                       "has 2-bit weights and 2-bit activations",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)with_reused_classifier<tap::stage<2>>(resnet8(noise_shape), teacher),
                       "rolewise: with_reused_classifier: want a classifier of the 32 channels of "
                       "the teacher's map, it reads 64 features",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)with_reused_classifier<tap::stage<3>>(resnet8(noise_shape), teacher,
                                                                   {.student_classifier = "head"}),
                       doctest::Contains("the student has no layer 'head' that the teacher's "
                                         "classifier replaces; its parameters begin with stem."),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)with_reused_classifier<tap::stage<3>>(resnet8(noise_shape), teacher, {.reduction = 65}),
      doctest::Contains("got 64 to 64 channels and a reduction of 65"), std::invalid_argument);
}
