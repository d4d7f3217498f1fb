// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"
#include "laws/teacher.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/cached.hpp>
#include <rolewise/agent/compose.hpp>
#include <rolewise/agent/cutout.hpp>
#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/teacher/cached_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/module_teacher.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/nn/modules/linear.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace rolewise;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

struct folder {
  std::string path;
  folder()
      : path{(std::filesystem::temp_directory_path() /
              ("rolewise-cache-" + std::to_string(::getpid())))
                 .string()}
  {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string& name) const { return path + "/" + name; }
};

/// A teacher that counts the examples it evaluates; copies share the count.
struct counting_teacher {
  static constexpr bool has_state = false;
  frozen_teacher<tiny_student> teacher;
  std::shared_ptr<std::int64_t> asked = std::make_shared<std::int64_t>(0);

  outputs forward(const batch& examples, taps wanted = {}) const
  {
    *asked += examples.size();
    return teacher.forward(examples, wanted);
  }
  std::uint64_t fingerprint() const { return teacher.fingerprint(); }
};

counting_teacher a_teacher(std::uint64_t number = 3, std::int64_t classes = 3)
{
  return {frozen(tiny_student{{1, 3, 3, classes}, seed{number}})};
}

dataset some_images(std::int64_t count = 40, std::int64_t classes = 3)
{
  auto data = tiny_data(count);
  data.shape.classes = classes;
  data.ids = data.ids.flip(0) * 10 + 4;  // neither sorted nor dense
  return data;
}

std::string complaint(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no complaint";
}

/// An agent that adds the epoch to every pixel, so that no view recurs.
struct brighter_each_epoch {
  static constexpr std::string_view name = "brighter-each-epoch";
  static constexpr bool has_state = false;
  batch operator()(const batch& examples, const training_progress& progress, seed) const
  {
    auto view = examples;
    view.inputs = examples.inputs + progress.epoch;
    return view;
  }
};

struct stateful_agent {
  static constexpr std::string_view name = "stateful";
  std::int64_t calls = 0;
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("calls", calls);
  }
};

struct mixing_agent {
  static constexpr std::string_view name = "mixing";
  static constexpr bool has_state = false;
  static constexpr bool mixes = true;
  batch operator()(const batch& examples, const training_progress&, seed) const { return examples; }
};

static_assert(!cyclic_views<cutout>::has_state && !cyclic_views<cutout>::mixes);
static_assert(cyclic_views<stateful_agent>::has_state);
static_assert(state_must::be_shown<cyclic_views<stateful_agent>>);
static_assert(!state_must::be_shown<cyclic_views<cutout>>);
static_assert(cyclic_views<mixing_agent>::mixes);
static_assert(cyclic_views<cutout>::name == "cutout");
static_assert(Teacher<cached_teacher<counting_teacher>>);
static_assert(FingerprintedTeacher<frozen_teacher<tiny_student>>);

const cyclic_views<pad_crop_flip> crops{.views = 3, .agent = {.padding = 1}};

auto crops_shown() { return shown_views{.teacher_agent = crops, .seed = seed{5}}; }

batch view_of(const dataset& data, std::int64_t epoch)
{
  return make_views(data.examples(), crops, no_agent{}, no_agent{}, {.epoch = epoch}, seed{5})
      .teacher;
}

std::string bytes_of(const std::string& path)
{
  std::ifstream in{path, std::ios::binary};
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

void write(const std::string& path, const std::string& bytes)
{
  std::ofstream{path, std::ios::binary} << bytes;
}

}  // namespace

