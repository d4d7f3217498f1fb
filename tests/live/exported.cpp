// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Models of Python as teachers, and students for Python:
//
//     live_exported about                           version of LibTorch, whether it loads packages
//     live_exported torchscript FILE ANSWERS        outputs of the teacher, as safetensors
//     live_exported aot_inductor FILE ANSWERS       the same, of a package for any batch size
//     live_exported aot_inductor_of_4 FILE ANSWERS  the same, of a package for batches of four
//     live_exported refuse FILE                     what a package refuses
//     live_exported write FOLDER                    students as integers, their weights as floats
//
// Each teacher also teaches. exported.py makes the models and compares.
#include <rolewise/core/batch.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/loss/similarity_preserving.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/integer_weights.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/teacher/exported/torchscript_teacher.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/types.h>
#include <torch/version.h>

#if __has_include(<torch/csrc/inductor/aoti_package/model_package_loader.h>)
#define LIVE_PACKAGES
#include <rolewise/teacher/exported/aot_inductor_teacher.hpp>
#endif

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace rw = rolewise;

namespace {

using rw::tap::penultimate;

constexpr rw::taps offered{penultimate};
const rw::sample_shape shape{.channels = 3, .height = 8, .width = 8, .classes = 5};

/// Images `[count, 3, 8, 8]` that exported.py makes in the same way.
rw::dataset images(std::int64_t count)
{
  const auto numbers = torch::arange(count * 3 * 8 * 8, torch::kLong).mul(101).remainder(256);
  return {.inputs = numbers.to(torch::kByte).view({count, 3, 8, 8}),
          .labels = torch::zeros(count, torch::kLong),
          .ids = torch::arange(count),
          .shape = shape,
          .normalization = {{0.5, 0.5, 0.5}, {0.25, 0.25, 0.25}}};
}

void require(bool holds, const char* what)
{
  if (!holds) throw std::runtime_error{what};
}

/// Writes the outputs for 1, 3 and 6 images.
template<typename Teacher>
void answer(const Teacher& teacher, const std::string& answers)
{
  rw::support::safetensors file;
  for (const std::int64_t count : {1, 3, 6}) {
    const auto found = teacher.forward(images(count).examples(), offered);
    require(!found.logits.requires_grad(), "the logits have a graph");
    const auto name = std::to_string(count);
    file.tensors.emplace_back("logits" + name, found.logits);
    file.tensors.emplace_back("features" + name, found.features[penultimate]);
  }
  require(teacher.tap_shapes(offered)[penultimate] == std::vector<std::int64_t>{4}, "tap_shapes");
  rw::support::write_safetensors(answers, file);
}

/// Distills logits and features: batches of 4, 4 and 2.
template<typename Teacher>
void teach(const Teacher& teacher)
{
  rw::distillation training{.teacher = teacher,
                            .student = rw::resnet8(shape, rw::dorefa{}, rw::inner_bits<2>),
                            .loss = 1.0 * rw::soft_target_kl{rw::temperature{4}} +
                                    10.0 * rw::similarity_preserving<penultimate>{}};
  const auto before = rw::state_sum(training.student);
  const auto history = rw::fit(training, images(10), {.epochs = 1, .batch_size = 4});
  require(history.epochs.size() == 1 && std::isfinite(history.epochs[0]["loss"]),
          "the loss is not finite");
  require(rw::state_sum(training.student) != before, "the student has learned nothing");
}

#ifdef LIVE_PACKAGES

/// Whether a call is refused with these words.
bool refused(const std::function<void()>& call, std::string_view words)
{
  try {
    call();
  } catch (const std::invalid_argument& error) {
    if (std::string_view{error.what()}.find(words) != std::string_view::npos) return true;
    std::fprintf(stderr, "%s\n", error.what());
  }
  return false;
}

/// Threads that evaluate one package get the same bits.
void share(const rw::aot_inductor_teacher<offered>& teacher)
{
  const auto examples = images(6).examples();
  const auto wanted = teacher.forward(examples).logits;
  std::atomic<int> same{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int repeat = 0; repeat < 20; ++repeat)
          if (torch::equal(teacher.forward(examples).logits, wanted)) ++same;
      });
  }
  require(same == 80, "threads get other logits");
}

