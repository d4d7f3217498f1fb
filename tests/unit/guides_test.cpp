// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The code of the guides in docs/.
#include "support/doctest.hpp"

#include "laws/network_body.hpp"
#include "laws/student.hpp"
#include "support/data_files.hpp"

#include <rolewise/rolewise.hpp>
#include <rolewise/teacher/exported/torchscript_teacher.hpp>

#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace rolewise;
using rolewise::testing::scratch_folder;

namespace mine {

namespace rw = rolewise;

/// Stem, one quantized convolution, classifier: images `[N, C, H, W]` to logits.
template<rw::Quantizer Q = rw::no_quantizer>
struct small_body : rw::layered<small_body<Q>> {
  static constexpr rw::taps offered_taps{rw::tap::penultimate};

  rw::sample_shape of;  // of an example
  rw::convolution<Q> stem, inner;
  rw::batch_norm stem_norm, inner_norm;
  rw::activation<Q> into_inner;
  rw::linear<Q> classifier;

  small_body(const rw::sample_shape& shape, const Q& q, const rw::layer_plan& layers,
             const rw::weight_init& start = {})
      : of{shape},
        stem{q,
             layers.at("stem", rw::layer_kind::convolution),
             {.in = shape.channels, .out = 8},
             start},
        inner{q, layers.at("inner", rw::layer_kind::convolution), {.in = 8, .out = 8}, start},
        stem_norm{8},
        inner_norm{8},
        into_inner{q, layers.at("inner", rw::layer_kind::convolution)},
        classifier{q, layers.at("classifier", rw::layer_kind::linear), 8, shape.classes, start}
  {}

  rw::outputs forward(const torch::Tensor& images, rw::phase when, rw::taps wanted)
  {
    // The images are not quantized; what enters `inner` is rectified, then quantized.
    auto x = stem.normalized(rw::unquantized<Q>(images), stem_norm, when);
    auto y = inner.normalized(into_inner.rectify(std::move(x), when), inner_norm, when);
    const auto pooled = y.taken().relu().mean({2, 3});
    rw::outputs found{.logits = classifier(pooled, when), .features = {}};
    if (wanted.contains(rw::tap::penultimate)) found.features.set(rw::tap::penultimate, pooled);
    return found;
  }

  // The one list of layers: state, casts and reports go by it. A convolution comes with the batch
  // norm that follows it.
  template<typename Self, typename F>
  static void for_each_layer(Self& self, F&& f)
  {
    f("stem", self.stem, "stem_norm", self.stem_norm);
    f("inner", self.inner, "inner_norm", self.inner_norm);
    f("classifier", self.classifier);
    f("into_inner", self.into_inner);
  }

  // For costs: the output pixels of the layers of each entry of the list.
  [[nodiscard]] std::vector<rw::layer_report> layers() const
  {
    return this->reports([&](std::size_t entry) { return entry < 2 ? of.height * of.width : 1; });
  }
  [[nodiscard]] std::string name() const { return "small"; }
  [[nodiscard]] rw::sample_shape shape() const { return of; }  // for tap_shapes

  // What a resumed run compares: shapes of tensors are compared anyway.
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("shape", of);
  }
};

/// The network of an example's shape, with a quantizer and a bit-width scheme.
template<rw::Quantizer Q, rw::BitWidthScheme Scheme>
auto small(const rw::sample_shape& shape, const Q& q, const Scheme& scheme)
{
  const rw::layer_plan layers{q,
                              scheme,
                              {{"stem", rw::layer_kind::convolution, 0, 3},
                               {"inner", rw::layer_kind::convolution, 1, 3},
                               {"classifier", rw::layer_kind::linear, 2, 3}}};
  return rw::network{small_body<Q>{shape, q, layers}};
}

}  // namespace mine

// [memory]
namespace mine {

/// Distance to the mean of the student's own penultimate vectors over the batches before.
struct distance_to_center {
  static constexpr std::string_view name = "distance-to-center";
  static constexpr rw::taps student_taps{rw::tap::penultimate};
  static constexpr bool reads_teacher = false;  // so that `supervised` takes it, too

  double momentum = 0.9;
  rw::owned_tensor center{};  // [D], undefined before the first step

  torch::Tensor operator()(const rw::paired_outputs& pair) const
  {
    const auto& vectors = pair.student.features[rw::tap::penultimate];  // [N, D]
    return center->defined() ? (vectors - *center).square().mean() : vectors.square().mean();
  }

