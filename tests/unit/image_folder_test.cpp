// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/data_files.hpp"
#include "support/doctest.hpp"

#include <rolewise/agent/operations_color.hpp>
#include <rolewise/data/image_folder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace {

using rolewise::testing::bytes;
using rolewise::testing::error_of;
using rolewise::testing::jpeg;
using rolewise::testing::noise;
using rolewise::testing::plain_color;
using rolewise::testing::png;
using rolewise::testing::scratch_folder;
using rolewise::testing::operator+;

/// A chunk of a PNG.
bytes chunk(const std::string& kind, const bytes& data)
{
  const auto big_endian = [](std::uint32_t value) {
    bytes result;
    for (const int shift : {24, 16, 8, 0})
      result.push_back(static_cast<std::uint8_t>(value >> shift));
    return result;
  };
  const auto body = bytes(kind.begin(), kind.end()) + data;
  return big_endian(static_cast<std::uint32_t>(data.size())) + body +
         big_endian(
             static_cast<std::uint32_t>(::crc32(0, body.data(), static_cast<uInt>(body.size()))));
}

/// The header fields and extra chunks of a PNG.
struct stored_as {
  std::uint8_t depth = 8, color = 2, interlace = 0;
  bytes extra{};  ///< chunks before the pixels
};

/// A PNG with these rows of unfiltered bytes; height and width are below 256.
bytes stored_png(std::uint8_t height, std::uint8_t width, const std::vector<bytes>& rows,
                 const stored_as& how)
{
  bytes raw;
  for (const auto& row : rows) raw = raw + bytes{0} + row;
  uLongf size = ::compressBound(raw.size());
  bytes packed(size);
  REQUIRE(::compress(packed.data(), &size, raw.data(), raw.size()) == Z_OK);
  packed.resize(size);
  return bytes{0x89, 'P', 'N', 'G', 13, 10, 26, 10} +
         chunk("IHDR",
               {0, 0, 0, width, 0, 0, 0, height, how.depth, how.color, 0, 0, how.interlace}) +
         how.extra + chunk("IDAT", packed) + chunk("IEND", {});
}

/// Gamma in units of 1/100000, as the chunk gAMA has it.
bytes gamma_chunk(std::uint32_t gamma)
{
  return chunk("gAMA",
               {static_cast<std::uint8_t>(gamma >> 24), static_cast<std::uint8_t>(gamma >> 16),
                static_cast<std::uint8_t>(gamma >> 8), static_cast<std::uint8_t>(gamma)});
}

/// The rows of a gray image in Adam7 order, as an interlaced PNG stores them.
std::vector<bytes> interlaced(std::size_t height, std::size_t width, const bytes& gray)
{
  constexpr std::size_t first_row[]{0, 0, 4, 0, 2, 0, 1}, first_column[]{0, 4, 0, 2, 0, 1, 0};
  constexpr std::size_t rows[]{8, 8, 8, 4, 4, 2, 2}, columns[]{8, 8, 4, 4, 2, 2, 1};
  std::vector<bytes> result;
  for (std::size_t pass = 0; pass < 7; ++pass)
    for (auto y = first_row[pass]; y < height; y += rows[pass]) {
      bytes line;
      for (auto x = first_column[pass]; x < width; x += columns[pass])
        line.push_back(gray[y * width + x]);
      if (!line.empty()) result.push_back(line);
    }
  return result;
}

/// Bytes that are neither padding nor markers.
bytes stray_bytes(std::size_t count)
{
  auto result = noise(count);
  std::ranges::replace(result, std::uint8_t{0xFF}, std::uint8_t{1});
  return result;
}

/// The pixels decoded from a file's content.
bytes pixels_of(const bytes& content, std::int64_t channels)
{
  const scratch_folder folder;
  return rolewise::detail::read_picture(folder.write("x", content), channels).pixels;
}

/// The error message for a file's content, without the path.
std::string words_about(const bytes& content)
{
  const scratch_folder folder;
  const auto path = folder.write("x", content);
  const auto text = error_of([&] { (void)rolewise::detail::read_picture(path, 3); });
  const auto head = "rolewise: " + path + ": ";
  return text.starts_with(head) ? text.substr(head.size()) : text;
}

