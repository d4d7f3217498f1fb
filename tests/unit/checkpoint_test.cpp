// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/callback.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/pad_crop_flip.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/report/run_record.hpp>
#include <rolewise/support/mapped_file.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/csv.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/early_stop.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/json_lines.hpp>
#include <rolewise/train/progress_bar.hpp>
#include <rolewise/train/supervised.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace rolewise;
using rolewise::testing::same_tensors;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

/// A temporary folder, removed by the destructor.
struct folder {
  std::string path = [] {
    static int count = 0;
    const auto name =
        "rolewise-checkpoint-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
    const auto made = std::filesystem::temp_directory_path() / name;
    std::filesystem::create_directories(made);
    return made.string();
  }();
  folder() = default;
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path + "/" + name; }
  [[nodiscard]] std::ptrdiff_t files() const
  {
    return std::distance(std::filesystem::directory_iterator{path}, {});
  }
};

std::string read(const std::string& path)
{
  std::ifstream in{path, std::ios::binary};
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

void write(const std::string& path, const std::string& bytes)
{
  std::ofstream{path, std::ios::binary} << bytes;
}

/// The message of the exception that `action` throws, or "nothing".
template<typename Action>
std::string complaint(const Action& action)
{
  try {
    action();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

/// A part with every kind of state.
struct everything {
  struct inner_part {
    std::string words = "a \"quoted\" word";
    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.value("words", words);
    }
  };

  torch::Tensor weight = torch::arange(24, torch::kFloat32)
                             .view({2, 3, 2, 2})
                             .contiguous(torch::MemoryFormat::ChannelsLast)
                             .set_requires_grad(true);
  torch::Tensor halves = torch::tensor({0.5, -1.25}, torch::kBFloat16);
  torch::Tensor whole = torch::tensor({1, -2, 3}, torch::kInt64);
  torch::Tensor yes = torch::tensor({true, false}, torch::kBool);
  torch::Tensor point = torch::tensor(0.1, torch::kFloat64);
  torch::Tensor empty = torch::zeros({0, 4});
  torch::Tensor absent;
  bool flag = true;
  std::int64_t count = -7;
  double share = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::int64_t> places{3, 1, 2};
  std::vector<double> numbers{0.1, -0.0};
  std::vector<std::string> names{"", "two", "three"};
  inner_part inner{};

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight);
    archive.buffer("halves", halves);
    archive.buffer("whole", whole);
    archive.buffer("yes", yes);
    archive.buffer("point", point);
    archive.buffer("empty", empty);
    archive.buffer("absent", absent);
    archive.value("flag", flag);
    archive.value("count", count);
    archive.value("share", share);
    archive.value("places", places);
    archive.value("numbers", numbers);
    archive.value("names", names);
    archive.part("inner", inner);
  }
};

everything changed()
{
  everything x;
  x.weight = torch::zeros_like(x.weight).set_requires_grad(true);
  x.halves = torch::zeros_like(x.halves);
  x.whole = torch::zeros_like(x.whole);
  x.yes = torch::zeros_like(x.yes);
  x.point = torch::zeros_like(x.point);
  x.flag = false;
  x.count = 0;
  x.share = 0.0;
  x.places.clear();
  x.numbers.clear();
  x.names.clear();
  x.inner.words.clear();
  return x;
}

}  // namespace

TEST_CASE("a checkpoint gives every kind of state back, bit for bit")
{
  const folder in;
  everything original, restored = changed();
  save_checkpoint(in / "all", original);
  const auto* memory = restored.weight.const_data_ptr();
  load_checkpoint(in / "all", restored);
  CHECK(same_tensors(original, restored));
  CHECK(restored.weight.const_data_ptr() == memory);
  CHECK(restored.weight.requires_grad());
  CHECK(restored.weight.is_contiguous(torch::MemoryFormat::ChannelsLast));
  CHECK(restored.flag);
  CHECK(restored.count == -7);
  CHECK(std::isnan(restored.share));
  CHECK((restored.places == original.places));
  CHECK(std::signbit(restored.numbers.at(1)));
  CHECK((restored.names == original.names));
  CHECK(restored.inner.words == original.inner.words);

  save_checkpoint(in / "again", restored);
  CHECK(read(in / "all") == read(in / "again"));

  // An undefined tensor is created with the stored layout; a tensor stored as undefined is reset.
  auto bare = changed();
  bare.weight = torch::Tensor{};
  bare.absent = torch::ones({3});
  load_checkpoint(in / "all", bare);
  CHECK(torch::equal(bare.weight, original.weight));
  CHECK(bare.weight.is_contiguous(torch::MemoryFormat::ChannelsLast));
  CHECK(bare.weight.requires_grad());
  CHECK_FALSE(bare.absent.defined());

  everything::inner_part inner{.words = ""};
  load_checkpoint(in / "all", inner, "inner");
  CHECK(inner.words == original.inner.words);
  CHECK(complaint([&] { load_checkpoint(in / "all", inner, "outer"); }) ==
        "rolewise: " + (in / "all") + ": holds nothing under 'outer'");
}

