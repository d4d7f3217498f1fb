// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A minimal consumer project: finds the installed package and trains a small network.

#include <rolewise/rolewise.hpp>
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
