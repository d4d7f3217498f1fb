// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The C++ beside the Python of docs/python.md:
//
//     live_python_guide write FOLDER    a run in FOLDER/run, its student in
//     FOLDER/student.safetensors live_python_guide read FOLDER     whether back.safetensors holds
//     the same student
//
// python_guide.py runs it and the blocks of Python.
#include <rolewise/data/glyphs.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/types.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rw = rolewise;

namespace {

void write(const std::string& folder)
{
  const auto data = rw::glyphs({.classes = 4, .train = 64, .test = 32, .seed = rw::seed{1}});
  rw::supervised training{.student = rw::resnet8(data.shape)};
  std::filesystem::create_directory(folder + "/run");
  const auto history =
      rw::fit(training, data.train, {.epochs = 2, .batch_size = 32, .validation = data.test},
              rw::checkpoints{.folder = folder + "/run"});
  for (const auto& epoch : history.epochs) std::printf("%.17g\n", *epoch.validation_accuracy);

  rw::support::safetensors file;
  for (const auto& tensors : {training.student.parameters(), training.student.buffers()})
    for (const auto& [name, value, kind] : tensors) file.tensors.emplace_back(name, value.detach());
  rw::support::write_safetensors(folder + "/student.safetensors", file);
}

void read(const std::string& folder)
{
  const auto tensors = [&](const char* name) {
    const auto file = rw::support::read_safetensors(folder + name);
    return std::map(file.tensors.begin(), file.tensors.end());
  };
  const auto there = tensors("/student.safetensors"), back = tensors("/back.safetensors");
  if (there.size() != back.size()) throw std::runtime_error{"another number of tensors came back"};
  for (const auto& [name, value] : there)
    if (!torch::equal(value, back.at(name))) throw std::runtime_error{name + " has changed"};
}

}  // namespace

int main(int count, char** words)
try {
  if (count != 3) throw std::invalid_argument{"want write|read FOLDER"};
  words[1] == std::string_view{"write"} ? write(words[2]) : read(words[2]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
