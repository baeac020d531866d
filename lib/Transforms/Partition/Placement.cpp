// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cost of an assignment, and the search for a cheap one. A search from cut to cut
// (CutSearch.h) is exact where cuts are narrow. Else small problems are enumerated; of larger
// ones, what that search kept and the simple plans are improved by moving one item, or one
// region with all its items, to another device as long as that helps.
#include "tenon/Transforms/Partition/Placement.h"

#include "CutSearch.h"

#include <algorithm>
#include <map>

namespace tenon::partition {
namespace {

/// Levels of the items (see regionsOf).
std::vector<int> levelsOf(const Problem &problem, const Assignment &assignment) {
  std::vector<int> levels(problem.items.size(), 0);
  for (size_t i = 0; i < problem.items.size(); ++i)
    for (unsigned value : problem.items[i].reads)
      if (int by = problem.values[value].by; by >= 0)
        levels[i] = std::max(levels[i], levels[by] + (assignment[by] != assignment[i]));
  return levels;
}

bool isLegal(const Problem &problem, size_t item, unsigned device) {
  return problem.items[item].seconds[device] != Item::kIllegal;
}

/// Seconds of a copy between the host and a device.
double copy(const DeviceCosts &device, double bytes) { return device.latency + bytes * device.secondsPerByte; }

class Search {
public:
  explicit Search(const Problem &problem) : problem(problem) {}

  /// Every assignment in turn, the legal devices of the free items being the digits of a number.
  Solution enumerate(const std::vector<size_t> &free) {
    std::vector<std::vector<unsigned>> legal;
    for (size_t item : free) {
      legal.emplace_back();
      for (unsigned device = 0; device < problem.devices.size(); ++device)
        if (isLegal(problem, item, device))
          legal.back().push_back(device);
    }
    std::vector<size_t> digits(free.size(), 0);
    Assignment current = onDevice(problem, 0); // free items on their first legal device
    Solution best{current, costOf(problem, current), true};
    for (size_t place = 0; place < free.size();) {
      digits[place] = (digits[place] + 1) % legal[place].size();
      current[free[place]] = legal[place][digits[place]];
      if (digits[place] == 0) {
        ++place; // carry
        continue;
      }
      place = 0;
      if (double seconds = costOf(problem, current); seconds < best.seconds)
        best = {current, seconds, true};
    }
    return best;
  }

  /// Moves items and regions while that makes it cheaper.
  Solution improve(Assignment start) {
    Solution best{std::move(start), 0, false};
    best.seconds = costOf(problem, best.assignment);
    // Each round costs items^2; more of them than this find little.
    constexpr int kMostRounds = 8;
    for (int round = 0; round < kMostRounds; ++round) {
      double before = best.seconds;
      moveRegions(best);
      moveItems(best);
      if (best.seconds >= before)
        break;
    }
    return best;
  }

private:
  void take(Solution &best, Assignment candidate) {
    if (double seconds = costOf(problem, candidate); seconds < best.seconds)
      best = {std::move(candidate), seconds, false};
  }

  void moveItems(Solution &best) {
    for (size_t i = 0; i < problem.items.size(); ++i)
      for (unsigned device = 0; device < problem.devices.size(); ++device)
        if (device != best.assignment[i] && isLegal(problem, i, device)) {
          Assignment candidate = best.assignment;
          candidate[i] = device;
          take(best, std::move(candidate));
        }
  }

  void moveRegions(Solution &best) {
    std::vector<int> regions = regionsOf(problem, best.assignment);
    int count = regions.empty() ? 0 : *std::max_element(regions.begin(), regions.end()) + 1;
    for (int region = 0; region < count; ++region)
      for (unsigned device = 0; device < problem.devices.size(); ++device) {
        Assignment candidate = best.assignment;
        for (size_t i = 0; i < regions.size(); ++i)
          if (regions[i] == region && isLegal(problem, i, device))
            candidate[i] = device;
        take(best, std::move(candidate));
      }
  }

