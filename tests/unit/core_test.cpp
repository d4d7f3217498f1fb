// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/core/batch.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/temperature.hpp>
#include <rolewise/core/training_progress.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/retain_heap.hpp>
#include <rolewise/support/run_concurrently.hpp>

#include <ATen/Parallel.h>
#include <ATen/core/PhiloxRNGEngine.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

namespace rw = rolewise;

namespace {

using words = std::array<std::uint32_t, 4>;

std::string read(const std::string& path)
{
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::set<std::string> files_in(const std::string& folder)
{
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{folder})
    names.insert(entry.path().filename().string());
  return names;
}

}  // namespace

TEST_CASE("philox gives the known answers of its authors")
{
  constexpr std::uint32_t ones = 0xFFFFFFFF;
  static_assert(rw::philox({0, 0, 0, 0}, {0, 0}) ==
                words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  static_assert(rw::philox({ones, ones, ones, ones}, {ones, ones}) ==
                words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(rw::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("philox agrees with LibTorch's")
{
  for (const std::uint64_t key : {0ULL, 1ULL, 0x0123456789ABCDEFULL})
    for (const std::uint64_t subsequence : {0ULL, 7ULL, 0xFFFFFFFF00000001ULL})
      for (const std::uint32_t offset : {0U, 3U}) {
        at::philox_engine theirs{key, subsequence, offset};
        const auto ours =
            rw::philox({offset, 0, static_cast<std::uint32_t>(subsequence),
                        static_cast<std::uint32_t>(subsequence >> 32)},
                       {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
        for (const auto word : ours) CHECK(word == theirs());
      }
}

TEST_CASE("seeds that are split by different reasons differ, and by the same reason do not")
{
  const rw::seed s{7};
  std::set<std::uint64_t> seen{s.value};
  for (const auto other :
       {s.split(rw::role::teacher), s.split(rw::role::student), s.split(rw::role::both),
        s.split(rw::purpose{"crop"}), s.split(rw::purpose{"flip"}), s.split(0), s.split(1),
        s.split(2), s.split(rw::role::teacher).split(rw::purpose{"crop"}),
        s.split(rw::purpose{"crop"}).split(rw::role::teacher), rw::seed{8}.split(0)})
    CHECK(seen.insert(other.value).second);
  CHECK(s.split(rw::role::teacher) == rw::seed{7}.split(rw::role::teacher));
}

TEST_CASE("a draw is a function of seed, epoch, id and number")
{
  const rw::draws one{rw::seed{3}, 4, 5};
  const auto third = one.bits(3);
  (void)one.bits(0);
  CHECK(one.bits(3) == third);
  CHECK(rw::draws{rw::seed{3}, 4, 5}.bits(3) == third);
  CHECK(rw::draws{rw::seed{4}, 4, 5}.bits(3) != third);
  CHECK(rw::draws{rw::seed{3}, 5, 5}.bits(3) != third);
  CHECK(rw::draws{rw::seed{3}, 4, 6}.bits(3) != third);
  CHECK(rw::draws{rw::seed{3}, 4, 5 + (std::int64_t{1} << 32)}.bits(3) != third);

  std::array<std::int64_t, 7> many{};
  one.below(50000, many);
  for (std::size_t i = 0; i < many.size(); ++i) CHECK(many[i] == one.below(i, 50000));
  CHECK(one.bits(2) != third);
}

TEST_CASE("uniform, normal and below have the moments that they should")
{
  constexpr int count = 40000;
  const rw::draws of_sample{rw::seed{11}, 0, 0};
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0;
  std::array<int, 7> hits{};
  int heads = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double u = of_sample.uniform(i), z = of_sample.normal(i);
    CHECK_UNARY(u >= 0.0 && u < 1.0);
    sum += u;
    squares += u * u;
    normal_sum += z;
    normal_squares += z * z;
    ++hits[static_cast<std::size_t>(of_sample.below(i, 7))];
    heads += of_sample.coin(i);
  }
  CHECK(sum / count == doctest::Approx(0.5).epsilon(0.01).scale(0));
  CHECK(squares / count == doctest::Approx(1.0 / 3).epsilon(0.015).scale(0));
  CHECK(std::abs(normal_sum / count) < 0.02);
  CHECK(normal_squares / count == doctest::Approx(1.0).epsilon(0.03).scale(0));
  CHECK(heads == doctest::Approx(count / 2).epsilon(0.02).scale(0));
  double chi_square = 0;
  for (const int hit : hits) chi_square += std::pow(hit - count / 7.0, 2) / (count / 7.0);
  CHECK(chi_square < 22.5);  // 6 degrees of freedom, p = 0.001
}

TEST_CASE("the draws of a batch follow its ids, not their places")
{
  const auto ids = torch::tensor({5, 2, 9}, torch::kLong);
  const auto all = rw::uniform_draws(rw::seed{1}, 3, ids, 6);
  for (std::int64_t n = 0; n < ids.size(0); ++n)
    for (std::int64_t i = 0; i < 6; ++i)
      CHECK(all[n][i].item<double>() ==
            rw::draws{rw::seed{1}, 3, ids[n].item<std::int64_t>()}.uniform(
                static_cast<std::uint64_t>(i)));
  const auto turned = rw::uniform_draws(rw::seed{1}, 3, ids.flip(0), 6);
  CHECK(torch::equal(all.flip(0), turned));
  CHECK(all[1][4].item<double>() == rw::draws{rw::seed{1}, 3, 2}.uniform(4));
  CHECK_THROWS_WITH_AS((void)rw::uniform_draws(rw::seed{1}, 0, ids.to(torch::kFloat), 1),
                       "rolewise: uniform_draws: want ids [N] of int64", std::invalid_argument);
}

TEST_CASE("a permutation is one, and another in every epoch")
{
  auto order = rw::permutation(rw::seed{1}, 0, 1000);
  CHECK(order == rw::permutation(rw::seed{1}, 0, 1000));
  CHECK(order != rw::permutation(rw::seed{1}, 1, 1000));
  CHECK(order != rw::permutation(rw::seed{2}, 0, 1000));
  int fixed = 0;
  for (std::size_t i = 0; i < order.size(); ++i) fixed += order[i] == static_cast<std::int64_t>(i);
  CHECK(fixed < 10);
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(order[i] == static_cast<std::int64_t>(i));
  CHECK(rw::permutation(rw::seed{1}, 0, 0).empty());
}

TEST_CASE("training_progress gives how far the run is")
{
  constexpr rw::training_progress progress{
      .epoch = 2, .step = 5, .epochs = 4, .steps_per_epoch = 10};
  static_assert(progress.global_step() == 25 && progress.total_steps() == 40);
  static_assert(progress.fraction() == 0.625);
}

TEST_CASE("fraction and temperature refuse what they cannot be")
{
  static_assert(rw::fraction{0.25}.value() == 0.25);
  for (const double x : {-0.1, 1.1, double(NAN)})
    CHECK_THROWS_WITH_AS((void)rw::fraction{x}, "rolewise: fraction must lie in [0, 1]",
                         std::invalid_argument);
  for (const double t : {0.0, -1.0, double(INFINITY), double(NAN)})
    CHECK_THROWS_AS((void)rw::temperature{t}, std::invalid_argument);
}

TEST_CASE("bytes are normalized by the data set's numbers, in channels last, once")
{
  rw::batch examples{.inputs = torch::tensor({0, 255, 51, 102}, torch::kByte).view({1, 2, 1, 2}),
                     .labels = torch::zeros({1}, torch::kLong),
                     .ids = torch::zeros({1}, torch::kLong),
                     .normalization = {.mean = {0.5, 0.2}, .std = {0.25, 0.1}}};
  const auto x = rw::normalized_inputs(examples);
  CHECK(x.is_contiguous(torch::MemoryFormat::ChannelsLast));
  CHECK(torch::allclose(x.flatten(), torch::tensor({-2.0F, 2.0F, 0.0F, 2.0F}), 1e-6, 1e-6));
  CHECK((examples.inputs.scalar_type() == torch::kByte));
  CHECK(torch::equal(rw::normalized_inputs(rw::normalized(examples)), x));
  CHECK((rw::normalized_inputs(examples, torch::kBFloat16).scalar_type() == torch::kBFloat16));

  examples.normalization = {};
  CHECK(rw::normalized_inputs(examples).flatten()[1].item<float>() == 1.0F);
  examples.normalization = {.mean = {0.5}, .std = {}};
  CHECK_THROWS_WITH_AS((void)rw::normalized_inputs(examples),
                       "rolewise: batch: normalization has 1 channels, the inputs have 2",
                       std::invalid_argument);
  examples.normalization = {};
  examples.inputs = torch::zeros({2, 2}, torch::kByte);
  CHECK_THROWS_WITH_AS((void)rw::normalized_inputs(examples),
                       "rolewise: batch: want inputs [N, C, H, W], got [2, 2]",
                       std::invalid_argument);
  examples.inputs = torch::zeros({1, 2, 2, 2}, torch::kInt);
  CHECK_THROWS_WITH_AS((void)rw::normalized_inputs(examples),
                       "rolewise: batch: want inputs of uint8 or floating point, got Int",
                       std::invalid_argument);
}

namespace {

struct leaf {
  torch::Tensor weight = torch::ones({2}), mean = torch::zeros({2});
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight);
    archive.buffer("mean", mean);
  }
};

struct tree {
  leaf left, right;
  torch::Tensor bias = torch::zeros({1});
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.part("left", left);
    archive.part("right", right);
    archive.parameter("bias", bias);
  }
};

struct forgetful {};
struct stateless {
  static constexpr bool has_state = false;
};

static_assert(rw::Stateful<tree> && rw::Stateful<stateless> && !rw::Stateful<forgetful>);

}  // namespace

TEST_CASE("tensors are found under their full names")
{
  tree part;
  std::string found;
  rw::for_each_tensor(part, [&](const std::string& name, torch::Tensor&, rw::tensor_kind kind) {
    found += name + (kind == rw::tensor_kind::buffer ? "* " : " ");
  });
  CHECK(found == "left.weight left.mean* right.weight right.mean* bias ");
}

TEST_CASE("a file is written whole or not at all")
{
  const auto folder =
      std::filesystem::temp_directory_path() / ("rolewise_file_test_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const auto path = (folder / "notes.txt").string();

  rw::support::write_file_atomically(path, "first");
  rw::support::write_file_atomically(path, "second");
  CHECK(read(path) == "second");

  CHECK_THROWS_WITH_AS(
      rw::support::write_file_atomically((folder / "missing" / "notes.txt").string(), "x"),
      ("rolewise: " + (folder / "missing" / "notes.txt").string() +
       ": cannot be written: No such file or directory")
          .c_str(),
      std::runtime_error);

  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  auto small = limit;
  small.rlim_cur = 3;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  std::string words = "nothing";
  try {
    rw::support::write_file_atomically(path, "third");
  } catch (const std::runtime_error& error) {
    words = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  CHECK(words == "rolewise: " + path + ": cannot be written: File too large");
  CHECK(read(path) == "second");
  CHECK(files_in(folder.string()) == std::set<std::string>{"notes.txt"});
  std::filesystem::remove_all(folder);
}

#if defined(__GLIBC__)

TEST_CASE("freed memory that is kept is not requested from the system again")
{
  if (!rolewise::retain_heap()) return;  // another allocator
  const auto pages = [] {
    rusage so_far{};
    getrusage(RUSAGE_SELF, &so_far);
    return so_far.ru_minflt;
  };
  constexpr std::size_t megabytes = 4, count = 16;
  const auto use = [&] {
    const auto before = pages();
    std::vector<std::unique_ptr<char[]>> all;
    for (std::size_t i = 0; i < count; ++i) {
      all.emplace_back(new char[megabytes << 20]);
      for (std::size_t at = 0; at < megabytes << 20; at += 512) all.back()[at] = 'x';
    }
    return pages() - before;
  };
  const auto check = [&] {
    const auto first = use(), again = use();
    CAPTURE(first);
    CHECK(again < 1024);  // 64 MiB are 16,384 pages
  };
  check();
  std::thread{check}.join();  // in the heap of a thread
}

#endif

TEST_CASE("concurrent tasks have their own threads, and all are done once")
{
  const int before = at::get_num_threads();
  for (const std::int64_t most : {1, 2, 5}) {
    std::atomic<int> inside{0}, highest{0};
    std::vector<std::int64_t> done;
    rw::support::run_concurrently(
        {7, 3, 5, 1}, {.max_concurrent = most, .threads_per_task = 1},
        [&](std::int64_t task) {
          CHECK(at::get_num_threads() == 1);
          const int current = ++inside;
          int seen = highest;
          while (seen < current && !highest.compare_exchange_weak(seen, current)) {
          }
          std::this_thread::sleep_for(std::chrono::milliseconds{5});
          --inside;
          return 2 * task;
        },
        [&](std::int64_t task, std::int64_t twice) {
          CHECK(twice == 2 * task);
          done.push_back(task);
        });
    CHECK(highest <= most);
    std::sort(done.begin(), done.end());
    CHECK(done == std::vector<std::int64_t>{1, 3, 5, 7});
    CHECK(at::get_num_threads() == before);
  }
}

TEST_CASE("the first failure of concurrent tasks is reported, and no task begins after it")
{
  std::vector<std::int64_t> begun;
  std::mutex mutex;
  CHECK_THROWS_WITH(rw::support::run_concurrently(
                        {0, 1, 2, 3, 4}, {.max_concurrent = 1},
                        [&](std::int64_t task) {
                          const std::lock_guard hold{mutex};
                          begun.push_back(task);
                          if (task == 2) throw std::runtime_error{"two"};
                          return task;
                        },
                        [](std::int64_t, std::int64_t) {}),
                    "two");
  CHECK(begun == std::vector<std::int64_t>{0, 1, 2});
}