TEST_CASE("a flipped byte, a missing byte and a byte too many are errors that name the file")
{
  const folder in;
  const auto path = in / "small";
  tiny_student student{{.channels = 1, .height = 2, .width = 2, .classes = 2}, seed{1}, 2};
  save_checkpoint(path, student);
  const auto good = read(path);
  tiny_student other{{.channels = 1, .height = 2, .width = 2, .classes = 2}, seed{2}, 2};
  auto before = other;
  const auto damaged = in / "damaged";
  std::size_t unnoticed = 0, unnamed = 0;
  const auto attempt = [&](const std::string& bytes) {
    const auto words = complaint([&] {
      const auto stored =
          rolewise::detail::state_reader{rolewise::detail::owned(bytes), damaged}.read();
      restore(other, stored, damaged);
    });
    unnoticed += words == "nothing" ? 1U : 0U;
    unnamed += words.find(damaged) == std::string::npos ? 1U : 0U;
  };
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const int flip : {0x01, 0x80, 0xff}) {
      auto bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      attempt(bytes);
    }
  for (std::size_t length = 0; length < good.size(); ++length) attempt(good.substr(0, length));
  attempt(good + '\0');
  attempt(good + good);
  CHECK(unnoticed == 0);
  CHECK(unnamed == 0);
  CHECK(same_tensors(other, before));

  const auto says = [&](const std::string& bytes) {
    write(damaged, bytes);
    return complaint([&] { load_checkpoint(damaged, other); });
  };
  const auto start = "rolewise: " + damaged + ": ";
  CHECK(says("") == start +
                        "is truncated: it has 0 bytes, want the length of a header, 8 bytes, and "
                        "that header");
  CHECK(says("PK\x03\x04 a zip") ==
        start + "is a zip archive, as torch.save writes, want a safetensors file");
  std::uint64_t length = 0;
  std::memcpy(&length, good.data(), sizeof length);
  const auto header = static_cast<std::size_t>(length) + 8;
  CHECK(header % 64 == 0);
  CHECK(says(good.substr(0, 100)) ==
        start + "is truncated: it has 100 bytes, its header alone " + std::to_string(header));
  CHECK(says(good.substr(0, good.size() - 1))
            .starts_with(start + "is truncated: the tensor 'mean', described at byte "));
  CHECK(says(good + "x") ==
        start + "has 1 bytes after its last tensor, at byte " + std::to_string(good.size()));
  auto flipped = good;
  flipped[header + 3] ^= 1;
  CHECK(says(flipped) == start + "is damaged: 'first' at byte " + std::to_string(header));
  flipped = good;
  flipped[header - 70] ^= 1;
  CHECK(says(flipped) == start + "is damaged: header, bytes 0 to " + std::to_string(header - 1));

  // Files of other versions, and safetensors files that are no checkpoints.
  CHECK(says("\x89rwck\r\n\x1a of before") ==
        start + "has the format version 1, this library reads 2: safetensors files");
  const auto of_metadata = [&](const std::vector<std::pair<std::string, std::string>>& metadata) {
    rolewise::support::write_safetensors(damaged, {.tensors = {}, .metadata = metadata});
    return complaint([&] { load_checkpoint(damaged, other); });
  };
  CHECK(of_metadata({{"rolewise.checkpoint", "9"}}) ==
        start + "has the format version 9, this library reads 2");
  CHECK(of_metadata({{"format", "pt"}, {"rolewise.checkpoint", "2"}}) ==
        start + "is damaged or was rewritten: header, at byte 8");
  CHECK(of_metadata({{"format", "pt"}}) ==
        start +
            "is no checkpoint of rolewise: it has no 'rolewise.checkpoint' in the metadata of "
            "its header, at byte 8");
  CHECK(says(good) == "nothing");
  CHECK(same_tensors(other, student));
}

TEST_CASE("values that JSON has no form for come back with the same bits")
{
  using rolewise::detail::text_of_value;
  using rolewise::detail::value_of_text;
  const auto nan = std::bit_cast<double>(0xfff8000000000123);
  const auto infinity = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<state_entry::value_type, std::string>> texts{
      {true, "bool true"},
      {std::numeric_limits<std::int64_t>::min(), "int64 -9223372036854775808"},
      {-0.0, "float64 -0.0"},
      {0.1, "float64 0.1"},
      {5e-324, "float64 5e-324"},
      {nan, R"(float64 {"hex": "fff8000000000123"})"},
      {std::string{"a \"word\"\n\0", 10}, R"(string "a \"word\"\u000a\u0000")"},
      {std::string{"caf\xE9"}, R"(string {"hex": "636166e9"})"},
      {std::vector<std::int64_t>{}, "int64_list []"},
      {std::vector<double>{1.0, -infinity}, R"(float64_list [1.0, {"hex": "fff0000000000000"}])"},
      {std::vector<std::string>{"", "\xFF"}, R"(string_list ["", {"hex": "ff"}])"}};
  for (const auto& [value, text] : texts) {
    CHECK(text_of_value(value) == text);
    const auto back = value_of_text(text);
    CHECK(back.index() == value.index());
    CHECK(text_of_value(back) == text);
  }
  for (const auto* wrong :
       {"", "bool", "bool 1", "int64 1.5", "int32 1", "float64 \"x\"", "float64 {\"hex\": \"ff\"}",
        "string {\"hex\": \"f\"}", "string_list [1]", "int64_list [1", "bool true x"})
    CHECK_THROWS_AS((void)value_of_text(wrong), rolewise::detail::json_error);
}