TEST_CASE("recurring views are those of the agent in the first epochs, again and again")
{
  laws::hold_for(cyclic_views{2, rand_augment{}}, 3);
  laws::hold_for(cyclic_views{4, compose{pad_crop_flip{}, cutout{}}}, 1);
  laws::draws_matter_for(cyclic_views{3, rand_augment{}});

  const auto examples = laws::images_for_agents(3);
  const cyclic_views agent{.views = 3, .agent = rand_augment{}};
  for (std::int64_t epoch = 0; epoch < 7; ++epoch) {
    const auto view = agent(examples, {.epoch = epoch}, seed{1});
    CHECK(
        torch::equal(view.inputs, rand_augment{}(examples, {.epoch = epoch % 3}, seed{1}).inputs));
    CHECK(view.view == view_number{epoch % 3, 3});
  }
  CHECK_THROWS_WITH_AS((void)(cyclic_views{0, cutout{}}(examples, {}, seed{1})),
                       "rolewise: cyclic_views: views is 0, want at least 1",
                       std::invalid_argument);

  const compose both{cyclic_views{4, pad_crop_flip{}}, cyclic_views{6, cutout{}}};
  for (const std::int64_t epoch : {0, 5, 13, 23, 24})
    CHECK(both(examples, {.epoch = epoch}, seed{1}).view == view_number{epoch % 12, 12});
  CHECK(torch::equal(both(examples, {.epoch = 1}, seed{1}).inputs,
                     both(examples, {.epoch = 13}, seed{1}).inputs));
  const cyclic_views nested{2, cyclic_views{4, rand_augment{}}};
  CHECK(nested(examples, {.epoch = 3}, seed{1}).view == view_number{1, 2});
  CHECK((cyclic_views{4, mixing_agent{}}(examples, {.epoch = 3}, seed{1}).view == view_number{}));
}

TEST_CASE("a checksum sees every byte, the order and the shape")
{
  const auto of = [](const std::string& bytes) {
    checksum sum;
    sum.add(std::string_view{bytes});
    return sum.value();
  };
  // Checksums are stored in files: the function must never change.
  CHECK(of("") == 0x836E528CB96BE96D);
  CHECK(of("rolewise") == 0x10ED89A2495C2A76);
  CHECK(of(std::string(100, 'a')) == 0x42E848DBA024FFA8);
  std::string bytes(100, 'a');
  const auto whole = of(bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const int bit : {0, 3, 7}) {
      auto other = bytes;
      other[i] = static_cast<char>(other[i] ^ (1 << bit));
      CHECK(of(other) != whole);
    }
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK(of(bytes.substr(0, length)) != of(bytes.substr(0, length + 1)));

  const auto of_tensor = [](const torch::Tensor& t) {
    checksum sum;
    sum.add(t);
    return sum.value();
  };
  const auto t = torch::arange(24, torch::kFloat32).view({2, 3, 4});
  CHECK(of_tensor(t) == of_tensor(t.transpose(0, 2).contiguous().transpose(0, 2)));
  CHECK(of_tensor(t) != of_tensor(t.view({3, 2, 4})));
  CHECK(of_tensor(t) != of_tensor(t.to(torch::kFloat64)));
  CHECK(of_tensor(torch::zeros({0})) != of_tensor({}));
}

TEST_CASE("a teacher's fingerprint is that of its weights, its form and its arithmetic")
{
  const sample_shape shape{1, 8, 8, 3};
  const auto net = resnet8(shape, dorefa{}, inner_bits<4>);
  const auto print = frozen(net).fingerprint();
  CHECK(frozen(net).fingerprint() == print);
  CHECK(frozen(net, {.compute = torch::kBFloat16}).fingerprint() != print);
  CHECK(frozen(resnet8(shape, dorefa{}, inner_bits<3>)).fingerprint() != print);
  for (const auto& p : net.parameters()) {
    const torch::NoGradGuard without_graph;
    auto other = net;
    for (const auto& q : other.parameters())
      if (q.name == p.name) q.value.mul_(0.99).add_(1e-3);
    CAPTURE(p.name);
    CHECK(frozen(other).fingerprint() != print);
  }
  const auto linear = std::make_shared<torch::nn::LinearImpl>(4, 2);
  const module_teacher teacher{linear};
  const auto before = teacher.fingerprint();
  CHECK(module_teacher{linear}.fingerprint() == before);
  {
    const torch::NoGradGuard without_graph;
    linear->bias[1].add_(1);
  }
  CHECK(teacher.fingerprint() != before);
}

