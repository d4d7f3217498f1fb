// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/student.hpp"
#include "laws/teacher.hpp"
#include "support/own_networks.hpp"

#include <rolewise/student/module_student.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/module_teacher.hpp>
#include <rolewise/teacher/shared_teacher.hpp>

#include <ATen/Parallel.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace rolewise;
using rolewise::testing::own_image_module;
using rolewise::testing::own_images;
using rolewise::testing::own_tagger;
using rolewise::testing::own_token_module;
using rolewise::testing::own_tokens;

namespace {

constexpr sample_shape image_shape{.channels = 1, .height = 8, .width = 8, .classes = 4};
constexpr auto tokens = sample_shape::tokens(5, 3);

static_assert(Student<module_student<own_image_module>>);
static_assert(Student<module_student<own_token_module>>);
static_assert(Teacher<module_teacher<own_tagger>>);
static_assert(offered_taps<module_student<own_image_module>>() == own_image_module::offered_taps);
static_assert(offered_taps<shared_teacher<frozen_teacher<module_student<own_token_module>>>>() ==
              own_token_module::offered_taps);

std::string complaint(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no complaint";
}

template<typename Module>
auto student_of(const sample_shape& shape)
{
  torch::manual_seed(5);
  return module_student{std::make_shared<Module>(), shape};
}

/// Checks a module in each of its places against the laws.
template<typename Module>
void hold_for_module(const sample_shape& shape, const batch& examples)
{
  const auto student = student_of<Module>(shape);
  laws::hold_for(student, examples);
  const auto copy = frozen(student);
  laws::hold_for(copy, examples);
  laws::hold_for(shared_teacher{copy}, examples);
  laws::hold_for(module_teacher{std::make_shared<Module>(), shape}, examples);
}

/// Returns what a test sets, whatever is wanted.
struct careless_module : torch::nn::Cloneable<careless_module> {
  static constexpr taps offered_taps{tap::stage<1>, tap::penultimate};

  careless_module() { reset(); }
  void reset() override
  {
    classifier = register_module("classifier", torch::nn::Linear{4, 3});
    norm = register_module("norm", torch::nn::BatchNorm1d{4});
  }
  outputs forward_outputs(const torch::Tensor& x, taps)
  {
    auto found = returned;
    if (!found.logits.defined()) found.logits = classifier(norm(x));
    return found;
  }
  torch::nn::Linear classifier{nullptr};
  torch::nn::BatchNorm1d norm{nullptr};
  outputs returned;
};

/// Logits for each pixel, from a plain `forward`.
struct segmenter : torch::nn::Cloneable<segmenter> {
  segmenter() { reset(); }
  void reset() override
  {
    classifier = register_module("classifier",
                                 torch::nn::Conv2d{torch::nn::Conv2dOptions{1, 4, 3}.padding(1)});
  }
  torch::Tensor forward(const torch::Tensor& x) { return classifier(x); }
  torch::nn::Conv2d classifier{nullptr};
};

batch vectors(std::int64_t count)
{
  batch examples;
  examples.inputs = torch::arange(count * 4, torch::kFloat).view({count, 4}).sin();
  examples.labels = torch::zeros(count, torch::kLong);
  examples.ids = torch::arange(count);
  return examples;
}

}  // namespace

TEST_CASE("modules with taps are students and teachers with their laws")
{
  hold_for_module<own_image_module>(image_shape, own_images(6));
  hold_for_module<own_token_module>(tokens, own_tokens(6));
  hold_for_module<own_tagger>(tokens, own_tokens(6));
  hold_for_module<segmenter>(image_shape, own_images(3));

  struct holder : torch::nn::ModuleHolder<own_image_module> {
    using torch::nn::ModuleHolder<own_image_module>::ModuleHolder;
  };
  const holder held;
  CHECK(module_student{held, image_shape}.tap_shapes({tap::penultimate})[tap::penultimate] ==
        std::vector<std::int64_t>{8});
  CHECK(module_teacher{held, image_shape}.tap_shapes({tap::penultimate})[tap::penultimate] ==
        std::vector<std::int64_t>{8});
}

