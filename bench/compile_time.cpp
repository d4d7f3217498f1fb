// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: compile time of the headers, in both forms of the library. A translation unit that
// includes one of them against one that includes <torch/torch.h>, compiled in turns with the
// compiler and flags of this build.

#include "support/measure.hpp"

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

enum class form { compiled, header_only };

// The command is that of the compiled form.
void compile(const std::string& header, form as = form::compiled)
{
  const std::string unit = ROLEWISE_SCRATCH "/unit.cpp", log = ROLEWISE_SCRATCH "/unit.log";
  std::ofstream{unit} << "#include <" << header << ">\nint main() {}\n";
  const std::string command =
      ROLEWISE_COMPILE_COMMAND +
      std::string{as == form::header_only ? " -UROLEWISE_SEPARATE_COMPILATION" : ""} +
      " -o " ROLEWISE_SCRATCH "/unit.o -c " + unit + " >" + log + " 2>&1";
  if (std::system(command.c_str()) != 0)
    throw std::runtime_error{"compile_time: cannot compile a unit with " + header + ", see " + log};
}

void compare(const std::string& header, form as, double goal, int rounds)
{
  const auto* const words = as == form::compiled ? " (compiled form)" : " (header-only)";
  auto result = bench::compare(
      "compiling " + header + words + " against torch/torch.h", goal, rounds,
      [&] { compile(header, as); }, [] { compile("torch/torch.h"); });
  bench::print(result);
}

}  // namespace

int main(int argc, char** argv)
try {
  const bool is_short = bench::is_short(argc, argv);
  const int rounds = is_short ? 3 : 9;
  compare("rolewise/rolewise.hpp", form::compiled, 1 / 0.9, rounds);
  compare("rolewise/rolewise.hpp", form::header_only, 1 / 1.2, rounds);
  // A stage, alone: in a short run the two that include most of the others.
  std::vector<std::string> stages{"measurement", "systems"};
  if (!is_short)
    stages = {"agent",  "core",   "data",    "loss",    "measurement", "network", "policy", "quant",
              "report", "search", "student", "support", "systems",     "teacher", "train"};
  for (const auto& stage : stages)
    for (const auto as : {form::compiled, form::header_only})
      compare("rolewise/" + stage + ".hpp", as, 1 / 0.75, is_short ? 2 : 5);
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
