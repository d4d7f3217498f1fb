// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Role-wise search: policies for a teacher, then policies for its low-bit student.
//
//     build/test/examples/role_wise_search                        both stages on glyphs, minutes
//     build/test/examples/role_wise_search --compare              is the student's search worth it?
//     build/test/examples/role_wise_search --data FOLDER --compare
//
// Stage one searches the policies of a full-precision ResNet-8 by population, stage two those of a
// 2-bit ResNet-8 that starts from its weights and is taught by it. Images to validate with are put
// aside before stage one, as many as cost under 15 % of the search. With --compare there are, for
// each seed and under the same teacher, students with searched policies, with the best of as many
// random policies, with RandAugment and with crop and flip alone; differences are over seeds.
//
// It leaves settings.txt, table.md and, in seed*/SEARCH/ of each search, page.html, history.jsonl,
// the schedule that was found (schedule.json) and its copies in the form of Population Based
// Augmentation's logs. What was interrupted goes on where its searches were if it is started again.

#include "command_line.hpp"
#include "open_data.hpp"

#include <rolewise/rolewise.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace {

struct job {
  std::string data;
  bool relabel = false;
  std::int64_t samples = 0;     ///< to search with
  std::int64_t validation = 0;  ///< 0: as many as are cheap, at most half as many as to search with
  std::int64_t trials = 0;
  std::int64_t epochs = 0;
  std::int64_t interval = 0;
  std::int64_t retraining_epochs = 0;
  std::int64_t seeds = 0;
  std::int64_t batch_size = 64;
  int bits = 2;
  std::vector<std::string> rewards{"accuracy"};
  std::string teacher_input = "student-view";
  bool compares = false;
  bool has_plain_teacher = false;
  std::string folder = "role_wise_search";
};

/// All that decides the results, as text.
[[nodiscard]] std::string settings_of(const job& wanted)
{
  return c10::str("data ", wanted.data.empty() ? "glyphs" : wanted.data,
                  wanted.relabel ? "\nrelabel" : "", "\nsamples ", wanted.samples, "\nvalidation ",
                  wanted.validation, "\ntrials ", wanted.trials, "\nepochs ", wanted.epochs,
                  "\ninterval ", wanted.interval, "\nretraining-epochs ", wanted.retraining_epochs,
                  "\nbatch ", wanted.batch_size, "\nbits ", wanted.bits, "\nteacher-input ",
                  wanted.teacher_input, "\nplain-teacher ", wanted.has_plain_teacher, "\n");
}

/// Whether searches have left anything in a folder: a job that failed before its first one has not.
[[nodiscard]] bool has_begun(const std::string& folder)
{
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder})
    if (!entry.is_directory() && entry.path().filename() != "settings.txt") return true;
  return false;
}

/// A folder with the searches of another job is left alone: they would go on as if they were this
/// one's.
void require_own_folder(const job& wanted)
{
  const auto path = wanted.folder + "/settings.txt";
  if (std::filesystem::exists(path) && rw::text_of_file(path) != settings_of(wanted) &&
      has_begun(wanted.folder))
    rw::refuse("role_wise_search", path, " is of a job with other settings: choose another --out");
}

/// Makes the folder of the results, once the inputs have been opened.
void claim_folder(const job& wanted)
{
  require_own_folder(wanted);
  command_line::make_folder(wanted.folder);
  rw::write_file_atomically(wanted.folder + "/settings.txt", settings_of(wanted));
}

/// One network in the end.
struct outcome {
  std::string name;
  std::int64_t seed = 0;
  double accuracy = 0.0;   ///< on the test images, %
  double searching = 0.0;  ///< seconds
  double training = 0.0;   ///< seconds, after the search
};