TEST_CASE("a cached teacher returns the teacher's logits and evaluates it once per view")
{
  const folder in;
  const auto data = some_images();
  const auto plain = a_teacher();
  auto asked = a_teacher();
  {
    const auto teacher = cached(asked, data, crops_shown(), {.path = in / "cache"});
    laws::hold_for(teacher, view_of(data, 0));
    *asked.asked = 0;
    for (std::int64_t epoch = 0; epoch < 7; ++epoch) {
      const auto view = view_of(data, epoch);
      CHECK(torch::equal(teacher.forward(view).logits, plain.forward(view).logits));
      CHECK(torch::equal(teacher.forward(normalized(view)).logits, plain.forward(view).logits));
    }
    CHECK(*asked.asked == 2 * data.size());  // view 0 was cached before
    CHECK(teacher.size() == 3 * data.size());

    // With another batch size a product may be rounded differently; cached outputs stay the
    // same.
    for (const auto& part : batches(data, {.size = 16, .epoch = 4})) {
      const auto view =
          make_views(part, crops, no_agent{}, no_agent{}, {.epoch = 4}, seed{5}).teacher;
      CHECK(teacher.forward(view).logits.allclose(plain.forward(view).logits));
    }
    CHECK(*asked.asked == 2 * data.size());

    CHECK_THROWS_WITH_AS((void)teacher.forward(view_of(data, 0), {tap::penultimate}),
                         "rolewise: cached_teacher: want tap::penultimate; the offered taps are "
                         "none",
                         std::invalid_argument);
  }
  const auto again = cached(asked, data, crops_shown(), {.path = in / "cache", .read_only = true});
  *asked.asked = 0;
  for (std::int64_t epoch = 0; epoch < 6; ++epoch)
    CHECK(torch::equal(again.forward(view_of(data, epoch)).logits,
                       plain.forward(view_of(data, epoch)).logits));
  CHECK(*asked.asked == 0);
  CHECK(again.tally().found == 6 * data.size());
}

TEST_CASE("a cached teacher never returns logits of other pixels, whatever their id")
{
  const folder in;
  const auto data = some_images(), others = tiny_data(40, seed{90});
  const auto plain = a_teacher();
  const auto teacher = cached(a_teacher(), data, crops_shown(), {.path = in / "cache"});
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) (void)teacher.forward(view_of(data, epoch));
  CHECK(teacher.size() == 120);

  const compose behind{crops, cutout{.size = 2}};
  const compose before{cutout{.size = 2}, crops};
  auto foreign = data;
  foreign.inputs = others.inputs;
  for (std::int64_t epoch = 0; epoch < 7; ++epoch) {
    CAPTURE(epoch);
    const training_progress progress{.epoch = epoch};
    auto swapped = view_of(data, epoch);
    swapped.ids = swapped.ids.flip(0);
    auto inplace = view_of(data, epoch);
    inplace.inputs.add_(1);
    for (const auto& view :
         {behind(data.examples(), progress, seed{5}), before(data.examples(), progress, seed{5}),
          view_of(foreign, epoch), crops(data.examples(), progress, seed{6}), swapped, inplace,
          data.examples(), others.examples()})
      CHECK(torch::equal(teacher.forward(view).logits, plain.forward(view).logits));
  }
  CHECK(teacher.size() == 120);
  CHECK(teacher.tally().kept == 120);
  CHECK(teacher.tally().found < 40);  // a few cut-outs cut nothing
  // Cached outputs are still there.
  CHECK(torch::equal(teacher.forward(view_of(data, 4)).logits,
                     plain.forward(view_of(data, 4)).logits));

  // Half of a batch is cached: the teacher evaluates the whole batch, and each row is right.
  const auto fresh = cached(a_teacher(), data, crops_shown(), {.path = in / "fresh"});
  const auto view = view_of(data, 1);
  (void)fresh.forward({view.inputs.narrow(0, 0, 20), view.labels.narrow(0, 0, 20),
                       view.ids.narrow(0, 0, 20), view.normalization, view.view});
  CHECK(fresh.size() == 20);
  CHECK(torch::equal(fresh.forward(view).logits, plain.forward(view).logits));
  CHECK(fresh.size() == 40);
  CHECK(fresh.tally().found == 20);
  auto unknown = view;
  unknown.ids = view.ids + 1;
  CHECK(torch::equal(fresh.forward(unknown).logits, plain.forward(view).logits));
  CHECK(fresh.tally().passed_on == 40);
  unknown.ids = view.ids.to(torch::kInt);
  CHECK(complaint([&] { (void)fresh.forward(unknown); }) ==
        "rolewise: cached_teacher: want ids of int64 [40], got Int [40]");
}

