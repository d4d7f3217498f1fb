// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/teacher.hpp"
#include "support/data_files.hpp"

#include <rolewise/support/safetensors.hpp>
#include <rolewise/teacher/cached_teacher.hpp>
#include <rolewise/teacher/exported/torchscript_teacher.hpp>

#include <torch/csrc/jit/serialization/pickle.h>

#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rw = rolewise;

namespace {

using rolewise::testing::scratch_folder;

const rw::sample_shape tiny{.channels = 1, .height = 4, .width = 4, .classes = 3};

rw::batch images_of(std::int64_t count)
{
  torch::manual_seed(3);
  return {torch::randint(0, 256, {count, 1, 4, 4}, torch::kByte),
          torch::zeros(count, torch::kLong),
          torch::arange(count),
          {{0.5}, {0.25}}};
}

/// Writes a script with a weight `[3, 16]`, a convolution `[4, 1, 3, 3]` and these last lines.
std::string script_of(const scratch_folder& folder, const std::string& last)
{
  torch::manual_seed(1);
  torch::jit::Module model{"model"};
  model.register_parameter("weight", torch::randn({3, 16}), false);
  model.register_parameter("kernel", torch::randn({4, 1, 3, 3}), false);
  model.register_buffer("seen", torch::zeros({1}));
  model.define(
      "def forward(self, x):\n"
      "  maps = torch.relu(torch.conv2d(x, self.kernel))\n"
      "  flat = maps.view(x.size(0), -1)\n"  // fails on channels last, as models of Python may
      "  logits = torch.matmul(flat, self.weight.t())\n" +
      last);
  const auto path = folder / "teacher.pt";
  model.save(path);
  return path;
}

std::string message_of(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

bool holds(const std::string& text, std::string_view part)
{
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE(text);
  return found;
}

TEST_CASE("a TorchScript file is a teacher: logits, laws, fingerprint")
{
  const scratch_folder folder;
  const auto path = script_of(folder, "  return logits\n");
  const rw::torchscript_teacher teacher{path, tiny};
  static_assert(rw::FrozenTeacher<rw::torchscript_teacher<>>);
  static_assert(rw::FingerprintedTeacher<rw::torchscript_teacher<>>);
  const auto examples = images_of(5);
  rw::laws::hold_for(teacher, examples);
  auto script = torch::jit::load(path);
  const auto x = rw::normalized_inputs(examples).contiguous().flatten().view({5, 1, 4, 4});
  const auto wanted = script.forward({x}).toTensor();
  CHECK(torch::allclose(teacher.forward(examples).logits, wanted, 1e-5, 1e-6));

  // The graph reaches the inputs and not the weights.
  auto asking = rw::normalized(examples);
  asking.inputs = asking.inputs.clone().set_requires_grad(true);
  const auto found = torch::autograd::grad({teacher.forward(asking).logits.sum()}, {asking.inputs});
  auto leaf = x.clone().set_requires_grad(true);
  const auto reference = torch::autograd::grad({script.forward({leaf}).toTensor().sum()}, {leaf});
  CHECK(torch::allclose(found[0], reference[0], 1e-5, 1e-6));

  CHECK(rw::torchscript_teacher{path, tiny}.fingerprint() == teacher.fingerprint());
  script.register_parameter("more", torch::zeros({1}), false);
  script.save(folder / "other.pt");
  CHECK(rw::torchscript_teacher{folder / "other.pt", tiny}.fingerprint() != teacher.fingerprint());
  auto moved = teacher;
  moved.to(torch::kCPU);
  CHECK(moved.device() == torch::Device{torch::kCPU});
  CHECK(torch::equal(moved.forward(examples).logits, teacher.forward(examples).logits));
}

TEST_CASE("outputs of a TorchScript teacher: tuples by position, dictionaries by name, taps")
{
  const scratch_folder folder;
  using rw::tap::penultimate;
  using rw::tap::stage;
  constexpr rw::taps offered{stage<1>, penultimate};
  const auto examples = images_of(3);
  const auto path = script_of(folder, "  return logits\n");
  const auto plain = rw::torchscript_teacher{path, tiny}.forward(examples).logits;

  const auto tuple = script_of(folder, "  return maps, (logits, 1.0), flat, logits\n");
  const rw::torchscript_teacher<offered> by_position{
      tuple, tiny, {.logits = 3, .features = {{stage<1>, 0}, {penultimate, 2}}}};
  rw::laws::hold_for(by_position, examples);
  CHECK(torch::equal(by_position.forward(examples).logits, plain));
  CHECK(by_position.tap_shapes(offered)[stage<1>] == std::vector<std::int64_t>{4, 2, 2});
  CHECK(by_position.tap_shapes(offered)[penultimate] == std::vector<std::int64_t>{16});
  CHECK(holds(message_of([&] { (void)rw::torchscript_teacher{tuple, tiny, {.logits = 1}}; }),
              "want a tensor as output number 1, got Tuple"));
  CHECK(holds(message_of([&] { (void)rw::torchscript_teacher{tuple, tiny, {.logits = 4}}; }),
              "want output number 4, the model returns 4"));
  CHECK(holds(message_of([&] { (void)rw::torchscript_teacher{tuple, tiny, {.logits = "x"}}; }),
              "want output 'x', the model returns 4 without names"));

  const auto named = script_of(folder, "  return {'maps': maps, 'logits': logits}\n");
  constexpr rw::taps one{stage<1>};
  const rw::torchscript_teacher<one> by_name{
      named, tiny, {.logits = "logits", .features = {{stage<1>, "maps"}}}};
  rw::laws::hold_for(by_name, examples);
  CHECK(torch::equal(by_name.forward(examples).logits, plain));
  CHECK(holds(message_of([&] { (void)rw::torchscript_teacher{named, tiny, {.logits = "x"}}; }),
              "want output 'x', the model returns 'maps' 'logits'"));
  CHECK(holds(message_of([&] { (void)rw::torchscript_teacher{named, tiny}; }),
              "want output number 0, the model returns one GenericDict"));
  CHECK(holds(
      message_of([&] { (void)rw::torchscript_teacher<one>{named, tiny, {.logits = "logits"}}; }),
      "want the places of the features that the type offers, tap::stage<1>, got those of"));
}

TEST_CASE("a TorchScript teacher names the file and what is wrong with it")
{
  const scratch_folder folder;
  const auto refused = [&](const std::string& path, std::string_view part) {
    const auto text = message_of([&] { (void)rw::torchscript_teacher{path, tiny}; });
    return holds(text, path) && holds(text, part);
  };
  CHECK(refused(folder / "absent.pt", "No such file"));
  rw::support::write_safetensors(folder / "weights.pt", {{{"w", torch::zeros({2})}}, {}});
  CHECK(refused(folder / "weights.pt", "want a TorchScript file, this is a safetensors file"));
  {
    const auto bytes = torch::jit::pickle_save(torch::zeros({2}));
    std::ofstream{folder / "pickle.pt", std::ios::binary}.write(
        bytes.data(), static_cast<std::streamsize>(bytes.size()));
    std::ofstream{folder / "text.pt"} << "hello\n";
  }
  CHECK(refused(folder / "pickle.pt", "this is a pickle of Python, as torch.save writes"));
  CHECK(refused(folder / "text.pt", "want a TorchScript file; LibTorch cannot load it"));

  CHECK(refused(script_of(folder, "  return logits.sum()\n"), "want logits of floating point"));
  CHECK(
      refused(script_of(folder, "  return logits[:1]\n"), "want logits of floating point, [2, C]"));
  CHECK(refused(script_of(folder, "  return logits.long()\n"), "want logits of floating point"));
  CHECK(refused(script_of(folder, "  return maps\n"), "want logits of 3 classes, got Float [2, 4"));
  CHECK(refused(script_of(folder, "  return torch.matmul(logits, self.weight.t())\n"),
                "the model fails on Float [2, 1, 4, 4]: "));
  CHECK(refused(script_of(folder, "  return torch.dropout(logits, 0.5, True)\n"),
                "two evaluations of the same examples give different logits"));
  CHECK(refused(script_of(folder, "  self.seen.add_(1)\n  return logits\n"),
                "an evaluation changes tensors of the model"));
}

}  // namespace