TEST_CASE("a module's features are those of its layers")
{
  auto student = student_of<own_image_module>(image_shape);
  const auto examples = own_images(4);
  const auto found = student.forward(examples, own_image_module::offered_taps);
  CHECK(found.features[tap::stage<1>].sizes() == at::IntArrayRef{4, 6, 8, 8});
  CHECK(torch::equal(found.features[tap::before_activation<2>].relu(),
                     found.features[tap::stage<2>]));
  CHECK(torch::equal(found.features[tap::stage<2>].mean({2, 3}), found.features[tap::penultimate]));
  CHECK(torch::equal(student.module().classifier(found.features[tap::penultimate]), found.logits));
  // In training, batch norm normalizes by the batch.
  CHECK(found.features[tap::before_activation<2>].mean().abs().item<double>() < 1e-5);
  CHECK_FALSE(torch::equal(student.module().first_norm->running_mean, torch::zeros(6)));

  const auto reader = student_of<own_token_module>(tokens);
  const auto sequences = own_tokens(4);
  const auto read = reader.predict(sequences, own_token_module::offered_taps);
  const auto& attention = read.features[tap::attention<0>];
  CHECK(attention.sizes() == at::IntArrayRef{4, 5, 5});
  CHECK(attention.sum(2).allclose(torch::ones({4, 5})));
  // Padding is not attended to, and its tokens change nothing.
  const auto padding = sequences.mask.logical_not();
  CHECK(attention.masked_select(padding.unsqueeze(1)).eq(0).all().item<bool>());
  auto other = sequences;
  other.inputs = sequences.inputs.masked_fill(padding, 19);
  CHECK(torch::equal(reader.predict(other).logits, read.logits));
  other.mask = torch::Tensor{};
  CHECK_FALSE(torch::equal(reader.predict(other).logits, read.logits));
}

TEST_CASE("inputs reach a module as images, token indices or vectors")
{
  const auto tagged = student_of<own_tagger>(tokens).predict(own_tokens(4), {tap::penultimate});
  CHECK(tagged.logits.sizes() == at::IntArrayRef{4, 3, 5});
  CHECK(tagged.features[tap::penultimate].sizes() == at::IntArrayRef{4, 5, 8});
  const auto labeled = student_of<segmenter>(image_shape).predict(own_images(3));
  CHECK(labeled.logits.sizes() == at::IntArrayRef{3, 4, 8, 8});

  const auto plain = std::make_shared<torch::nn::LinearImpl>(4, 3);
  const module_teacher of_vectors{plain};
  CHECK(torch::equal(of_vectors.forward(vectors(5)).logits, plain->forward(vectors(5).inputs)));
  laws::hold_for(of_vectors, vectors(5));
  plain->to(torch::kFloat64);
  CHECK((of_vectors.forward(vectors(5)).logits.scalar_type() == torch::kFloat64));

  batch wrong = own_images(2);
  wrong.inputs = wrong.inputs.to(torch::kLong);
  CHECK(complaint([&] { (void)student_of<segmenter>(image_shape).predict(wrong); }) ==
        "rolewise: batch: want inputs of uint8 or floating point, got Long");
}

TEST_CASE("the program of docs/own_network.md")
{
  const auto examples = own_images(4);

  // [use]
  const sample_shape shape{.channels = 1, .height = 8, .width = 8, .classes = 4};  // or data.shape
  module_student student{std::make_shared<own_image_module>(), shape};
  const module_teacher teacher{std::make_shared<own_image_module>(), shape};
  const auto copy = frozen(student);  // a deep copy as a teacher

  const auto found = teacher.forward(examples, {tap::stage<2>, tap::penultimate});
  const auto& vectors = found.features[tap::penultimate];      // [N, 8]
  const auto sizes = student.tap_shapes({tap::stage<2>});      // known before training
  const std::int64_t channels = sizes[tap::stage<2>].front();  // 8
  // [/use]
  CHECK(vectors.sizes() == at::IntArrayRef{4, 8});
  CHECK(channels == 8);
  CHECK(offered_taps<decltype(copy)>() == own_image_module::offered_taps);
}