TEST_CASE("a distillation with a cached teacher learns the same bits, evaluating it once")
{
  const folder in;
  const auto data = some_images();
  const auto learn = [&](auto teacher) {
    distillation training{.teacher = std::move(teacher),
                          .student = tiny_student{data.shape, seed{8}},
                          .teacher_agent = crops,
                          .student_agent = pad_crop_flip{.padding = 1},
                          .shared_agent = cyclic_views{2, cutout{.size = 2}},
                          .loss = soft_target_kl{temperature{4}},
                          .seed = seed{5}};
    (void)fit(training, data, {.epochs = 14, .batch_size = 16, .shuffle = false});
    return training;
  };
  const shown_views shown{
      .teacher_agent = crops, .shared_agent = cyclic_views{2, cutout{.size = 2}}, .seed = seed{5}};
  const auto counted = a_teacher();
  auto plain = learn(a_teacher());
  auto with_cache = learn(cached(counted, data, shown, {.path = in / "cache"}));
  CHECK(rolewise::testing::same_tensors(plain.student, with_cache.student));
  CHECK(*counted.asked == 6 * data.size());
  CHECK(with_cache.teacher.tally().found == 8 * data.size());

  // The teacher may be given the student's view.
  const shown_views students{.teacher_agent = same_view{}, .student_agent = crops};
  const auto metric = cached(counted, data, students, {.path = in / "students"});
  CHECK(metric.size() == 0);
}

TEST_CASE("a run that was interrupted goes on with its cache and ends with the same bits")
{
  const folder in;
  const auto data = some_images(64);
  const fit_options whole{.epochs = 7, .batch_size = 16, .seed = seed{11}};
  const auto training_with = [&](const std::string& path) {
    return distillation{.teacher = cached(a_teacher(), data, crops_shown(), {.path = path}),
                        .student = tiny_student{data.shape, seed{8}},
                        .teacher_agent = crops,
                        .loss = soft_target_kl{temperature{4}},
                        .seed = seed{5}};
  };
  auto straight = training_with(in / "straight");
  (void)fit(straight, data, whole);

  std::filesystem::create_directories(in / "run");
  auto options = whole;
  {
    auto first = training_with(in / "cache");
    options.until = 2;
    (void)fit(first, data, options, checkpoints{.folder = in / "run"});
    // As if the process were killed in the third epoch, after one batch and some rows of the
    // next.
    std::int64_t step = 0;
    for (const auto& part : batches(data, {.size = 16, .seed = seed{11}, .epoch = 2})) {
      const auto view =
          make_views(part, crops, no_agent{}, no_agent{}, {.epoch = 2}, seed{5}).teacher;
      if (step++ == 2) break;
      (void)first.teacher.forward(view);
    }
    CHECK(first.teacher.size() == 2 * data.size() + 32);
  }
  auto bytes = bytes_of(in / "cache");
  const auto last = bytes.find_last_not_of('\0');  // a half-written row: its checksum is wrong
  bytes[last] = static_cast<char>(bytes[last] ^ 1);
  write(in / "cache", bytes);

  auto second = training_with(in / "cache");
  CHECK(second.teacher.size() == 2 * data.size() + 31);
  options.until = -1;
  options.resume = true;
  (void)fit(second, data, options, checkpoints{.folder = in / "run"});
  CHECK(rolewise::testing::same_tensors(second.student, straight.student));
  CHECK(second.teacher.size() == 3 * data.size());
}

TEST_CASE("the program of docs/teacher_cache.md evaluates the teacher in its first epochs alone")
{
  const folder in;
  const auto path = in / "answers.cache";
  const auto data = glyphs({.classes = 4, .train = 32, .test = 0}).train;
  const auto pretraining = resnet8(data.shape);

  // [cache]
  // The teacher sees each image in 2 forms, and is asked about each of them once.
  const cyclic_views shown{.views = 2, .agent = rand_augment{}};
  distillation training{
      .teacher = cached(frozen(pretraining), data,
                        shown_views{.teacher_agent = shown, .seed = seed{1}}, {.path = path}),
      .student = resnet8(data.shape),
      .teacher_agent = shown,
      .student_agent = rand_augment{},
      .loss = soft_target_kl{temperature{4}},
      .seed = seed{1},
  };
  fit(training, data, {.epochs = 5, .batch_size = 16});
  const auto [found, kept, passed_on] = training.teacher.tally();
  // [/cache]
  CHECK(kept == 2 * data.size());
  CHECK(found == 3 * data.size());
  CHECK(passed_on == 0);
}