/// Writes two classes with one gray image each, for training and for testing.
void write_two_classes(const scratch_folder& folder)
{
  const auto picture = png(2, 2, PNG_FORMAT_GRAY, bytes(4, 9));
  for (const auto* name :
       {"train/ant/1.png", "train/bee/1.png", "test/ant/1.png", "test/bee/1.png"})
    folder.write(name, picture);
}
}  // namespace

TEST_CASE("pictures in folders of classes are read, whatever their format")
{
  const scratch_folder folder;
  folder.write("train/cat/b.png", png(4, 6, PNG_FORMAT_RGB, plain_color(24, 200, 100, 50)));
  folder.write("train/cat/a.JPG", jpeg(4, 6, plain_color(24, 128, 128, 128)));
  folder.write("train/ant/x.png", png(4, 6, PNG_FORMAT_GRAY, bytes(24, 77)));
  folder.write("train/ant/notes.txt", "no picture");
  folder.write("train/ant/.hidden.png", "nor this");
  folder.write("train/readme.txt", "nor this");
  folder.write("test/cat/y.jpeg", png(4, 6, PNG_FORMAT_RGB, plain_color(24, 1, 2, 3)));
  const auto data = rolewise::image_folder(folder.path());
  CHECK(data.shape == rolewise::sample_shape{3, 4, 6, 2});
  CHECK(data.train.class_names == std::vector<std::string>{"ant", "cat"});
  CHECK(torch::equal(data.train.labels, torch::tensor({0, 1, 1}, torch::kLong)));
  CHECK(torch::equal(data.test.labels, torch::tensor({1}, torch::kLong)));
  CHECK(data.train.inputs.is_contiguous());
  CHECK(torch::equal(
      data.train.inputs.select(2, 3).select(2, 5),
      torch::tensor({77, 77, 77, 128, 128, 128, 200, 100, 50}, torch::kByte).view({3, 3})));
  CHECK(torch::equal(data.test.inputs.select(2, 0).select(2, 0),
                     torch::tensor({{1, 2, 3}}, torch::kByte)));
  CHECK(data.train.name == std::filesystem::path{folder.path()}.filename().string());

  const auto gray = rolewise::image_folder(folder.path(), {.channels = 1});
  CHECK(gray.train.inputs.sizes() == at::IntArrayRef{3, 1, 4, 6});
  CHECK(gray.train.inputs[0][0][0][0].item<int>() == 77);
  CHECK(gray.train.inputs[1][0][0][0].item<int>() == 128);
}

TEST_CASE("a PNG keeps its rows, and what is transparent is laid on black")
{
  const scratch_folder folder;
  bytes rgba;
  for (std::uint8_t i = 0; i < 6; ++i)
    rgba = rgba + bytes{i, 100, 200, i == 5 ? std::uint8_t{0} : std::uint8_t{255}};
  const auto path = folder.write("a.png", png(2, 3, PNG_FORMAT_RGBA, rgba));
  const auto picture = rolewise::detail::read_picture(path, 3);
  CHECK(picture.height == 2);
  CHECK(picture.width == 3);
  CHECK(picture.pixels ==
        bytes{0, 100, 200, 1, 100, 200, 2, 100, 200, 3, 100, 200, 4, 100, 200, 0, 0, 0});
}

TEST_CASE("pictures of another size are refused or, if wanted, resized")
{
  const scratch_folder folder;
  folder.write("train/a/1.png", png(8, 8, PNG_FORMAT_GRAY, bytes(64, 40)));
  bytes halves(16 * 16);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = i % 16 < 8 ? 0 : 200;
  folder.write("train/b/2.png", png(16, 16, PNG_FORMAT_GRAY, halves));
  folder.write("test/a/3.png", png(4, 12, PNG_FORMAT_GRAY, bytes(48, 90)));
  CHECK(error_of([&] { (void)rolewise::image_folder(folder.path()); }) ==
        "rolewise: " + folder.path() +
            "/train/b/2.png: an image of 16 x 16 pixels, want 8 x 8 "
            "(set resize to fit it)");
  const auto data = rolewise::image_folder(
      folder.path(), {.height = 4, .width = 4, .channels = 1, .resize = true});
  CHECK(data.train.inputs.sizes() == at::IntArrayRef{2, 1, 4, 4});
  CHECK((data.train.inputs[0] == 40).all().item<bool>());
  CHECK((data.test.inputs[0] == 90).all().item<bool>());
  const auto row = data.train.inputs[1][0][2];
  CHECK(row[0].item<int>() == 0);
  CHECK(row[3].item<int>() == 200);
  CHECK(row[1].item<int>() + row[2].item<int>() == 200);  // the edge is smoothed evenly
  CHECK(row[1].item<int>() > 0);
}

