// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a checkpoint, or reads a safetensors file and describes it: live_checkpoint write FILE,
// live_checkpoint read FILE. checkpoint.py runs it and compares with safetensors of Python.
//
// Both print a line for each tensor: name, dtype, shape and bytes in hexadecimal digits, separated
// by tabs; `read` also prints a line for each metadata: name and text.
#include <rolewise/support/safetensors.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/detail/state_text.hpp>

#include <torch/types.h>

#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <variant>

namespace rw = rolewise;

namespace {

void print(const std::string& name, const torch::Tensor& t)
{
  std::string line = name + "\t" + std::string{rw::detail::dtype_of(name, t).name} + "\t";
  for (const auto size : t.sizes()) line += std::to_string(size) + ",";
  line += "\t";
  const auto flat = rw::detail::row_major(t);
  for (const char c : rw::detail::bytes_of(flat))
    line += rw::detail::hex_of(static_cast<unsigned char>(c)).substr(14);
  std::puts(line.c_str());
}

rw::snapshot example()
{
  const auto numbers = torch::arange(24, torch::kFloat32).div(7.0);
  const auto image = numbers.view({1, 2, 3, 4});
  return {{"weight", true, image.contiguous(torch::MemoryFormat::ChannelsLast)},
          {"transposed", true, numbers.view({4, 6}).t()},
          {"double", false, numbers.to(torch::kFloat64)},
          {"half", false, numbers.to(torch::kFloat16)},
          {"brain", false, numbers.to(torch::kBFloat16)},
          {"count", false, torch::tensor(std::int64_t{-3})},
          {"mask", false, numbers > 1.0},
          {"bytes", false, numbers.to(torch::kUInt8)},
          {"empty", false, torch::zeros({0, 4})},
          {"absent", false, torch::Tensor{}},
          {"epoch", false, std::int64_t{7}},
          {"words", false, std::string{"a \"quoted\" caf\xC3\xA9\n"}},
          {"losses", false, std::vector<double>{0.1, -0.0, 1e300}}};
}

void write(const std::string& path)
{
  const auto entries = example();
  rw::write_snapshot(path, entries);
  for (const auto& entry : entries)
    if (const auto* t = std::get_if<torch::Tensor>(&entry.value); t != nullptr && t->defined())
      print(entry.name, *t);
}

void read(const std::string& path)
{
  const auto content = rw::support::read_safetensors(path);
  for (const auto& [name, t] : content.tensors) print(name, t);
  for (const auto& [name, text] : content.metadata)
    std::printf("%s\t%s\n", name.c_str(), text.c_str());
}

}  // namespace

int main(int count, char** words)
try {
  if (count != 3) throw std::invalid_argument{"want write FILE or read FILE"};
  std::string_view{words[1]} == "write" ? write(words[2]) : read(words[2]);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
