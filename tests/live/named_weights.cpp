// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads weights that Python has written, by their names there:
//
//     live_named_weights NETWORK WEIGHTS EXAMPLES
//
// EXAMPLES holds `images` and the `logits` that Python computes. Prints the largest difference of
// the logits, relative to the largest of them, and fails if it is above 1e-5. named_weights.py runs
// it.
#include <rolewise/network/imagenet_resnet.hpp>
#include <rolewise/network/load_named_weights.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/vgg.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/support/safetensors.hpp>

#include <torch/types.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

namespace rw = rolewise;

namespace {

constexpr double tolerance = 1e-5;

struct examples {
  torch::Tensor images, logits;

  explicit examples(const std::string& path)
  {
    for (const auto& [name, value] : rw::support::read_safetensors(path).tensors)
      (name == "images" ? images : logits) = value;
  }
  [[nodiscard]] rw::sample_shape shape() const
  {
    return {.channels = images.size(1),
            .height = images.size(2),
            .width = images.size(3),
            .classes = logits.size(1)};
  }
};

template<typename Network>
double difference(Network n, const rw::name_map& names, const std::string& weights,
                  const examples& of)
{
  const auto report = rw::load_named_weights(n, weights, names);
  std::printf("%s: %s, ", n.name().c_str(), rw::to_text(report).c_str());
  const torch::NoGradGuard without_graph;
  const auto count = of.images.size(0);
  const auto found =
      n.predict({of.images, torch::zeros(count, torch::kLong), torch::arange(count), {}}).logits;
  return ((found - of.logits).abs().max() / of.logits.abs().max()).template item<double>();
}

double difference(const std::string& name, const std::string& weights, const examples& of)
{
  const auto shape = of.shape();
  if (name == "resnet20") return difference(rw::resnet20(shape), rw::resnet_names(), weights, of);
  if (name == "wide_resnet16-2")
    return difference(rw::wide_resnet(16, 2, shape), rw::wide_resnet_names(), weights, of);
  if (name == "vgg11") return difference(rw::vgg11(shape), rw::vgg_names(), weights, of);
  if (name == "cifar_resnet18")
    return difference(rw::cifar_resnet18(shape), rw::resnet_names(), weights, of);
  if (name == "imagenet_resnet18")
    return difference(rw::imagenet_resnet18(shape), rw::resnet_names(), weights, of);
  if (name == "imagenet_resnet34")
    return difference(rw::imagenet_resnet34(shape), rw::resnet_names(), weights, of);
  if (name == "imagenet_resnet50")
    return difference(rw::imagenet_resnet50(shape), rw::resnet_names(), weights, of);
  throw std::invalid_argument{"no network is called " + name};
}

}  // namespace

int main(int count, char** words)
try {
  if (count != 4) throw std::invalid_argument{"want NETWORK WEIGHTS EXAMPLES"};
  const auto found = difference(words[1], words[2], examples{words[3]});
  std::printf("logits differ by %.1e\n", found);
  if (!(found < tolerance)) throw std::runtime_error{"want less than 1e-5"};
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
