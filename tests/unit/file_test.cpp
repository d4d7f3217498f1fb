// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "support/grouping_locale.hpp"

#include <rolewise/support/error.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/file_lock.hpp>
#include <rolewise/support/folder_lock.hpp>
#include <rolewise/support/json.hpp>
#include <rolewise/support/json_reader.hpp>
#include <rolewise/support/standard_output.hpp>
#include <rolewise/support/utf8.hpp>

#include <nlohmann/json.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rw = rolewise;
using rolewise::detail::json;
using rolewise::detail::json_reader;
using rolewise::detail::json_text;

namespace {

/// A temporary folder, removed by the destructor.
struct folder {
  std::string path = [] {
    static int count = 0;
    const auto made =
        std::filesystem::temp_directory_path() /
        ("rolewise-file-test-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(made);
    return made.string();
  }();
  folder() = default;
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path + "/" + name; }

  [[nodiscard]] std::set<std::string> names() const
  {
    std::set<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator{path})
      all.insert(entry.path().filename().string());
    return all;
  }
};

std::string read(const std::string& path)
{
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write(const std::string& path, const std::string& bytes)
{
  std::ofstream{path, std::ios::binary} << bytes;
}

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

unsigned mode_of(const std::string& path)
{
  struct ::stat about{};
  return ::stat(path.c_str(), &about) == 0 ? about.st_mode & 07777U : 0U;
}

}  // namespace

TEST_CASE("messages are in the classic locale")
{
  const rw::testing::grouping_locale elsewhere;
  CHECK(complaint([] { rw::throw_invalid_argument("who", "got ", 1234567, " and ", 0.5); }) ==
        "rolewise: who: got 1234567 and 0.5");
  CHECK(complaint([] { rw::throw_runtime_error("who", 1e6); }) == "rolewise: who: 1e+06");
  CHECK(rw::detail::classic_list(" ", std::vector{1000, 2000}) == "1000 2000");
}

