// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The teacher cache with features, and with logits for each token or pixel.
#include "support/doctest.hpp"

#include "laws/teacher.hpp"
#include "support/child.hpp"
#include "support/own_networks.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/cached.hpp>
#include <rolewise/agent/cyclic_views.hpp>
#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/schemes.hpp>
#include <rolewise/student/module_student.hpp>
#include <rolewise/teacher/cached_teacher.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/teacher/shared_teacher.hpp>

#include <ATen/Parallel.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace rolewise;
using rolewise::testing::own_image_module;
using rolewise::testing::own_tagger;
using rolewise::testing::own_token_module;
using rolewise::testing::own_tokens;

namespace {

constexpr const char* path_variable = "ROLEWISE_KILLED_TAPS_CACHE";

struct folder {
  std::string path;
  folder()
      : path{(std::filesystem::temp_directory_path() /
              ("rolewise-cache-taps-" + std::to_string(::getpid())))
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

std::string complaint(const std::function<void()>& f)
{
  try {
    f();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "no complaint";
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

/// A frozen module that counts the examples it evaluates; copies share the count.
template<typename Module>
struct counting_teacher {
  static constexpr bool has_state = false;
  static constexpr taps offered_taps = Module::offered_taps;
  frozen_teacher<module_student<Module>> teacher;
  std::shared_ptr<std::int64_t> asked = std::make_shared<std::int64_t>(0);

  outputs forward(const batch& examples, taps wanted = {}) const
  {
    *asked += examples.size();
    return teacher.forward(examples, wanted);
  }
  std::uint64_t fingerprint() const { return teacher.fingerprint(); }
};

/// The modules of the tests, with weights that are the same in each process.
template<typename Module = own_image_module>
counting_teacher<Module> a_teacher()
{
  const auto module = std::make_shared<Module>();
  {
    const torch::NoGradGuard without_graph;
    std::uint64_t number = 0;
    for (auto& p : module->parameters())
      p.copy_(rolewise::testing::drawn(seed{++number}, p.sizes()));
  }
  return {frozen(module_student{module})};
}

constexpr std::int64_t samples = 24;

dataset some_images()
{
  dataset data;
  const auto examples = rolewise::testing::own_images(samples);
  data.inputs = examples.inputs;
  data.labels = examples.labels;
  data.ids = examples.ids.flip(0) * 10 + 4;
  data.normalization = examples.normalization;
  data.shape = {.channels = 1, .height = 8, .width = 8, .classes = 4};
  data.name = "own";
  return data;
}

const cyclic_views<pad_crop_flip> crops{.views = 3, .agent = {.padding = 1}};
auto crops_shown() { return shown_views{.teacher_agent = crops, .seed = seed{5}}; }

batch view_of(const batch& examples, std::int64_t epoch)
{
  return make_views(examples, crops, no_agent{}, no_agent{}, {.epoch = epoch}, seed{5}).teacher;
}
batch view_of(const dataset& data, std::int64_t epoch) { return view_of(data.examples(), epoch); }

constexpr taps stored{tap::stage<2>, tap::penultimate};

auto with_taps(const cache_options& options)
{
  return cached<tap::penultimate, tap::stage<2>>(a_teacher(), some_images(), crops_shown(),
                                                 options);
}

bool same(const outputs& a, const outputs& b)
{
  if (!torch::equal(a.logits, b.logits) || a.features.available() != b.features.available())
    return false;
  for (const auto& [id, value] : a.features)
    if (!torch::equal(value, b.features[id])) return false;
  return true;
}

/// Logits that are sums of pixels, which no machine rounds.
struct sums_of_pixels {
  [[maybe_unused]] static constexpr bool has_state = false;
  outputs forward(const batch& examples, taps = {}) const
  {
    const auto rows = examples.inputs.to(torch::kFloat32).view({-1, 3, 3}).sum(2);
    return {.logits = torch::cat({rows, rows.flip(1) * 0.25}, 1), .features = {}};
  }
  std::uint64_t fingerprint() const { return 17; }
};

/// Returns what a test sets.
struct changing {
  [[maybe_unused]] static constexpr bool has_state = false;
  [[maybe_unused]] static constexpr taps offered_taps{tap::penultimate};
  std::shared_ptr<outputs> returned;
  outputs forward(const batch&, taps = {}) const { return *returned; }
  std::uint64_t fingerprint() const { return 1; }
};

using cached_images = cached_teacher<counting_teacher<own_image_module>, stored>;
static_assert(Teacher<cached_images> && FingerprintedTeacher<cached_images>);
static_assert(offered_taps<cached_images>() == stored);
static_assert(std::is_same_v<decltype(with_taps({})), cached_images>);
static_assert(
    std::is_same_v<decltype(cached(a_teacher(), some_images(), crops_shown(), cache_options{})),
                   cached_teacher<counting_teacher<own_image_module>>>);

}  // namespace

TEST_CASE("a cache of logits alone has the bytes that it always had")
{
  const folder in;
  auto data = rolewise::testing::tiny_data(20);
  data.shape.classes = 6;
  const auto sum_with = [&](cache_options options) {
    options.path = in / "cache";
    std::filesystem::remove(options.path);
    {
      const auto teacher = cached(sums_of_pixels{}, data, crops_shown(), options);
      for (std::int64_t epoch = 0; epoch < 3; ++epoch) (void)teacher.forward(view_of(data, epoch));
    }
    checksum sum;
    sum.add(std::string_view{bytes_of(options.path)});
    return sum.value();
  };
  CHECK(sum_with({}) == 0xce6ef3c4511bcd05);
  CHECK(sum_with({.as = torch::kFloat16}) == 0x3af15c0e179f1f72);
  CHECK(sum_with({.as = torch::kBFloat16}) == 0xad0d0d474280ae93);
  CHECK(sum_with({.keep = 2}) == 0x30eb32f7bcc0215);
  CHECK(sum_with({.keep = 3, .as = torch::kFloat16, .mass_at = temperature{4}}) ==
        0xc31fb7a0993e1a5f);
}

TEST_CASE("a cached teacher returns the teacher's features, bit for bit")
{
  const folder in;
  const auto data = some_images();
  const auto plain = a_teacher();
  const cache_options options{.path = in / "cache"};
  {
    const auto teacher = with_taps(options);
    CHECK(*teacher.teacher().asked == 1);  // for the shapes
    laws::hold_for(teacher, view_of(data, 0));
    *teacher.teacher().asked = 0;
    for (std::int64_t epoch = 0; epoch < 7; ++epoch) {
      const auto view = view_of(data, epoch);
      for (const taps& wanted : {taps{}, taps{tap::penultimate}, stored})
        CHECK(same(teacher.forward(view, wanted), plain.forward(view, wanted)));
    }
    CHECK(*teacher.teacher().asked == 2 * samples);  // view 0 was stored before
    CHECK(teacher.size() == 3 * samples);
    CHECK(teacher.tally().kept == 3 * samples);

    CHECK(complaint([&] { (void)teacher.forward(view_of(data, 0), {tap::stage<1>}); }) ==
          "rolewise: cached_teacher: want tap::stage<1>; the offered taps are tap::stage<2>, "
          "tap::penultimate");
    CHECK(teacher.tap_shapes(stored)[tap::stage<2>] == std::vector<std::int64_t>{8, 3, 3});
    CHECK(complaint([&] { (void)teacher.tap_shapes({tap::stage<1>}); }) ==
          "rolewise: cached_teacher: want tap::stage<1>; the offered taps are tap::stage<2>, "
          "tap::penultimate");

    // Views that do not recur are passed on, with their features.
    const auto other = data.examples();
    const auto before = teacher.tally().passed_on;
    CHECK(same(teacher.forward(other, stored), plain.forward(other, stored)));
    CHECK(teacher.tally().passed_on == before + samples);
  }
  auto read_only = options;
  read_only.read_only = true;
  const auto again = with_taps(read_only);
  for (std::int64_t epoch = 0; epoch < 6; ++epoch)
    CHECK(same(again.forward(view_of(data, epoch), stored),
               plain.forward(view_of(data, epoch), stored)));
  CHECK(*again.teacher().asked == 1);
  CHECK(again.tally().found == 6 * samples);

  // Half of a batch is stored: the teacher evaluates the whole batch.
  const auto fresh = with_taps({.path = in / "fresh"});
  const auto view = view_of(data, 1);
  (void)fresh.forward({view.inputs.narrow(0, 0, 10), view.labels.narrow(0, 0, 10),
                       view.ids.narrow(0, 0, 10), view.normalization, view.view});
  CHECK(fresh.size() == 10);
  const auto first = fresh.forward(view, stored);
  CHECK(torch::allclose(first.features[tap::stage<2>],
                        plain.forward(view, stored).features[tap::stage<2>]));
  CHECK(same(fresh.forward(view, stored), first));
  CHECK(fresh.size() == samples);

  const auto both =
      cached<stored>(shared_teacher{a_teacher()}, data, crops_shown(), {.path = in / "of shared"});
  CHECK(same(both.forward(view, stored), plain.forward(view, stored)));
}

TEST_CASE("the features of a ResNet are cached bit for bit")
{
  const folder in;
  const auto data = some_images();
  const auto plain = frozen(resnet8(data.shape, dorefa{}, inner_bits<2>));
  constexpr auto all = offered_taps<decltype(plain)>();
  const auto teacher = cached<all>(plain, data, crops_shown(), {.path = in / "cache"});
  for (int round = 0; round < 2; ++round)
    CHECK(same(teacher.forward(view_of(data, 1), all), plain.forward(view_of(data, 1), all)));
  CHECK(teacher.tally().found == samples);
  laws::have_their_shapes(teacher, teacher.forward(view_of(data, 1), all), data.examples());
  for (const auto& [id, shape] : plain.tap_shapes(all)) CHECK(teacher.tap_shapes(all)[id] == shape);
}

TEST_CASE("features are stored in half, in bfloat16, and beside the highest logits")
{
  const folder in;
  const auto data = some_images();
  const auto view = view_of(data, 0);
  const auto exact = a_teacher().forward(view, stored);
  const auto stored_as = [&](cache_options options) {
    options.path = in / "cache";
    std::filesystem::remove(options.path);
    const auto teacher = with_taps(options);
    const auto first = teacher.forward(view, stored);
    CHECK(same(teacher.forward(view, stored), first));
    return first;
  };
  for (const auto& [type, error] :
       {std::pair{torch::kFloat16, 0x1p-11}, {torch::kBFloat16, 0x1p-8}}) {
    const auto found = stored_as({.as = type});
    for (const auto& [id, value] : found.features) {
      CHECK((value.scalar_type() == torch::kFloat32));
      const auto off = (value - exact.features[id]).abs();
      CHECK((off <= exact.features[id].abs() * error + 0x1p-25).all().template item<bool>());
      CHECK(torch::equal(value, exact.features[id].to(type).to(torch::kFloat32)));
    }
  }
  const auto top = stored_as({.keep = 2});
  CHECK_FALSE(torch::equal(top.logits, exact.logits));
  CHECK(torch::equal(top.logits.amax(1), exact.logits.amax(1)));
  for (const auto& [id, value] : top.features) CHECK(torch::equal(value, exact.features[id]));

  const rolewise::detail::cached_row_format form{
      .logits = {.classes = 2, .kept = 2, .type = torch::kFloat16},
      .features = {{tap::penultimate, {2}}}};
  const outputs large{.logits = torch::zeros({1, 2}),
                      .features = {{tap::penultimate, torch::tensor({{1e6F, -1e6F}})}}};
  const auto back = rolewise::detail::decoded_features(rolewise::detail::encoded(large, form), form,
                                                       {tap::penultimate});
  CHECK(torch::equal(back[tap::penultimate], torch::tensor({{65504.0F, -65504.0F}})));
}

TEST_CASE("a cache of other taps is refused, and both are named")
{
  const folder in;
  const auto data = some_images();
  const auto path = in / "cache", plain_path = in / "plain";
  (void)with_taps({.path = path});
  (void)cached(a_teacher(), data, crops_shown(), {.path = plain_path});
  const auto but = [&](const std::string& of, const std::string& words) {
    return "rolewise: teacher cache: " + of + " is another one: it has " + words;
  };
  const std::string there = "tap::stage<2> [8, 3, 3], tap::penultimate [8]";
  CHECK(complaint([&] { (void)cached(a_teacher(), data, crops_shown(), {.path = path}); }) ==
        but(path, "features " + there + " (now none)"));
  CHECK(complaint([&] { (void)with_taps({.path = plain_path}); }) ==
        but(plain_path, "features none (now " + there + ")"));
  CHECK(complaint([&] {
          (void)cached<tap::penultimate>(a_teacher(), data, crops_shown(), {.path = path});
        }) == but(path, "features " + there + " (now tap::penultimate [8])"));
  CHECK(complaint([&] { (void)with_taps({.path = path, .as = torch::kFloat16}); }) ==
        but(path, "answers of type Float (now Half)"));

  // Files that store nothing but logits are opened, whatever is behind their header.
  auto bytes = bytes_of(plain_path);
  bytes[1000] = 1;
  write(plain_path, bytes);
  CHECK(cached(a_teacher(), data, crops_shown(), {.path = plain_path}).size() == 0);

  // More taps than a header has room for.
  rolewise::detail::cached_row_format form{.logits = {.classes = 2, .kept = 2}};
  constexpr std::array kinds{tap_kind::stage, tap_kind::before_activation, tap_kind::attention,
                             tap_kind::auxiliary};
  for (const auto kind : kinds)
    for (std::uint8_t index = 0; index < 32; ++index)
      form.features.set({kind, index}, {1000, 1000, 1000});
  CHECK(complaint([&] { (void)rolewise::detail::head_of({}, form); }) ==
        "rolewise: teacher cache: the names and shapes of 128 taps do not fit in the header; store "
        "fewer");
}

TEST_CASE("a damaged header of a cache with features is refused, a damaged row computed again")
{
  const folder in;
  const auto path = in / "cache";
  const auto data = some_images();
  const auto plain = a_teacher();
  {
    const auto teacher = with_taps({.path = path});
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) (void)teacher.forward(view_of(data, epoch));
  }
  const auto whole = bytes_of(path);
  constexpr std::size_t head = 4096, values = 4 + 8 * 3 * 3 + 8, row = 16 + 4 * values;
  REQUIRE(whole.size() == head + 3 * samples * row);
  for (const std::size_t at : {std::size_t{8}, std::size_t{20}, std::size_t{488}, std::size_t{510},
                               std::size_t{2000}, std::size_t{4095}}) {
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 4);
    write(path, bytes);
    CAPTURE(at);
    CHECK(complaint([&] { (void)with_taps({.path = path}); }) ==
          "rolewise: " + path +
              (at == 8 ? ": is a teacher cache of version 6, this library reads 1 and 2"
                       : ": is damaged: the sum of its head does not fit"));
  }
  for (std::size_t at = head; at < whole.size(); at += 331) {
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << at % 8));
    write(path, bytes);
    const auto teacher = with_taps({.path = path});
    CHECK(teacher.size() == 3 * samples - 1);
    const auto view = view_of(data, static_cast<std::int64_t>((at - head) / row) / samples);
    CHECK(same(teacher.forward(view, stored), plain.forward(view, stored)));
    CHECK(teacher.size() == 3 * samples);
    CHECK(teacher.tally().kept == 1);
  }
}

