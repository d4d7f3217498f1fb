// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checksums of training states, histories and files' bytes of some pipelines, one a line. The
// program is built with the headers alone and with the compiled library, and both must write the
// same.

#include <rolewise/rolewise.hpp>

#include <bit>
#include <cstdint>
#include <cstdio>

namespace rw = rolewise;

namespace {

const rw::dataset data =
    rw::glyphs({.classes = 10, .train = 96, .test = 20, .seed = rw::seed{1}}).train;
const rw::fit_options options{.epochs = 1, .batch_size = 32, .seed = rw::seed{3}};

template<typename Step>
void digest(const char* name, Step step)
{
  const auto history = rw::fit(step, data, options);
  rw::checksum losses;
  for (const auto& epoch : history.epochs)
    for (const auto& number : epoch.numbers) losses.add(std::bit_cast<std::uint64_t>(number.value));
  std::printf("%s %016llx %016llx\n", name, static_cast<unsigned long long>(rw::state_sum(step)),
              static_cast<unsigned long long>(losses.value()));
}

}  // namespace

int main()
{
  const auto teacher = rw::frozen(rw::resnet8(data.shape));
  const auto loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}};
  digest("full precision", rw::supervised{.student = rw::resnet8(data.shape),
                                          .agent = rw::pad_crop_flip{},
                                          .optimizer = rw::adamw{},
                                          .clipping = rw::clip_gradients{.norm = 1.0},
                                          .ema = rw::ema{}});
  digest("2 bits",
         rw::distillation{.teacher = teacher,
                          .student = rw::resnet8(data.shape, rw::dorefa{}, rw::inner_bits<2>),
                          .teacher_agent = rw::rand_augment{.operations = 2, .magnitude = 5},
                          .student_agent = rw::trivial_augment{},
                          .loss = loss});
  digest("learned steps",
         rw::distillation{
             .teacher = rw::post_training_quantized(rw::resnet8(data.shape), {data.examples()}),
             .student = rw::resnet8(data.shape, rw::lsq{}, rw::inner_bits<4>),
             .teacher_agent = rw::same_view{},
             .student_agent = rw::cutmix{.classes = 10},
             .loss = loss});
  digest("wide", rw::supervised{
                     .student = rw::wide_resnet(10, 1, data.shape, rw::pact{}, rw::inner_bits<4>),
                     .agent = rw::auto_augment{}});
}