TEST_CASE("corrupt pictures are refused with their name")
{
  const scratch_folder folder;
  const auto says = words_about;
  CHECK(says(bytes{'G', 'I', 'F', '8'}) == "byte 0: is neither PNG nor JPEG");
  CHECK(says({}) == "byte 0: is neither PNG nor JPEG");

  const auto good_png = png(40, 40, PNG_FORMAT_RGB, noise(40 * 40 * 3));
  for (const std::size_t left : {std::size_t{10}, std::size_t{40}, good_png.size() / 2})
    CHECK(says(bytes(good_png.begin(), good_png.begin() + static_cast<std::ptrdiff_t>(left)))
              .starts_with("corrupt PNG: "));
  auto flipped = good_png;
  flipped[good_png.size() / 2] ^= 1;
  CHECK(says(flipped).starts_with("corrupt PNG: "));
  auto huge = good_png;  // claims 65535 x 65535 pixels, with a valid checksum
  for (std::size_t i = 16; i < 24; ++i) huge[i] = i % 4 < 2 ? 0x00 : 0xFF;
  const auto sum = ::crc32(0, huge.data() + 12, 17);
  for (const unsigned i : {0U, 1U, 2U, 3U})
    huge[29 + i] = static_cast<std::uint8_t>(sum >> (24 - 8 * i));
  CHECK(says(huge) == "an image of 65535 x 65535 pixels, want 1 to 67108864");

  const auto good_jpeg = jpeg(40, 40, noise(40 * 40 * 3));
  CHECK(error_of([&] { (void)rolewise::detail::read_picture(folder.write("y", good_jpeg), 3); }) ==
        "no error");
  for (const std::size_t left :
       {std::size_t{4}, std::size_t{100}, good_jpeg.size() / 2, good_jpeg.size() - 40})
    CHECK(says(bytes(good_jpeg.begin(), good_jpeg.begin() + static_cast<std::ptrdiff_t>(left)))
              .starts_with("corrupt JPEG: "));
  auto large = good_jpeg;  // claims too many pixels as well
  const bytes frame{0xFF, 0xC0, 0x00, 0x11, 0x08};
  const auto at = std::search(large.begin(), large.end(), frame.begin(), frame.end());
  REQUIRE(at != large.end());
  std::fill(at + 5, at + 9, std::uint8_t{0xFF});
  CHECK(says(large).starts_with("unsupported JPEG: Maximum supported image dimension"));
  std::fill(at + 5, at + 9, std::uint8_t{0xF0});
  CHECK(says(large) == "an image of 61680 x 61680 pixels, want 1 to 67108864");
  auto marker = good_jpeg;
  marker[3] = 0xC8;
  CHECK(says(marker).starts_with("unsupported JPEG: "));
}

TEST_CASE("a folder of pictures that is not one is refused")
{
  const scratch_folder folder;
  const auto says = [&](rolewise::image_folder_options options = {}) {
    return error_of([&] { (void)rolewise::image_folder(folder.path(), options); });
  };
  const auto head = "rolewise: " + folder.path();
  const auto picture = png(2, 2, PNG_FORMAT_GRAY, bytes(4, 9));
  CHECK(says({.channels = 2}) == "invalid: rolewise: image_folder: want 1 or 3 channels, got 2");
  CHECK(says({.height = -1}) ==
        "invalid: rolewise: image_folder: want a height and a width of at least 0, got -1 x 0");
  CHECK(
      says({.height = std::int64_t{1} << 40, .width = std::int64_t{1} << 40, .resize = true}) ==
      "invalid: rolewise: image_folder: want images of at most 67108864 pixels, got 1099511627776 "
      "x 1099511627776");
  CHECK(says() == head + "/train: cannot be opened as a folder of data: No such file or directory");
  folder.write("train/a/1.png", picture);
  CHECK(says() == head + "/test: cannot be opened as a folder of data: No such file or directory");
  folder.write("test/a/1.png", picture);
  CHECK(says() == head + "/train: has 1 folders of classes, want at least 2");
  folder.write("train/b/notes.txt", "no picture");
  CHECK(says() == head + "/train/b: has no pictures (.png, .jpg, .jpeg)");
  folder.write("train/b/1.png", picture);
  CHECK(says() == "no error");
  folder.write("test/c/1.png", picture);
  CHECK(says() == head + "/test/c: is no class to learn from");
}

