// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include <rolewise/data/cifar.hpp>
#include <rolewise/data/idx.hpp>
#include <rolewise/data/image_folder.hpp>
#include <rolewise/data/open.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <jpeglib.h>
#include <png.h>
#include <unistd.h>
#include <zlib.h>

namespace {

using bytes = std::vector<std::uint8_t>;

/// A folder of this test alone, gone with it.
class scratch_folder {
 public:
  scratch_folder()
  {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("rolewise-data-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  ~scratch_folder()
  {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] std::string path() const { return path_.string(); }
  [[nodiscard]] std::string operator/(const std::string& name) const
  {
    return (path_ / name).string();
  }
  std::string write(const std::string& name, const bytes& content) const
  {
    const auto place = path_ / name;
    std::filesystem::create_directories(place.parent_path());
    std::ofstream out{place, std::ios::binary};
    out.write(reinterpret_cast<const char*>(content.data()),
              static_cast<std::streamsize>(content.size()));
    return place.string();
  }
  std::string write(const std::string& name, const std::string& text) const
  {
    return write(name, bytes(text.begin(), text.end()));
  }

 private:
  std::filesystem::path path_;
};

bytes gzipped(const bytes& plain)
{
  z_stream stream{};
  REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  bytes packed(::deflateBound(&stream, plain.size()) + 32);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

bytes operator+(bytes a, const bytes& b)
{
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Bytes that gzip cannot make smaller, so that cuts fall where a test wants them.
bytes noise(std::size_t count)
{
  bytes result(count);
  std::uint32_t state = 1;
  for (auto& b : result) {
    state = state * 1664525U + 1013904223U;
    b = static_cast<std::uint8_t>(state >> 24);
  }
  return result;
}

bytes idx(const std::vector<std::uint32_t>& sizes, const bytes& values)
{
  bytes result{0, 0, 8, static_cast<std::uint8_t>(sizes.size())};
  for (const auto size : sizes)
    for (const int shift : {24, 16, 8, 0})
      result.push_back(static_cast<std::uint8_t>(size >> shift));
  return result + values;
}

template<typename F>
std::string error_of(const F& f)
{
  try {
    f();
  } catch (const std::runtime_error& e) {
    return e.what();
  } catch (const std::invalid_argument& e) {
    return std::string{"invalid: "} + e.what();
  }
  return "no error";
}

std::string read_error(const std::string& path, std::uint64_t limit = rolewise::file_size_limit)
{
  return error_of([&] { (void)rolewise::read_idx(path, limit); });
}

/// A folder as MNIST has it: three images to learn from, two to be judged by, of 2 x 3 pixels.
void write_mnist_like(const scratch_folder& folder)
{
  bytes train(18);
  for (std::size_t i = 0; i < train.size(); ++i) train[i] = static_cast<std::uint8_t>(10 * i);
  folder.write("train-images-idx3-ubyte", idx({3, 2, 3}, train));
  folder.write("train-labels-idx1-ubyte.gz", gzipped(idx({3}, {2, 0, 1})));
  folder.write("t10k-images-idx3-ubyte.gz", gzipped(idx({2, 2, 3}, bytes(12, 7))));
  folder.write("t10k-labels-idx1-ubyte", idx({2}, {1, 2}));
}

/// A record of CIFAR: labels, then three planes of one value each.
bytes record(const bytes& labels, std::uint8_t red, std::uint8_t green, std::uint8_t blue)
{
  return labels + bytes(1024, red) + bytes(1024, green) + bytes(1024, blue);
}

bytes png(std::uint32_t height, std::uint32_t width, std::uint32_t format, const bytes& pixels)
{
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = height;
  image.width = width;
  image.format = format;
  png_alloc_size_t size = 0;
  REQUIRE(::png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr) != 0);
  bytes result(size);
  REQUIRE(::png_image_write_to_memory(&image, result.data(), &size, 0, pixels.data(), 0, nullptr) !=
          0);
  result.resize(size);
  return result;
}

bytes jpeg(unsigned height, unsigned width, const bytes& rgb)
{
  jpeg_compress_struct control{};
  jpeg_error_mgr errors{};
  control.err = ::jpeg_std_error(&errors);
  ::jpeg_create_compress(&control);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  ::jpeg_mem_dest(&control, &memory, &size);
  control.image_height = height;
  control.image_width = width;
  control.input_components = 3;
  control.in_color_space = JCS_RGB;
  ::jpeg_set_defaults(&control);
  ::jpeg_set_quality(&control, 100, TRUE);
  ::jpeg_start_compress(&control, TRUE);
  for (unsigned row = 0; row < height; ++row) {
    auto* line = const_cast<unsigned char*>(rgb.data()) + std::size_t{row} * width * 3;
    ::jpeg_write_scanlines(&control, &line, 1);
  }
  ::jpeg_finish_compress(&control);
  ::jpeg_destroy_compress(&control);
  bytes result(memory, memory + size);
  std::free(memory);
  return result;
}

bytes plain_colour(std::size_t pixels, std::uint8_t red, std::uint8_t green, std::uint8_t blue)
{
  bytes result;
  for (std::size_t i = 0; i < pixels; ++i) result = result + bytes{red, green, blue};
  return result;
}

}  // namespace

TEST_CASE("an IDX file is read as its header says, packed or not, in one gzip member or two")
{
  const scratch_folder folder;
  const auto plain = idx({2, 1, 3}, {1, 2, 3, 4, 5, 250});
  const auto want = torch::tensor({1, 2, 3, 4, 5, 250}, torch::kByte).view({2, 1, 3});
  const auto first = bytes(plain.begin(), plain.begin() + 9);
  const auto second = bytes(plain.begin() + 9, plain.end());
  for (const auto& content : {plain, gzipped(plain), gzipped(first) + gzipped(second)})
    CHECK(torch::equal(rolewise::read_idx(folder.write("a", content)), want));
  CHECK(rolewise::read_idx(folder.write("b", idx({0}, {}))).sizes() == at::IntArrayRef{0});
  CHECK(rolewise::read_idx(folder.write("c", idx({1, 2, 1, 2}, bytes(4)))).sizes() ==
        at::IntArrayRef{1, 2, 1, 2});
}

TEST_CASE("a bad IDX file is refused with its name and the byte")
{
  const scratch_folder folder;
  const auto file = folder / "x";
  const auto says = [&](const bytes& content) { return read_error(folder.write("x", content)); };
  const auto head = "rolewise: " + file + ": ";

  CHECK(says({}) == head + "byte 0: ends here, want an IDX header of 4 bytes");
  CHECK(says({1, 2, 8, 1}) == head + "byte 0: no IDX file: begins with 1 2, want 0 0");
  CHECK(says({0, 0, 13, 1}) == head + "byte 2: IDX type 13, want 8 (unsigned bytes)");
  CHECK(says({0, 0, 8, 0}) == head + "byte 3: IDX array of 0 dimensions, want 1 to 4");
  CHECK(says({0, 0, 8, 5}) == head + "byte 3: IDX array of 5 dimensions, want 1 to 4");
  CHECK(says({0, 0, 8, 2, 0, 0, 0, 1}) ==
        head + "byte 8: ends here, want an IDX header of 12 bytes");
  CHECK(says(idx({2, 3}, bytes(5))) ==
        head + "byte 17: truncated: ends here, the sizes 2 3 want 18 bytes");
  CHECK(says(idx({2, 3}, bytes(8))) ==
        head + "byte 18: oversized: the sizes 2 3 end here, 2 bytes follow");
  CHECK(says(gzipped(idx({2, 3}, bytes(5)))) ==
        head + "unpacked byte 17: truncated: ends here, the sizes 2 3 want 18 bytes");
  CHECK(says(idx({0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, {})) ==
        head +
            "byte 4: size 4294967295 makes the IDX array larger than the limit of 2147483648 "
            "bytes");
  CHECK(says(idx({65536, 65536}, {})) ==
        head + "byte 8: size 65536 makes the IDX array larger than the limit of 2147483648 bytes");
}

TEST_CASE("a file that cannot be read or unpacked is refused with its name and the byte")
{
  const scratch_folder folder;
  const auto file = folder / "x.gz";
  const auto says = [&](const bytes& content) { return read_error(folder.write("x.gz", content)); };
  const auto head = "rolewise: " + file + ": ";
  const auto packed = gzipped(idx({300}, noise(300)));
  const auto size = std::to_string(packed.size());

  CHECK(read_error(file) == head + "cannot be read: No such file or directory");
  CHECK(read_error(folder.path()) == "rolewise: " + folder.path() + ": is a folder, want a file");
  CHECK(read_error("/dev/null") == "rolewise: /dev/null: is not a plain file");

  for (const std::size_t left :
       {std::size_t{2}, std::size_t{9}, packed.size() / 2, packed.size() - 8, packed.size() - 1})
    CHECK(says(bytes(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(left))) ==
          head + "byte " + std::to_string(left) +
              ": truncated gzip data, the file ends before the stream does");
  CHECK(says(packed + bytes{1, 2, 3}) == head + "byte " + size + ": 3 bytes follow the gzip data");
  CHECK(says(packed + bytes{0x1F}) == head + "byte " + size + ": 1 bytes follow the gzip data");

  auto method = packed;
  method[2] = 7;
  CHECK(says(method) == head + "byte 4: corrupt gzip data: unknown compression method");
  auto value = packed;
  value[packed.size() / 2] ^= 0x10;
  CHECK(says(value) == head + "byte " + std::to_string(packed.size() - 4) +
                           ": corrupt gzip data: incorrect data check");
  auto length = packed;
  length[packed.size() - 1] ^= 1;
  CHECK(says(length) == head + "byte " + size + ": corrupt gzip data: incorrect length check");
  auto block = packed;
  block[10] |= 6;  // a block of the kind that does not exist
  CHECK(says(block).find(": corrupt gzip data: invalid block type") != std::string::npos);
}

TEST_CASE("every single flipped bit of a packed file is found out or harmless")
{
  const scratch_folder folder;
  const auto plain = idx({40}, noise(40));
  const auto packed = gzipped(plain);
  const auto want = rolewise::read_idx(folder.write("x", plain));
  int refused = 0;
  for (std::size_t bit = 0; bit < 8 * packed.size(); ++bit) {
    auto broken = packed;
    broken[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto path = folder.write("x", broken);
    try {
      const auto read = rolewise::read_idx(path);
      CHECK(torch::equal(read, want));  // the bit was of the time stamp, or another such
    } catch (const std::runtime_error& e) {
      CHECK(std::string{e.what()}.starts_with("rolewise: " + path + ": "));
      ++refused;
    }
  }
  CHECK(refused > static_cast<int>(8 * (packed.size() - 10)));
}

TEST_CASE("a file that unpacks to more than the limit is refused before it fills memory")
{
  const scratch_folder folder;
  const auto bomb = folder.write("bomb", gzipped(bytes(std::size_t{1} << 24)));
  CHECK(std::filesystem::file_size(bomb) < 20000);
  CHECK(read_error(bomb, 100000) ==
        "rolewise: " + bomb + ": unpacks to more than the limit of 100000 bytes");
  const auto large = folder.write("large", bytes(1001));
  CHECK(read_error(large, 1000) == "rolewise: " + large + ": has 1001 bytes, the limit is 1000");
  const auto just = folder.write("just", gzipped(idx({992}, bytes(992))));
  CHECK(rolewise::read_idx(just, 1000).numel() == 992);
  CHECK(read_error(just, 999) ==
        "rolewise: " + just + ": unpacks to more than the limit of 999 bytes");
}

TEST_CASE("the four files of MNIST make a data set")
{
  const scratch_folder folder;
  write_mnist_like(folder);
  const auto data = rolewise::idx_dataset(folder.path(), {.name = "mine"});
  CHECK(data.shape == rolewise::sample_shape{1, 2, 3, 3});
  CHECK(data.train.shape == data.shape);
  CHECK(data.test.shape == data.shape);
  CHECK(data.train.images.sizes() == at::IntArrayRef{3, 1, 2, 3});
  CHECK(data.train.images[2][0][1][2].item<int>() == 170);
  CHECK(torch::equal(data.train.labels, torch::tensor({2, 0, 1}, torch::kLong)));
  CHECK(torch::equal(data.test.labels, torch::tensor({1, 2}, torch::kLong)));
  CHECK(torch::equal(data.train.ids, torch::arange(3)));
  CHECK(torch::equal(data.test.ids, torch::arange(3, 5)));
  CHECK(data.train.name == "mine");
  CHECK(data.train.scaling == data.test.scaling);
  CHECK(data.train.scaling.mean[0] == doctest::Approx(85.0 / 255));
  CHECK(data.train.scaling.deviation[0] == doctest::Approx(51.88127472 / 255));
  const auto x = rolewise::normalised_inputs(rolewise::as_batch(data.train), torch::kFloat64);
  CHECK(x.mean().item<double>() == doctest::Approx(0).epsilon(1e-6));
  CHECK(x.std(false).item<double>() == doctest::Approx(1));
}

TEST_CASE("files of MNIST that do not agree are refused")
{
  const scratch_folder folder;
  const auto says = [&] { return error_of([&] { (void)rolewise::fashion_mnist(folder.path()); }); };
  const auto head = "rolewise: " + folder.path();
  CHECK(says() == head + ": has neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz");
  write_mnist_like(folder);
  CHECK(says() == "no error");

  folder.write("train-labels-idx1-ubyte.gz", gzipped(idx({3}, {2, 10, 1})));
  CHECK(says() == head + "/train-labels-idx1-ubyte.gz: unpacked byte 9: label 10, want 0 to 9");
  folder.write("train-labels-idx1-ubyte.gz", gzipped(idx({2}, {2, 0})));
  CHECK(says() == head +
                      "/train-labels-idx1-ubyte.gz: unpacked byte 4: 2 labels for the 3 images "
                      "of " +
                      folder.path() + "/train-images-idx3-ubyte");
  folder.write("train-labels-idx1-ubyte.gz", gzipped(idx({3, 1}, {2, 0, 1})));
  CHECK(says() == head +
                      "/train-labels-idx1-ubyte.gz: unpacked byte 3: want labels in 1 "
                      "dimension, got 2");
  write_mnist_like(folder);
  folder.write("train-images-idx3-ubyte", idx({3, 6}, bytes(18)));
  CHECK(says() == head + "/train-images-idx3-ubyte: byte 3: want images in 3 dimensions, got 2");
  folder.write("train-images-idx3-ubyte", idx({0, 2, 3}, {}));
  folder.write("train-labels-idx1-ubyte.gz", gzipped(idx({0}, {})));
  CHECK(says() == head + "/train-images-idx3-ubyte: byte 4: has no pixels: size 0");
  write_mnist_like(folder);
  folder.write("t10k-images-idx3-ubyte.gz", idx({2, 3, 2}, bytes(12)));
  CHECK(says() == head +
                      ": images to learn from are [3, 1, 2, 3], images to be judged by [2, 1, "
                      "3, 2]");
  write_mnist_like(folder);
  folder.write("t10k-labels-idx1-ubyte", idx({2}, {1, 3}));
  CHECK(error_of([&] { (void)rolewise::idx_dataset(folder.path()); }) ==
        head + "/t10k-labels-idx1-ubyte: byte 9: label 3, want 0 to 2");
  std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
  CHECK(says() == head + ": has neither t10k-labels-idx1-ubyte nor t10k-labels-idx1-ubyte.gz");
  CHECK(error_of([&] { (void)rolewise::idx_dataset(folder.path(), {.classes = 257}); }) ==
        "invalid: rolewise: idx_dataset: want 0 to 256 classes, got 257");
  CHECK(error_of([&] {
          (void)rolewise::idx_dataset(folder.path(), {.class_names = {"a", "b"}});
        }) == "invalid: rolewise: idx_dataset: 2 class names for 3 classes");
  CHECK(error_of([&] { (void)rolewise::fashion_mnist(folder / "no"); }) ==
        head + "/no: cannot be opened as a folder of data: No such file or directory");
}

TEST_CASE("CIFAR-10 is read plane by plane from the batches that are there")
{
  const scratch_folder folder;
  folder.write("data_batch_1.bin", record({3}, 10, 20, 30) + record({9}, 40, 50, 60));
  folder.write("data_batch_3.bin.gz", gzipped(record({0}, 1, 2, 3)));
  folder.write("test_batch.bin", record({7}, 0, 0, 255));
  auto data = rolewise::cifar10(folder.path());
  CHECK(data.shape == rolewise::sample_shape{3, 32, 32, 10});
  CHECK(torch::equal(data.train.labels, torch::tensor({3, 9, 0}, torch::kLong)));
  CHECK(torch::equal(data.train.images.select(2, 31).select(2, 5),
                     torch::tensor({10, 20, 30, 40, 50, 60, 1, 2, 3}, torch::kByte).view({3, 3})));
  CHECK(torch::equal(data.test.ids, torch::tensor({3}, torch::kLong)));
  CHECK(data.train.name == "CIFAR-10");
  CHECK(data.train.class_names.empty());
  CHECK(data.train.scaling.mean[1] == doctest::Approx(24.0 / 255));

  folder.write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\r\nj\n\n");
  data = rolewise::cifar10(folder.path());
  CHECK(data.test.class_names.size() == 10);
  CHECK(data.test.class_names[8] == "i");
}

TEST_CASE("bad CIFAR files are refused with their name and the byte")
{
  const scratch_folder folder;
  const auto says = [&] { return error_of([&] { (void)rolewise::cifar10(folder.path()); }); };
  const auto head = "rolewise: " + folder.path();
  CHECK(says() == head + ": has none of data_batch_1.bin to data_batch_5.bin, with or without .gz");
  const auto good = record({1}, 1, 2, 3);
  folder.write("data_batch_2.bin", good + good);
  CHECK(says() == head + ": has neither test_batch.bin nor test_batch.bin.gz");
  folder.write("test_batch.bin", good);
  CHECK(says() == "no error");
  auto cut = good + good;
  cut.resize(cut.size() - 1);
  folder.write("data_batch_2.bin", cut);
  CHECK(says() == head +
                      "/data_batch_2.bin: byte 3073: a record begins here with 3072 bytes, "
                      "want 3073");
  folder.write("data_batch_2.bin", gzipped(good + good + bytes{1}));
  CHECK(says() == head +
                      "/data_batch_2.bin: unpacked byte 6146: a record begins here with 1 "
                      "bytes, want 3073");
  folder.write("data_batch_2.bin", bytes{});
  CHECK(says() == head + "/data_batch_2.bin: byte 0: is empty, want records of 3073 bytes");
  folder.write("data_batch_2.bin", good + record({10}, 0, 0, 0));
  CHECK(says() == head + "/data_batch_2.bin: byte 3073: label 10, want 0 to 9");
  folder.write("data_batch_2.bin", good);
  folder.write("batches.meta.txt", "a\nb\n");
  CHECK(says() == head + ": batches.meta.txt has 2 names, want 10");
}

TEST_CASE("CIFAR-100 has two labels, of which one is learned and both are checked")
{
  const scratch_folder folder;
  const auto says = [&] { return error_of([&] { (void)rolewise::cifar100(folder.path()); }); };
  folder.write("train.bin", record({19, 99}, 1, 2, 3) + record({4, 5}, 9, 9, 9));
  folder.write("test.bin.gz", gzipped(record({0, 7}, 0, 0, 0)));
  const auto fine = rolewise::cifar100(folder.path());
  CHECK(torch::equal(fine.train.labels, torch::tensor({99, 5}, torch::kLong)));
  CHECK(fine.shape.classes == 100);
  CHECK(fine.train.images[1][2][0][0].item<int>() == 9);
  const auto coarse = rolewise::cifar100(folder.path(), rolewise::cifar100_labels::coarse);
  CHECK(torch::equal(coarse.train.labels, torch::tensor({19, 4}, torch::kLong)));
  CHECK(coarse.shape.classes == 20);
  CHECK(coarse.test.name == "CIFAR-100");

  const auto head = "rolewise: " + folder.path();
  folder.write("train.bin", record({19, 100}, 1, 2, 3));
  CHECK(says() == head + "/train.bin: byte 1: label 100, want 0 to 99");
  folder.write("train.bin", record({1, 1}, 1, 2, 3) + record({20, 1}, 1, 2, 3));
  CHECK(says() == head + "/train.bin: byte 3074: label 20, want 0 to 19");

  folder.write("fine_label_names.txt", "crab\nowl\nrose\n");
  folder.write("train.bin", record({1, 2}, 1, 2, 3));
  CHECK(says() == head + "/test.bin.gz: unpacked byte 1: label 7, want 0 to 2");
  folder.write("test.bin.gz", record({1, 0}, 1, 2, 3));
  const auto other = rolewise::cifar100(folder.path());
  CHECK(other.train.name == "CIFAR-100 format");
  CHECK(other.shape.classes == 3);
  CHECK(other.train.class_names == std::vector<std::string>{"crab", "owl", "rose"});
}

TEST_CASE("pictures in folders of classes are read, whatever their format")
{
  const scratch_folder folder;
  folder.write("train/cat/b.png", png(4, 6, PNG_FORMAT_RGB, plain_colour(24, 200, 100, 50)));
  folder.write("train/cat/a.JPG", jpeg(4, 6, plain_colour(24, 128, 128, 128)));
  folder.write("train/ant/x.png", png(4, 6, PNG_FORMAT_GRAY, bytes(24, 77)));
  folder.write("train/ant/notes.txt", "no picture");
  folder.write("train/ant/.hidden.png", "nor this");
  folder.write("train/readme.txt", "nor this");
  folder.write("test/cat/y.jpeg", png(4, 6, PNG_FORMAT_RGB, plain_colour(24, 1, 2, 3)));
  const auto data = rolewise::image_folder(folder.path());
  CHECK(data.shape == rolewise::sample_shape{3, 4, 6, 2});
  CHECK(data.train.class_names == std::vector<std::string>{"ant", "cat"});
  CHECK(torch::equal(data.train.labels, torch::tensor({0, 1, 1}, torch::kLong)));
  CHECK(torch::equal(data.test.labels, torch::tensor({1}, torch::kLong)));
  CHECK(data.train.images.is_contiguous());
  CHECK(torch::equal(
      data.train.images.select(2, 3).select(2, 5),
      torch::tensor({77, 77, 77, 128, 128, 128, 200, 100, 50}, torch::kByte).view({3, 3})));
  CHECK(torch::equal(data.test.images.select(2, 0).select(2, 0),
                     torch::tensor({{1, 2, 3}}, torch::kByte)));
  CHECK(data.train.name == std::filesystem::path{folder.path()}.filename().string());

  const auto grey = rolewise::image_folder(folder.path(), {.channels = 1});
  CHECK(grey.train.images.sizes() == at::IntArrayRef{3, 1, 4, 6});
  CHECK(grey.train.images[0][0][0][0].item<int>() == 77);
  CHECK(grey.train.images[1][0][0][0].item<int>() == 128);
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
  CHECK(data.train.images.sizes() == at::IntArrayRef{2, 1, 4, 4});
  CHECK((data.train.images[0] == 40).all().item<bool>());
  CHECK((data.test.images[0] == 90).all().item<bool>());
  const auto row = data.train.images[1][0][2];
  CHECK(row[0].item<int>() == 0);
  CHECK(row[3].item<int>() == 200);
  CHECK(row[1].item<int>() + row[2].item<int>() == 200);  // the edge is smoothed evenly
  CHECK(row[1].item<int>() > 0);
}

TEST_CASE("corrupt pictures are refused with their name")
{
  const scratch_folder folder;
  const auto says = [&](const bytes& content) {
    const auto path = folder.write("x", content);
    const auto text = error_of([&] { (void)rolewise::detail::read_picture(path, 3); });
    const auto head = "rolewise: " + path + ": ";
    REQUIRE(text.starts_with(head));
    return text.substr(head.size());
  };
  CHECK(says(bytes{'G', 'I', 'F', '8'}) == "byte 0: is neither PNG nor JPEG");
  CHECK(says({}) == "byte 0: is neither PNG nor JPEG");

  const auto good_png = png(40, 40, PNG_FORMAT_RGB, noise(40 * 40 * 3));
  for (const std::size_t left : {std::size_t{10}, std::size_t{40}, good_png.size() / 2})
    CHECK(says(bytes(good_png.begin(), good_png.begin() + static_cast<std::ptrdiff_t>(left)))
              .starts_with("corrupt PNG: "));
  auto flipped = good_png;
  flipped[good_png.size() / 2] ^= 1;
  CHECK(says(flipped).starts_with("corrupt PNG: "));
  auto huge = good_png;  // says that it is 65535 x 65535, with a checksum that fits
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
  auto large = good_jpeg;  // the same
  const bytes frame{0xFF, 0xC0, 0x00, 0x11, 0x08};
  const auto at = std::search(large.begin(), large.end(), frame.begin(), frame.end());
  REQUIRE(at != large.end());
  std::fill(at + 5, at + 9, std::uint8_t{0xFF});
  CHECK(says(large).starts_with("corrupt JPEG: Maximum supported image dimension"));
  std::fill(at + 5, at + 9, std::uint8_t{0xF0});
  CHECK(says(large) == "an image of 61680 x 61680 pixels, want 1 to 67108864");
  auto marker = good_jpeg;
  marker[3] = 0xC8;
  CHECK(says(marker).starts_with("corrupt JPEG: "));
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

TEST_CASE("a folder is recognised by what is in it")
{
  const scratch_folder folder;
  const auto head = "rolewise: " + folder.path();
  const auto says = [&] { return error_of([&] { (void)rolewise::open_dataset(folder.path()); }); };
  CHECK(error_of([&] { (void)rolewise::open_dataset(folder / "no"); }) ==
        head + "/no: cannot be opened as a folder of data: No such file or directory");
  const auto plain = folder.write("plain", "x");
  CHECK(error_of([&] { (void)rolewise::open_dataset(plain); }) ==
        "rolewise: " + plain + ": is not a folder");
  CHECK(says() == head +
                      ": holds no data set; looked for, also with .gz: train-images-idx3-ubyte "
                      "(MNIST and relatives); data_batch_1.bin to data_batch_5.bin (CIFAR-10); "
                      "train.bin (CIFAR-100); folders train and test (pictures in folders of "
                      "classes)");

  const scratch_folder mnist, ten, hundred, pictures;
  write_mnist_like(mnist);
  CHECK(rolewise::open_dataset(mnist.path()).train.name == "IDX");
  ten.write("data_batch_5.bin.gz", gzipped(record({1}, 1, 2, 3)));
  ten.write("test_batch.bin", record({1}, 1, 2, 3));
  CHECK(rolewise::open_dataset(ten.path()).train.name == "CIFAR-10");
  hundred.write("train.bin.gz", record({1, 1}, 1, 2, 3));
  hundred.write("test.bin", record({1, 1}, 1, 2, 3));
  CHECK(rolewise::open_dataset(hundred.path()).train.name == "CIFAR-100");
  for (const auto* name : {"train/a/1.png", "train/b/1.png", "test/a/1.png"})
    pictures.write(name, png(2, 2, PNG_FORMAT_GRAY, bytes(4, 9)));
  CHECK(rolewise::open_dataset(pictures.path()).shape.classes == 2);

  ten.write("train.bin", record({1, 1}, 1, 2, 3));
  CHECK(error_of([&] { (void)rolewise::open_dataset(ten.path()); }) ==
        "rolewise: " + ten.path() +
            ": holds more than one data set: data_batch_1.bin to "
            "data_batch_5.bin (CIFAR-10); train.bin (CIFAR-100)");
}

TEST_CASE("the published files are read to the numbers known of them")
{
  const char* const place = std::getenv("ROLEWISE_TEST_DATA");
  if (place == nullptr) {
    MESSAGE("skipped: ROLEWISE_TEST_DATA is not set");
    return;
  }
  const std::string folder = place;
  {
    const auto data = rolewise::open_dataset(folder + "/fashion-mnist");
    CHECK(data.train.name == "Fashion-MNIST");
    CHECK(data.test.class_names[9] == "Ankle boot");
    CHECK(data.train.images.sizes() == at::IntArrayRef{60000, 1, 28, 28});
    CHECK(data.test.images.sizes() == at::IntArrayRef{10000, 1, 28, 28});
    CHECK((data.train.labels.bincount() == 6000).all().item<bool>());
    CHECK(data.train.scaling.mean[0] == doctest::Approx(0.2860).epsilon(1e-3));
    CHECK(data.train.scaling.deviation[0] == doctest::Approx(0.3530).epsilon(1e-3));
  }
  {
    const auto data = rolewise::open_dataset(folder + "/cifar10/small");
    CHECK(data.train.name == "CIFAR-10");
    CHECK(data.train.size() == 5000);
    CHECK((data.train.labels.bincount() == 500).all().item<bool>());
    CHECK((data.test.labels.bincount() == 100).all().item<bool>());
    CHECK(data.train.scaling.mean[0] == doctest::Approx(0.491).epsilon(0.02));
    CHECK(data.train.scaling.mean[2] == doctest::Approx(0.447).epsilon(0.02));
  }
  {
    const auto data = rolewise::open_dataset(folder + "/caltech101-32x32");
    CHECK(data.train.name == "CIFAR-100 format");
    CHECK(data.train.size() == 3844);
    CHECK(data.test.size() == 1922);
    CHECK(data.shape.classes == 100);
    CHECK(data.train.class_names[3] == "accordion");
    CHECK(rolewise::cifar100(folder + "/caltech101-32x32", rolewise::cifar100_labels::coarse)
              .shape.classes == 10);
  }
}