TEST_CASE("what a module returns is checked")
{
  auto module = std::make_shared<careless_module>();
  const module_student student{module};
  const auto refusal = [&](outputs returned, taps wanted) {
    module->returned = std::move(returned);
    return complaint([&] { (void)student.predict(vectors(5), wanted); });
  };
  const auto stage = torch::zeros({5, 2}), vector = torch::zeros({5, 4});
  CHECK(refusal({.logits = {}, .features = {{tap::stage<1>, stage}}}, {tap::stage<1>}) ==
        "no complaint");
  CHECK(refusal({.logits = {}, .features = {{tap::stage<1>, stage}}},
                {tap::stage<1>, tap::penultimate}) ==
        "rolewise: module_student: want tap::penultimate; the features that were returned are "
        "tap::stage<1>");
  CHECK(refusal({}, {tap::stage<1>, tap::stage<2>}) ==
        "rolewise: module_student: want tap::stage<2>; the offered taps are tap::stage<1>, "
        "tap::penultimate");
  CHECK(refusal({.logits = {}, .features = {{tap::stage<1>, stage.narrow(0, 0, 4)}}},
                {tap::stage<1>}) ==
        "rolewise: module_student: want tap::stage<1> of sizes [5, ...], got Float [4, 2]");
  CHECK(refusal({.logits = {}, .features = {{tap::stage<1>, torch::Tensor{}}}}, {tap::stage<1>}) ==
        "rolewise: module_student: want tap::stage<1> of sizes [5, ...], got an undefined tensor");
  for (const auto& logits : {torch::zeros({5}), torch::zeros({4, 3}), torch::zeros({5, 1, 1, 1, 1}),
                             torch::zeros({5, 3}, torch::kLong)})
    CHECK(refusal({.logits = logits, .features = {}}, {})
              .find("rolewise: module_student: want logits of floating point, [5, C], [5, C, L] or "
                    "[5, C, H, W], got ") == 0);

  // What is not wanted is dropped, whatever it is.
  module->returned = {.logits = {},
                      .features = {{tap::stage<1>, torch::Tensor{}}, {tap::penultimate, vector}}};
  CHECK(student.predict(vectors(5)).features.empty());
  const auto found = student.predict(vectors(5), {tap::penultimate});
  CHECK(found.features.size() == 1);
  CHECK(found.features[tap::penultimate].is_same(vector));

  const module_teacher plain{std::make_shared<torch::nn::LinearImpl>(4, 3)};
  CHECK(complaint([&] { (void)plain.forward(vectors(5), {tap::stage<3>}); }) ==
        "rolewise: module_teacher: want tap::stage<3>; the offered taps are none");
}

