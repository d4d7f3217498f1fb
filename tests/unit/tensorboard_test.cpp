// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/data_files.hpp"
#include "support/doctest.hpp"

#include <rolewise/core/drawn_tensor.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/report/tensorboard.hpp>
#include <rolewise/support/crc32c.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/types.h>

#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sys/resource.h>

namespace rw = rolewise;
namespace report = rolewise::report;

namespace {

/// The data of the records of a file, whose checksums are compared.
std::vector<std::string> records_in(const std::string& path)
{
  const auto bytes = rw::support::text_of_file(path);
  std::vector<std::string> all;
  for (std::size_t at = 0; at < bytes.size();) {
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    all.push_back(bytes.substr(at + 12, length));
    CHECK(bytes.substr(at, length + 16) == report::detail::event_record(all.back()));
    at += length + 16;
  }
  return all;
}

std::vector<std::string> files_in(const std::filesystem::path& folder)
{
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator{folder})
    all.push_back(entry.path().string());
  return all;
}

rw::epoch_record epoch(std::int64_t number)
{
  rw::epoch_record record;
  record.epoch = number;
  record.numbers = {{"loss", 1.5}};
  record.learning_rate = 0.25;
  record.validation_accuracy = 0.5;
  record.validation_loss = 2.0;
  return record;
}

rw::dataset noise_images(std::int64_t count)
{
  rw::dataset data;
  data.shape = {.channels = 1, .height = 8, .width = 8, .classes = 3};
  data.name = "noise";
  data.inputs = (rw::uniform_tensor({count, 1, 8, 8}, rw::seed{1}, 127.0) + 128.0).to(torch::kByte);
  data.labels = torch::arange(count).remainder(3);
  data.ids = torch::arange(count);
  return data;
}

}  // namespace

TEST_CASE("CRC-32C has the test vectors of RFC 3720")
{
  using rw::support::crc32c;
  static_assert(crc32c("123456789") == 0xE3069283U);
  CHECK(crc32c("") == 0U);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAU);
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43U);
  std::string up, down;
  for (char c = 0; c < 32; ++c) {
    up += c;
    down += static_cast<char>(31 - c);
  }
  CHECK(crc32c(up) == 0x46DD794EU);
  CHECK(crc32c(down) == 0x113FDB5CU);
}

TEST_CASE("messages have the wire format of protocol buffers")
{
  using report::detail::protobuf_message;
  // The examples of the encoding's documentation.
  CHECK(protobuf_message{}.integer(1, 150).bytes() == "\x08\x96\x01");
  CHECK(protobuf_message{}.text(2, "testing").bytes() == "\x12\x07testing");
  CHECK(protobuf_message{}.message(3, protobuf_message{}.integer(1, 150)).bytes() ==
        "\x1a\x03\x08\x96\x01");
  CHECK(protobuf_message{}.integer(1, -2).bytes() ==
        "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  using namespace std::string_view_literals;
  CHECK(protobuf_message{}.number(1, 1.0).bytes() == "\x09\0\0\0\0\0\0\xf0\x3f"sv);
  CHECK(protobuf_message{}.single(2, 1.0f).bytes() == "\x15\0\0\x80\x3f"sv);
  CHECK(protobuf_message{}.numbers(6, {1.0}).bytes() == "\x32\x08\0\0\0\0\0\0\xf0\x3f"sv);
}

TEST_CASE("records have the frame that TensorBoard writes")
{
  using namespace std::string_view_literals;
  CHECK(report::detail::event_record(std::string(24, 'x')) ==
        "\x18\0\0\0\0\0\0\0\xA3\x7F\x4B\x22"
        "xxxxxxxxxxxxxxxxxxxxxxxx"
        "\x8A\x63\xB6\xE6"sv);
}

TEST_CASE("histograms have a bin for each level, or 64 of one width")
{
  const auto levels = report::detail::histogram_of(torch::tensor({-1.0f, 1.0f, 1.0f, 0.0f}));
  CHECK(levels.limits == std::vector<double>{-0.5, 0.5, 1.5});
  CHECK(levels.counts == std::vector<double>{1, 1, 2});
  CHECK(levels.lowest == -1.0);
  CHECK(levels.highest == 1.0);
  CHECK(levels.count == 4.0);
  CHECK(levels.sum == 1.0);
  CHECK(levels.squares == 3.0);
  CHECK(report::detail::histogram_of(torch::full({3}, 2.0)).limits == std::vector<double>{2.5});

  const auto many = report::detail::histogram_of(torch::arange(128, torch::kDouble));
  CHECK(many.counts == std::vector<double>(64, 2.0));
  CHECK(many.limits.back() == doctest::Approx(127.0));
}

TEST_CASE("a writer refuses what no reader takes")
{
  const rw::testing::scratch_folder folder;
  report::event_writer to{folder.path()};
  CHECK_THROWS_WITH_AS(to.add_histogram("levels", torch::zeros(0), 1),
                       "rolewise: event_writer: want numbers for the histogram levels, got none",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      to.add_histogram("levels", torch::tensor({NAN}), 1),
      "rolewise: event_writer: the numbers of the histogram levels are not all finite",
      std::runtime_error);
  CHECK_THROWS_WITH_AS(to.add_scalar("a\xFF", 1.0, 1),
                       "rolewise: event_writer: the name 'a\uFFFD' is no UTF-8, and readers would "
                       "refuse the file",
                       std::invalid_argument);
  CHECK_THROWS_AS(to.add_image("views", torch::zeros({2, 3, 3}, torch::kByte), 1),
                  std::invalid_argument);
  CHECK_THROWS_AS(to.add_image("views", torch::zeros({1, 3, 3}), 1), std::invalid_argument);
  to.add_scalar("\u00E9/1 2", NAN, 1);  // a diverged run is shown as one
  to.flush();
  CHECK(records_in(to.path()).size() == 2);
  CHECK_THROWS_WITH_AS(report::event_writer{""}, "rolewise: event_writer: want a folder",
                       std::invalid_argument);
}

TEST_CASE("after a write that failed the file ends with a whole event")
{
  const rw::testing::scratch_folder folder;
  report::event_writer to{folder.path()};
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit fails then, as on a full disk
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto length = std::filesystem::file_size(to.path());
  const rlimit few{length + 10, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &few) == 0);
  to.add_scalar("loss", 1.0, 1);
  std::string what;
  try {
    to.flush();
  } catch (const std::runtime_error& error) {
    what = error.what();
  }
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(what.find(to.path() + ": cannot be written: ") != std::string::npos);
  CHECK(std::filesystem::file_size(to.path()) == length);
  to.add_scalar("loss", 2.0, 2);
  to.flush();
  CHECK(records_in(to.path()).size() == 2);
}

