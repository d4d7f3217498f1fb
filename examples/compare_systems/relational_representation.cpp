// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Relational representation distillation, with soft targets (Giakoumoglou, Stathaki, 2024), in both
// published configurations, and with the memory of their code. The queue holds a third of the
// images, as in the authors' runs, and an example is compared with as many of the memory.

#include "systems.hpp"

#include <algorithm>
#include <cstdint>

namespace compare_systems {

namespace {

template<typename Relations>
row with(const char* name, Relations relations)
{
  return row_of(name, [relations](const run& at, const auto& untrained) {
    rw::distillation step{.teacher = rw::frozen(at.teacher),
                          .student = untrained(at.seed),
                          .shared_agent = usual_agent,
                          .loss = rw::systems::rrd_with_kd_loss(relations(at)),
                          .optimizer = usual_optimizer,
                          .lr_schedule = usual_schedule{},
                          .seed = at.seed};
    at.train(step);
    return step.evaluated();
  });
}

std::int64_t compared(const run& at) { return std::max(at.batch_size, at.data.train.size() / 3); }

row with_queue(const char* name, const rw::relational_settings& settings)
{
  return with(name, [settings](const run& at) {
    return rw::relational_representation_distillation<rw::tap::penultimate>{
        .settings = settings, .queue_size = compared(at), .seed = at.seed};
  });
}

row with_memory(const char* name, rw::memory_similarity similarity)
{
  return with(name, [similarity](const run& at) {
    return rw::relational_memory_distillation<rw::tap::penultimate>{.labels = at.data.train.labels,
                                                                    .ids = at.data.train.ids,
                                                                    .negatives = compared(at),
                                                                    .similarity = similarity,
                                                                    .seed = at.seed};
  });
}

}  // namespace

std::vector<row> relational_representation()
{
  return {with_queue("RRD+KD, 2024", rw::rrd_of_2024), with_queue("RRD+KD, 2025", rw::rrd_of_2025),
          with_memory("RRD+KD, memory", rw::memory_similarity::exponential),
          with_memory("RRD+KD, memory of cosines", rw::memory_similarity::cosine)};
}

}  // namespace compare_systems
