// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/support/mapped_file.hpp>
#include <rolewise/support/safetensors.hpp>

#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace rw = rolewise;

namespace {

/// A path in a temporary folder, removed by the destructor.
struct temporary_file {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("rolewise-safetensors-test-" + std::to_string(::getpid())))
                         .string();
  temporary_file() = default;
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { std::filesystem::remove(path); }

  [[nodiscard]] std::string bytes() const
  {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

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

std::string with_length(const std::string& header, const std::string& buffer)
{
  std::string bytes;
  for (auto rest = header.size(), i = std::size_t{0}; i < 8; ++i, rest /= 256)
    bytes += static_cast<char>(rest % 256);
  return bytes + header + buffer;
}

/// The error of a file of these bytes, without the beginning that names it.
std::string objection(const std::string& bytes)
{
  const auto words = complaint(
      [&] { (void)rw::detail::safetensors_reader{rw::detail::owned(bytes), "file"}.read(); });
  const std::string begin = "rolewise: file: ";
  return words.starts_with(begin) ? words.substr(begin.size()) : words;
}

/// The error of a file with one described tensor and a buffer of 8 bytes.
std::string objection_to(const std::string& description)
{
  return objection(with_length("{\"w\":" + description + "}", "12345678"));
}

// {"a": ones of [1, 2], "b": 0-dimensional 7}, as safetensors 0.8 of Python writes it.
const std::string of_python = with_length(
    R"({"__metadata__":{"made by":"hand"},"b":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
    R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}} )",
    std::string{"\7\0\0\0\0\0\0\0\0\0\x80\x3f\0\0\x80\x3f", 16});

}  // namespace

TEST_CASE("a safetensors file of another library is read")
{
  const temporary_file file;
  std::ofstream{file.path, std::ios::binary} << of_python;
  const auto content = rw::support::read_safetensors(file.path);
  REQUIRE(content.tensors.size() == 2);
  CHECK(content.tensors[0].first == "b");
  CHECK(torch::equal(content.tensors[0].second, torch::tensor(std::int64_t{7})));
  CHECK(content.tensors[1].first == "a");
  CHECK(torch::equal(content.tensors[1].second, torch::ones({1, 2})));
  CHECK(content.metadata == std::vector<std::pair<std::string, std::string>>{{"made by", "hand"}});

  // The tensors are writable and outlive the content; the file is unchanged.
  auto kept = rw::support::read_safetensors(file.path).tensors[1].second;
  kept.add_(1.0);
  CHECK(kept.sum().item<double>() == 4.0);
  CHECK(file.bytes() == of_python);
}

TEST_CASE("every dtype, shape and stride comes back from a safetensors file")
{
  rw::support::safetensors content;
  for (const auto& [name, type] : rw::detail::safetensors_dtypes) {
    const auto ones = torch::tensor({0, 1, 1}, torch::kFloat32).to(type);
    const auto add = [&](const char* shape, const torch::Tensor& t) {
      content.tensors.emplace_back(std::string{name}.append(shape), t);
    };
    add("[]", ones[1]);
    add("[3]", ones);
    add("[0, 3]", ones.slice(0, 0, 0).view({0, 1}).expand({0, 3}));
    add("[2, 3, 1]", ones.slice(0, 0, 2).view({2, 1, 1}).expand({2, 3, 1}));
  }
  content.tensors.emplace_back("transposed \"caf\xC3\xA9\"",
                               torch::arange(6, torch::kFloat32).view({2, 3}).t());
  content.metadata = {{"", "no name"}, {"lines", "a\n\tb \\ \"c\""}};
  const temporary_file file;
  rw::support::write_safetensors(file.path, content);
  const auto back = rw::support::read_safetensors(file.path);
  CHECK(back.metadata == content.metadata);
  REQUIRE(back.tensors.size() == content.tensors.size());
  for (std::size_t i = 0; i < content.tensors.size(); ++i) {
    const auto& [name, wanted] = content.tensors[i];
    const auto& [found_name, found] = back.tensors[i];
    CAPTURE(name);
    CHECK(found_name == name);
    CHECK((found.scalar_type() == wanted.scalar_type()));
    CHECK((found.sizes() == wanted.sizes()));
    const auto bytes = rw::detail::row_major(wanted);
    CHECK((rw::detail::bytes_of(found) == rw::detail::bytes_of(bytes)));
    if (found.numel() > 0)
      CHECK(reinterpret_cast<std::uintptr_t>(found.const_data_ptr()) %
                rw::detail::bytes_of(found.view(-1).slice(0, 0, 1)).size() ==
            0);
  }
  const auto header = rw::detail::safetensors_header(content);
  CHECK(header.size() % 64 == 0);
  CHECK(file.bytes() == rw::detail::safetensors_bytes(header, content));
  CHECK(file.bytes().starts_with(header));

  rw::support::write_safetensors(file.path, {});
  CHECK(rw::support::read_safetensors(file.path).tensors.empty());
}