namespace {

struct complex_numbers {
  torch::Tensor single = torch::view_as_complex(torch::arange(4, torch::kFloat32).view({2, 2}));
  torch::Tensor twice = torch::view_as_complex(torch::arange(6, torch::kFloat64).view({3, 2}));
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("single", single);
    archive.parameter("twice", twice);
  }
};

}  // namespace

TEST_CASE("complex tensors come back, those of double precision too")
{
  const folder in;
  complex_numbers original, restored;
  original.twice = original.twice.conj();
  restored.single = torch::zeros_like(restored.single);
  restored.twice = torch::Tensor{};
  save_checkpoint(in / "x", original);
  load_checkpoint(in / "x", restored);
  CHECK(torch::equal(restored.single, original.single));
  CHECK((restored.twice.scalar_type() == at::kComplexDouble));
  CHECK(torch::equal(restored.twice, original.twice.resolve_conj()));
}

TEST_CASE("a checkpoint that is a FIFO is refused, not waited for")
{
  const folder in;
  const auto path = in / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(complaint([&] { (void)read_snapshot(path); }) ==
        "rolewise: " + path + ": cannot be read: it is no regular file");
  CHECK(complaint([&] { (void)rolewise::detail::read_if_there(path); }) ==
        "rolewise: " + path + ": cannot be read: it is no regular file");
}

TEST_CASE("a checkpoint of another network is refused with what differs, and nothing is assigned")
{
  const folder in;
  const auto path = in / "other";
  tiny_student small{{.channels = 1, .height = 3, .width = 3, .classes = 3}, seed{1}, 4};
  tiny_student large{{.channels = 1, .height = 3, .width = 3, .classes = 3}, seed{2}, 5};
  auto before = large;
  save_checkpoint(path, small);
  CHECK(complaint([&] { load_checkpoint(path, large); }) ==
        "rolewise: " + path +
            ": belongs to something else: 'first' has the shape [4, 9], wanted [5, 9]; 'bias' has "
            "the shape [4], wanted [5]; 'second' has the shape [3, 4], wanted [3, 5]");
  CHECK(same_tensors(large, before));

  everything all;
  const auto words = complaint([&] { load_checkpoint(path, all); });
  CHECK(words.find("'weight' is missing") != std::string::npos);
  CHECK(words.find("more differences") != std::string::npos);
}

namespace {

struct wrong_kinds {
  torch::Tensor first = torch::zeros({4, 9}, torch::kFloat64);
  double all_outputs = 0.0;
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("first", first);
    archive.value("outputs", all_outputs);
  }
};

}  // namespace

TEST_CASE("types and kinds are compared too")
{
  const folder in;
  const auto path = in / "kinds";
  tiny_student small{{.channels = 1, .height = 3, .width = 3, .classes = 3}, seed{1}, 4};
  save_checkpoint(path, small);
  wrong_kinds wrong;
  CHECK(complaint([&] { load_checkpoint(path, wrong); }) ==
        "rolewise: " + path +
            ": belongs to something else: 'first' is Float, wanted Double; 'outputs' holds a "
            "value of another kind; 'bias' is not wanted here; 'second' is not wanted here; 'mean' "
            "is not wanted here");
}

