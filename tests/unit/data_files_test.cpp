// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/data_files.hpp"
#include "support/doctest.hpp"

#include <rolewise/data/cifar.hpp>
#include <rolewise/data/idx.hpp>
#include <rolewise/data/image_folder.hpp>
#include <rolewise/data/open.hpp>
#include <rolewise/data/relabeled.hpp>
#include <rolewise/data/splits.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace {

using rolewise::testing::bytes;
using rolewise::testing::error_of;
using rolewise::testing::gzipped;
using rolewise::testing::noise;
using rolewise::testing::png;
using rolewise::testing::scratch_folder;
using rolewise::testing::operator+;

bytes idx(const std::vector<std::uint32_t>& sizes, const bytes& values)
{
  bytes result{0, 0, 8, static_cast<std::uint8_t>(sizes.size())};
  for (const auto size : sizes)
    for (const int shift : {24, 16, 8, 0})
      result.push_back(static_cast<std::uint8_t>(size >> shift));
  return result + values;
}

std::string read_error(const std::string& path, std::uint64_t limit = rolewise::file_size_limit)
{
  return error_of([&] { (void)rolewise::read_idx(path, limit); });
}

/// Writes a folder in the layout of MNIST: three training and two test images of 2 x 3 pixels.
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
  CHECK(says(idx({0, 0xFFFFFFFF, 0xFFFFFFFF}, {})) ==
        head +
            "byte 8: size 4294967295 makes the IDX array larger than the limit of 2147483648 "
            "bytes");
  CHECK(says(idx({0xFFFFFFFF, 0xFFFFFFFF, 0}, {})).starts_with(head + "byte 4: size 4294967295"));
  CHECK(says(idx({0, 28, 28}, {})) == "no error");
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
  CHECK(says(packed + bytes(512)) == "no error");  // zero padding up to a block
  CHECK(says(packed + packed).find("oversized") != std::string::npos);
  CHECK(says(packed + bytes(3) + bytes{7, 0}) ==
        head + "byte " + std::to_string(packed.size() + 3) + ": 2 bytes follow the gzip data");

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
  block[10] |= 6;  // the reserved block type
  CHECK(says(block).find(": corrupt gzip data: invalid block type") != std::string::npos);
}

