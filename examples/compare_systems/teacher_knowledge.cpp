// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Teachers that keep one part of their knowledge (Tang et al., 2020).

#include "systems.hpp"

namespace compare_systems {

std::vector<row> teacher_knowledge()
{
  const auto part = [](const char* name, const auto& part_of) {
    return row_of(name, [part_of](const run& at, const auto& untrained) {
      const rw::temperature t{4};
      const auto teacher = rw::frozen(at.teacher);
      const auto seen = rw::measurement::profile_of(teacher, at.data.train, {.temperature = t});
      return distilled(at, rw::restricted(teacher, part_of(seen), t), untrained(at.seed));
    });
  };
  return {part("universe knowledge",
               [](const auto& seen) { return rw::universe_knowledge{seen.label_probability}; }),
          part("domain knowledge",
               [](const auto& seen) {
                 return rw::domain_knowledge{seen.label_probability, seen.class_means};
               }),
          part("instance knowledge", [](const auto&) { return rw::instance_knowledge{}; }),
          part("two largest", [](const auto&) { return rw::largest_probabilities{2}; })};
}

}  // namespace compare_systems