TEST_CASE("what cannot be written leaves what was there")
{
  const folder in;
  const auto path = in / "kept";
  tiny_student old{{.channels = 1, .height = 3, .width = 3, .classes = 3}, seed{1}, 4};
  tiny_student large{{.channels = 1, .height = 30, .width = 30, .classes = 3}, seed{2}, 50};
  save_checkpoint(path, old);
  const auto before = read(path);

  const auto nowhere = in / "missing/folder/x";
  CHECK(complaint([&] { save_checkpoint(nowhere, old); }).starts_with("rolewise: " + nowhere));
  CHECK(complaint([&] { load_checkpoint(nowhere, old); }) ==
        "rolewise: " + nowhere + ": cannot be read: No such file or directory");
  CHECK(complaint([&] { load_checkpoint(in.path, old); }) ==
        "rolewise: " + in.path + ": cannot be read: it is no regular file");

  SUBCASE("where files may not grow")
  {
    struct rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
    auto small = limit;
    small.rlim_cur = 4096;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto words = complaint([&] { save_checkpoint(path, large); });
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, handler);
    CHECK(words == "rolewise: " + path + ": cannot be written: File too large");
    CHECK(read(path) == before);
    CHECK(in.files() == 1);
  }
  SUBCASE("on a full disk")
  {
    const auto disk = in / "disk";
    std::filesystem::create_directories(disk);
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
      MESSAGE("no file system may be mounted here, so none is filled");
      return;
    }
    save_checkpoint(disk + "/x", old);
    const auto words = complaint([&] { save_checkpoint(disk + "/x", large); });
    const auto there = read(disk + "/x");
    const bool is_clean = std::distance(std::filesystem::directory_iterator{disk}, {}) == 1;
    json_lines log{.path = disk + "/log"};
    const run_signature signature{.epochs = 1};
    run_history history;
    log.on(fit_begin{signature, history});
    write(disk + "/ballast", std::string(70000, 'x'));
    epoch_record record;
    record.numbers = {{std::string(5000, 'n'), 1.0}};
    const auto of_log = complaint([&] { log.on(epoch_end{signature, record, history}); });
    const auto log_size = std::filesystem::file_size(disk + "/log");
    ::umount(disk.c_str());
    CHECK(words == "rolewise: " + disk + "/x: cannot be written: No space left on device");
    CHECK(there == before);
    CHECK(is_clean);
    CHECK(of_log == "rolewise: " + disk + "/log: cannot be written: No space left on device");
    CHECK(log_size == 0);
  }
}

namespace {

/// A callback that throws after some epochs, in place of a killed process.
struct doomed {
  static constexpr bool has_state = false;
  std::int64_t after = 2;
  std::int64_t epochs = 0;
  void on(const epoch_end&)
  {
    if (++epochs == after) throw std::runtime_error{"doomed"};
  }
  void on(const auto&) {}
};

auto make_step(const dataset& data)
{
  return supervised{.student = tiny_student{data.shape, seed{3}},
                    .agent = pad_crop_flip{},
                    .optimizer = adam{.learning_rate = 0.02},
                    .ema = ema{.decay = 0.9},
                    .seed = seed{4}};
}

std::vector<nlohmann::json> without_times(const std::string& path)
{
  std::vector<nlohmann::json> lines;
  std::ifstream in{path};
  for (std::string line; std::getline(in, line);) {
    lines.push_back(nlohmann::json::parse(line));
    CHECK(lines.back().erase("seconds") == 1);
  }
  return lines;
}

std::vector<std::string> without_last_column(const std::string& path)
{
  std::vector<std::string> lines;
  std::ifstream in{path};
  for (std::string line; std::getline(in, line);) lines.push_back(line.substr(0, line.rfind(',')));
  return lines;
}

}  // namespace

TEST_CASE("what was validated is the moving average if there is one, otherwise the student")
{
  const auto data = tiny_data(40), validation = tiny_data(30, seed{9}, "validation");
  const fit_options options{.epochs = 2, .batch_size = 20, .validation = validation};
  const auto check = [&](auto step) {
    const folder in;
    const auto history = fit(step, data, options, checkpoints{.folder = in.path});
    tiny_student best{data.shape};
    load_evaluated(in / "best.checkpoint", best);
    CHECK(accuracy(best, validation) == history.best_accuracy.value());
    load_evaluated(in / "last.checkpoint", best);
    auto evaluated = step.evaluated();
    CHECK(same_tensors(best, evaluated));
  };
  check(make_step(data));
  auto plain = make_step(data);
  plain.ema.reset();
  check(plain);

  const folder in;
  auto alone = tiny_student{data.shape};
  save_checkpoint(in / "student.checkpoint", alone);
  const auto words =
      "rolewise: " + (in / "student.checkpoint") + ": holds nothing under 'step.student'";
  CHECK_THROWS_WITH_AS(load_evaluated(in / "student.checkpoint", alone), words.c_str(),
                       std::runtime_error);
}