TEST_CASE("the shapes of taps are found without a change of the module")
{
  const auto student = student_of<own_image_module>(image_shape);
  auto copy = student;
  const auto before = laws::state_of(copy);
  const auto shapes = copy.tap_shapes(own_image_module::offered_taps);
  CHECK(shapes[tap::stage<1>] == std::vector<std::int64_t>{6, 8, 8});
  CHECK(shapes[tap::stage<2>] == std::vector<std::int64_t>{8, 3, 3});
  CHECK(shapes[tap::penultimate] == std::vector<std::int64_t>{8});
  CHECK(laws::same_state(laws::state_of(copy), before));
  CHECK(copy.module().is_training());
  CHECK(copy.module().first_norm->is_training());
  const auto assigned = [&] {
    auto target = module_student{std::make_shared<own_image_module>()};
    target = student;
    return target;
  }();
  CHECK(assigned.tap_shapes({tap::penultimate})[tap::penultimate] == std::vector<std::int64_t>{8});

  const auto reader = student_of<own_token_module>(tokens);
  CHECK(frozen(reader).tap_shapes({tap::attention<0>})[tap::attention<0>] ==
        std::vector<std::int64_t>{5, 5});
  CHECK(student_of<own_tagger>(tokens).tap_shapes({tap::penultimate})[tap::penultimate] ==
        std::vector<std::int64_t>{5, 8});

  const module_student unsized{std::make_shared<own_image_module>()};
  CHECK(unsized.tap_shapes({}).empty());
  CHECK(complaint([&] { (void)unsized.tap_shapes({tap::stage<1>, tap::stage<2>}); }) ==
        "rolewise: module_student: the shapes of tap::stage<1>, tap::stage<2> are those of an "
        "evaluated example; pass the shape of an example as the second argument: "
        "module_student{module, sample_shape{...}}, or data.shape");
  CHECK(complaint([&] { (void)frozen(unsized).tap_shapes({tap::stage<3>}); }) ==
        "rolewise: module_student: want tap::stage<3>; the offered taps are tap::stage<1>, "
        "tap::stage<2>, tap::before_activation<2>, tap::penultimate");
  const module_teacher taken{std::make_shared<own_image_module>()};
  CHECK(complaint([&] {
          (void)taken.tap_shapes({tap::stage<1>});
        }).find("module_teacher{module, sample_shape{...}}") != std::string::npos);
}

TEST_CASE("frozen and shared teachers name the taps that are not offered")
{
  const auto copy = frozen(student_of<own_token_module>(tokens));
  const std::string words =
      "want tap::stage<1>; the offered taps are tap::embedding, tap::attention<0>, "
      "tap::penultimate";
  CHECK(complaint([&] { (void)copy.forward(own_tokens(2), {tap::stage<1>, tap::embedding}); }) ==
        "rolewise: frozen: " + words);
  CHECK(complaint([&] { (void)shared_teacher{copy}.forward(own_tokens(2), {tap::stage<1>}); }) ==
        "rolewise: shared_teacher: " + words);
}

TEST_CASE("a feature without a graph to inputs that require a gradient is refused")
{
  auto module = std::make_shared<careless_module>();
  module->returned = {.logits = {}, .features = {{tap::stage<1>, torch::zeros({5, 2})}}};
  const module_teacher teacher{module};
  auto asking = vectors(5);
  asking.inputs.set_requires_grad(true);
  CHECK(teacher.forward(asking).logits.requires_grad());
  CHECK(
      complaint([&] { (void)teacher.forward(asking, {tap::stage<1>}); }) ==
      "rolewise: module_teacher: the inputs require a gradient, and tap::stage<1> has no graph to "
      "them; detach the inputs, or do not want it");
  CHECK_FALSE(teacher.forward(vectors(5), {tap::stage<1>}).logits.requires_grad());
}

TEST_CASE("one thread and two compute the same bits of features")
{
  const auto threads = at::get_num_threads();
  const auto of_images = frozen(student_of<own_image_module>(image_shape));
  const auto of_tokens = frozen(student_of<own_token_module>(tokens));
  std::vector<outputs> all;
  for (const int count : {1, 2}) {
    at::set_num_threads(count);
    all.push_back(of_images.forward(own_images(16), own_image_module::offered_taps));
    all.push_back(of_tokens.forward(own_tokens(16), own_token_module::offered_taps));
  }
  at::set_num_threads(threads);
  for (const std::size_t i : {0U, 1U}) {
    CHECK(torch::equal(all[i].logits, all[i + 2].logits));
    for (const auto& [id, value] : all[i].features)
      CHECK_MESSAGE(torch::equal(value, all[i + 2].features[id]), tap_name{id}.view());
  }
}
