// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The main experiment: the gain from role-wise augmentation of teacher and student.
//
//     build/demo/examples/role_wise            built-in glyphs, under 3 minutes on 2 cores
//     build/demo/examples/role_wise --help
//
// Two teachers: one trained with crop and flip only, one under its agent as well. Students of one
// architecture, with low-bit inner layers and equal numbers of updates, differ in their views and
// in their teacher (arms.hpp):
//
//     a  without a teacher
//     b  distilled from the first teacher, no agent
//     c  the same with an agent for the student; the teacher receives the student's view
//     t  distilled from the second teacher, no agent for the student
//     d  both agents: c with the second teacher
//
// Each seed has its own images (of the glyphs, its own alphabet), so the differences between arms
// are paired by seed. One network is trained on each core.
//
// Writes into the job's folder: job.json, table.md (accuracies, differences with their 95 %
// intervals, conclusions in words), differences.svg, curves-*bit.svg, views.svg (16 samples, their
// views for the student and the teacher's own views), records/*.json and, for each run, checkpoints
// and the metrics of every epoch. --resume continues a stopped job.
//
// The agents here are fixed; role_wise_search.cpp searches for better ones.

#include "command_line.hpp"
#include "role_wise/experiment.hpp"
#include "role_wise/job.hpp"
#include "role_wise/job_record.hpp"
#include "role_wise/report.hpp"

#include <rolewise/support/retain_heap.hpp>

int main(int argc, char** argv)
{
  return command_line::program("role_wise", [&] {
    (void)rolewise::retain_heap();
    if (const auto asked = role_wise::parse(argc, argv)) {
      const auto job = asked->is_resumed ? role_wise::read_job(*asked) : *asked;
      if (!job.is_resumed) role_wise::require_free(job);
      role_wise::report(job, role_wise::run_experiment(job));
    }
  });
}