TEST_CASE("an entry of the metadata may have the name of the metadata")
{
  const auto bytes = with_length(R"({"__metadata__":{"__metadata__":"a"}})", "");
  const auto content = rw::detail::safetensors_reader{rw::detail::owned(bytes), "file"}.read();
  REQUIRE(content.metadata.size() == 1);
  const temporary_file file;
  rw::support::write_safetensors(file.path, content);
  CHECK(rw::support::read_safetensors(file.path).metadata == content.metadata);
}

TEST_CASE("what a safetensors file cannot hold is refused, and the file stays")
{
  const temporary_file file;
  rw::support::write_safetensors(file.path, {.tensors = {{"w", torch::ones({2})}}, .metadata = {}});
  const auto before = file.bytes();
  const auto refused = [&](const rw::support::safetensors& content) {
    return complaint([&] { rw::support::write_safetensors(file.path, content); });
  };
  const auto one = torch::ones({2, 2});
  const auto start = std::string{"rolewise: safetensors: "};
  CHECK(refused({.tensors = {{"w", one}, {"w", one}}, .metadata = {}}) ==
        start + "'w' is there twice, want it once");
  CHECK(refused({.tensors = {{"__metadata__", one}}, .metadata = {}}) ==
        start + "'__metadata__' is reserved");
  CHECK(refused({.tensors = {{"w", {}}}, .metadata = {}}) ==
        start + "cannot hold 'w', which is undefined");
  CHECK(refused({.tensors = {{"w", one.to(at::kComplexDouble)}}, .metadata = {}}) ==
        start + "cannot hold 'w' of type ComplexDouble");
  CHECK(refused({.tensors = {{"w", one.to_sparse()}}, .metadata = {}}) ==
        start + "cannot hold 'w' of layout Sparse, want a strided tensor");
  CHECK(refused({.tensors = {{"caf\xE9", one}}, .metadata = {}}).ends_with("is not in UTF-8"));
  CHECK(refused({.tensors = {}, .metadata = {{"a", "caf\xE9"}}}) ==
        start + "the text of 'a' is not in UTF-8");
  CHECK(file.bytes() == before);
}

TEST_CASE("files that are no safetensors files are called by their name")
{
  CHECK(objection("") ==
        "is truncated: it has 0 bytes, want the length of a header, 8 bytes, and that header");
  CHECK(objection("PK\x03\x04 and more") ==
        "is a zip archive, as torch.save writes, want a safetensors file");
  CHECK(objection("\x80\x02}q and more") ==
        "is a pickle of Python, as torch.save wrote, want a safetensors file");
  CHECK(objection("\x93NUMPY and more") == "is an array of NumPy, want a safetensors file");
  CHECK(objection("abcdefgh{}") ==
        "has a header of 7523094288207667809 bytes by the length at byte 0, want at most "
        "100000000: it may be no safetensors file");
  CHECK(objection(std::string{"\0\0\0\0\0\0\0\2{}", 10}) ==
        "has a big-endian length of its header at byte 0, want a little-endian one");
  CHECK(objection(with_length("[]", "")) ==
        "is no safetensors file: its header has no '{' at byte 8");
  CHECK(objection(of_python.substr(0, 20)) ==
        "is truncated: it has 20 bytes, its header alone " + std::to_string(of_python.size() - 16));
  CHECK(objection(with_length("{\"w\": }", "")) ==
        "has a header that is no JSON: at byte 14: want a value");
  CHECK(objection(with_length("{\"caf\xE9\": 1}", "")) ==
        "has a header, at byte 8, that is not in UTF-8");
}

TEST_CASE("a header that ends behind the file is truncated, by whatever number of bytes")
{
  for (std::uint64_t length = 3; length < 12; ++length) {
    std::string bytes(8, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    CHECK(objection(bytes + "{}") ==
          "is truncated: it has 10 bytes, its header alone " + std::to_string(8 + length));
  }
  for (std::size_t size = 1; size <= 8; ++size)
    CHECK(objection(std::string(size, '\0')).starts_with("is truncated: it has "));

  // Three tensors whose bytes are 2^64 - 1 in all, in a buffer that begins behind the file.
  const std::string header =
      R"({"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]},)"
      R"("b":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":)"
      R"([9223372036854775807,18446744073709551614]},"c":{"dtype":"U8","shape":[1],)"
      R"("data_offsets":[18446744073709551614,18446744073709551615]}})";
  auto bytes = with_length(header, "");
  const std::uint64_t length = header.size() + 1;
  std::memcpy(bytes.data(), &length, sizeof length);
  CHECK(objection(bytes).starts_with("is truncated: "));
}