TEST_CASE("a device and a pipe are written through")
{
  const folder in;
  rw::support::write_file_atomically("/dev/null", "gone");
  CHECK(std::filesystem::is_character_file("/dev/null"));
  CHECK(complaint([] { rw::support::write_file_atomically("/dev/full", "x"); }) ==
        "rolewise: /dev/full: cannot be written: No space left on device");

  const auto pipe = in / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string came;
  std::thread reader{[&] { came = read(pipe); }};
  rw::support::write_file_atomically(pipe, "through");
  reader.join();
  CHECK(came == "through");
  CHECK(std::filesystem::is_fifo(pipe));

  // A file descriptor of this process is written at its position, after what is there.
  const auto kept = in / "kept";
  const int number = ::open(kept.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(::write(number, "first ", 6) == 6);
  rw::support::write_file_atomically("/dev/fd/" + std::to_string(number), "second");
  std::filesystem::create_symlink("/proc/self/fd/" + std::to_string(number), in / "link");
  rw::support::write_file_atomically(in / "link", " third");
  ::close(number);
  CHECK(read(kept) == "first second third");
  CHECK(in.names() == std::set<std::string>{"pipe", "kept", "link"});
}

TEST_CASE("what was printed and is lost is an error")
{
  CHECK_NOTHROW(rw::require_written());
  std::ofstream full{"/dev/full"};
  full << "a result";
  CHECK(complaint([&] { rw::require_written(full); }) ==
        "rolewise: standard output: cannot be written: what was printed is lost, or part of it");
}

TEST_CASE("links are followed, and the mode of a file stays")
{
  const folder in;
  std::filesystem::create_directories(in / "there");
  write(in / "there/target", "old");
  REQUIRE(::chmod((in / "there/target").c_str(), 0600) == 0);
  std::filesystem::create_symlink("there/target", in / "link");
  std::filesystem::create_symlink("link", in / "link-of-link");
  rw::support::write_file_atomically(in / "link-of-link", "new");
  CHECK(std::filesystem::is_symlink(in / "link"));
  CHECK(std::filesystem::is_symlink(in / "link-of-link"));
  CHECK(read(in / "there/target") == "new");
  CHECK(mode_of(in / "there/target") == 0600);

  REQUIRE(::chmod((in / "there/target").c_str(), 0640) == 0);
  if (::chown((in / "there/target").c_str(), 12345, 23456) == 0) {
    rw::support::write_file_atomically(in / "there/target", "newer");
    struct ::stat about{};
    REQUIRE(::stat((in / "there/target").c_str(), &about) == 0);
    CHECK(about.st_uid == 12345);
    CHECK(about.st_gid == 23456);
  }
  CHECK(mode_of(in / "there/target") == 0640);

  std::filesystem::create_symlink("there/made", in / "dangling");
  rw::support::write_file_atomically(in / "dangling", "made");
  CHECK(read(in / "there/made") == "made");

  std::filesystem::create_symlink("circle", in / "circle");
  CHECK(complaint([&] { rw::support::write_file_atomically(in / "circle", "x"); }) ==
        "rolewise: " + (in / "circle") + ": cannot be written: Too many levels of symbolic links");
}

TEST_CASE("of many writers of one file the last one wins whole, and nothing is left aside")
{
  const folder in;
  const auto path = in / "shared";
  rw::support::write_file_atomically(path, std::string(100000, 'a'));
  std::vector<std::thread> writers;
  for (char letter = 'a'; letter < 'e'; ++letter)
    writers.emplace_back([&, letter] {
      for (std::size_t i = 0; i < 20; ++i)
        rw::support::write_file_atomically(path, std::string(100000 + 1000 * i, letter));
    });
  int mixed = 0;
  for (int looks = 0; looks < 50; ++looks) {
    const auto seen = read(path);
    mixed += seen.empty() || seen.find_first_not_of(seen[0]) != std::string::npos ? 1 : 0;
  }
  for (auto& writer : writers) writer.join();
  CHECK(mixed == 0);
  CHECK(in.names() == std::set<std::string>{"shared"});

  // Names of the maximum length, and files of other programs.
  const auto longest = in / std::string(255, 'n');
  write(longest + "", "old");
  rw::support::write_file_atomically(longest, "new");
  CHECK(read(longest) == "new");
  write(in / "shared.part", "somebody's");
  rw::support::write_file_atomically(path, "x");
  CHECK(read(in / "shared.part") == "somebody's");
}

TEST_CASE("what dead writers have left aside goes away, what living ones write stays")
{
  const folder in;
  write(in / "state.rolewise-999999999-0.part", "dead");
  write(in / "state.rolewise-notes.part", "somebody's");
  const auto alive = in / "state.rolewise-999999999-1.part";
  rw::detail::descriptor file{::open(alive.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  const rw::detail::file_lock held{std::move(file), alive, ""};
  rw::support::write_file_atomically(in / "other", "x");
  CHECK(in.names() == std::set<std::string>{"other", "state.rolewise-999999999-1.part",
                                            "state.rolewise-notes.part"});
}

TEST_CASE("a lock is held once, says by whom, and ends with its holder")
{
  const folder in;
  const auto held_by_folder = [&](const std::string& name) {
    return rw::detail::folder_lock{in / name, "a run", "wait"};
  };
  {
    const auto held = held_by_folder("lock");
    CHECK(held.is_held());
    const auto copy = held;
    CHECK_FALSE(copy.is_held());
    CHECK(complaint([&] { (void)held_by_folder("lock"); }) ==
          "rolewise: a run: is being written by this process (" + std::to_string(::getpid()) +
              "); wait");
  }
  CHECK(in.names().empty());
  auto again = held_by_folder("lock");
  auto moved = std::move(again);
  CHECK(moved.is_held());
  moved = {};
  CHECK(in.names().empty());
  CHECK_FALSE(rw::detail::folder_lock{in / "missing/lock", "a run", "wait"}.is_held());

  // A lock held by another process, which is killed.
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto held = held_by_folder("theirs");
    (void)!::write(ready[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char x = 0;
  REQUIRE(::read(ready[0], &x, 1) == 1);
  CHECK(complaint([&] { (void)held_by_folder("theirs"); })
            .starts_with("rolewise: a run: is being written by process " + std::to_string(child) +
                         " ("));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(in.names() == std::set<std::string>{"theirs"});
  CHECK(held_by_folder("theirs").is_held());
  CHECK(in.names().empty());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("what is no UTF-8 is written as U+FFFD")
{
  using rw::detail::valid_utf8;
  const std::string r = "\xEF\xBF\xBD";
  CHECK(valid_utf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82 a") ==
        "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82 a");
  CHECK(valid_utf8("caf\xE9") == "caf" + r);
  CHECK(valid_utf8("\x80"
                   "a\xFF") == r + "a" + r);
  CHECK(valid_utf8("\xC0\xAF") == r + r);                  // overlong
  CHECK(valid_utf8("\xED\xA0\x80") == r + r + r);          // a surrogate
  CHECK(valid_utf8("\xF4\x90\x80\x80") == r + r + r + r);  // above U+10FFFF
  CHECK(valid_utf8("\xE2\x82") == r);                      // a truncated sequence gives one
  CHECK(valid_utf8("\xF0\x9F\x99x") == r + "x");
  CHECK(rw::detail::is_utf8("\xE2\x82\xAC"));
  CHECK_FALSE(rw::detail::is_utf8("a\xE2\x82"));

  // Any bytes give JSON that a strict parser reads back as the same text.
  for (int a = 0; a < 256; ++a)
    for (const std::string rest : {"", "\x80", "\x9F\xBF", "\xA0\x80\x80", "\"", "\\"}) {
      const auto name = std::string(1, static_cast<char>(a)) + rest;
      const auto read_back = nlohmann::json::parse(json_text(name));
      CHECK(read_back.get<std::string>() == valid_utf8(name));
    }
  std::string line;
  json{json::object{{"caf\xE9", std::string{"\xFF"}}}}.write(line, 0, true);
  CHECK(line == "{\"caf" + r + "\": \"" + r + "\"}");
}

TEST_CASE("a byte order mark is passed over, and UTF-16 is called by its name")
{
  const auto wrong = [](const std::string& text) -> std::string {
    try {
      (void)json_reader{text}.read();
    } catch (const rw::detail::json_error& error) {
      return std::to_string(error.byte) + ": " + error.what;
    }
    return "nothing";
  };
  CHECK(json_reader{"\xEF\xBB\xBF{\"a\": 1}"}.read().at("a").number<int>() == 1);
  CHECK(wrong("\xEF\xBB\xBF{\"a\": }") == "9: want a value");
  CHECK(wrong(std::string{"\xFF\xFE{\0", 4}) == "0: is in UTF-16, want UTF-8");
  CHECK(wrong(std::string{"\0{\0\"", 4}) == "0: is in UTF-16, want UTF-8");
  CHECK(wrong(std::string{"{\0\"\0", 4}) == "0: is in UTF-16, want UTF-8");
  CHECK(wrong(std::string{"\xFF\xFE\0\0{\0\0\0", 8}) == "0: is in UTF-32, want UTF-8");
  CHECK(wrong("\xEF\xBB") == "0: want a value");
  CHECK(rw::support::after_byte_order_mark("\xEF\xBB\xBF"
                                           "a") == "a");
  CHECK(rw::support::after_byte_order_mark("a\xEF\xBB\xBF") == "a\xEF\xBB\xBF");
}
