// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The main job: what is it worth to show teacher and student different data?
//
//     build/demo/examples/role_wise            built-in glyphs, under 3 minutes on 2 cores
//     build/demo/examples/role_wise --help
//
// Two teachers: one trained with crop and flip only, one with an agent as well. Four students of
// one architecture, low-bit inside, random start, equal numbers of updates:
//
//     a  alone
//     b  distilled from the first teacher, both on the same view
//     c  the same with an agent for the student, the teacher judging the student's view
//     d  distilled from the second teacher, an agent for each role, crop and flip shared
//
// It leaves, in the job's folder: job.json, table.md, curves.svg, views.png (what teacher and
// student d saw of the same 16 samples), records/*.json and, for each run, checkpoints and the
// numbers of every epoch.
//
// The agents here are fixed. A search that finds better ones is a SearchStrategy.

#include "role_wise/job.hpp"
#include "role_wise/job_record.hpp"
#include "role_wise/report.hpp"

#include <rolewise/rolewise.hpp>

#include <cstdio>
#include <map>

namespace rw = rolewise;

namespace {

// What each role is shown. Every network gets crop and flip; they are the baseline.
const rw::pad_crop_flip crop_flip{.padding = 2};
const rw::rand_augment teachers_agent{.operations = 1, .magnitude = 3};
const rw::rand_augment students_agent{.operations = 1, .magnitude = 2};

struct sources {
  rw::dataset train, validation, test;
};

/// The test set is for the table alone; curves show a validation part of the training set.
/// @throws std::invalid_argument, too, for data that no run of the job could be trained with
sources open(const role_wise::job& job)
{
  auto data = job.data.empty() ? rw::glyphs({.seed = rw::seed{1}})
                               : command_line::open_data(job.data, job.relabel);
  if (job.samples > 0 && job.samples < data.train.size())
    data.train = rw::stratified_subset(data.train, job.samples, rw::seed{1});
  auto [train, validation] = rw::stratified_split(data.train, rw::fraction{0.1}, rw::seed{1});
  for (const auto* part : {&train, &validation, &data.test})
    if (part->size() < 1)
      rw::refuse("role_wise", "'", data.train.name,
                 "' is too small: want examples to train with, to validate with and to test with");
  (void)rw::resnet14(train.shape);
  return {std::move(train), std::move(validation), std::move(data.test)};
}

/// Trains one network, or takes up where it was left, and judges it on the test set.
template<typename Step>
role_wise::outcome train(const role_wise::job& job, const sources& data, std::uint64_t number,
                         const std::string& name, Step& step)
{
  const auto folder = job.folder + "/runs/seed" + std::to_string(number) + "/" + name;
  std::filesystem::create_directories(folder);
  auto history =
      rw::fit(step, data.train,
              {.epochs = job.epochs,
               .batch_size = job.batch_size,
               .seed = rw::seed{number},
               .validation = &data.validation,
               .resume = true},
              rw::progress_bar{.title = "seed " + std::to_string(number) + ", " + name},
              rw::json_lines{.path = folder + "/epochs.jsonl"}, rw::checkpoints{.folder = folder});
  return {name, number, std::move(history), rw::evaluate(step.learner(), data.test),
          step.learner().bytes()};
}

const rw::sgd optimiser{.rate = 0.1};

/// All runs of one seed.
std::vector<role_wise::outcome> run_seed(const role_wise::job& job, const sources& data,
                                         std::uint64_t number)
{
  std::vector<role_wise::outcome> done;
  const auto wants = [&](const char* letter) {
    return std::find(job.students.begin(), job.students.end(), letter) != job.students.end();
  };
  const auto& shape = data.train.shape;
  const rw::seed seed{number};
  const auto new_teacher = [&] { return rw::resnet14(shape, {.seed = seed.split(1)}); };
  const rw::both_ends_exempt scheme{rw::bit_width{job.bits}, rw::bit_width{job.bits}};
  const auto new_student = [&] {
    return rw::resnet8(shape, rw::dorefa{}, scheme, {.seed = seed.split(2)});
  };
  const auto loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}};

  rw::supervised plain_school{
      .student = new_teacher(), .agent = crop_flip, .optimiser = optimiser, .seed = seed};
  rw::supervised role_school{.student = new_teacher(),
                             .agent = rw::sequence{teachers_agent, crop_flip},
                             .optimiser = optimiser,
                             .seed = seed};
  if (wants("b") || wants("c"))
    done.push_back(train(job, data, number, "teacher-crop-flip", plain_school));
  if (wants("d")) done.push_back(train(job, data, number, "teacher-agent", role_school));

  if (wants("a")) {
    rw::supervised alone{
        .student = new_student(), .agent = crop_flip, .optimiser = optimiser, .seed = seed};
    done.push_back(train(job, data, number, "student-a", alone));
  }
  const auto distil = [&](const char* name, const auto& school, auto teacher_agent,
                          auto student_agent) {
    rw::distillation lesson{.teacher = rw::frozen(school.student),
                            .student = new_student(),
                            .teacher_agent = teacher_agent,
                            .student_agent = student_agent,
                            .shared_agent = crop_flip,
                            .loss = loss,
                            .optimiser = optimiser,
                            .seed = seed};
    done.push_back(train(job, data, number, name, lesson));
  };
  if (wants("b")) distil("student-b", plain_school, rw::students_view{}, rw::no_agent{});
  if (wants("c")) distil("student-c", plain_school, rw::students_view{}, students_agent);
  if (wants("d")) {
    if (job.teacher_input == "student_view")
      distil("student-d", role_school, rw::students_view{}, students_agent);
    else
      distil("student-d", role_school, teachers_agent, students_agent);
  }
  return done;
}

/// What teacher and student d see of the first 16 samples in the first epoch.
torch::Tensor picture_of_views(const role_wise::job& job, const sources& data)
{
  const auto sixteen = rw::as_batch(
      rw::subset(data.train, torch::arange(std::min<std::int64_t>(16, data.train.size()))));
  const rw::moment now{.epoch = 0, .step = 0, .epochs = job.epochs};
  const auto views =
      job.teacher_input == "student_view"
          ? rw::make_views(sixteen, rw::students_view{}, students_agent, crop_flip, now,
                           rw::seed{1})
          : rw::make_views(sixteen, teachers_agent, students_agent, crop_flip, now, rw::seed{1});
  return rw::contact_sheet(
      {{"sample", sixteen}, {"teacher", views.teacher}, {"student", views.student}});
}

void run(const role_wise::job& job)
{
  if (!job.is_resumed) role_wise::require_free(job);
  const auto data = open(job);
  const auto views = picture_of_views(job, data);
  // Nothing is made before all that was asked for has been looked at: a folder that a mistake left
  // would be taken for the job that was meant.
  if (!job.is_resumed) role_wise::start(job);
  rw::write_png(job.folder + "/views.png", views);
  std::vector<role_wise::outcome> outcomes;
  for (std::uint64_t number = 1; number <= static_cast<std::uint64_t>(job.seeds); ++number)
    for (auto& outcome : run_seed(job, data, number)) outcomes.push_back(std::move(outcome));
  role_wise::report(job, data.train.name, outcomes);
}

}  // namespace

int main(int argc, char** argv)
try {
  if (const auto asked = role_wise::parse(argc, argv))
    run(asked->is_resumed ? role_wise::read_job(asked->folder) : *asked);
  rw::require_written();
} catch (const CLI::ParseError& error) {
  std::fprintf(stderr, "role_wise: %s\nTry --help.\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "\n%s\n", error.what());
  return 2;
}