TEST_CASE("outputs of other sizes than before are not stored")
{
  const folder in;
  const auto data = some_images();
  const auto of = [](std::int64_t count, std::int64_t size) {
    return outputs{.logits = torch::zeros({count, 4}),
                   .features = {{tap::penultimate, torch::zeros({count, size})}}};
  };
  const auto returned = std::make_shared<outputs>(of(1, 8));
  const auto teacher =
      cached<tap::penultimate>(changing{returned}, data, crops_shown(), {.path = in / "cache"});
  const auto refusal = [&](outputs next) {
    *returned = std::move(next);
    return complaint([&] { (void)teacher.forward(view_of(data, 0)); });
  };
  CHECK(refusal(of(samples, 7)) ==
        "rolewise: cached_teacher: want tap::penultimate of Float [24, 8], got Float [24, 7]");
  CHECK(refusal({.logits = torch::zeros({samples, 5}), .features = {}}) ==
        "rolewise: cached_teacher: want logits of Float [24, 4], got Float [24, 5]");
  CHECK(
      refusal({.logits = torch::zeros({samples, 4}), .features = {}}) ==
      "rolewise: cached_teacher: want tap::penultimate; the features that were returned are none");
  auto doubled = of(samples, 8);
  doubled.features.set(tap::penultimate, torch::zeros({samples, 8}, torch::kDouble));
  CHECK(refusal(doubled) ==
        "rolewise: cached_teacher: want tap::penultimate of Float [24, 8], got Double [24, 8]");
  CHECK(teacher.size() == 0);
  CHECK(refusal(of(samples, 8)) == "no complaint");
}

