// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The README quotes the lines between the markers; a test compiles and runs this file.
// [readme]
#include <rolewise/rolewise.hpp>

#include <iostream>

namespace rw = rolewise;

int main()
{
  const auto data = rw::glyphs({.classes = 10, .seed = rw::seed{1}});

  rw::supervised pretraining{.student = rw::resnet20(data.shape), .agent = rw::trivial_augment{}};
  rw::fit(pretraining, data.train, {.epochs = 4}, rw::progress_bar{});

  rw::distillation training{
      .teacher = rw::frozen(pretraining.student),
      .student = rw::resnet8(data.shape, rw::dorefa{}, rw::inner_bits<2>),
      // .student = rw::glyphs({}),  // error: distillation: .student must satisfy Student
      .teacher_agent = rw::same_view{},
      .student_agent = rw::rand_augment{.operations = 1, .magnitude = 3},
      .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}},
  };
  rw::fit(training, data.train, {.epochs = 8}, rw::progress_bar{});
  std::cout << "accuracy of the 2-bit student: " << rw::accuracy(training.student, data.test)
            << '\n';
  rw::require_written();
}
// [/readme]
