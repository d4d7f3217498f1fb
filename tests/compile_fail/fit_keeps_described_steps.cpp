// expect: a part of a run that is kept must tell its settings: be an aggregate of parts that do
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/fit.hpp>

#include <torch/types.h>

class step {
 public:
#ifdef ROLEWISE_CONTROL
  static constexpr bool has_settings = false;
#endif
  explicit step(double rate) : rate_{rate} {}
  rolewise::metrics operator()(const rolewise::batch&, const rolewise::training_progress&)
  {
    return {{"loss", torch::full({}, rate_)}};
  }
  template<typename Archive>
  void visit_state(Archive&)
  {}

 private:
  double rate_;
};

auto use(step& trained, const rolewise::dataset& data)
{
  return rolewise::fit(trained, data, {}, rolewise::checkpoints{.folder = "run"});
}