TEST_CASE("gray is one rule for PNG, JPEG and operations on images: ITU-R 601 of stored values")
{
  struct example {
    bytes color;
    std::uint8_t gray;
  };
  for (const auto& [color, gray] : {example{{255, 0, 0}, 76}, example{{0, 255, 0}, 150},
                                    example{{0, 0, 255}, 29}, example{{200, 100, 50}, 124},
                                    example{{10, 200, 250}, 149}, example{{128, 128, 128}, 128}}) {
    const auto flat = plain_color(64, color[0], color[1], color[2]);
    CHECK(pixels_of(png(8, 8, PNG_FORMAT_RGB, flat), 1) == bytes(64, gray));
    CHECK(pixels_of(jpeg(8, 8, flat), 1) == bytes(64, gray));
    const auto palette = chunk("PLTE", color);
    CHECK(pixels_of(stored_png(1, 2, {{0, 0}}, {.color = 3, .extra = palette}), 1) ==
          bytes(2, gray));
  }
  const auto many = noise(32 * 32 * 3);
  for (const auto& file : {png(32, 32, PNG_FORMAT_RGB, many), jpeg(32, 32, many)}) {
    auto colors = pixels_of(file, 3);
    const auto image =
        torch::from_blob(colors.data(), {32, 32, 3}, torch::kByte).permute({2, 0, 1}).unsqueeze(0);
    const auto want = rolewise::detail::gray(image, rolewise::gray_rounding::nearest)
                          .to(torch::kByte)
                          .contiguous();
    auto found = pixels_of(file, 1);
    CHECK(torch::equal(torch::from_blob(found.data(), {1, 1, 32, 32}, torch::kByte), want));
  }
}

TEST_CASE("gAMA changes no value of a PNG, and 16 bits are scaled by their range")
{
  const bytes colors{255, 0, 0, 200, 100, 50, 128, 128, 128}, grays{0, 1, 77, 200, 255};
  // the values 0, 1, 255, 256, 4096, 32767, 32768, 65279, 65280, 65535 of 16 bits
  const bytes deep{0, 0, 0, 1, 0, 255, 1, 0, 16, 0, 127, 255, 128, 0, 254, 255, 255, 0, 255, 255};
  const bytes deep_scaled{0, 0, 1, 1, 16, 127, 128, 254, 254, 255};
  std::vector<bytes> extras{{}, chunk("sRGB", {0}) + gamma_chunk(45455)};
  for (const std::uint32_t gamma : {100000U, 50000U, 45455U}) extras.push_back(gamma_chunk(gamma));
  for (const auto& extra : extras) {
    CHECK(pixels_of(stored_png(1, 3, {colors}, {.extra = extra}), 3) == colors);
    CHECK(pixels_of(stored_png(1, 3, {colors}, {.extra = extra}), 1) == bytes{76, 124, 128});
    CHECK(pixels_of(stored_png(1, 5, {grays}, {.color = 0, .extra = extra}), 1) == grays);
    CHECK(pixels_of(stored_png(1, 10, {deep}, {.depth = 16, .color = 0, .extra = extra}), 1) ==
          deep_scaled);
  }
  CHECK(pixels_of(stored_png(1, 1, {{255, 255, 128, 0, 1, 1}}, {.depth = 16}), 3) ==
        bytes{255, 128, 1});
}