  // After each update, with detached outputs: the only call that may change the loss.
  void after_step(const rw::paired_outputs& pair, const rw::targets&)
  {
    const auto mean = pair.student.features[rw::tap::penultimate].mean(0);
    *center = center->defined() ? momentum * *center + (1 - momentum) * mean : mean;
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("center", *center);  // kept in checkpoints, not learned
  }
};

}  // namespace mine
// [/memory]

namespace {

dataset_splits few_glyphs()
{
  return glyphs({.classes = 4, .train = 64, .test = 32, .seed = seed{1}});
}

TEST_CASE("guide to training: schedule, optimizer, clipping, average, early stop, best checkpoint")
{
  const scratch_folder scratch;
  const auto folder = scratch.path();
  const auto data = few_glyphs();
  // [whole]
  const auto [learned_from, held_out] = stratified_split(data.train, fraction{0.25}, seed{7});
  supervised training{.student = resnet8(data.shape),
                      .agent = pad_crop_flip{},
                      .optimizer = adamw{.learning_rate = 2e-3, .decays = decay::weights_only},
                      .lr_schedule = warm_up{.epochs = 1, .then = cosine_annealing{}},
                      .clipping = clip_gradients{.norm = 5},
                      .ema = ema{.decay = 0.99}};
  const fit_options options{.epochs = 3, .batch_size = 32, .validation = &held_out};
  const auto history =
      fit(training, learned_from, options, early_stop{.patience = 10},
          checkpoints{.folder = folder}, json_lines{.path = folder + "/log.jsonl"});
  // [/whole]
  CHECK(history.epochs.size() == 3);
  CHECK(history.epochs[0].learning_rate == 2e-3 / 2);  // the first of two steps of warm-up
  // [best]
  load_checkpoint(folder + "/best.checkpoint", training, "step");
  const auto best = evaluate(training.evaluated(), data.test);  // the moving average
  const auto teacher = frozen(training.evaluated());
  // [/best]
  CHECK(accuracy(training.evaluated(), held_out) == history.best_accuracy);
  CHECK(accuracy(teacher, data.test) == best.top1);
}

TEST_CASE("guide to training: a run in parts, and one that goes on for longer than planned")
{
  const scratch_folder scratch, another;
  auto folder = scratch.path();
  const auto data = few_glyphs();
  // [parts]
  const auto make = [&] { return supervised{.student = resnet8(data.shape)}; };

  auto first_half = make();
  fit(first_half, data.train, {.epochs = 4, .batch_size = 32, .until = 2},
      checkpoints{.folder = folder});

  // Later, or in another process: the rest of the same run.
  auto rest = make();
  const auto whole = fit(rest, data.train, {.epochs = 4, .batch_size = 32, .resume = true},
                         checkpoints{.folder = folder});
  // [/parts]
  CHECK(whole.epochs.size() == 4);
  CHECK(whole.changes.empty());
  auto at_once = make();
  fit(at_once, data.train, {.epochs = 4, .batch_size = 32});
  CHECK(state_sum(rest) == state_sum(at_once));
  folder = another.path();
  {
    auto training = make();
    fit(training, data.train, {.epochs = 2, .batch_size = 32}, checkpoints{.folder = folder});
  }
  // [longer]
  auto training = make();
  const auto history = fit(training, data.train,
                           {.epochs = 4, .batch_size = 32, .resume = true, .accept_changes = true},
                           checkpoints{.folder = folder});
  // history.changes: "from epoch 2: epochs 2 (now 4)"
  // [/longer]
  CHECK(history.epochs.size() == 4);
  REQUIRE(history.changes.size() == 1);
  CHECK(history.changes.front() == "from epoch 2: epochs 2 (now 4)");
}

TEST_CASE("guide to training: on a device")
{
  const auto data = few_glyphs();
  auto pretrained = resnet8(data.shape);
  // [device]
  const torch::Device device = torch::kCPU;  // torch::kCUDA on a machine that has one
  pretrained.to(device);
  auto student = resnet8(data.shape, dorefa{});
  student.to(device);
  distillation training{.teacher = frozen(pretrained),
                        .student = student,
                        .student_agent = pad_crop_flip{},
                        .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{}};
  fit(training, data.train, {.epochs = 1, .batch_size = 32, .prefetch = 2});
  // [/device]
  CHECK(training.student.parameters().front().value.device() == device);
}

TEST_CASE("guide to few bits: first weights of full precision, learned ranges, statistics")
{
  const auto data = few_glyphs();
  auto pretrained = resnet8(data.shape);
  // [few-bits]
  auto student = resnet8(data.shape, lsq{}, inner_bits<2>);
  (void)copy_weights(pretrained, student);
  distillation training{.teacher = frozen(pretrained),
                        .student = student,
                        .shared_agent = pad_crop_flip{},
                        .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{},
                        .optimizer = param_groups{.weights = sgd{.learning_rate = 0.01},
                                                  .ranges = sgd{.learning_rate = 0.001}}};
  fit(training, data.train, {.epochs = 2, .batch_size = 32});
  const auto before = accuracy(training.student, data.test);
  update_bn(training.student, data.train);
  const auto after = accuracy(training.student, data.test);
  // [/few-bits]
  CHECK(before >= 0);
  CHECK(after >= 0);
  CHECK_FALSE(state_sum(training.student) == state_sum(student));
}

TEST_CASE("guide to own data: tensors, normalization, splits")
{
  // [tensors]
  const auto pixels = torch::randint(0, 256, {40, 3, 16, 16}, torch::kByte);  // N, C, H, W
  const auto classes = torch::arange(40).remainder(4);                        // 0 .. 3

  dataset all{.inputs = pixels,
              .labels = classes,
              .ids = torch::arange(40),
              .shape = {.channels = 3, .height = 16, .width = 16, .classes = 4},
              .normalization = normalization_of(pixels),
              .class_names = {"cat", "dog", "frog", "horse"},
              .name = "animals",
              .mask = {},
              .weights = {},
              .ignore_index = {}};
  const auto [train, validation] = stratified_split(all, fraction{0.25}, seed{1});
  // [/tensors]
  CHECK(train.size() == 30);
  CHECK(validation.size() == 10);
  supervised training{.student = resnet8(train.shape)};
  CHECK(fit(training, train, {.epochs = 1, .batch_size = 15, .validation = &validation})
            .epochs.size() == 1);
}

TEST_CASE("guide to own data: vectors, soft labels, weights")
{
  // [vectors]
  dataset rows{.inputs = torch::randn({24, 5}),
               .labels = torch::rand({24, 3}).softmax(1),  // soft: they sum to 1 over the classes
               .ids = torch::arange(24),
               .shape = sample_shape::vector(5, 3),
               .normalization = {},
               .class_names = {},
               .name = "rows",
               .mask = {},
               .weights = torch::ones(24),  // of the examples in losses and metrics
               .ignore_index = {}};
  // [/vectors]
  CHECK(evaluate(module_teacher{torch::nn::Linear{5, 3}}, rows).count == 24);
}

TEST_CASE(
    "a quantized body of one's own that tells its shape and positions is a student with costs")
{
  const auto data = few_glyphs();
  auto student = mine::small(data.shape, dorefa{}, inner_bits<2>);
  distillation training{
      .teacher = frozen(mine::small(data.shape, no_quantizer{}, full_precision{})),
      .student = student,
      .loss = 1.0 * soft_target_kl{}};
  fit(training, data.train, {.epochs = 1, .batch_size = 32});
  const auto table = report::cost_table(costs_of(training.student)).text();
  const auto bytes = training.student.bytes();  // 2-bit weights of `inner`, the rest at 32 bits
  CHECK(table.find("inner") != std::string::npos);
  CHECK(bytes < mine::small(data.shape, no_quantizer{}, full_precision{}).bytes());
  CHECK(student.layers()[1].widths.weights == bit_width{2});
  CHECK(student.layers()[0].widths.weights == bit_width{32});
  CHECK(student.tap_shapes({tap::penultimate})[tap::penultimate].front() == 8);
  const auto examples = data.test.examples();
  laws::hold_for(student, examples);
}

TEST_CASE("guide to own losses: a memory moves with the steps and is part of the state")
{
  const auto data = few_glyphs();
  // [use-memory]
  supervised training{
      .student = resnet8(data.shape),
      .loss = cross_entropy{} + weight{0.01} * mine::distance_to_center{.momentum = 0.5}};
  const auto history = fit(training, data.train, {.epochs = 1, .batch_size = 32});
  const double distance = history.epochs.back()["distance-to-center"];  // the term
  // [/use-memory]
  CHECK(distance > 0.0);
  bool is_listed = false;
  for (const auto& entry : snapshot_of(training))
    is_listed = is_listed || entry.name.ends_with("center");
  CHECK(is_listed);
}

TEST_CASE("guide to Python: a TorchScript file is a teacher")
{
  const scratch_folder folder;
  const auto data = few_glyphs();
  const auto path = folder / "teacher.pt";
  {
    torch::jit::Module model{"model"};
    model.register_parameter("weight", torch::randn({4, data.shape.channels * 16 * 16}), false);
    model.define("def forward(self, x):\n  return torch.matmul(x.flatten(1), self.weight.t())\n");
    model.save(path);
  }
  // [use-scripted]
  const torchscript_teacher teacher{path, data.shape};
  distillation training{.teacher = teacher,
                        .student = resnet8(data.shape, dorefa{}),
                        .loss = 1.0 * soft_target_kl{temperature{4}}};
  fit(training, data.train, {.epochs = 1, .batch_size = 32});
  // [/use-scripted]
  CHECK(teacher.forward(data.test.examples()).logits.size(1) == 4);
}

TEST_CASE("guide to Python: the weights of a student as a safetensors file, and back")
{
  const scratch_folder folder;
  const auto data = few_glyphs();
  auto student = resnet8(data.shape);
  const auto path = folder / "student.safetensors";
  // [weights-out]
  support::safetensors file;
  for (const auto& tensors : {student.parameters(), student.buffers()})
    for (const auto& [name, value, kind] : tensors) file.tensors.emplace_back(name, value.detach());
  support::write_safetensors(path, file);
  // [/weights-out]
  auto other = resnet8(data.shape, network_options{.seed = seed{7}});
  CHECK(state_sum(other) != state_sum(student));
  // [weights-in]
  load_named_weights(other, path);
  // [/weights-in]
  CHECK(state_sum(other) == state_sum(student));
}

TEST_CASE("guide to Python: weights by the names of other libraries")
{
  const scratch_folder folder;
  const auto data = few_glyphs();
  auto trained = resnet8(data.shape, network_options{.seed = seed{7}});
  const auto path = folder / "resnet8.safetensors", own = folder / "own.safetensors";
  const auto write = [&](const std::string& to, const char* stem, const char* classifier) {
    support::safetensors file;
    for (const auto& tensors : {trained.parameters(), trained.buffers()})
      for (auto [name, value, kind] : tensors) {
        const std::vector<std::pair<std::string, std::string>> words{
            {"stem_batch_norm", "bn1"},
            {"stem", stem},
            {"stage", "layer"},
            {"shortcut_batch_norm", "downsample.1"},
            {"shortcut", "downsample.0"},
            {"convolution", "conv"},
            {"batch_norm", "bn"},
            {"classifier", classifier},
            {"running_variance", "running_var"}};
        for (const auto& [ours, theirs] : words)
          if (const auto at = name.find(ours); at != std::string::npos)
            name.replace(at, ours.size(), theirs);
        file.tensors.emplace_back(name, value.detach());
      }
    file.tensors.emplace_back("auxiliary.weight", torch::zeros({2, 2}));
    support::write_safetensors(to, file);
  };
  write(path, "conv1", "fc");
  write(own, "first", "head.out");
  // [named-weights]
  auto teacher = resnet8(data.shape);
  const auto report = load_named_weights(teacher, path, resnet_names(), {.partial = true});
  const auto words = to_text(report);  // what was loaded and, by name, what fits nothing
  // [/named-weights]
  CHECK(state_sum(teacher) == state_sum(trained));
  CHECK(report.only_in_file.size() == 1);
  CHECK(words.ends_with("; 1 of the file fit nothing: 'auxiliary.weight'"));

  auto network = resnet8(data.shape);
  // [own-names]
  const name_rules names{{{"first", "stem"},
                          {"bn1", "stem_batch_norm"},
                          {"layer#.#.conv#", "stage#.#.convolution#"},
                          {"layer#.#.bn#", "stage#.#.batch_norm#"},
                          {"layer#.#.downsample.0", "stage#.#.shortcut"},
                          {"layer#.#.downsample.1", "stage#.#.shortcut_batch_norm"},
                          {"head.out", "classifier"},
                          {"auxiliary", ""}}};  // left out on purpose
  load_named_weights(network, own, names);
  // [/own-names]
  CHECK(state_sum(network) == state_sum(trained));
}

TEST_CASE("guide to Python: the weights of a student as integers")
{
  const scratch_folder folder;
  const auto data = few_glyphs();
  const auto student = resnet8(data.shape, dorefa{}, inner_bits<2>);
  const auto path = folder / "student.safetensors";
  // [integers-out]
  write_integer_weights(student, path);
  // [/integers-out]
  const auto read = support::read_safetensors(path);
  CHECK(std::ranges::any_of(
      read.metadata, [](const auto& each) { return each.first == "layer.stage1.0.convolution1"; }));
}

}  // namespace