TEST_CASE("a run that broke off and is resumed ends like one that did not")
{
  const auto data = tiny_data(50), validation = tiny_data(30, seed{9}, "validation");
  fit_options options{.epochs = 6, .batch_size = 16, .seed = seed{5}, .validation = &validation};
  options.resume = true;
  const auto run = [&](const folder& in, auto& step, auto&&... more) {
    return fit(step, data, options, json_lines{.path = in / "log.jsonl"},
               csv{.path = in / "log.csv"}, early_stop{.patience = 3},
               checkpoints{.folder = in.path, .every = 2}, more...);
  };
  const folder whole;
  auto reference = make_step(data);
  const auto wanted = run(whole, reference);
  REQUIRE(wanted.epochs.size() >= 4);
  CHECK(without_times(whole / "log.jsonl").size() == wanted.epochs.size());

  for (const std::int64_t breaks_after : {1, 2, 3, 4}) {
    CAPTURE(breaks_after);
    const folder in;
    write(in / "log.jsonl", "{\"seconds\":0}\n");                        // not of the run; it stays
    const auto left = in / "last.checkpoint.rolewise-999999999-0.part";  // of a killed run
    write(left, std::string(100000, 'x'));
    auto broken = make_step(data);
    doomed end{.after = breaks_after};
    CHECK_THROWS_WITH((void)run(in, broken, end), "doomed");
    CHECK_FALSE(std::filesystem::exists(left));
    auto resumed = make_step(data);
    const auto found = run(in, resumed);
    CHECK(same_results(found, wanted));
    CHECK(same_tensors(resumed, reference));
    auto lines = without_times(in / "log.jsonl");
    CHECK(lines.front().empty());
    lines.erase(lines.begin());
    CHECK((lines == without_times(whole / "log.jsonl")));
    CHECK((without_last_column(in / "log.csv") == without_last_column(whole / "log.csv")));

    tiny_student best{data.shape}, best_of_whole{data.shape};
    load_evaluated(in / "best.checkpoint", best);
    load_checkpoint(whole / "best.checkpoint", best_of_whole, "step.progress.averaged");
    CHECK(same_tensors(best, best_of_whole));
    CHECK(accuracy(best, validation) == wanted.best_accuracy.value());

    // Resumed again, there is nothing left to do.
    auto idle = make_step(data);
    CHECK(same_results(run(in, idle), wanted));
    CHECK(same_tensors(idle, reference));
  }
}

TEST_CASE("only the same run is resumed, and none is overwritten")
{
  const auto data = tiny_data(50), other = tiny_data(50, seed{8});
  const folder in;
  const fit_options options{.epochs = 2, .batch_size = 16, .seed = seed{5}};
  auto step = make_step(data);
  (void)fit(step, data, options, checkpoints{.folder = in.path});
  const auto before = read(in / "last.checkpoint");

  const auto again = [&](const fit_options& o, const dataset& d) {
    auto fresh = make_step(d);
    return complaint([&] { (void)fit(fresh, d, o, checkpoints{.folder = in.path}); });
  };
  CHECK(again(options, data) ==
        "rolewise: checkpoints: " + (in / "last.checkpoint") +
            " is there already: resume that run (.resume = true) or choose another folder");
  auto changed_options = options;
  changed_options.resume = true;
  CHECK(again(changed_options, data) == "nothing");
  changed_options.batch_size = 10;
  changed_options.seed = seed{6};
  CHECK(again(changed_options, data) ==
        "rolewise: fit: the run to be resumed is another one: it has batch size 16 (now 10), steps "
        "per epoch 4 (now 5), seed 5 (now 6); .accept_changes = true goes on all the same");
  changed_options = options;
  changed_options.resume = true;
  const auto words = again(changed_options, other);
  CHECK(
      words.starts_with("rolewise: fit: the run to be resumed is another one: it has checksum of "
                        "the data "));
  CHECK(read(in / "last.checkpoint") == before);

  auto slower = make_step(data);
  slower.optimizer.learning_rate = 0.01;
  CHECK(complaint([&] {
          (void)fit(slower, data, changed_options, checkpoints{.folder = in.path});
        }).find("learning rates along the run") != std::string::npos);

  auto nowhere = make_step(data);
  const auto missing = in / "missing";
  CHECK(complaint([&] { (void)fit(nowhere, data, options, checkpoints{.folder = missing}); }) ==
        "rolewise: " + missing + "/last.checkpoint: cannot be written: No such file or directory");
  CHECK(nowhere.learner_state.updates() == 0);
}

TEST_CASE("a checkpoint that cannot be reached is not taken for an absent one")
{
  const auto data = tiny_data(16);
  const folder in;
  std::filesystem::create_symlink(in / "last.checkpoint", in / "last.checkpoint");
  auto step = make_step(data);
  fit_options options{.epochs = 1, .batch_size = 16};
  for (const bool resume : {true, false}) {
    options.resume = resume;
    CHECK(complaint([&] { (void)fit(step, data, options, checkpoints{.folder = in.path}); }) ==
          "rolewise: " + (in / "last.checkpoint") +
              ": cannot be looked at: Too many levels of symbolic links");
  }
  CHECK(step.learner_state.updates() == 0);
  CHECK(std::filesystem::is_symlink(in / "last.checkpoint"));
}

TEST_CASE("a run is not resumed with another teacher")
{
  const auto data = tiny_data(32);
  const auto training = [&](std::uint64_t teacher) {
    return distillation{.teacher = frozen(tiny_student{data.shape, seed{teacher}}),
                        .student = tiny_student{data.shape, seed{3}},
                        .loss = cross_entropy{}};
  };
  const folder in;
  checkpoints keep{.folder = in.path};
  auto first = training(1);
  (void)fit(first, data, {.epochs = 2, .batch_size = 16, .until = 1}, keep);
  auto other = training(2);
  CHECK(
      complaint(
          [&] { (void)fit(other, data, {.epochs = 2, .batch_size = 16, .resume = true}, keep); })
          .starts_with("rolewise: fit: the run to be resumed is another one: it has fingerprint of "
                       "the teacher "));
  auto same = training(1);
  (void)fit(same, data, {.epochs = 2, .batch_size = 16, .resume = true}, keep);
  CHECK(same.learner_state.updates() == 4);
}