TEST_CASE("logits for each token are cached, and the mask belongs to the view")
{
  const folder in;
  auto examples = own_tokens(samples);
  examples.view = {.number = 0, .count = 1};
  cached_logits_origin origin;
  origin.data = "sequences";
  for (std::int64_t id = 0; id < samples; ++id) origin.ids.push_back(id);

  const auto reader = a_teacher<own_token_module>();
  {
    constexpr taps attentive{tap::attention<0>, tap::embedding};
    const cached_teacher<counting_teacher<own_token_module>, attentive> teacher{
        reader,
        {.path = in / "tokens"},
        origin,
        {.logits = {3}, .features = {{tap::attention<0>, {5, 5}}, {tap::embedding, {5, 8}}}}};
    laws::hold_for(teacher, examples);
    CHECK(teacher.tally().kept == samples);
    CHECK(same(teacher.forward(examples, attentive), reader.forward(examples, attentive)));
    auto other = examples;
    other.mask = torch::ones_like(examples.mask);
    CHECK(same(teacher.forward(other, attentive), reader.forward(other, attentive)));
    other.mask = examples.mask;
    other.inputs = (examples.inputs + 1).remainder(20);
    CHECK(same(teacher.forward(other, attentive), reader.forward(other, attentive)));
    CHECK(teacher.size() == samples);
  }

  const auto tagger = a_teacher<own_tagger>();
  const auto exact = tagger.forward(examples, {tap::penultimate});
  using cached_tagger = cached_teacher<counting_teacher<own_tagger>, taps{tap::penultimate}>;
  const output_shapes shapes{.logits = {3, 5}, .features = {{tap::penultimate, {5, 8}}}};
  const auto stored_as = [&](cache_options options) {
    options.path = in / "labels";
    std::filesystem::remove(options.path);
    const cached_tagger teacher{tagger, options, origin, shapes};
    laws::hold_for(teacher, examples);
    CHECK(teacher.tally().kept == samples);
    return teacher.forward(examples, {tap::penultimate});
  };
  CHECK(same(stored_as({}), exact));
  const auto half = stored_as({.as = torch::kFloat16}).logits;
  const auto distances = exact.logits - exact.logits.amax(1, true);
  CHECK(((half - half.amax(1, true) - distances).abs() <= distances.abs() * 0x1p-11 + 1e-6)
            .all()
            .item<bool>());
  CHECK(torch::equal(half.amax(1), exact.logits.amax(1)));
  const auto top = stored_as({.keep = 1}).logits;
  CHECK(torch::equal(top.amax(1), exact.logits.amax(1)));
  CHECK(torch::softmax(top, 1).amax(1).allclose(torch::softmax(exact.logits, 1).amax(1)));

  const auto path = in / "labels";
  CHECK(complaint([&] {
          (void)cached_tagger{tagger,
                              {.path = path, .keep = 1},
                              origin,
                              {.logits = {3, 2, 3}, .features = shapes.features}};
        }) == "rolewise: teacher cache: " + path +
                  " is another one: it has logits at 5 positions (now 2 x 3)");
  CHECK(complaint([&] {
          (void)cached_tagger{tagger, {.path = path}, origin, {.logits = {3, 5}, .features = {}}};
        }) ==
        "rolewise: cached_teacher: want the shapes of logits and of the features "
        "tap::penultimate, got those of none");
}