TEST_CASE("a FIFO is refused, not waited for")
{
  const scratch_folder folder;
  write_mnist_like(folder);
  std::filesystem::remove(folder / "train-images-idx3-ubyte");
  const auto fifo = folder / "train-images-idx3-ubyte";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const auto words = "rolewise: " + fifo + ": is not a plain file";
  CHECK(read_error(fifo) == words);
  CHECK(error_of([&] { (void)rolewise::open_dataset(folder.path()); }) == words);
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
      CHECK(torch::equal(read, want));  // a bit of the time stamp, or of another ignored field
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
  CHECK(data.train.inputs.sizes() == at::IntArrayRef{3, 1, 2, 3});
  CHECK(data.train.inputs[2][0][1][2].item<int>() == 170);
  CHECK(torch::equal(data.train.labels, torch::tensor({2, 0, 1}, torch::kLong)));
  CHECK(torch::equal(data.test.labels, torch::tensor({1, 2}, torch::kLong)));
  CHECK(torch::equal(data.train.ids, torch::arange(3)));
  CHECK(torch::equal(data.test.ids, torch::arange(3, 5)));
  CHECK(data.train.name == "mine");
  CHECK(data.train.normalization == data.test.normalization);
  CHECK(data.train.normalization.mean[0] == doctest::Approx(85.0 / 255));
  CHECK(data.train.normalization.std[0] == doctest::Approx(51.88127472 / 255));
  const auto x = rolewise::normalized_inputs(data.train.examples(), torch::kFloat64);
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
                      ": images to learn from are [3, 1, 2, 3], images to test with are [2, 1, "
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

TEST_CASE("CIFAR-10 is read plane by plane from its batches, and the notes say how many")
{
  const scratch_folder folder;
  folder.write("data_batch_1.bin", record({3}, 10, 20, 30) + record({9}, 40, 50, 60));
  folder.write("data_batch_2.bin.gz", gzipped(record({0}, 1, 2, 3)));
  folder.write("test_batch.bin", record({7}, 0, 0, 255));
  auto data = rolewise::cifar10(folder.path());
  CHECK(data.shape == rolewise::sample_shape{3, 32, 32, 10});
  CHECK(torch::equal(data.train.labels, torch::tensor({3, 9, 0}, torch::kLong)));
  CHECK(torch::equal(data.train.inputs.select(2, 31).select(2, 5),
                     torch::tensor({10, 20, 30, 40, 50, 60, 1, 2, 3}, torch::kByte).view({3, 3})));
  CHECK(torch::equal(data.test.ids, torch::tensor({3}, torch::kLong)));
  CHECK(data.train.name == "CIFAR-10");
  CHECK(data.train.class_names.empty());
  CHECK(data.train.normalization.mean[1] == doctest::Approx(24.0 / 255));
  CHECK(data.notes ==
        std::vector<std::string>{
            folder.path() +
            ": has 2 of 5 batches, 3 training and 1 test examples, where CIFAR-10 has 50000 and "
            "10000"});

  folder.write("batches.meta.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\r\nj\n\n");
  data = rolewise::cifar10(folder.path());
  CHECK(data.test.class_names.size() == 10);
  CHECK(data.test.class_names[8] == "i");

  folder.write("batches.meta.txt",
               "\xEF\xBB\xBF"
               "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
  CHECK(rolewise::cifar10(folder.path()).train.class_names[0] == "a");  // no byte order mark
  folder.write("batches.meta.txt", bytes{0xFF, 0xFE, 'a', 0});
  CHECK(error_of([&] { (void)rolewise::cifar10(folder.path()); }) ==
        "rolewise: " + folder.path() +
            "/batches.meta.txt: byte 0: is UTF-16 by its byte order mark, want UTF-8");
}

TEST_CASE("bad CIFAR files are refused with their name and the byte")
{
  const scratch_folder folder;
  const auto says = [&] { return error_of([&] { (void)rolewise::cifar10(folder.path()); }); };
  const auto head = "rolewise: " + folder.path();
  CHECK(says() == head + ": has none of data_batch_1.bin to data_batch_5.bin, with or without .gz");
  const auto good = record({1}, 1, 2, 3);
  folder.write("data_batch_1.bin", good + good);
  CHECK(says() == head + ": has neither test_batch.bin nor test_batch.bin.gz");
  folder.write("test_batch.bin", good);
  CHECK(says() == "no error");
  auto cut = good + good;
  cut.resize(cut.size() - 1);
  folder.write("data_batch_1.bin", cut);
  CHECK(says() == head +
                      "/data_batch_1.bin: byte 3073: a record begins here with 3072 bytes, "
                      "want 3073");
  folder.write("data_batch_1.bin", gzipped(good + good + bytes{1}));
  CHECK(says() == head +
                      "/data_batch_1.bin: unpacked byte 6146: a record begins here with 1 "
                      "bytes, want 3073");
  folder.write("data_batch_1.bin", bytes{});
  CHECK(says() == head + "/data_batch_1.bin: byte 0: is empty, want records of 3073 bytes");
  folder.write("data_batch_1.bin", good + record({10}, 0, 0, 0));
  CHECK(says() == head + "/data_batch_1.bin: byte 3073: label 10, want 0 to 9");
  folder.write("data_batch_1.bin", good);
  folder.write("batches.meta.txt", "a\nb\n");
  CHECK(says() == head + ": batches.meta.txt has 2 names, want 10");
}

TEST_CASE("a CIFAR-10 that is visibly incomplete is refused unless that is wanted")
{
  const scratch_folder folder;
  const auto good = record({1}, 1, 2, 3);
  for (const auto* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_4.bin"})
    folder.write(name, good + good);
  folder.write("test_batch.bin", good);
  const auto says = [&](const rolewise::cifar_options& options = {}) {
    return error_of([&] { (void)rolewise::cifar10(folder.path(), options); });
  };
  const auto head = "rolewise: " + folder.path() + ": is incomplete: found ";
  const auto end = std::string{" (cifar_options::incomplete takes them)"};
  CHECK(says() ==
        head + "3 of 5 batches, 6 examples to learn from: data_batch_3.bin is missing" + end);
  const auto some = rolewise::open_dataset(folder.path(), {.cifar = {.incomplete = true}});
  CHECK(some.train.size() == 6);
  CHECK(some.notes.at(0) == folder.path() + ": data_batch_3.bin is missing");
  folder.write("data_batch_3.bin", good);
  CHECK(says() ==
        head + "4 of 5 batches, 7 examples to learn from: data_batch_3.bin has 1 of 2 records" +
            end);
  CHECK(says({.incomplete = true}) == "no error");
  folder.write("data_batch_3.bin", good + good);
  CHECK(says() == "no error");
  folder.write("data_batch_4.bin", good);  // the last one may be shorter
  CHECK(says() == "no error");

  using rolewise::detail::missing_from_cifar10;
  CHECK(missing_from_cifar10({10000, 10000, 10000, 10000, 10000}) == "");
  CHECK(missing_from_cifar10({10000, 10000, 10000, 10000, 0}) == "data_batch_5.bin is missing");
  CHECK(missing_from_cifar10({10000, 10000, 10000, 10000, 9999}) ==
        "data_batch_5.bin has 9999 of 10000 records");
  CHECK(missing_from_cifar10({5000, 0, 0, 0, 0}) == "");
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
  CHECK(fine.train.inputs[1][2][0][0].item<int>() == 9);
  const auto coarse = rolewise::cifar100(folder.path(), rolewise::cifar100_labels::coarse);
  CHECK(torch::equal(coarse.train.labels, torch::tensor({19, 4}, torch::kLong)));
  CHECK(coarse.shape.classes == 20);
  CHECK(coarse.test.name == "CIFAR-100");
  CHECK(coarse.notes ==
        std::vector<std::string>{
            folder.path() +
            ": has 2 training and 1 test examples, where CIFAR-100 has 50000 and 10000"});

  const auto head = "rolewise: " + folder.path();
  folder.write("train.bin", record({19, 100}, 1, 2, 3));
  CHECK(says() == head + "/train.bin: byte 1: label 100, want 0 to 99");
  folder.write("train.bin", record({1, 1}, 1, 2, 3) + record({20, 1}, 1, 2, 3));
  CHECK(says() == head + "/train.bin: byte 3074: label 20, want 0 to 19");

  folder.write("fine_label_names.txt",
               "\xEF\xBB\xBF"
               "crab\nowl\nrose\n");
  folder.write("train.bin", record({1, 2}, 1, 2, 3));
  CHECK(says() == head + "/test.bin.gz: unpacked byte 1: label 7, want 0 to 2");
  folder.write("test.bin.gz", record({1, 0}, 1, 2, 3));
  const auto other = rolewise::cifar100(folder.path());
  CHECK(other.train.name == "CIFAR-100 format");
  CHECK(other.notes.empty());
  CHECK(other.shape.classes == 3);
  CHECK(other.train.class_names == std::vector<std::string>{"crab", "owl", "rose"});
}

TEST_CASE("a folder is recognized by what is in it")
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
  ten.write("data_batch_1.bin.gz", gzipped(record({1}, 1, 2, 3)));
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

TEST_CASE("labels that begin at 1 or have gaps are counted from 0 by an option")
{
  const scratch_folder folder;
  const auto write = [&](const bytes& train, const bytes& test) {
    for (const auto& [part, labels] : {std::pair{"train", train}, std::pair{"t10k", test}}) {
      const auto count = static_cast<std::uint32_t>(labels.size());
      folder.write(std::string{part} + "-images-idx3-ubyte", idx({count, 1, 1}, labels));
      folder.write(std::string{part} + "-labels-idx1-ubyte", idx({count}, labels));
    }
  };
  const auto says = [&](const rolewise::idx_options& options) {
    return error_of([&] { (void)rolewise::idx_dataset(folder.path(), options); });
  };
  write({1, 2, 4, 2, 1, 4}, {4, 1});
  const auto as_stored = rolewise::open_dataset(folder.path());
  CHECK(as_stored.shape.classes == 5);
  CHECK(error_of([&] {
          (void)rolewise::stratified_split(as_stored.train, rolewise::fraction{0.5},
                                           rolewise::seed{1});
        }) ==
        "invalid: rolewise: stratified_split: class 0 has no examples; the 3 labels that occur, 1 "
        "to 4, become 3 classes, 0 to 2, by `relabeled`, or by .relabel of open_dataset and "
        "idx_dataset");
  CHECK(
      says({.classes = 3}) ==
      "rolewise: " + folder.path() +
          "/train-labels-idx1-ubyte: byte 10: label 4, want 0 to 2; the 3 labels that occur, 1 to "
          "4, become 3 classes, 0 to 2, by `relabeled`, or by .relabel of open_dataset and "
          "idx_dataset");

  const auto data = rolewise::open_dataset(folder.path(), {.relabel = true});
  CHECK(torch::equal(data.train.labels, torch::tensor({0, 1, 2, 1, 0, 2}, torch::kLong)));
  CHECK(torch::equal(data.test.labels, torch::tensor({2, 0}, torch::kLong)));
  CHECK(data.shape.classes == 3);
  CHECK(data.test.shape == data.shape);
  CHECK(data.train.class_names == std::vector<std::string>{"1", "2", "4"});
  const auto split =
      rolewise::stratified_split(data.train, rolewise::fraction{0.5}, rolewise::seed{1});
  CHECK(split.validation.size() == 3);

  const std::vector<std::string> three{"a", "b", "d"}, five{"none", "a", "b", "c", "d"};
  for (const auto& names : {three, five})
    CHECK(rolewise::open_dataset(folder.path(),
                                 {.idx = {.classes = 3, .class_names = names, .relabel = true}})
              .test.class_names == three);
  CHECK(says({.classes = 4, .relabel = true}) ==
        "rolewise: " + folder.path() + ": has 3 different labels to learn from, want 4");
  CHECK(says({.class_names = {"a", "b", "c", "d"}, .relabel = true}) ==
        "invalid: rolewise: relabeled: 4 class names for 3 different labels up to 4");
  write({1, 2, 4, 2, 1, 4}, {4, 3});
  CHECK(says({.relabel = true}) ==
        "invalid: rolewise: relabeled: label 3 of example 1 does not occur among the labels to "
        "learn from");
  write({0, 1}, {1});
  CHECK(rolewise::open_dataset(folder.path(), {.relabel = true}).train.class_names.empty());
}

TEST_CASE("any data set is counted from 0, but for labels below 0")
{
  rolewise::dataset mine;
  mine.inputs = torch::zeros({4, 1, 2, 2}, torch::kByte);
  mine.labels = torch::tensor({7, 3, 7, 26}, torch::kLong);
  mine.ids = torch::arange(4);
  mine.shape = {1, 2, 2, 26};
  CHECK(
      error_of([&] { (void)rolewise::stratified_subset(mine, 26, rolewise::seed{1}); })
          .find("label 26 of example 3 is not among 26 classes; the 3 labels that occur, 3 to 26, "
                "become 3 classes, 0 to 2, by `relabeled`") != std::string::npos);
  const auto whole = mine.labels.clone();
  const auto counted = rolewise::relabeled(mine);
  CHECK(torch::equal(counted.labels, torch::tensor({1, 0, 1, 2}, torch::kLong)));
  CHECK(counted.class_names == std::vector<std::string>{"3", "7", "26"});
  CHECK(counted.shape.classes == 3);
  CHECK(torch::equal(mine.labels, whole));
  mine.labels = torch::tensor({7, 3, -100, 26}, torch::kLong);
  CHECK(error_of([&] { (void)rolewise::relabeled(mine); }) ==
        "invalid: rolewise: relabeled: want labels of at least 0, got -100");
  CHECK(error_of([&] { (void)rolewise::relabeled(rolewise::dataset{}); }) ==
        "invalid: rolewise: relabeled: want examples, one int64 label for each, got 0 examples");
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
    CHECK(data.train.inputs.sizes() == at::IntArrayRef{60000, 1, 28, 28});
    CHECK(data.test.inputs.sizes() == at::IntArrayRef{10000, 1, 28, 28});
    CHECK((data.train.labels.bincount() == 6000).all().item<bool>());
    CHECK(data.train.normalization.mean[0] == doctest::Approx(0.2860).epsilon(1e-3).scale(0));
    CHECK(data.train.normalization.std[0] == doctest::Approx(0.3530).epsilon(1e-3).scale(0));
  }
  {
    const auto data = rolewise::open_dataset(folder + "/cifar10/small");
    CHECK(data.train.name == "CIFAR-10");
    CHECK(data.train.size() == 5000);
    CHECK(data.notes.size() == 1);
    CHECK((data.train.labels.bincount() == 500).all().item<bool>());
    CHECK((data.test.labels.bincount() == 100).all().item<bool>());
    CHECK(data.train.normalization.mean[0] == doctest::Approx(0.491).epsilon(0.02).scale(0));
    CHECK(data.train.normalization.mean[2] == doctest::Approx(0.447).epsilon(0.02).scale(0));
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