TEST_CASE("a run is resumed under its own settings, or under others on purpose")
{
  const auto data = tiny_data(32);
  const auto training = [&] {
    return distillation{
        .teacher = frozen(tiny_student{data.shape, seed{1}}),
        .student = resnet8(data.shape, dorefa{}, full_precision_ends{bit_width{2}, bit_width{2}}),
        .student_agent = rand_augment{.operations = 1, .magnitude = 3},
        .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}}};
  };
  const folder in;
  checkpoints keep{.folder = in.path};
  auto first = training();
  (void)fit(first, data, {.epochs = 2, .batch_size = 16, .until = 1}, keep);
  const auto before = read(in / "last.checkpoint");

  const auto refused = [&](auto step, const std::string& words) {
    CHECK(complaint([&] {
            (void)fit(step, data, {.epochs = 2, .batch_size = 16, .resume = true}, keep);
          }) == "rolewise: fit: the run to be resumed is another one: it has " + words +
                    "; .accept_changes = true goes on all the same");
    CHECK(read(in / "last.checkpoint") == before);
  };
  auto other = training();
  other.optimizer.momentum = 0.8;
  other.optimizer.weight_decay = 0.0;
  refused(other, "optimizer.momentum 0.9 (now 0.8), optimizer.weight_decay 5e-04 (now 0)");
  other = training();
  other.student_agent.magnitude = 7;
  refused(other, "student_agent.magnitude 3 (now 7)");
  other = training();
  other.loss = 0.2 * cross_entropy{} + 0.9 * soft_target_kl{temperature{5}};
  refused(other, "loss.term0.by 0.1 (now 0.2), loss.term1.loss.temperature 4 (now 5)");
  other = training();
  other.student = resnet8(data.shape, dorefa{}, full_precision_ends{bit_width{3}, bit_width{2}});
  refused(other, "student.scheme.weights 2 (now 3)");
  other = training();
  (void)other.student.set_bits(
      per_layer{.layers = {{"stage1.0.convolution1", {bit_width{4}, bit_width{2}}}},
                .otherwise = full_precision_ends{bit_width{2}, bit_width{2}}});
  refused(other,
          "student.weight_bits.stage1.0.convolution1 nothing (now 4), "
          "student.activation_bits.stage1.0.convolution1 nothing (now 2)");
  refused(distillation{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                       .student = resnet8(data.shape, dorefa{},
                                          full_precision_ends{bit_width{2}, bit_width{2}}),
                       .student_agent = trivial_augment{},
                       .loss = 0.1 * cross_entropy{} + 0.9 * soft_target_kl{temperature{4}}},
          "student_agent rand_augment (now trivial_augment)");

  // State that training has changed does not count as a setting.
  auto copy = first;
  CHECK(fit(copy, data, {.epochs = 2, .batch_size = 16, .resume = true, .until = 1}, keep)
            .changes.empty());

  other = training();
  other.optimizer.learning_rate = 0.05;
  other.optimizer.momentum = 0.8;
  const auto changed = fit(
      other, data, {.epochs = 2, .batch_size = 16, .resume = true, .accept_changes = true}, keep);
  REQUIRE(changed.changes.size() == 1);
  CHECK(changed.changes[0].starts_with("from epoch 1: learning rates along the run 0.1 "));
  CHECK(changed.changes[0].ends_with(
      "optimizer.learning_rate 0.1 (now 0.05), optimizer.momentum 0.9 (now 0.8)"));
  CHECK(changed.epochs.size() == 2);
  // From then on the run has the new settings.
  auto same = other;
  CHECK(fit(same, data, {.epochs = 2, .batch_size = 16, .resume = true}, keep).changes ==
        changed.changes);
  report::run_record record{.name = "changed", .history = changed};
  report::write_json(in / "record.json", record);
  CHECK(report::read_run_record(in / "record.json").history.changes == changed.changes);
}

TEST_CASE("another validation set of the same name and size is another run")
{
  const auto data = tiny_data(32), validation = tiny_data(16, seed{2}, "validation"),
             others = tiny_data(16, seed{3}, "validation");
  const folder in;
  auto step = make_step(data);
  fit_options options{.epochs = 2, .batch_size = 16, .validation = &validation, .until = 1};
  (void)fit(step, data, options, checkpoints{.folder = in.path});
  options.resume = true;
  options.validation = &others;
  auto again = make_step(data);
  CHECK(complaint([&] { (void)fit(again, data, options, checkpoints{.folder = in.path}); })
            .starts_with("rolewise: fit: the run to be resumed is another one: it has checksum of "
                         "the validation set "));
}

