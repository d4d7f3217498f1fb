// expect: have_a_fingerprint
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/fit.hpp>

#include <torch/types.h>

#include <cstdint>
#include <string>

// A source without a fingerprint: a resumed run could not tell its data from others.
struct noise {
  std::string name = "noise";
  rolewise::sample_shape shape{};
  [[nodiscard]] std::int64_t size() const { return 64; }
  [[nodiscard]] auto epoch(const rolewise::batch_options&) const
  {
    return [](std::int64_t, rolewise::batch_memory&) { return rolewise::batch{}; };
  }
#ifdef ROLEWISE_CONTROL
  [[nodiscard]] std::uint64_t fingerprint() const { return 1; }
#endif
};

struct step {
  rolewise::metrics operator()(const rolewise::batch&, const rolewise::training_progress&)
  {
    return {{"loss", torch::zeros({})}};
  }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};

void use(step& trained) { rolewise::fit(trained, noise{}); }
