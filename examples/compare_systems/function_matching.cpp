// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A patient and consistent teacher: the four modes of what both networks see (Beyer et al., 2021).

#include "systems.hpp"

#include <string>

namespace compare_systems {

namespace {

template<rw::systems::input_mode Mode>
[[nodiscard]] row row_of_mode(std::string name)
{
  return row_of(std::move(name), [](const run& at, const auto& untrained) {
    const auto seen = rw::systems::views_of<Mode>(
        rw::systems::matching_views{.view = rw::systems::heavy_view(0.25),
                                    .classes = at.data.train.shape.classes,
                                    .seed = at.seed});
    rw::distillation step{.teacher = rw::frozen(at.teacher),
                          .student = untrained(at.seed),
                          .teacher_agent = seen.teacher_agent,
                          .student_agent = seen.student_agent,
                          .loss = rw::systems::matching_loss(rw::temperature{4}),
                          .optimizer = usual_optimizer,
                          .lr_schedule = usual_schedule{},
                          .seed = at.seed};
    at.train(step);
    return step.evaluated();
  });
}

}  // namespace

std::vector<row> function_matching()
{
  using rw::systems::input_mode;
  return {row_of_mode<input_mode::fixed_teacher>("fixed teacher"),
          row_of_mode<input_mode::independent_noise>("independent noise"),
          row_of_mode<input_mode::consistent_teaching>("consistent teaching"),
          row_of_mode<input_mode::function_matching>("function matching")};
}

}  // namespace compare_systems
