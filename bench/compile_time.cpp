// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: compile time of the header. A translation unit that includes <rolewise/rolewise.hpp>
// against one that includes <torch/torch.h>, compiled in turns with the compiler and flags of this
// build.

#include "support/measure.hpp"

#include <fstream>
#include <stdexcept>

namespace {

void compile(const std::string& header)
{
  const std::string unit = ROLEWISE_SCRATCH "/unit.cpp", log = ROLEWISE_SCRATCH "/unit.log";
  std::ofstream{unit} << "#include <" << header << ">\nint main() {}\n";
  const std::string command =
      ROLEWISE_COMPILE_COMMAND " -o " ROLEWISE_SCRATCH "/unit.o -c " + unit + " >" + log + " 2>&1";
  if (std::system(command.c_str()) != 0)
    throw std::runtime_error{"compile_time: cannot compile a unit with " + header + ", see " + log};
}

}  // namespace

int main(int argc, char** argv)
try {
  const bool is_short = bench::is_short(argc, argv);
  auto result = bench::compare(
      "compiling rolewise/rolewise.hpp against torch/torch.h", 1 / 1.15, is_short ? 3 : 15,
      [] { compile("rolewise/rolewise.hpp"); }, [] { compile("torch/torch.h"); });
  bench::print(result);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
