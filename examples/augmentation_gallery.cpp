// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Renders augmentations: contact sheets and heat maps of operations, agents and a policy schedule.
//
//     augmentation_gallery --out gallery
//     augmentation_gallery --schedule examples/schedules/rcifar10_16_wrn.txt
//                          --epochs-searched 200 --data CIFAR_FOLDER --out gallery
//     augmentation_gallery --help
//
// writes into the folder:
//
//     operations.svg            every operation at every magnitude level, on one image
//     schedule_probability.svg  probability of each operation, by epoch
//     schedule_magnitude.svg    magnitude of each operation, by epoch
//     schedule_views.svg        views of 16 samples under the schedule, early and late
//     policy_agent.svg          views under the schedule's last policy, in six epochs
//     rand_augment.svg          views under RandAugment, by magnitude
//     trivial_augment.svg       views under TrivialAugment, in six epochs
//
// Invalid input prints a message and exits with status 2.

#include "command_line.hpp"
#include "open_data.hpp"

#include <rolewise/agent/policy_agent.hpp>
#include <rolewise/agent/rand_augment.hpp>
#include <rolewise/agent/trivial_augment.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/glyphs.hpp>
#include <rolewise/data/open.hpp>
#include <rolewise/policy/augmentation_policy.hpp>
#include <rolewise/policy/policy_log.hpp>
#include <rolewise/policy/policy_text.hpp>
#include <rolewise/policy/searched_schedule.hpp>
#include <rolewise/report/contact_sheet.hpp>
#include <rolewise/report/heat_map.hpp>
#include <rolewise/report/operation_sheet.hpp>
#include <rolewise/report/policy_pictures.hpp>
#include <rolewise/report/write_svg.hpp>
#include <rolewise/support/file.hpp>
#include <rolewise/support/standard_output.hpp>
#include <rolewise/version.hpp>

#include <torch/types.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

struct request {
  std::string data, schedule, folder = "gallery";
  std::optional<std::int64_t> searched;
  std::int64_t epochs = 200, sample = 0;
  std::uint64_t seed = 0;
};

/// @return nothing after `--help` or `--version`
std::optional<request> parse(int argc, char** argv)
{
  request wanted;
  CLI::App app{"Pictures of operations, agents and schedules of augmentation policies."};
  app.set_version_flag("--version", std::string{rw::version});
  app.add_option("--data", wanted.data,
                 "folder with Fashion-MNIST, CIFAR-10/100 or images (default: glyphs)")
      ->transform(command_line::folder_name);
  auto* const schedule =
      app.add_option(
             "--schedule", wanted.schedule,
             "log of one trial or a schedule as JSON (default: one that grows in four steps)")
          ->check(command_line::file_name);
  app.add_option("--epochs-searched", wanted.searched,
                 "epochs to stretch from, those of the search; a log needs them")
      ->needs(schedule)
      ->check(CLI::Range(std::int64_t{1}, rw::most_schedule_epochs));
  const CLI::Range lengths{std::int64_t{1},
                           static_cast<std::int64_t>(rw::report::most_heat_map_columns)};
  app.add_option("--epochs", wanted.epochs, "epochs of the training to show")
      ->check(lengths)
      ->capture_default_str();
  app.add_option("--sample", wanted.sample, "place of the image for operations.svg")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--seed", wanted.seed, "of the views")->capture_default_str();
  app.add_option("--out", wanted.folder, "folder of the pictures")
      ->transform(command_line::folder_name)
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& answered) {
    (void)app.exit(answered);
    return std::nullopt;
  }
  return wanted;
}

/// A schedule of four equal parts, in which every operation grows in probability and magnitude.
rw::policy_schedule growing_schedule(std::int64_t epochs)
{
  std::vector<rw::policy_segment> segments;
  for (std::int64_t step = 0; step < 4; ++step) {
    std::vector<std::int64_t> levels;
    for (std::int64_t pair = 0; pair < rw::augmentation_policy::pairs; ++pair) {
      levels.push_back(step);
      levels.push_back(3 * step);
    }
    const auto first = step * epochs / 4;
    if (segments.empty() || first > segments.back().first_epoch)
      segments.push_back({first, rw::augmentation_policy{levels}});
  }
  return rw::policy_schedule{std::move(segments)};
}

rw::policy_schedule schedule_of(const request& wanted)
{
  if (wanted.schedule.empty()) return growing_schedule(wanted.epochs);
  const auto text = rw::support::text_of_file(wanted.schedule);
  if (rw::is_policy_document(text)) {
    const auto schedule = rw::parse_policy_schedule(text, wanted.schedule);
    if (!wanted.searched) return schedule;
    return rw::stretched(rw::search_segments(schedule, *wanted.searched, wanted.schedule),
                         wanted.epochs);
  }
  const auto ancestry = rw::without_stale_events(rw::parse_policy_log(text, wanted.schedule));
  if (!wanted.searched)
    throw CLI::ValidationError{"--epochs-searched",
                               "is missing: a log does not say how long the search was"};
  return rw::stretched(rw::search_segments(ancestry, *wanted.searched, wanted.schedule),
                       wanted.epochs);
}

