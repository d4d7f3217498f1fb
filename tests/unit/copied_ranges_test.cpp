// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Networks of few bits keep their ranges where weights are copied or read by name.
#include "support/doctest.hpp"

#include "support/data_files.hpp"
#include "support/noise_images.hpp"

#include <rolewise/network/copy_weights.hpp>
#include <rolewise/network/load_named_weights.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lsq.hpp>
#include <rolewise/quant/lsq_plus.hpp>
#include <rolewise/quant/pact.hpp>
#include <rolewise/quant/paired.hpp>
#include <rolewise/quant/ttq.hpp>
#include <rolewise/quant/uniform_affine.hpp>
#include <rolewise/support/safetensors.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/sgd.hpp>
#include <rolewise/train/supervised.hpp>

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

using namespace rolewise;

namespace {

using rolewise::testing::noise_images;
using rolewise::testing::noise_shape;
using rolewise::testing::scratch_folder;

template<typename Network>
void write_tensors(const std::string& path, const Network& network)
{
  support::safetensors file;
  for (const auto& tensors : {network.parameters(), network.buffers()})
    for (const auto& each : tensors) file.tensors.emplace_back(each.name, each.value.detach());
  support::write_safetensors(path, file);
}

/// The tensors of a network after an epoch with a learning rate that changes nothing visible.
template<typename Network>
[[nodiscard]] std::vector<named_tensor> trained_on(const Network& network)
{
  supervised step{.student = network, .optimizer = sgd{.learning_rate = 1e-12}};
  fit(step, noise_images(8), {.epochs = 1, .batch_size = 8});
  return step.student.parameters();
}

template<typename Q, typename Scheme = std::remove_cvref_t<decltype(inner_bits<4>)>>
void keeps_its_ranges(const Q& q, const Scheme& scheme = inner_bits<4>)
{
  CAPTURE(Q::name);
  const auto data = noise_images(16);
  const auto make = [&] { return resnet8(noise_shape, q, scheme); };
  supervised training{.student = make(), .optimizer = sgd{.learning_rate = 0.01}};
  fit(training, data, {.epochs = 2, .batch_size = 8});
  const auto& student = training.student;
  const auto logits = student.predict(data.examples()).logits;
  const scratch_folder folder;
  const auto path = folder / "weights.safetensors";
  write_tensors(path, student);

  auto copied = make(), loaded = make();
  (void)copy_weights(student, copied);
  (void)load_named_weights(loaded, path);
  CHECK(torch::equal(copied.predict(data.examples()).logits, logits));
  CHECK(torch::equal(loaded.predict(data.examples()).logits, logits));
  // Training goes on from these ranges, it does not begin with new ones.
  const auto wanted = trained_on(student);
  for (const auto& found : {trained_on(copied), trained_on(loaded)})
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(wanted[i].name);
      CHECK(torch::allclose(found[i].value, wanted[i].value, 1e-6, 1e-9));
    }
}

}  // namespace

TEST_CASE("copied and loaded networks predict what the trained one does, and go on from its ranges")
{
  keeps_its_ranges(dorefa{});
  keeps_its_ranges(pact{});
  keeps_its_ranges(lsq{});
  keeps_its_ranges(lsq_plus{});
  keeps_its_ranges(uniform_affine{});
  keeps_its_ranges(paired{ttq{.start = ttq_start::means}, pact{}}, inner_bits<2, 4>);
}

TEST_CASE("a copied step is rescaled to another bit width")
{
  const auto data = noise_images(16);
  supervised training{.student = resnet8(noise_shape, lsq{}, inner_bits<4>),
                      .optimizer = sgd{.learning_rate = 0.01}};
  fit(training, data, {.epochs = 1, .batch_size = 8});
  auto coarse = resnet8(noise_shape, lsq{}, inner_bits<2>);
  (void)copy_weights(training.student, coarse);
  const auto step_of = [](const std::vector<named_tensor>& all) {
    const auto found = std::ranges::find(all, "stage1.0.inner.quantizer.step", &named_tensor::name);
    REQUIRE(found != all.end());
    return found->value.item<double>();
  };
  // Q_P is 15 and 3.
  const auto wanted = step_of(training.student.parameters()) * 15 / 3;
  CHECK(std::abs(step_of(trained_on(coarse)) - wanted) < 1e-5 * wanted);
}

TEST_CASE("ranges of an untrained network are not taken for observed ones")
{
  const scratch_folder folder;
  const auto path = folder / "weights.safetensors";
  const auto untrained = resnet8(noise_shape, lsq{}, inner_bits<4>, {.seed = seed{1}});
  write_tensors(path, untrained);
  auto copied = resnet8(noise_shape, lsq{}, inner_bits<4>, {.seed = seed{2}}), loaded = copied;
  (void)copy_weights(untrained, copied);
  (void)load_named_weights(loaded, path);
  const auto wanted = trained_on(untrained);
  for (const auto& found : {trained_on(copied), trained_on(loaded)})
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      CAPTURE(wanted[i].name);
      CHECK(torch::equal(found[i].value, wanted[i].value));
    }
}
