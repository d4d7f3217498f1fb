// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A torch::nn::Module of your own as the teacher: a template for existing models.
//
//     build/test/examples/own_teacher
//
// trains a module the usual LibTorch way, then distills it into a 2-bit student.

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

#include <iostream>

namespace rw = rolewise;

namespace mine {

/// Any module with `forward(Tensor) -> Tensor`: normalized images in, logits out.
struct small_net : torch::nn::Cloneable<small_net> {
  std::int64_t channels, classes;
  torch::nn::Sequential layers{nullptr};

  small_net(std::int64_t c, std::int64_t k) : channels{c}, classes{k} { reset(); }
  void reset() override
  {
    namespace nn = torch::nn;
    layers = register_module(
        "layers",
        nn::Sequential(nn::Conv2d(nn::Conv2dOptions(channels, 16, 3).padding(1)), nn::ReLU(),
                       nn::Conv2d(nn::Conv2dOptions(16, 32, 3).stride(2).padding(1)), nn::ReLU(),
                       nn::AdaptiveAvgPool2d(4), nn::Flatten(), nn::Linear(512, classes)));
  }
  torch::Tensor forward(const torch::Tensor& x) { return layers->forward(x); }
};

}  // namespace mine

int main()
{
  torch::manual_seed(1);  // LibTorch's modules initialize their weights from its global generator
  const auto data = rw::glyphs({.classes = 10, .train = 1500, .test = 500, .seed = rw::seed{1}});
  auto net = std::make_shared<mine::small_net>(data.shape.channels, data.shape.classes);

  torch::optim::Adam optimizer{net->parameters(), 2e-3};
  for (int epoch = 0; epoch < 6; ++epoch)
    for (const rw::batch& examples :
         rw::batches(data.train, {.size = 64, .seed = rw::seed{1}, .epoch = epoch})) {
      optimizer.zero_grad();
      torch::nn::functional::cross_entropy(net->forward(rw::normalized_inputs(examples)),
                                           examples.labels)
          .backward();
      optimizer.step();
    }

  rw::distillation training{
      .teacher = rw::module_teacher{net},  // all that an existing module needs
      .student = rw::resnet8(data.shape, rw::dorefa{}, rw::inner_bits<2>),
      .loss = 0.3 * rw::cross_entropy{} + 0.7 * rw::soft_target_kl{rw::temperature{4}},
  };
  rw::fit(training, data.train, {.epochs = 4, .batch_size = 64});

  std::cout << "teacher " << rw::accuracy(training.teacher, data.test) << ", 2-bit student "
            << rw::accuracy(training.student, data.test) << '\n';
  rw::require_written();
}