  const Problem &problem;
};

} // namespace

std::vector<int> regionsOf(const Problem &problem, const Assignment &assignment) {
  std::vector<int> levels = levelsOf(problem, assignment), regions(assignment.size(), -1);
  std::map<std::pair<unsigned, int>, int> numbers;
  for (size_t i = 0; i < assignment.size(); ++i)
    if (assignment[i] != 0)
      regions[i] = numbers.try_emplace({assignment[i], levels[i]}, int(numbers.size())).first->second;
  return regions;
}

// Asked for each step of a search: regions are counted by level and device, without numbers.
double costOf(const Problem &problem, const Assignment &assignment) {
  size_t devices = problem.devices.size();
  double seconds = 0;
  std::vector<bool> copied(problem.values.size() * devices, false); // whether a space has a value
  for (unsigned value = 0; value < problem.values.size(); ++value)
    for (unsigned device : problem.values[value].copies)
      copied[value * devices + device] = true;
  auto bringTo = [&](unsigned value, unsigned device) {
    const Produced &produced = problem.values[value];
    unsigned home = produced.by < 0 ? produced.home : assignment[produced.by];
    if (home == device || copied[value * devices + device])
      return;
    auto isNew = [&](unsigned space) {
      bool had = copied[value * devices + space];
      copied[value * devices + space] = true;
      return !had;
    };
    if (home != 0 && isNew(0))
      seconds += copy(problem.devices[home], produced.bytes);
    if (device != 0 && isNew(device))
      seconds += copy(problem.devices[device], produced.bytes);
  };
  for (size_t i = 0; i < problem.items.size(); ++i) {
    seconds += problem.items[i].seconds[assignment[i]];
    if (!problem.items[i].hasBranches)
      for (unsigned value : problem.items[i].reads)
        bringTo(value, assignment[i]);
  }
  for (unsigned value = 0; value < problem.values.size(); ++value)
    if (problem.values[value].isReturned)
      bringTo(value, 0);
  std::vector<int> levels = levelsOf(problem, assignment);
  std::vector<bool> launched((problem.items.size() + 1) * devices, false);
  unsigned regions = 0;
  for (size_t i = 0; i < assignment.size(); ++i) {
    size_t region = size_t(levels[i]) * devices + assignment[i];
    if (assignment[i] == 0 || launched[region])
      continue;
    launched[region] = true;
    ++regions;
    seconds += problem.devices[assignment[i]].launch;
  }
  return regions > problem.mostRegions ? std::numeric_limits<double>::infinity() : seconds;
}

Assignment onDevice(const Problem &problem, unsigned device) {
  Assignment assignment(problem.items.size(), 0);
  for (size_t i = 0; i < assignment.size(); ++i)
    if (isLegal(problem, i, device) || !isLegal(problem, i, 0))
      assignment[i] = device;
  // What may not run on the host (a pin) goes to the first device that takes it.
  for (size_t i = 0; i < assignment.size(); ++i)
    for (unsigned other = 0; !isLegal(problem, i, assignment[i]) && other < problem.devices.size(); ++other)
      if (isLegal(problem, i, other))
        assignment[i] = other;
  return assignment;
}

Assignment greedyOf(const Problem &problem) {
  Assignment assignment = onDevice(problem, 0);
  for (size_t i = 0; i < assignment.size(); ++i)
    for (unsigned device = 0; device < problem.devices.size(); ++device)
      if (isLegal(problem, i, device))
        assignment[i] = device;
  return assignment;
}

Solution solve(const Problem &problem, uint64_t mostStates) {
  double known = costOf(problem, greedyOf(problem));
  for (unsigned device = 0; device < problem.devices.size(); ++device)
    known = std::min(known, costOf(problem, onDevice(problem, device)));
  Solution best = searchCuts(problem, mostStates, known);
  if (best.isExact)
    return best;
  std::vector<size_t> free;
  uint64_t assignments = 1;
  for (size_t i = 0; i < problem.items.size(); ++i) {
    uint64_t choices = 0;
    for (unsigned device = 0; device < problem.devices.size(); ++device)
      choices += isLegal(problem, i, device);
    if (choices < 2)
      continue;
    free.push_back(i);
    assignments = assignments > kExactAssignments ? assignments : assignments * choices;
  }
  Search search(problem);
  if (assignments <= kExactAssignments)
    return search.enumerate(free);
  auto improve = [&](Assignment start) {
    if (Solution other = search.improve(std::move(start)); other.seconds < best.seconds)
      best = std::move(other);
  };
  if (!best.assignment.empty())
    improve(best.assignment);
  improve(greedyOf(problem));
  for (unsigned device = 0; device < problem.devices.size(); ++device)
    improve(onDevice(problem, device));
  if (best.assignment.empty()) // nothing is allowed: the cost says so
    best.assignment = onDevice(problem, 0);
  return best;
}

} // namespace tenon::partition
