// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The program of all consumers: prints the version and trains a small network. It includes what it
// uses, not all of rolewise, because it is compiled once for each way to install.

#include <rolewise/data/glyphs.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/version.hpp>

#include <iostream>
#include <string_view>

namespace rw = rolewise;

int main()
{
  constexpr std::string_view expected = EXPECTED_VERSION, found = FOUND_VERSION;
  if (rw::version != expected || found != expected) {
    std::cerr << "headers of " << rw::version << ", package " << found << ", want " << expected
              << '\n';
    return 1;
  }
  const auto data = rw::glyphs({.classes = 4, .train = 512, .test = 128, .seed = rw::seed{1}});
  rw::supervised pretraining{.student = rw::resnet8(data.shape)};
  rw::fit(pretraining, data.train, {.epochs = 4, .batch_size = 32});
  const auto accuracy = rw::accuracy(pretraining.student, data.test);
  std::cout << "rolewise " << rw::version << ": accuracy " << accuracy << '\n';
  return accuracy > 0.3 ? 0 : 1;  // chance is 0.25
}
