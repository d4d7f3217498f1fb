// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TST (Shao et al., 2022): augmentation that is learned, in searches between the student's epochs,
// and the same augmentation without a search, at random.

#include "systems.hpp"

namespace compare_systems {

namespace {

/// @param passes over the data in each search; 0 for none
[[nodiscard]] row with_passes(std::string name, std::int64_t passes)
{
  return row_of(std::move(name), [passes](const run& at, const auto& untrained) {
    // As published, an eighth and three eighths into the training; 60 passes for 240 epochs.
    rw::interludes searches{.before = {at.epochs / 8, 3 * at.epochs / 8}, .passes = passes};
    if (searches.before[0] == searches.before[1]) searches.before.pop_back();
    if (passes == 0) searches = {};
    rw::systems::tst step{
        .teacher = rw::frozen(at.teacher),
        .student = rw::learner{.model = untrained(at.seed),
                               .optimizer = usual_optimizer,
                               .lr_schedule = usual_schedule{}},
        .policy = rw::systems::policy_of(rw::fit_operation_encoders(
            at.data.train, {.color_epochs = 4, .affine_epochs = 2, .seed = at.seed})),
        .searches = searches,
        .agent = usual_agent,
        .seed = at.seed};
    at.train(step, "student", searches.epochs_with(at.epochs));
    return step.evaluated();
  });
}

}  // namespace

std::vector<row> tst() { return {with_passes("TST", 2), with_passes("TST without a search", 0)}; }

}  // namespace compare_systems
