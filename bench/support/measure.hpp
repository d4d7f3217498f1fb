// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Measures ours against a baseline, in turns in the same run, and prints one JSON line.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// Milliseconds that one call takes.
template<typename F>
double milliseconds(F&& f)
{
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

inline double median(std::vector<double> times)
{
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

struct comparison {
  std::string name;
  double ours, baseline;  ///< medians
  double ours_least, baseline_least;
  std::string unit = "ms";
  double goal;  ///< required value of baseline / ours
};

/// Times both in turns, `repetitions` times each after one warm-up; returns medians and minima. The
/// order alternates, so that neither always finds the CPU caches as the other left them.
template<typename Ours, typename Baseline>
comparison compare(std::string name, double goal, int repetitions, Ours&& ours, Baseline&& baseline)
{
  ours();
  baseline();
  std::vector<double> a, b;
  for (int i = 0; i < repetitions; ++i) {
    if (i % 2 == 0) {
      a.push_back(milliseconds(ours));
      b.push_back(milliseconds(baseline));
    } else {
      b.push_back(milliseconds(baseline));
      a.push_back(milliseconds(ours));
    }
  }
  return {std::move(name),
          median(a),
          median(b),
          *std::min_element(a.begin(), a.end()),
          *std::min_element(b.begin(), b.end()),
          "ms",
          goal};
}

/// The processor's name, where Linux tells it.
inline std::string processor()
{
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name") && line.find(": ") != line.npos)
      return line.substr(line.find(": ") + 2);
  return "unknown";
}

/// Prints one line on standard output: ratio = baseline / ours, higher is better.
inline void print(const comparison& c)
{
  const nlohmann::ordered_json line{{"name", c.name},
                                    {"ours", c.ours},
                                    {"baseline", c.baseline},
                                    {"unit", c.unit},
                                    {"ratio", c.baseline / c.ours},
                                    {"goal", c.goal},
                                    {"ours_least", c.ours_least},
                                    {"baseline_least", c.baseline_least},
                                    {"processor", processor()}};
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

/// Whether `--short` is among the arguments; anything else ends the program with status 2.
inline bool is_short(int argc, char** argv)
{
  bool found = false;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view{argv[i]} != "--short") {
      std::fprintf(stderr, "usage: %s [--short]\n", argv[0]);
      std::exit(2);
    }
    found = true;
  }
  return found;
}

}  // namespace bench