rw::dataset examples_of(const request& wanted)
{
  if (!wanted.data.empty())
    return command_line::open_data(command_line::whole_name(wanted.data), false).train;
  return rw::glyphs({.classes = 10,
                     .height = 32,
                     .width = 32,
                     .channels = 3,
                     .train = 64,
                     .test = 0,
                     .seed = rw::seed{1}})
      .train;
}

/// Integer scale factor of a sheet: the longer side of small images becomes at least 64 pixels.
std::int64_t scale_for(const rw::dataset& data)
{
  constexpr std::int64_t wanted = 64;
  const auto side = std::max(data.shape.height, data.shape.width);
  return (wanted + side - 1) / side;
}

/// A row of the views that an agent makes of the samples.
template<rw::AugmentationAgent Agent>
rw::report::contact_sheet_row row_of(std::string title, const Agent& agent,
                                     const rw::batch& samples, std::int64_t epoch,
                                     const request& wanted)
{
  return {std::move(title), agent(samples, {.epoch = epoch}, rw::seed{wanted.seed})};
}

template<rw::AugmentationAgent Agent>
std::vector<rw::report::contact_sheet_row> again_and_again(const Agent& agent,
                                                           const rw::batch& samples,
                                                           const request& wanted)
{
  std::vector<rw::report::contact_sheet_row> rows{{"sample", samples}};
  for (std::int64_t epoch = 0; epoch < 6; ++epoch)
    rows.push_back(row_of("epoch " + std::to_string(epoch), agent, samples, epoch, wanted));
  return rows;
}

rw::report::contact_sheet with_rows(rw::report::contact_sheet empty,
                                    std::vector<rw::report::contact_sheet_row> rows)
{
  empty.rows = std::move(rows);
  return empty;
}

class gallery {
 public:
  explicit gallery(std::string folder) : folder_{std::move(folder)}
  {
    command_line::make_folder(folder_);
  }

  template<typename Picture>
  void hang(const std::string& name, const Picture& picture) const
  {
    rw::report::write_svg(path_of(name + ".svg"), picture);
  }

 private:
  [[nodiscard]] std::string path_of(const std::string& name) const
  {
    std::printf("%s/%s\n", folder_.c_str(), name.c_str());
    return folder_ + "/" + name;
  }

  std::string folder_;
};

void show_schedule(const gallery& walls, const request& wanted, const rw::policy_schedule& schedule,
                   const rw::batch& samples, const rw::report::contact_sheet& empty)
{
  walls.hang("schedule_probability", rw::report::probability_map(schedule, wanted.epochs));
  walls.hang("schedule_magnitude", rw::report::magnitude_map(schedule, wanted.epochs));

  const rw::policy_agent follower{.policy = schedule};
  std::vector<rw::report::contact_sheet_row> rows{{"sample", samples}};
  const auto last_epoch = wanted.epochs - 1, steps = std::min<std::int64_t>(5, last_epoch);
  for (std::int64_t i = 0; i <= steps; ++i) {
    const auto epoch = i == steps ? last_epoch : i * wanted.epochs / steps;
    rows.push_back(row_of("epoch " + std::to_string(epoch), follower, samples, epoch, wanted));
  }
  walls.hang("schedule_views", with_rows(empty, rows));

  const rw::policy_agent last{.policy = schedule.at(last_epoch)};
  walls.hang("policy_agent", with_rows(empty, again_and_again(last, samples, wanted)));
}

void show_agents(const gallery& walls, const request& wanted, const rw::batch& samples,
                 const rw::report::contact_sheet& empty)
{
  std::vector<rw::report::contact_sheet_row> rows{{"sample", samples}};
  for (std::int64_t magnitude = 0; magnitude <= 10; magnitude += 2)
    rows.push_back(row_of("magnitude " + std::to_string(magnitude),
                          rw::rand_augment{.operations = 2, .magnitude = magnitude}, samples, 0,
                          wanted));
  walls.hang("rand_augment", with_rows(empty, rows));
  walls.hang("trivial_augment",
             with_rows(empty, again_and_again(rw::trivial_augment{}, samples, wanted)));
}

void show(const request& wanted)
{
  const auto schedule = schedule_of(wanted);
  const auto data = examples_of(wanted);
  if (wanted.sample >= data.size())
    rw::throw_invalid_argument("augmentation_gallery", "--sample is ", wanted.sample,
                               ", the data have ", data.size(), " images");
  const auto samples =
      rw::subset(data, torch::arange(std::min<std::int64_t>(16, data.size()))).examples();
  const auto one = rw::subset(data, torch::tensor({wanted.sample}, torch::kLong)).examples();
  const rw::report::contact_sheet empty{.scale = scale_for(data), .class_names = data.class_names};

  const gallery walls{wanted.folder};
  walls.hang("operations", rw::report::operation_sheet(one, {.scale = scale_for(data)}));
  show_schedule(walls, wanted, schedule, samples, empty);
  show_agents(walls, wanted, samples, empty);
}

}  // namespace

int main(int argc, char** argv)
{
  return command_line::program(
      "augmentation_gallery",
      [&] {
        const auto wanted = parse(argc, argv);
        if (wanted) show(*wanted);
      },
      "");
}