TEST_CASE("what is transparent in a PNG is laid on black by stored values")
{
  const bytes half{255, 255, 255, 128, 200, 100, 50, 128, 200, 100, 50, 64, 9, 9, 9, 0};
  CHECK(pixels_of(stored_png(1, 4, {half}, {.color = 6}), 3) ==
        bytes{128, 128, 128, 100, 50, 25, 50, 25, 13, 0, 0, 0});
  CHECK(pixels_of(stored_png(1, 4, {half}, {.color = 6}), 1) == bytes{128, 62, 31, 0});
  CHECK(pixels_of(stored_png(1, 2, {{255, 128, 100, 255}}, {.color = 4}), 1) == bytes{128, 100});
  const auto palette =
      chunk("PLTE", {255, 0, 0, 0, 255, 0, 0, 0, 255, 50, 60, 70}) + chunk("tRNS", {255, 0, 128});
  const auto indexed = stored_png(1, 4, {{0, 1, 2, 3}}, {.color = 3, .extra = palette});
  CHECK(pixels_of(indexed, 3) == bytes{255, 0, 0, 0, 0, 0, 0, 0, 128, 50, 60, 70});
  CHECK(pixels_of(indexed, 1) == bytes{76, 0, 15, 58});
  const auto key = chunk("tRNS", {0, 9, 0, 9, 0, 9});
  CHECK(pixels_of(stored_png(1, 2, {{9, 9, 9, 200, 100, 50}}, {.extra = key}), 3) ==
        bytes{0, 0, 0, 200, 100, 50});
  const auto gray_key = stored_png(1, 2, {{7, 8}}, {.color = 0, .extra = chunk("tRNS", {0, 7})});
  CHECK(pixels_of(gray_key, 1) == bytes{0, 8});
}

TEST_CASE("a PNG of few bits, of a small palette or interlaced keeps its pixels")
{
  CHECK(pixels_of(stored_png(1, 8, {{0xB2}}, {.depth = 1, .color = 0}), 1) ==
        bytes{255, 0, 255, 255, 0, 0, 255, 0});
  CHECK(pixels_of(stored_png(1, 4, {{0x1B}}, {.depth = 2, .color = 0}), 1) ==
        bytes{0, 85, 170, 255});
  const auto palette = chunk("PLTE", {1, 2, 3, 40, 50, 60, 255, 254, 253});
  CHECK(pixels_of(stored_png(1, 3, {{0x18}}, {.depth = 2, .color = 3, .extra = palette}), 3) ==
        bytes{1, 2, 3, 40, 50, 60, 255, 254, 253});
  const auto gray = noise(9 * 11);
  const auto file = stored_png(9, 11, interlaced(9, 11, gray), {.color = 0, .interlace = 1});
  CHECK(pixels_of(file, 1) == gray);
  auto spoilt_text = chunk("tEXt", {'a', 0, 'b'});
  spoilt_text.back() ^= 1;  // not pixel data, so the pixels are intact
  CHECK(pixels_of(stored_png(1, 1, {{1, 2, 3}}, {.extra = spoilt_text}), 3) == bytes{1, 2, 3});
}

TEST_CASE("CMYK and YCCK in a JPEG are Adobe's inverted values, made colors as Pillow does")
{
  bytes stored;
  for (int i = 0; i < 64; ++i) stored = stored + bytes{200, 100, 50, 128};
  const auto near = [](const bytes& found, const bytes& want, int most) {
    for (std::size_t i = 0; i < found.size(); ++i)
      if (std::abs(found[i] - want[i % want.size()]) > most) return false;
    return found.size() == 64 * want.size();
  };
  const auto plain = jpeg(8, 8, stored, JCS_CMYK), turned = jpeg(8, 8, stored, JCS_YCCK);
  CHECK(near(pixels_of(plain, 3), {100, 50, 25}, 0));
  CHECK(near(pixels_of(plain, 1), {62}, 0));
  CHECK(near(pixels_of(turned, 3), {100, 50, 25}, 1));
  CHECK(near(pixels_of(turned, 1), {62}, 1));
  CHECK(near(pixels_of(jpeg(8, 8, bytes(64, 77), JCS_GRAYSCALE), 3), {77, 77, 77}, 0));
}