TEST_CASE("metadata is there once, and sizes have no leading zeros")
{
  CHECK(objection(with_length(R"({"__metadata__":{},"__metadata__":{"a":"b"}})", ""))
            .starts_with("has metadata twice, the second at byte "));
  CHECK(objection_to(R"({"dtype":"F32","shape":[02],"data_offsets":[0,8]})")
            .starts_with("has a header that is no JSON: at byte "));
  // The length of the header begins like a pickle.
  CHECK(objection(with_length("{" + std::string(0x27E, ' ') + "}", "x"))
            .starts_with("has 1 bytes after its last tensor"));
}

TEST_CASE("descriptions of tensors that cannot be are errors that name tensor and byte")
{
  const std::string w = "the tensor 'w', described at byte 13, ";
  const auto of = [](const std::string& dtype, const std::string& shape,
                     const std::string& offsets) {
    return objection_to("{\"dtype\":" + dtype + ",\"shape\":" + shape +
                        ",\"data_offsets\":" + offsets + "}");
  };
  CHECK(of("\"F32\"", "[2]", "[0,8]") == "nothing");
  CHECK(of("\"F33\"", "[2]", "[0,8]") == w + "has the unknown dtype 'F33'");
  CHECK(of("\"F32\"", "[3]", "[0,8]") == w + "has 8 bytes, its sizes want 12");
  CHECK(of("\"F32\"", "[-2]", "[0,8]") == w + "has sizes that no tensor has");
  CHECK(of("\"F32\"", "[2.5]", "[0,8]") == w + "the number 2.5 does not fit");
  CHECK(of("\"F32\"", "[9223372036854775808]", "[0,8]") ==
        w + "the number 9223372036854775808 does not fit");
  CHECK(of("\"F32\"", "[2]", "[8,0]") == w + "begins at byte 8 of the buffer and ends at 0");
  CHECK(of("\"F32\"", "[2]", "[4,12]") ==
        "is truncated: " + w + "ends at byte 12 of the buffer, which has 8");
  CHECK(of("\"F32\"", "[2]", "[0,8,8]") == w + "has other data_offsets than two");
  CHECK(of("1", "[2]", "[0,8]") == w + "wants a string and has something else");
  CHECK(objection_to("{\"dtype\":\"F32\"}") ==
        w + "has other members than dtype, shape and data_offsets");
  CHECK(objection_to("[]") == w + "wants an object and has something else");
  CHECK(of("\"BOOL\"", "[8]", "[0,8]").starts_with("the tensor 'w' has a boolean other than 0"));
  std::string ones = "1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  CHECK(of("\"F64\"", "[" + ones + "]", "[0,8]") == w + "has 65 dimensions, want at most 64");

  // Sizes whose product is nothing are no way around the check of sizes.
  constexpr auto large = "4294967296";
  for (const std::string& sizes :
       {std::string{"0,"} + large + "," + large, std::string{large} + "," + large + ",0"})
    CHECK(of("\"F32\"", "[" + sizes + "]", "[0,0]") == w + "has sizes that no tensor has");
}

TEST_CASE("tensors in a safetensors file neither overlap nor leave holes")
{
  const auto of = [](const std::string& first, const std::string& second,
                     const std::string& names = "ab") {
    const auto described = [&](char name, const std::string& offsets) {
      return std::string{"\""} + name + R"(":{"dtype":"U8","shape":[4],"data_offsets":)" + offsets +
             "}";
    };
    return objection(with_length(
        "{" + described(names[0], first) + "," + described(names[1], second) + "}", "12345678"));
  };
  CHECK(of("[0,4]", "[4,8]") == "nothing");
  CHECK(of("[4,8]", "[0,4]") == "nothing");
  CHECK(of("[0,4]", "[2,6]") ==
        "the tensor 'b' begins at byte 115, in another tensor, want byte 117");
  CHECK(of("[1,5]", "[0,4]").starts_with("the tensor 'a' begins at byte 114, in another"));
  CHECK(of("[4,8]", "[4,8]") == "the tensor 'a' begins at byte 117, after a hole, want byte 113");
  CHECK(objection(with_length("{}", "12")) == "has 2 bytes after its last tensor, at byte 10");
  CHECK(of("[0,4]", "[4,8]", "aa") == "has the tensor 'a' twice, at byte 117 too, want it once");
  CHECK(objection(with_length(R"({"__metadata__": {"a": "x", "a": "y"}})", "")) ==
        "has metadata, at byte 25, that has 'a' twice, want an object of strings");
  CHECK(objection(with_length(R"({"__metadata__": {"a": 1}})", "")) ==
        "has metadata, at byte 25, that wants a string and has something else, want an object of "
        "strings");
}

TEST_CASE("unaligned tensors of other writers are read")
{
  const auto bytes = with_length(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                                 R"("b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})",
                                 std::string{"\1\0\0\x80\x3f", 5});
  const auto content = rw::detail::safetensors_reader{rw::detail::owned(bytes), "file"}.read();
  CHECK(content.tensors[1].second.item<float>() == 1.0F);
  CHECK(reinterpret_cast<std::uintptr_t>(content.tensors[1].second.const_data_ptr()) % 4 == 0);
}
