// expect: a network wants a body that satisfies NetworkBody
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/network/network.hpp>

#include <string>
#include <vector>

// A body whose forward pass takes no phase (training or evaluation).
struct body {
#ifdef ROLEWISE_CONTROL
  rolewise::outputs forward(const torch::Tensor&, rolewise::phase, rolewise::taps) { return {}; }
#else
  rolewise::outputs forward(const torch::Tensor&) { return {}; }
#endif
  std::vector<rolewise::layer_report> layers() const { return {}; }
  std::string name() const { return "body"; }
  template<typename Archive>
  void visit_state(Archive&)
  {}
};

auto use() { return rolewise::network<body>{body{}}; }