TEST_CASE("a JPEG with bytes too many is whole, one that was cut or damaged is refused")
{
  const auto good = jpeg(40, 40, noise(40 * 40 * 3));
  const auto want = pixels_of(good, 3);
  const auto with = [&](std::size_t at, const bytes& more) {
    const auto place = good.begin() + static_cast<std::ptrdiff_t>(at);
    return bytes(good.begin(), place) + more + bytes(place, good.end());
  };
  CHECK(pixels_of(with(good.size() - 2, bytes(300)), 3) == want);  // before the end marker
  CHECK(pixels_of(with(20, {0x12, 0x34}), 3) == want);             // after the first segment
  CHECK(pixels_of(good + bytes(90, 7), 3) == want);                // after the end marker
  const scratch_folder folder;
  const auto doubts = [&](const bytes& more) {
    const auto path = folder.write("x", with(good.size() - 2, more));
    auto picture = rolewise::detail::read_picture(path, 3);
    CHECK(picture.pixels == want);
    return picture.doubts;
  };
  CHECK(doubts(bytes(300)) == "");  // padding
  CHECK(doubts(bytes(300, 0x55)) == "");
  CHECK(
      doubts(stray_bytes(300)).starts_with("Corrupt JPEG data: "));  // bytes of the image, or stray
  auto version = good;
  REQUIRE(bytes(good.begin() + 6, good.begin() + 10) == bytes{'J', 'F', 'I', 'F'});
  version[11] = 9;
  CHECK(pixels_of(version, 3) == want);

  const auto first = [&](std::size_t count) {
    return bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(count));
  };
  CHECK(words_about(first(good.size() - 2)) == "corrupt JPEG: Premature end of JPEG file");
  CHECK(words_about(first(good.size() / 2)) == "corrupt JPEG: Premature end of JPEG file");
  CHECK(words_about(first(good.size() / 2) + bytes{0xFF, 0xD9}) ==
        "corrupt JPEG: Corrupt JPEG data: premature end of data segment");
  auto precise = good;
  const bytes frame{0xFF, 0xC0, 0x00, 0x11, 0x08};
  const auto at = std::search(precise.begin(), precise.end(), frame.begin(), frame.end());
  REQUIRE(at != precise.end());
  *(at + 4) = 11;
  CHECK(words_about(precise) == "unsupported JPEG: Unsupported JPEG data precision 11");
}

TEST_CASE("pictures that cannot be read are named all at once, or left out and noted")
{
  const scratch_folder folder;
  write_two_classes(folder);
  const auto picture = png(2, 2, PNG_FORMAT_GRAY, bytes(4, 9));
  folder.write("train/ant/0.png", "no picture");
  folder.write("test/bee/0.jpg", bytes(picture.begin(), picture.begin() + 50));
  std::filesystem::create_symlink("/nowhere/at/all", folder / "train/bee/2.png");
  const auto fifo = folder / "train/bee/3.png";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);  // it has no writer, so reading it would block
  const std::vector<std::string> words{
      folder / "train/ant/0.png: byte 0: is neither PNG nor JPEG",
      folder / "train/bee/2.png: cannot be read: No such file or directory",
      folder / "train/bee/3.png: is not a plain file",
      folder / "test/bee/0.jpg: corrupt PNG: the file ends before the picture does"};
  auto all = "rolewise: " + folder.path() +
             ": cannot read 4 of the pictures (unreadable_pictures::skip leaves them out):";
  for (const auto& line : words) all += "\n  " + line;
  const auto read = [&](rolewise::image_folder_options options) {
    return rolewise::image_folder(folder.path(), options);
  };
  CHECK(error_of([&] { (void)read({}); }) == all);

  const auto data = read({.unreadable = rolewise::unreadable_pictures::skip});
  CHECK(torch::equal(data.train.labels, torch::tensor({0, 1}, torch::kLong)));
  CHECK(torch::equal(data.test.labels, torch::tensor({0, 1}, torch::kLong)));
  REQUIRE(data.notes.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(data.notes[i] == "left out: " + words[i]);

  folder.write("train/ant/1.png", "nor this");
  CHECK(error_of([&] { (void)read({.unreadable = rolewise::unreadable_pictures::skip}); }) ==
        "rolewise: " + folder.path() + "/train/ant: has no picture that can be read");
}