/// Seconds since it was made or asked.
class stopwatch {
 public:
  [[nodiscard]] double lap()
  {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(begin_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

const rw::pad_crop_flip crop_flip{.padding = 2};

// Everybody begins without a policy, as in Population Based Augmentation.
const rw::population_based population{.first = rw::point_of(rw::augmentation_policy{})};

class experiment {
 public:
  experiment(const job& wanted, const rw::dataset_splits& data) : wanted_{wanted}, test_{data.test}
  {
    const rw::seed key{1};
    if (wanted_.validation == 0)
      wanted_.validation =
          std::min(wanted_.samples / 2, rw::validation_examples(wanted_.samples, search_options()));
    const auto whole = rw::stratified_subset(data.train, wanted_.samples + wanted_.validation, key);
    parts_ = rw::split_for_search(whole, wanted_.samples, wanted_.validation, key);
    const auto cost =
        rw::cost_of_search(wanted_.samples, wanted_.validation, search_options(), {.teacher = 1.0});
    std::printf(
        "%s: %lld images to search with, %lld to train with after it,\n"
        "%lld to validate with (%.1f %% of a student's search)\n",
        rw::cut_to_width(data.train.name).c_str(), static_cast<long long>(wanted_.samples),
        static_cast<long long>(whole.size()), static_cast<long long>(wanted_.validation),
        100 * cost.validation_share());
  }

  void run()
  {
    for (std::int64_t number = 1; number <= wanted_.seeds; ++number) {
      const auto teachers = wanted_.has_plain_teacher ? plain_teachers(number) : stage_one(number);
      const auto go_on = [&](const auto& view) {
        if (wanted_.compares)
          compare(number, teachers, view);
        else
          for (const auto& reward : wanted_.rewards) by_population(number, teachers, view, reward);
      };
      if (wanted_.teacher_input == "student-view")
        go_on(rw::students_view{});
      else
        go_on(rw::teachers_policies{});
    }
    std::vector<rw::table> shown{accuracies()};
    if (wanted_.compares && wanted_.seeds > 1) shown.push_back(differences());
    std::string text;
    for (const auto& each : shown) text += (text.empty() ? "" : "\n") + each.markdown();
    rw::write_file_atomically(wanted_.folder + "/table.md", text);
    const auto columns = rw::columns_for_lines(stdout);
    for (const auto& each : shown) std::cout << '\n' << each.text(columns);
  }

 private:
  using full_network = decltype(rw::resnet8(rw::sample_shape{}));
  using teachers_type = rw::search_teachers<full_network>;

  static full_network new_teacher(const rw::sample_shape& shape, rw::seed own)
  {
    return rw::resnet8(shape, {.seed = own});
  }

  /// @param search its name, that of its folder
  [[nodiscard]] rw::arena_options search_options(std::int64_t number = 0,
                                                 const std::string& search = {}) const
  {
    return {.trials = wanted_.trials,
            .epochs = wanted_.epochs,
            .epochs_per_round = wanted_.interval,
            .batch_size = wanted_.batch_size,
            .seed = rw::seed{static_cast<std::uint64_t>(number)},
            .folder = search.empty() ? search : folder_of(number, search)};
  }
  [[nodiscard]] rw::retraining_options retraining(std::int64_t number) const
  {
    return {.epochs = wanted_.retraining_epochs,
            .batch_size = wanted_.batch_size,
            .seed = rw::seed{static_cast<std::uint64_t>(number)}};
  }
  [[nodiscard]] std::string folder_of(std::int64_t number, const std::string& search) const
  {
    auto folder = wanted_.folder + "/seed" + std::to_string(number) + "/" + search;
    std::filesystem::create_directories(folder);
    return folder;
  }

  // [stages]
  [[nodiscard]] auto teachers_stage(std::int64_t number) const
  {
    return rw::teacher_search{.network = new_teacher,
                              .strategy = population,
                              .optimiser = rw::sgd{.rate = 0.1},
                              .search = search_options(number, "teacher"),
                              .retraining = retraining(number)};
  }

  template<typename Strategy, typename View, typename Reward>
  [[nodiscard]] auto students_stage(std::int64_t number, const std::string& search,
                                    const Strategy& strategy, const View& view,
                                    const Reward& reward) const
  {
    const rw::both_ends_exempt scheme{rw::bit_width{wanted_.bits}, rw::bit_width{wanted_.bits}};
    return rw::student_search{
        .network =
            [scheme](const rw::sample_shape& shape, rw::seed own) {
              return rw::resnet8(shape, rw::lsq{}, scheme, {.seed = own});
            },
        .strategy = strategy,
        .loss = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{4}},
        .teacher_input = view,
        .reward = reward,
        .optimiser =
            rw::ranges_apart{.weights = rw::sgd{.rate = 0.02}, .ranges = rw::sgd{.rate = 0.01}},
        .search = search_options(number, search),
        .retraining = retraining(number)};
  }
  // [/stages]

  [[nodiscard]] teachers_type stage_one(std::int64_t number)
  {
    announce(number, "teacher, population search");
    stopwatch watch;
    const auto result = teachers_stage(number)(parts_, crop_flip, rw::standings_table{});
    keep(number, "teacher", "teacher, population search", result.found);
    note(number, "teacher, population search", result.retrained, watch.lap());
    return rw::teachers_from(result);
  }

  /// Two teachers without a policy: one that knows the images of the search, one that knows all.
  [[nodiscard]] teachers_type plain_teachers(std::int64_t number)
  {
    announce(number, "teacher, no agent");
    const auto train = [&](const rw::dataset& data) {
      const auto how = retraining(number);
      rw::supervised school{.student = new_teacher(data.shape, how.seed),
                            .agent = crop_flip,
                            .optimiser = rw::sgd{.rate = 0.1},
                            .seed = how.seed};
      auto run = rw::fit(school, data,
                         {.epochs = how.epochs, .batch_size = how.batch_size, .seed = how.seed});
      return rw::trained_network{std::move(school.student), std::move(run)};
    };
    auto of_search = train(parts_.search), after_search = train(parts_.all);
    note(number, "teacher, no agent", after_search, 0.0);
    return {std::move(of_search.network),
            std::move(after_search.network),
            {{wanted_.epochs, rw::augmentation_policy{}}}};
  }

  template<typename Strategy, typename View, typename Reward>
  void student(std::int64_t number, const teachers_type& teachers, const Strategy& strategy,
               const View& view, const Reward& reward, const std::string& name,
               const std::string& search)
  {
    announce(number, name);
    stopwatch watch;
    const auto result = students_stage(number, search, strategy, view, reward)(
        parts_, teachers, crop_flip, rw::standings_table{});
    keep(number, search, name, result.found);
    note(number, name, result.retrained, watch.lap());
  }

  template<typename View>
  void by_population(std::int64_t number, const teachers_type& teachers, const View& view,
                     const std::string& reward)
  {
    if (reward == "accuracy")
      student(number, teachers, population, view, rw::student_accuracy{}, "population search",
              "population");
    else
      student(number, teachers, population, view,
              rw::low_teacher_stddev{
                  .measured = {.batch_size = wanted_.batch_size, .epochs = 4, .base = crop_flip}},
              "population search, T. stddev", "population-teacher-stddev");
  }

  template<typename View>
  void compare(std::int64_t number, const teachers_type& teachers, const View& view)
  {
    for (const auto& reward : wanted_.rewards) by_population(number, teachers, view, reward);
    student(number, teachers, rw::random_search{}, view, rw::student_accuracy{}, "random search",
            "random");
    const auto stage =
        students_stage(number, {}, rw::random_search{}, view, rw::student_accuracy{});
    const auto without_search = [&](const auto& agent, const std::string& name) {
      announce(number, name);
      note(number, name, stage.train_under(agent, parts_, teachers, crop_flip), 0.0);
    };
    without_search(rw::rand_augment{}, "RandAugment");
    without_search(rw::no_agent{}, "no agent");
  }

  static void announce(std::int64_t number, const std::string& name)
  {
    std::printf("seed %lld, %s\n", static_cast<long long>(number), name.c_str());
    std::fflush(stdout);
  }

  template<typename Network>
  void keep(std::int64_t number, const std::string& search, const std::string& name,
            const rw::found_policies<Network>& found)
  {
    const auto folder = folder_of(number, search);
    rw::write_search_page(
        folder + "/page.html", found.history,
        {.title = c10::str(name, ", seed ", number),
         .settings = {{"data", parts_.all.name},
                      {"images to search with", std::to_string(wanted_.samples)},
                      {"images to validate with", std::to_string(wanted_.validation)}}});
    rw::write_policy_schedule(folder + "/schedule.json", found.schedule(wanted_.retraining_epochs));
    (void)rw::write_policy_logs(folder, found.history);
  }

  /// @param seconds of the search and the training after it; 0 without a search
  template<typename Network>
  void note(std::int64_t number, const std::string& name, const rw::trained_network<Network>& last,
            double seconds)
  {
    const double training = last.run.seconds();
    outcomes_.push_back({name, number, 100 * rw::accuracy(last.network, test_),
                         std::max(0.0, seconds - training), training});
    std::printf("  %.2f %% of the test images, search %.1f s, training %.1f s\n",
                outcomes_.back().accuracy, outcomes_.back().searching, training);
  }

  [[nodiscard]] std::vector<std::string> names() const
  {
    std::vector<std::string> found;
    for (const auto& o : outcomes_)
      if (std::find(found.begin(), found.end(), o.name) == found.end()) found.push_back(o.name);
    return found;
  }
  [[nodiscard]] std::vector<double> over_seeds(const std::string& name,
                                               double outcome::* what) const
  {
    std::vector<double> values;
    for (const auto& o : outcomes_)
      if (o.name == name) values.push_back(o.*what);
    return values;
  }

  [[nodiscard]] rw::table accuracies() const
  {
    rw::table shown{{"network", "test accuracy, %", "search, s", "training, s"}};
    const auto spread = [&](const std::string& name, double outcome::* what, int digits) {
      return rw::spread_text(rw::statistics_of(over_seeds(name, what)), digits);
    };
    for (const auto& name : names())
      shown.add({name, spread(name, &outcome::accuracy, 2), spread(name, &outcome::searching, 1),
                 spread(name, &outcome::training, 1)});
    return shown;
  }

  /// What each student has before each that comes after it, seed by seed.
  [[nodiscard]] rw::table differences() const
  {
    rw::table shown{{"difference of test accuracy, points", "mean", "95 % from", "to"}};
    const auto all = names();
    for (std::size_t i = 1; i < all.size(); ++i)  // the first is the teacher
      for (std::size_t k = i + 1; k < all.size(); ++k) {
        const auto found = rw::difference_of(over_seeds(all[i], &outcome::accuracy),
                                             over_seeds(all[k], &outcome::accuracy));
        shown.add({all[i] + " - " + all[k], rw::fixed_text(found.mean, 2),
                   rw::fixed_text(found.low, 2), rw::fixed_text(found.high, 2)});
      }
    return shown;
  }

  job wanted_;
  rw::dataset test_;
  rw::search_splits parts_;
  std::vector<outcome> outcomes_;
};

}  // namespace

int main(int argc, char** argv)
try {
  job wanted;
  CLI::App app{"Policies for a teacher, then policies for its low-bit student."};
  app.add_option("--data", wanted.data, "folder of a data set; without it the built-in glyphs")
      ->transform(command_line::folder_name);
  app.add_option("--samples", wanted.samples,
                 "images to search with (default: 1000; with --data 4000)")
      ->check(CLI::PositiveNumber);
  app.add_option("--validation", wanted.validation,
                 "images to validate with (default: as many as cost under 15 % of the search, at "
                 "most half as many as to search with)")
      ->check(CLI::PositiveNumber);
  app.add_option("--trials", wanted.trials, "of a search (default: 4; with --data 8)")
      ->check(CLI::PositiveNumber);
  app.add_option("--epochs", wanted.epochs, "of each trial (default: 8; with --data 6)")
      ->check(CLI::PositiveNumber);
  app.add_option("--interval", wanted.interval,
                 "epochs between looks at the standings (default: 2; with --data 1)")
      ->check(CLI::PositiveNumber);
  app.add_option("--retraining-epochs", wanted.retraining_epochs,
                 "after a search (default: 8; with --data 6)")
      ->check(CLI::PositiveNumber);
  app.add_option("--seeds", wanted.seeds, "seeds 1 .. N (default: 1; with --data 3)")
      ->check(CLI::PositiveNumber);
  app.add_option("--batch", wanted.batch_size)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--bits", wanted.bits, "inside the student")
      ->check(CLI::Range(1, 8))
      ->capture_default_str();
  app.add_option("--reward", wanted.rewards, "what stage two maximises; one or both")
      ->check(CLI::IsMember({"accuracy", "teacher-stddev"}))
      ->capture_default_str();
  app.add_option("--teacher-input", wanted.teacher_input)
      ->check(CLI::IsMember({"student-view", "teacher-policies"}))
      ->capture_default_str();
  app.add_flag("--compare", wanted.compares, "other students beside, under the same teacher");
  app.add_flag("--plain-teacher", wanted.has_plain_teacher, "leave out stage one");
  app.add_option("--out", wanted.folder, "folder of the results")
      ->transform(command_line::folder_name)
      ->capture_default_str();
  command_line::add_relabel(app, wanted.relabel);
  app.get_formatter()->column_width(36);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    (void)app.exit(help);
    rw::require_written();
    return 0;
  }
  const auto otherwise = [&](std::int64_t& value, std::int64_t of_glyphs, std::int64_t of_data) {
    if (value == 0) value = wanted.data.empty() ? of_glyphs : of_data;
  };
  otherwise(wanted.samples, 1000, 4000);
  otherwise(wanted.trials, 4, 8);
  otherwise(wanted.epochs, 8, 6);
  otherwise(wanted.interval, 2, 1);
  otherwise(wanted.retraining_epochs, 8, 6);
  otherwise(wanted.seeds, 1, 3);
  if (!wanted.data.empty()) wanted.data = command_line::whole_name(wanted.data);
  wanted.rewards = command_line::without_repeats(wanted.rewards);
  require_own_folder(wanted);
  experiment work{wanted, wanted.data.empty()
                              ? rw::glyphs({.seed = rw::seed{1}})
                              : command_line::open_data(wanted.data, wanted.relabel)};
  claim_folder(wanted);
  work.run();
  rw::require_written();
} catch (const CLI::ParseError& error) {
  std::fprintf(stderr, "role_wise_search: %s\nTry --help.\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "\n%s\n", error.what());
  return 2;
}