namespace {

/// A step whose loss is infinite in epoch 2.
struct fragile_step {
  torch::Tensor weight = torch::zeros({1});
  std::int64_t steps = 0;
  metrics operator()(const batch&, const training_progress& progress)
  {
    weight.add_(1.0);
    ++steps;
    return {{"loss", progress.epoch == 2 ? torch::tensor(1.0) / 0.0 : torch::ones({})}};
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight);
    archive.value("steps", steps);
  }
};

}  // namespace

TEST_CASE("a loss that is not finite leaves the last good checkpoint")
{
  const auto data = tiny_data(20);
  const folder in;
  fragile_step step;
  CHECK(complaint([&] {
          (void)fit(step, data, {.epochs = 4, .batch_size = 10}, checkpoints{.folder = in.path});
        }) == "rolewise: fit: 'loss' is inf in epoch 2, step 0");
  fragile_step kept;
  load_checkpoint(in / "last.checkpoint", kept, "step");
  CHECK(kept.steps == 4);
  CHECK(kept.weight.item<double>() == 4.0);
}

namespace {

/// A callback that records the events it receives.
struct diary {
  static constexpr bool has_state = false;
  std::shared_ptr<std::string> words = std::make_shared<std::string>();
  void on(const fit_begin& e) { *words += "begin " + std::to_string(e.last_epoch) + ";"; }
  void on(const step_end& e) { *words += "step " + std::to_string(e.progress.step) + ";"; }
  void on(const epoch_end& e) { *words += "epoch " + std::to_string(e.record.epoch) + ";"; }
  void on(const fit_end& e)
  {
    *words += e.how == ending::finished ? "end" : e.how == ending::failed ? "failed" : "stopped";
  }
};

struct constant_step {
  double loss = 1.0;
  tiny_student student;
  metrics operator()(const batch&, const training_progress&) const
  {
    return {{"loss", torch::tensor(loss)}};
  }
  [[nodiscard]] const tiny_student& evaluated() const { return student; }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("student", student);
  }
};

}  // namespace

TEST_CASE("callbacks keep their laws")
{
  laws::callback_holds_for([](int) { return silent{}; });
  laws::callback_holds_for([](int) { return early_stop{.patience = 2}; });
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> nowhere{std::fopen("/dev/null", "w"),
                                                                std::fclose};
  laws::callback_holds_for([&](int) { return progress_bar{.to = nowhere.get()}; });
  const folder files;
  const auto named = [&](int place, const char* kind) {
    return files / (std::to_string(place) + kind);
  };
  laws::callback_holds_for([&](int place) { return json_lines{.path = named(place, ".jsonl")}; });
  CHECK(read(named(1, ".jsonl")) == read(named(0, ".jsonl")));
  laws::callback_holds_for([&](int place) { return csv{.path = named(place, ".csv")}; });
  CHECK(read(named(1, ".csv")) == read(named(0, ".csv")));
  laws::keeping_holds_for(checkpoints{.folder = files.path});
}

TEST_CASE("callbacks receive events in order, also those of a failed run")
{
  const auto data = tiny_data(20);
  constant_step step{.student = tiny_student{data.shape}};
  diary told;
  (void)fit(step, data, {.epochs = 2, .batch_size = 10}, told, silent{});
  CHECK(*told.words == "begin 2;step 0;step 1;epoch 0;step 0;step 1;epoch 1;end");
  diary of_failure;
  step.loss = std::numeric_limits<double>::infinity();
  CHECK_THROWS((void)fit(step, data, {.epochs = 2, .batch_size = 20}, of_failure));
  CHECK(*of_failure.words == "begin 2;step 0;failed");
}

TEST_CASE("a run that no longer gets better is stopped")
{
  const auto data = tiny_data(20);
  constant_step step{.student = tiny_student{data.shape}};
  diary told;
  const auto history = fit(step, data, {.epochs = 50, .batch_size = 20, .validation = &data},
                           early_stop{.patience = 3}, told);
  CHECK(history.epochs.size() == 4);  // the first is the best, three follow
  CHECK(history.stopped_early);
  CHECK(history.best_epoch == 0);
  CHECK(told.words->ends_with("stopped"));
  CHECK_THROWS_WITH_AS(
      (void)fit(step, data, {.epochs = 2}, early_stop{}),
      "rolewise: early_stop: wants a validation set: fit(..., {.validation = &set}, ...)",
      std::invalid_argument);
}