TEST_CASE("a class may be without test examples, its folder empty or missing")
{
  const scratch_folder folder;
  write_two_classes(folder);
  std::filesystem::remove(folder / "test/bee/1.png");
  const auto empty = rolewise::image_folder(folder.path());
  std::filesystem::remove(folder / "test/bee");
  const auto missing = rolewise::image_folder(folder.path());
  for (const auto& data : {empty, missing}) {
    CHECK(data.shape.classes == 2);
    CHECK(data.test.size() == 1);
    CHECK(data.test.class_names.size() == 2);
  }
  std::filesystem::remove(folder / "test/ant/1.png");
  CHECK(error_of([&] { (void)rolewise::image_folder(folder.path()); }) ==
        "rolewise: " + folder.path() +
            "/test: has no pictures (.png, .jpg, .jpeg) in folders of classes");
}

TEST_CASE("pictures in folders within those of classes are refused by name, or read if wanted")
{
  const scratch_folder folder;
  write_two_classes(folder);
  const auto picture = png(2, 2, PNG_FORMAT_GRAY, bytes(4, 70));
  folder.write("train/ant/.checkpoints/1.png", picture);  // hidden
  folder.write("train/ant/notes/read.me", "no picture");
  std::filesystem::create_directory_symlink(folder / "train/ant", folder / "train/ant/self");
  CHECK(rolewise::image_folder(folder.path()).train.size() == 2);
  folder.write("train/ant/0/2.png", picture);
  folder.write("train/ant/0/deep/3.png", picture);
  folder.write("train/ant/0/x.png", picture);
  CHECK(error_of([&] { (void)rolewise::image_folder(folder.path()); }) ==
        "rolewise: " + folder.path() +
            "/train: has 3 pictures in folders within those of classes (.nested = true reads "
            "them):\n  " +
            folder.path() + "/train/ant/0\n  " + folder.path() + "/train/ant/0/deep");
  const auto data = rolewise::image_folder(folder.path(), {.channels = 1, .nested = true});
  CHECK(torch::equal(data.train.labels, torch::tensor({0, 0, 0, 0, 1}, torch::kLong)));
  CHECK(torch::equal(data.train.inputs.select(1, 0).select(1, 0).select(1, 0),
                     torch::tensor({70, 70, 70, 9, 9}, torch::kByte)));
}

TEST_CASE("pictures that a user may miss among the examples are noted")
{
  const scratch_folder folder;
  write_two_classes(folder);
  CHECK(rolewise::image_folder(folder.path()).notes.empty());
  folder.write("train/ant/2.WEBP", "x");
  folder.write("train/bee/3.bmp", "x");
  folder.write("test/5.png", "x");
  auto stray = jpeg(2, 2, plain_color(4, 9, 9, 9));
  const auto more = stray_bytes(100);
  stray.insert(stray.end() - 2, more.begin(), more.end());
  folder.write("train/bee/4.jpg", stray);
  auto notes = rolewise::image_folder(folder.path()).notes;
  REQUIRE(notes.size() == 3);
  CHECK(notes[2].starts_with(folder / "train/bee/4.jpg is read and may be damaged: Corrupt JPEG "
                                      "data: "));
  notes.pop_back();
  CHECK(notes == std::vector<std::string>{
                     folder.path() +
                         "/train: pictures of other formats than PNG and JPEG are not read: 2, "
                         "such as " +
                         folder / "train/ant/2.WEBP",
                     folder.path() +
                         "/test: pictures outside the folders of classes are not read: 1, such "
                         "as " +
                         folder / "test/5.png"});
}

TEST_CASE("a data set has the name of its folder, however the path is written")
{
  const scratch_folder folder;
  const auto plain = folder / "photos";
  for (const auto* name : {"train/a/1.png", "train/b/1.png", "test/a/1.png"})
    folder.write(std::string{"photos/"} + name, png(2, 2, PNG_FORMAT_GRAY, bytes(4, 9)));
  for (const auto* end : {"", "/", "//", "/.", "/./", "/train/..", "/train/../"})
    CHECK(rolewise::image_folder(plain + end).train.name == "photos");
  using rolewise::detail::name_of_folder;
  const auto here = std::filesystem::current_path();
  CHECK(name_of_folder(".") == here.filename().string());
  CHECK(name_of_folder("./") == here.filename().string());
  const auto above = here.parent_path();  // the root of a container, perhaps
  const auto name_above = (above.has_filename() ? above.filename() : above).string();
  CHECK(name_of_folder("..") == name_above);
  CHECK(name_of_folder("../") == name_above);
  CHECK(name_of_folder("/") == "/");
}