TEST_CASE("half, bfloat16 and top-k logits stay within their bounds")
{
  const folder in;
  constexpr std::int64_t classes = 23;
  const auto data = some_images(40, classes);
  const auto exact = a_teacher(3, classes).forward(view_of(data, 0)).logits * 1.0;
  const auto distances = exact - exact.amax(1, true);
  const auto kept_as = [&](const cache_options& options) {
    std::filesystem::remove(options.path);
    const auto teacher = cached(a_teacher(3, classes), data, crops_shown(), options);
    const auto first = teacher.forward(view_of(data, 0)).logits;
    CHECK(torch::equal(teacher.forward(view_of(data, 0)).logits, first));
    CHECK((first.scalar_type() == torch::kFloat32));
    return first;
  };
  const auto path = in / "cache";
  CHECK(torch::equal(kept_as({.path = path}), exact));
  for (const auto& [type, error] :
       {std::pair{torch::kFloat16, 0x1p-11}, {torch::kBFloat16, 0x1p-8}}) {
    const auto logits = kept_as({.path = path, .as = type});
    CHECK_FALSE(torch::equal(logits, exact));
    CHECK(torch::equal(logits.amax(1), exact.amax(1)));
    const auto off = (logits - logits.amax(1, true) - distances).abs();
    CHECK((off <= distances.abs() * error + 1e-6).all().item<bool>());
  }
  for (const double t : {1.0, 4.0})
    for (const std::int64_t keep : {1, 5, 22}) {
      CAPTURE(keep);
      const auto logits = kept_as({.path = path, .keep = keep, .mass_at = temperature{t}});
      const auto places = std::get<1>(exact.topk(keep, 1));
      CHECK(torch::equal(logits.gather(1, places), exact.gather(1, places)));
      const auto p = torch::softmax(logits / t, 1), q = torch::softmax(exact / t, 1);
      CHECK(p.sum(1).allclose(torch::ones({40})));
      CHECK((p.gather(1, places) - q.gather(1, places)).abs().max().item<double>() < 1e-6);
      const auto rest = logits.scatter(1, places, -1e30);
      const auto highest = rest.amax(1, true);
      CHECK(((rest - highest).abs() < 1e-5).sum(1).eq(classes - keep).all().item<bool>());
      const auto half =
          kept_as({.path = path, .keep = keep, .as = torch::kFloat16, .mass_at = temperature{t}});
      CHECK((torch::softmax(half / t, 1) - p).abs().max().item<double>() < 1e-3);
    }

  // Distances beyond the range of half saturate at its end.
  const rolewise::detail::cached_logits_format form{
      .classes = 3, .kept = 3, .type = torch::kFloat16};
  const auto far = torch::tensor({{1e6F, 0.0F, 1e6F - 1.0F}});
  const auto back = rolewise::detail::decoded(rolewise::detail::encoded(far, form), form);
  CHECK(torch::equal(back, torch::tensor({{1e6F, 1e6F - 65504.0F, 1e6F - 1.0F}})));

  CHECK(complaint([&] { kept_as({.path = path, .keep = 24}); }) ==
        "rolewise: teacher cache: keep is 24, want 1 .. 22 of the classes, or 0 for all");
  CHECK(complaint([&] { kept_as({.path = path, .as = torch::kFloat64}); }) ==
        "rolewise: teacher cache: answers can be kept as Float, Half or BFloat16, not as Double");
}