TEST_CASE("a network is evaluated in the epochs that the interval names, and in the last one")
{
  const auto data = tiny_data(20);
  const fit_options options{
      .epochs = 8, .batch_size = 20, .validation = &data, .validation_interval = 3};
  const auto validated = [](const run_history& history) {
    std::vector<std::int64_t> epochs;
    for (const auto& record : history.epochs) {
      CHECK(record.validation_accuracy.has_value() == record.validation_loss.has_value());
      if (record.validation_accuracy) epochs.push_back(record.epoch);
    }
    return epochs;
  };
  constant_step step{.student = tiny_student{data.shape}};
  const auto history = fit(step, data, options);
  CHECK(validated(history) == std::vector<std::int64_t>{2, 5, 7});
  CHECK(history.best_epoch == 2);

  // An epoch without an evaluation is neither better nor worse.
  auto longer = options;
  longer.epochs = 50;
  const auto stopped = fit(step, data, longer, early_stop{.patience = 2});
  CHECK(stopped.epochs.size() == 9);
  CHECK(validated(stopped) == std::vector<std::int64_t>{2, 5, 8});

  // `until` causes no extra evaluation, so a resumed run equals an uninterrupted one.
  auto first_part = options;
  first_part.until = 4;
  CHECK(validated(fit(step, data, first_part)) == std::vector<std::int64_t>{2});

  auto nothing = options;
  nothing.validation_interval = 0;
  CHECK_THROWS_WITH_AS((void)fit(step, data, nothing),
                       "rolewise: fit: want validation_interval >= 1, got 0",
                       std::invalid_argument);
}

TEST_CASE("a run is not continued under another interval of validations")
{
  const folder in;
  const auto data = tiny_data(20);
  constant_step step{.student = tiny_student{data.shape}};
  fit_options options{.epochs = 8, .batch_size = 20, .validation = &data, .until = 4};
  (void)fit(step, data, options, checkpoints{.folder = in.path});
  options.until = -1;
  options.resume = true;
  options.validation_interval = 4;
  CHECK_THROWS_WITH_AS(
      (void)fit(step, data, options, checkpoints{.folder = in.path}),
      doctest::Contains("the run to be resumed is another one: it has validation_interval"),
      std::invalid_argument);
  options.accept_changes = true;
  const auto history = fit(step, data, options, checkpoints{.folder = in.path});
  CHECK(history.epochs.size() == 8);
  CHECK(history.changes.size() == 1);
}

TEST_CASE("records are JSON and CSV as their standards want them")
{
  epoch_record record;
  record.epoch = 3;
  record.numbers = {{"loss", 0.1}, {"odd \"name\", with\nall", 1e-300}};
  record.learning_rate = 0.25;
  record.validation_accuracy = 1.0 / 3.0;
  record.validation_loss = 2.0;
  record.seconds = 1.5;
  const auto line = json_lines::line_of(record);
  CHECK(line.back() == '\n');
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
  const auto parsed = nlohmann::json::parse(line);
  CHECK(parsed["epoch"] == 3);
  CHECK(parsed["metrics"]["loss"] == 0.1);
  CHECK(parsed["metrics"]["odd \"name\", with\nall"] == 1e-300);
  CHECK(parsed["validation"]["accuracy"] == 1.0 / 3.0);
  CHECK(parsed["seconds"] == 1.5);

  CHECK(csv::header_of(record) ==
        "epoch,loss,\"odd \"\"name\"\", with\nall\",learning_rate,validation_accuracy,"
        "validation_loss,seconds\n");
  record.learning_rate.reset();
  CHECK(csv::row_of(record) == "3,0.1,1e-300,,0.3333333333333333,2,1.5\n");

  const folder in;
  write(in / "table.csv", "name,size\na,1\n");
  const auto data = tiny_data(20);
  constant_step step{.student = tiny_student{data.shape}};
  CHECK(complaint([&] { (void)fit(step, data, {}, csv{.path = in / "table.csv"}); }) ==
        "rolewise: " + (in / "table.csv") + ": is a table of other columns: name,size");
  CHECK(read(in / "table.csv") == "name,size\na,1\n");
}

TEST_CASE("the progress bar shows every epoch, and live also the steps")
{
  const auto data = tiny_data(20);
  const folder in;
  constant_step step{.student = tiny_student{data.shape}};
  const auto shown = [&](progress_bar::style how) {
    auto* file = std::fopen((in / "bar").c_str(), "w");
    REQUIRE(file != nullptr);
    (void)fit(step, data, {.epochs = 2, .batch_size = 10, .validation = &data},
              progress_bar{.to = file, .how = how, .title = "tiny"});
    std::fclose(file);
    return read(in / "bar");
  };
  const auto plain = shown(progress_bar::style::plain);
  CHECK(plain.starts_with("tiny: epoch 1/2  loss 1.0000  validation accuracy 0."));
  CHECK(std::count(plain.begin(), plain.end(), '\n') == 2);
  CHECK(plain.find('\r') == std::string::npos);
  CHECK(shown(progress_bar::style::automatic).find('\r') == std::string::npos);
  const auto live = shown(progress_bar::style::live);
  CHECK(live.find("\r\x1b[Jtiny: epoch 1/2 [##########..........] 1/2  loss 1.0000  ") == 0);
  CHECK(live.find("/s  ") != std::string::npos);
  CHECK(live.find(" left") != std::string::npos);
}