TEST_CASE("a run is written as events, each start in a file of its own")
{
  const rw::testing::scratch_folder folder;
  const std::string where = folder.path();
  rw::run_signature signature;
  rw::run_history history;
  double seconds = 1.0e9;
  report::tensorboard board{.folder = where, .every = 2, .clock = [&] { return seconds += 1.0; }};
  std::vector<std::int64_t> seen;
  board.each_epoch = [&](report::event_writer&, std::int64_t step) { seen.push_back(step); };
  const rw::metrics numbers{{"loss", torch::tensor(2.0)}};
  const auto run = [&](std::int64_t first) {
    board.on(rw::fit_begin{signature, history, first, 3, first > 0});
    for (auto e = first; e < 3; ++e) {
      for (std::int64_t s = 0; s < 4; ++s)
        board.on(
            rw::step_end{{.epoch = e, .step = s, .epochs = 3, .steps_per_epoch = 4}, 8, numbers});
      board.on(rw::epoch_end{signature, epoch(e), history});
    }
    board.on(rw::fit_end{history});
  };
  run(0);
  REQUIRE(files_in(where).size() == 1);
  const auto first = files_in(where).front();
  CHECK(first.find("/events.out.tfevents.1000000001.") != std::string::npos);
  const auto events = records_in(first);
  // Version, start; in each epoch two steps and five numbers.
  CHECK(events.size() == 2 + 3 * (2 + 5));
  CHECK(events[0].substr(9) ==
        "\x1a\x0d"
        "brain.Event:2");
  CHECK(events[1].substr(9) == "\x10\x01\x3a\x02\x08\x01");  // step 1, SessionLog.START
  CHECK(events[2].find("step/loss") != std::string::npos);
  CHECK(events[4].find("train/loss") != std::string::npos);
  CHECK(events[4].substr(9, 2) == "\x10\x04");
  CHECK(seen == std::vector<std::int64_t>{4, 8, 12});

  run(2);
  CHECK(files_in(where).size() == 2);
  for (const auto& path : files_in(where))
    if (path != first) CHECK(records_in(path)[1].substr(9, 2) == "\x10\x09");
  CHECK_THROWS_AS((report::event_writer{where + "/nowhere"}), std::runtime_error);
  CHECK_THROWS_WITH_AS(report::event_writer{}.add_scalar("x", 1, 1),
                       "rolewise: event_writer: has no file: make it with a folder",
                       std::invalid_argument);
}

TEST_CASE("levels and views are written with names")
{
  const rw::testing::scratch_folder folder;
  report::event_writer to{folder.path(), [] { return 5.0; }};
  const rw::sample_shape shape{.channels = 1, .height = 8, .width = 8, .classes = 3};
  auto n = rw::resnet8(shape, rw::lsq{}, rw::inner_bits<2>);
  const rw::batch view{torch::full({3, 1, 8, 8}, 7, torch::kByte),
                       torch::zeros(3, torch::kLong),
                       torch::arange(3),
                       {}};
  to.add_levels(n, 1);
  to.add_view("views", view, 1, 2);
  CHECK_THROWS_AS(to.add_view("views", view, 1, 0), std::invalid_argument);
  to.flush();
  const auto events = records_in(to.path());
  std::size_t low = 0;
  for (const auto& layer : n.layers()) low += layer.widths.weights.is_full() ? 0U : 1U;
  REQUIRE(events.size() == 1 + low + 1);
  CHECK(events[1].find("levels/stage1.0.convolution1") != std::string::npos);
  CHECK(events.back().find("\x08\x10\x10\x10\x18\x01\x22") != std::string::npos);  // 16 x 16, gray
  CHECK(events.back().find("PNG") != std::string::npos);
}

TEST_CASE("a training run writes metrics, levels and views")
{
  using namespace rolewise;
  const testing::scratch_folder folder;
  const auto data = noise_images(24);
  const auto view = *batches(data, {.size = 4}).begin();
  supervised training{.student = resnet8(data.shape, lsq{}, inner_bits<2>)};
  // [callback]
  report::tensorboard board{.folder = folder.path(), .every = 2};
  board.each_epoch = [&](report::event_writer& to, std::int64_t step) {
    to.add_levels(training.student, step);
    to.add_view("views", view, step);
  };
  fit(training, data, {.epochs = 2, .batch_size = 8, .validation = data}, board);
  // [/callback]
  const auto files = files_in(folder.path());
  REQUIRE(files.size() == 1);
  CHECK(records_in(files.front()).size() > 2 + 2 * 6);
}