TEST_CASE("several threads may read features from one cached teacher")
{
  const folder in;
  const auto data = some_images();
  const auto teacher =
      cached<stored>(a_teacher().teacher, data, crops_shown(), {.path = in / "cache"});
  const auto plain = a_teacher().teacher;
  std::array<bool, 4> right{};
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < right.size(); ++t)
      threads.emplace_back([&, t] {
        right[t] = true;
        for (std::int64_t epoch = 0; epoch < 9; ++epoch) {
          const auto view = view_of(data, epoch + static_cast<std::int64_t>(t));
          right[t] = right[t] && same(teacher.forward(view, stored), plain.forward(view, stored));
        }
      });
  }
  for (const bool each : right) CHECK(each);
  CHECK(teacher.size() == 3 * samples);
}

TEST_CASE("killed at random instants, a cache with features holds right rows and nothing else")
{
  const auto data = some_images();
  if (const char* path = std::getenv(path_variable)) {
    at::set_num_threads(1);
    const auto teacher = with_taps({.path = path});
    for (std::int64_t epoch = 0; epoch < 3; ++epoch)
      for (const auto& part : batches(data, {.size = 1, .epoch = epoch})) {
        (void)teacher.forward(view_of(part, epoch));
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
      }
    std::_Exit(0);
  }
  const folder in;
  const auto path = in / "cache";
  std::int64_t before = 0;
  int kills = 0;
  for (int round = 0; round < 12 && before < 3 * samples; ++round) {
    int status = 0;
    const auto child =
        rolewise::testing::start_child(path_variable, path, "unit/teacher_cache_taps_test.cpp");
    REQUIRE(child > 0);
    bool is_alive = true;
    while (is_alive && !std::filesystem::exists(path)) {
      std::this_thread::sleep_for(std::chrono::microseconds{200});
      is_alive = !rolewise::testing::is_over(child, status);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{7 * round});
    if (is_alive && rolewise::testing::kill_child(child, status)) ++kills;
    const auto teacher = with_taps({.path = path, .read_only = true});
    const auto there = teacher.size();
    CHECK(there >= before);
    before = there;
    const auto plain = a_teacher();
    for (std::int64_t epoch = 0; epoch < 3; ++epoch)
      for (const auto& part : batches(data, {.size = 1, .epoch = epoch}))
        CHECK(same(teacher.forward(view_of(part, epoch), stored),
                   plain.forward(view_of(part, epoch), stored)));
    CHECK(teacher.tally().found == there);
  }
  CHECK(kills >= 2);
  const auto resumed = with_taps({.path = path});
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) (void)resumed.forward(view_of(data, epoch));
  CHECK(resumed.size() == 3 * samples);
  CHECK(resumed.tally().found <= 3 * samples);
}

TEST_CASE("the program of docs/teacher_cache.md with features")
{
  const folder in;
  const auto path = in / "features.cache";
  const auto data = some_images();
  const module_student pretrained{std::make_shared<own_image_module>()};

  // [taps]
  const cyclic_views shown{.views = 2, .agent = pad_crop_flip{.padding = 1}};
  const auto teacher = cached<tap::stage<2>, tap::penultimate>(
      frozen(pretrained), data, shown_views{.teacher_agent = shown, .seed = seed{1}},
      {.path = path, .as = torch::kFloat16});
  const auto view =
      make_views(data.examples(), shown, no_agent{}, no_agent{}, training_progress{}, seed{1})
          .teacher;
  const auto found = teacher.forward(view, {tap::penultimate});  // logits and one feature
  // [/taps]
  CHECK(found.features[tap::penultimate].sizes() == at::IntArrayRef{samples, 8});
  CHECK(teacher.tally().kept == samples);
}