/// A package refuses other sizes and gradients, and names its file.
void refuse(const rw::aot_inductor_teacher<offered>& teacher, const std::string& path)
{
  const auto who = "aot_inductor_teacher '" + path + "': ";
  auto small = rw::normalized(images(4).examples());
  small.inputs = small.inputs.slice(3, 0, 4);
  require(refused([&] { (void)teacher.forward(small); },
                  who + "the package fails on Float [4, 3, 8, 4]"),
          "images of another size are not refused");
  auto asking = rw::normalized(images(4).examples());
  asking.inputs.set_requires_grad(true);
  require(refused([&] { (void)teacher.forward(asking); }, who + "the inputs require a gradient"),
          "a gradient to the inputs is not refused");
}

#endif

/// Lists the weights that a network multiplies, under the names of its tensors.
struct values_of {
  rw::support::safetensors& file;

  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<rw::PlainState T>
  void value(std::string_view, T&)
  {}
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }
  template<typename Weights>
  void weights(Weights& of_layer)
  {
    of_layer.show_levels([&](const rw::layer_id& place, rw::bit_width, const torch::Tensor&,
                             const rw::quantized& q) {
      file.tensors.emplace_back(place.name + ".weight", q.values());
    });
  }
};

template<typename Q, typename Scheme>
void write(const std::string& folder, const Q& quantizer, const Scheme& scheme)
{
  torch::manual_seed(1);
  auto student = rw::resnet8(shape, quantizer, scheme);
  (void)student.forward(images(4).examples());
  const auto path = folder + "/" + std::string{Q::name};
  rw::write_integer_weights(student, path + ".integers");
  const torch::NoGradGuard without_graph;
  rw::support::safetensors file;
  values_of shown{file};
  student.visit_state(shown);
  rw::support::write_safetensors(path + ".floats", file);
}

void carry_out(std::string_view action, const std::vector<std::string>& words)
{
  const auto word = [&](std::size_t i) {
    if (i >= words.size()) throw std::invalid_argument{"want a file and one for the answers"};
    return words[i];
  };
  if (action == "about") {
#ifdef LIVE_PACKAGES
    std::puts(TORCH_VERSION " packages");
#else
    std::puts(TORCH_VERSION);
#endif
  } else if (action == "write") {
    write(word(0), rw::dorefa{}, rw::inner_bits<2>);
    write(word(0), rw::lsq_plus{}, rw::inner_bits<3>);
    write(word(0), rw::uniform_affine{}, rw::inner_bits<8>);
  } else if (action == "torchscript") {
    const auto path = word(0);
    // [script]
    const rw::torchscript_teacher<rw::taps{rw::tap::penultimate}> teacher{
        path, shape, {.logits = "logits", .features = {{rw::tap::penultimate, "pooled"}}}};
    // [/script]
    answer(teacher, word(1));
    teach(teacher);
#ifdef LIVE_PACKAGES
  } else if (action == "aot_inductor") {
    const auto path = word(0);
    // [package]
    const rw::aot_inductor_teacher<rw::taps{rw::tap::penultimate}> teacher{
        path, shape, {.logits = 1, .features = {{rw::tap::penultimate, 0}}}};
    // [/package]
    answer(teacher, word(1));
    teach(teacher);
    share(teacher);
  } else if (action == "aot_inductor_of_4") {
    const rw::aot_inductor_teacher<offered> teacher{
        word(0), shape, {.logits = 1, .features = {{penultimate, 0}}, .batch_size = 4}};
    answer(teacher, word(1));
    teach(teacher);
    share(teacher);
  } else if (action == "refuse") {
    refuse({word(0), shape, {.logits = 1, .features = {{penultimate, 0}}}}, word(0));
#endif
  } else {
    throw std::invalid_argument{
        "want about, write, torchscript or, with a LibTorch that loads "
        "packages, aot_inductor, aot_inductor_of_4 or refuse"};
  }
}

}  // namespace

int main(int count, char** words)
try {
  if (count < 2) throw std::invalid_argument{"want an action"};
  carry_out(words[1], {words + 2, words + count});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
