// expect: backward_kd: .student must be a learner
// expect: cutmix_pick: .student must be a learner
// expect: dada: .network must be a learner
// expect: faster_auto_augment: .network must be a learner
// expect: ikd: .teacher must be a learner
// expect: lightweight_teacher_distillation: .student must be a learner
// expect: meta_pseudo_labels: .student must be a learner
// expect: teach_augment: .student must be a learner
// expect: tst: .student must be a learner
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/agent/no_agent.hpp>
#include <rolewise/data/batch_cycle.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/systems.hpp>
#include <rolewise/teacher/frozen.hpp>

#include "support/tiny_student.hpp"

// Networks in the place of learners of them.
namespace systems_want_learners {

using network = rolewise::testing::tiny_tapped_student;
using namespace rolewise::systems;
using rolewise::learner;

#ifdef ROLEWISE_CONTROL
auto trained(const network& net) { return learner<network>{.model = net}; }
#else
auto trained(const network& net) { return net; }
#endif

auto backward(const network& net)
{
  return backward_kd{.teacher = rolewise::frozen(net), .student = trained(net)};
}
auto pick(const network& net)
{
  return cutmix_pick{.teacher = rolewise::frozen(net), .student = trained(net)};
}
auto differentiable(const network& net, const rolewise::dataset& data)
{
  return dada{.network = trained(net), .exam = rolewise::batch_cycle{data, 4}};
}
auto faster(const network& net) { return faster_auto_augment{.network = trained(net)}; }
auto exam(const network& net, const rolewise::dataset& data)
{
  return ikd{.teacher = trained(net),
             .student = learner<network>{.model = net},
             .exam = rolewise::batch_cycle{data, 4}};
}
auto lightweight(const network& net)
{
  return lightweight_teacher_distillation{.teacher = rolewise::frozen(net),
                                          .student = trained(net),
                                          .sampler = rolewise::no_agent{},
                                          .discriminator = lightweight_discriminator(10)};
}
auto pseudo(const network& net, const rolewise::dataset& data)
{
  return meta_pseudo_labels{.teacher = learner<network>{.model = net},
                            .student = trained(net),
                            .labeled = rolewise::batch_cycle{data, 4}};
}
auto teach(const network& net, const augmenter& augmenter)
{
  return teach_augment{.student = trained(net), .augmenter = augmenter};
}
auto what_to_teach(const network& net, const learned_policy& policy)
{
  return tst{.teacher = rolewise::frozen(net), .student = trained(net), .policy = policy};
}

}  // namespace systems_want_learners
