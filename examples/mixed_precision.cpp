// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mixed precision: a network is trained in full precision, then each layer is assigned its own bit
// width under a budget for the whole network.
//
//     build/test/examples/mixed_precision
//
// trains, measures each layer's sensitivity to quantization, chooses bit widths under a budget,
// fine-tunes the weights and prints the cost of every layer. A student with the same bit width in
// every inner layer is fine-tuned alike, for comparison.

#include <rolewise/rolewise.hpp>

#include <cstdio>
#include <iostream>
#include <string>

namespace rw = rolewise;

namespace {

constexpr auto bits = [](int n) { return rw::layer_bits{rw::bit_width{n}, rw::bit_width{n}}; };

/// A student with the pretrained weights under a scheme, fine-tuned by distillation from the
/// pretrained network.
template<typename Pretraining, typename Scheme>
auto tuned(const Pretraining& pretraining, const rw::dataset& train, const Scheme& scheme)
{
  auto student = rw::resnet8(train.shape, rw::dorefa{}, scheme);
  rw::copy_weights(pretraining.student, student);
  rw::distillation training{
      .teacher = rw::frozen(pretraining.student),
      .student = std::move(student),
      .loss = 0.3 * rw::cross_entropy{} + 0.7 * rw::soft_target_kl{rw::temperature{4}},
      .optimizer = rw::sgd{.learning_rate = 0.05}};
  rw::fit(training, train, {.epochs = 5, .batch_size = 64});
  return training.student;
}

template<typename Network>
void print(const std::string& what, const Network& network, const rw::dataset& validation)
{
  const auto costs = rw::costs_of(network);
  std::cout << what << ": accuracy "
            << rw::report::fixed_text(100 * rw::accuracy(network, validation), 1) << " %, "
            << rw::report::fixed_text(costs.bytes(), 0) << " bytes, "
            << rw::report::fixed_text(costs.bit_operations() / 1e6, 1)
            << " million bit-operations\n";
}

}  // namespace

int main()
{
  const auto data = rw::glyphs({.classes = 10, .train = 1500, .test = 500, .seed = rw::seed{1}});

  rw::supervised pretraining{.student = rw::resnet8(data.shape)};
  rw::fit(pretraining, data.train, {.epochs = 4, .batch_size = 64});
  print("in full", pretraining.student, data.test);

  // Sensitivity: the Hessian trace of each layer, and the error of its weights at every bit width.
  const rw::batch examples{data.train.inputs.narrow(0, 0, 128), data.train.labels.narrow(0, 0, 128),
                           data.train.ids.narrow(0, 0, 128), data.train.normalization};
  const auto traces =
      rw::measurement::hessian_traces(pretraining.student, examples, {}, {.draws = 20});
  for (const auto& each : traces)
    std::cout << "  mean trace of " << each.layer.place.name << ": "
              << rw::report::fixed_text(each.mean(), 6) << '\n';
  const auto questions = rw::tied(
      rw::measurement::bit_questions(pretraining.student, rw::dorefa{}, traces,
                                     {.widths = {bits(8), bits(6), bits(4), bits(3), bits(2)},
                                      .measure = rw::measurement::cost_measure::bytes}),
      rw::shortcut_ties(pretraining.student.layers()));

  // The budget: as many bytes as with 3 bits in every inner layer.
  const auto alike = rw::inner_bits<3>;
  const auto budget = rw::costs_of(rw::resnet8(data.shape, rw::dorefa{}, alike)).bytes() -
                      rw::measurement::undecided_cost(pretraining.student, questions,
                                                      rw::measurement::cost_measure::bytes);
  const auto chosen = rw::choose_bits(questions, budget);

  const auto mixed = tuned(pretraining, data.train, chosen.scheme(alike));
  print("3 bits in every layer inside", tuned(pretraining, data.train, alike), data.test);
  print("mixed, for no more bytes", mixed, data.test);
  std::cout
      << '\n'
      << rw::report::cost_table(rw::costs_of(mixed)).text(rw::support::columns_for_lines(stdout))
      << "bit-operations: " << rw::bit_operations_definition << '\n';
  rw::require_written();
}