TEST_CASE("a cache that belongs to something else is refused with the reason")
{
  const folder in;
  const auto path = in / "cache";
  const auto data = some_images();
  (void)cached(a_teacher(), data, crops_shown(), {.path = path});
  const auto refusal = [&](const auto& shown, const dataset& of, const counting_teacher& teacher,
                           cache_options options = {}) {
    options.path = path;
    return complaint([&] { (void)cached(teacher, of, shown, options); });
  };
  const auto but = [&](const std::string& words) {
    return "rolewise: teacher cache: " + path + " is another one: it has " + words;
  };
  auto shown = crops_shown();
  CHECK(refusal(shown, data, a_teacher()) == "no complaint");
  CHECK(refusal(shown, data, a_teacher(4)) == but("answers of another teacher"));
  shown.seed = seed{6};
  CHECK(refusal(shown, data, a_teacher()) == but("seed 5 (now 6)"));
  shown = crops_shown();
  shown.teacher_agent.agent.flip = false;
  CHECK(refusal(shown, data, a_teacher()) == but("views made by another policy"));
  shown = crops_shown();
  shown.teacher_agent.views = 2;
  CHECK(refusal(shown, data, a_teacher()) == but("number of views 3 (now 2)"));
  CHECK(refusal(shown_views{.teacher_agent = cyclic_views{3, cutout{.size = 2}}, .seed = seed{5}},
                data,
                a_teacher()) == but("agents pad-crop-flip + no-agent (now cutout + no-agent)"));
  shown = crops_shown();
  for (auto member : {&dataset::inputs, &dataset::labels, &dataset::ids}) {
    auto other = data;
    other.*member = (data.*member).clone();
    (other.*member).view(-1)[3].add_(1);
    CHECK(refusal(shown, other, a_teacher()) == but("other data under the same name"));
  }
  auto other = data;
  other.normalization.mean[0] += 1e-9;
  CHECK(refusal(shown, other, a_teacher()) == but("other data under the same name"));
  other = subset(data, torch::arange(30));
  other.name = "part";
  CHECK(refusal(shown, other, a_teacher()) ==
        but("data set tiny (now part), number of examples 40 (now 30)"));
  CHECK(refusal(shown, data, a_teacher(), {.keep = 2, .as = torch::kFloat16}) ==
        but("answers of type Float (now Half), logits kept of a row 3 (now 2)"));
  other = data;
  other.ids = data.ids.clone();
  other.ids[0] = other.ids[1];
  CHECK(refusal(shown, other, a_teacher()) ==
        "rolewise: teacher cache: the data set has the id " +
            std::to_string(other.ids[1].item<std::int64_t>()) + " twice");

  const auto wants = [&](const auto& views) { return refusal(views, data, a_teacher()); };
  CHECK(wants(shown_views{.teacher_agent = pad_crop_flip{}}) ==
        "rolewise: cached: the teacher's view does not recur; wrap its agent in cyclic_views");
  const std::string not_again =
      "rolewise: cached: the teacher's view of epoch 0 does not come again in epoch 3: an agent "
      "outside cyclic_views changes it; wrap the shared agent as well";
  CHECK(wants(shown_views{.teacher_agent = crops, .shared_agent = brighter_each_epoch{}}) ==
        not_again);
  CHECK(wants(shown_views{.teacher_agent = compose{brighter_each_epoch{}, crops}}) == not_again);
  CHECK(wants(shown_views{.teacher_agent = crops, .student_agent = brighter_each_epoch{}}) ==
        but("seed 5 (now 0)"));
}

TEST_CASE("a damaged cache is refused, a damaged row is computed again")
{
  const folder in;
  const auto path = in / "cache";
  const auto data = some_images();
  const auto plain = a_teacher();
  const auto open = [&](bool read_only = false) {
    return cached(a_teacher(), data, crops_shown(), {.path = path, .read_only = read_only});
  };
  CHECK(complaint([&] { (void)open(true); }) ==
        "rolewise: " + path + ": cannot be read: No such file or directory");
  {
    const auto teacher = open();
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) (void)teacher.forward(view_of(data, epoch));

    // Only one writer at a time, in one process too; readers are allowed.
    CHECK(complaint([&] { (void)open(); }) ==
          "rolewise: " + path + ": is being written by this process (" +
              std::to_string(::getpid()) + "); open it with .read_only = true, or wait");
    CHECK(open(true).size() == 120);
  }
  const auto fifo = path + "-fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);  // not waited for
  CHECK(complaint([&] { (void)rolewise::detail::cached_logits_file{fifo, "head", 100, true}; }) ==
        "rolewise: " + fifo + ": is no teacher cache: it has 0 bytes, the head alone has 4");
  const auto whole = bytes_of(path);
  constexpr std::size_t head = 4096, row = 32;
  REQUIRE(whole.size() == head + 120 * row);

  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, head - 1}) {
    write(path, whole.substr(0, size));
    CHECK(complaint([&] { (void)open(); }) ==
          "rolewise: " + path + ": is no teacher cache: it has " + std::to_string(size) +
              " bytes, the head alone has 4096");
  }
  for (const std::size_t size : {head, head + 1, whole.size() - 1}) {
    write(path, whole.substr(0, size));
    CHECK(complaint([&] { (void)open(); }) == "rolewise: " + path + ": is damaged: it has " +
                                                  std::to_string(size) + " bytes, want " +
                                                  std::to_string(whole.size()));
  }
  for (const std::size_t at : {std::size_t{0}, std::size_t{9}, std::size_t{20}, std::size_t{90},
                               std::size_t{300}, std::size_t{485}}) {
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    write(path, bytes);
    CAPTURE(at);
    CHECK(complaint([&] { (void)open(); }) ==
          "rolewise: " + path +
              (at == 0   ? ": is no teacher cache"
               : at == 9 ? ": is a teacher cache of version 1025, this library reads 1 and 2"
                         : ": is damaged: the sum of its head does not fit"));
  }
  // A flipped bit in any row; the last four bytes of a row are padding.
  for (std::size_t at = head; at < whole.size(); at += 13) {
    if ((at - head) % row >= 28) continue;
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    write(path, bytes);
    const auto teacher = open();
    CHECK(teacher.size() == 119);
    const auto view = static_cast<std::int64_t>((at - head) / row / 40);
    CHECK(torch::equal(teacher.forward(view_of(data, view)).logits,
                       plain.forward(view_of(data, view)).logits));
    CHECK(teacher.size() == 120);
    CHECK(teacher.tally().kept == 1);
  }
  // A row copied to another position is not valid there.
  auto bytes = whole;
  bytes.replace(head, row, whole, head + row, row);
  write(path, bytes);
  CHECK(open(true).size() == 119);
  CHECK(torch::equal(open(true).forward(view_of(data, 0)).logits,
                     plain.forward(view_of(data, 0)).logits));
  CHECK(bytes_of(path) == bytes);

  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  CHECK(complaint([&] { (void)open(true); }) != "no complaint");
}

TEST_CASE("a cache for which there is no room leaves nothing behind")
{
  const folder in;
  const auto data = some_images();
  const auto open = [&](const std::string& path, std::int64_t views = 3) {
    (void)cached(a_teacher(), data, shown_views{.teacher_agent = cyclic_views{views, no_agent{}}},
                 {.path = path, .probes = 1});
  };
  const auto path = in / "cache";
  CHECK(complaint([&] { open(in / "missing/cache"); }) ==
        "rolewise: " + (in / "missing/cache") + ": cannot be written: No such file or directory");
  SUBCASE("where files may not grow")
  {
    struct rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    auto small = limit;
    small.rlim_cur = 4096;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto words = complaint([&] { open(path); });
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, handler);
    CHECK(words == "rolewise: " + path + ": cannot reserve 7936 bytes: File too large");
    CHECK(std::filesystem::is_empty(in.path));
  }
  SUBCASE("on a full disk")
  {
    const auto disk = in / "disk";
    std::filesystem::create_directories(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
      MESSAGE("no file system may be mounted here, so none is filled");
      return;
    }
    const auto words = complaint([&] { open(disk + "/cache", 100); });
    const bool is_clean = std::filesystem::is_empty(disk);
    const auto fits = complaint([&] { open(disk + "/cache", 10); });
    ::umount(disk.c_str());
    CHECK(words ==
          "rolewise: " + disk + "/cache: wants 132096 bytes of disk, of which 65536 are free");
    CHECK(is_clean);
    CHECK(fits == "no complaint");
  }
}

TEST_CASE("several threads may evaluate one cached teacher")
{
  const folder in;
  const auto data = some_images(64);
  const auto teacher = cached(frozen(tiny_student{data.shape, seed{3}}), data, crops_shown(),
                              {.path = in / "cache"});
  const auto plain = frozen(tiny_student{data.shape, seed{3}});
  std::array<bool, 4> right{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < right.size(); ++t)
      threads.emplace_back([&, t] {
        right[t] = true;
        for (std::int64_t epoch = 0; epoch < 12; ++epoch) {
          const auto view = view_of(data, epoch + static_cast<std::int64_t>(t));
          right[t] =
              right[t] && torch::equal(teacher.forward(view).logits, plain.forward(view).logits);
        }
      });
  }
  for (const bool each : right) CHECK(each);
  CHECK(teacher.size() == 3 * 64);
}
