// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Items get their devices one after another. What those behind a cut can still cost depends
// on what lies before it only by a state:
//   - of each value that is read behind the cut: whose memory it was made in, the level of
//     its item (see regionsOf), and which memories have a copy,
//   - which regions are launched that items behind the cut may join: those of a level that
//     one of them may have,
//   - the number of regions, where that is limited.
// Of assignments that lead to one state only the cheapest can be part of the best, which
// makes this dynamic programming: exact, and quick where cuts are narrow. A state is left out
// where even without copies and launches, and each item where it is fastest, what follows
// would make it dearer than a plan that is known (branch and bound). Where a cut still has
// more states than are kept, the cheapest go on, as in a beam search.
//
// Levels grow along a chain, so that states would differ by them alone. If every item behind
// the cut that reads something reads what an item made, levels count from the lowest one at
// the cut: no item can have a lower one.
#include "CutSearch.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace tenon::partition {
namespace {

/// Of a live value, and of a launched region, as numbers.
struct Live {
  unsigned value;
  uint8_t home;
  int level;
  uint32_t copies; ///< bit d: the memory of device d has it
};

struct State {
  std::vector<Live> live;                        ///< by value
  std::vector<std::pair<int, unsigned>> regions; ///< level and device, ascending
  unsigned count = 0;                            ///< of regions
  double seconds = 0;
  size_t before = 0;   ///< the state that it came from
  unsigned device = 0; ///< of the item that was placed last
};

class Cuts {
public:
  Cuts(const Problem &problem, size_t mostStates, double known)
      : problem(problem), mostStates(mostStates), known(known), made(problem.items.size()),
        last(problem.values.size(), -1), rest(problem.items.size() + 1, 0) {
    for (size_t i = problem.items.size(); i-- > 0;)
      rest[i] = rest[i + 1] + *std::min_element(problem.items[i].seconds.begin(), problem.items[i].seconds.end());
    for (size_t i = 0; i < problem.items.size(); ++i)
      for (unsigned value : problem.items[i].reads)
        last[value] = int(i);
    for (unsigned value = 0; value < problem.values.size(); ++value)
      if (int by = problem.values[value].by; by >= 0)
        made[size_t(by)].push_back(value);
    for (size_t i = 0; i < problem.items.size(); ++i)
      if (std::none_of(problem.items[i].reads.begin(), problem.items[i].reads.end(),
                       [&](unsigned value) { return problem.values[value].by >= 0; }))
        lastSource = int(i);
  }

  Solution run() {
    std::vector<State> states(1);
    for (unsigned value = 0; value < problem.values.size(); ++value)
      if (const Produced &produced = problem.values[value]; produced.by < 0) {
        Live live{value, uint8_t(produced.home), 0, 1u << produced.home};
        for (unsigned device : produced.copies)
          live.copies |= 1u << device;
        if (produced.isReturned)
          states.front().seconds += bring(live, 0);
        if (last[value] >= 0)
          states.front().live.push_back(live);
      }
    for (size_t item = 0; item < problem.items.size(); ++item) {
      states = next(item, states);
      if (states.empty())
        return {{}, Item::kIllegal, false};
    }
    size_t best = 0; // of states behind the last item, which differ by nothing but the number of regions
    for (size_t i = 0; i < states.size(); ++i)
      if (states[i].seconds < states[best].seconds)
        best = i;
    return {assignmentOf(best), states[best].seconds, isExact};
  }

private:
  using Key = std::vector<uint32_t>;
  struct KeyHash {
    size_t operator()(const Key &key) const {
      uint64_t hash = key.size();
      for (uint32_t word : key)
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u, hash ^= hash >> 29;
      return hash;
    }
  };

  std::vector<State> next(size_t item, const std::vector<State> &states) {
    std::vector<State> reached;
    std::unordered_map<Key, size_t, KeyHash> numbers;
    for (size_t from = 0; from < states.size(); ++from)
      for (unsigned device = 0; device < problem.devices.size(); ++device) {
        if (problem.items[item].seconds[device] == Item::kIllegal)
          continue;
        State state = extended(states[from], item, device);
        // Sums of other orders differ in their last digits: what equals a known plan stays.
        constexpr double kRounding = 1e-12;
        if (state.count > problem.mostRegions || state.seconds + rest[item + 1] > known * (1 + kRounding))
          continue;
        state.before = from;
        auto [entry, isNew] = numbers.try_emplace(keyOf(state), reached.size());
        if (isNew)
          reached.push_back(std::move(state));
        else if (state.seconds < reached[entry->second].seconds)
          reached[entry->second] = std::move(state);
      }
    if (reached.size() > mostStates) {
      isExact = false;
      std::nth_element(reached.begin(), reached.begin() + long(mostStates), reached.end(),
                       [](const State &a, const State &b) { return a.seconds < b.seconds; });
      reached.resize(mostStates);
    }
    steps.emplace_back();
    for (const State &state : reached)
      steps.back().push_back({uint32_t(state.before), state.device});
    return reached;
  }

  double copy(unsigned device, unsigned value) const {
    return problem.devices[device].latency + problem.values[value].bytes * problem.devices[device].secondsPerByte;
  }

  /// Copies a value to where it is wanted; between two devices through the host.
  double bring(Live &live, unsigned device) const {
    double seconds = 0;
    auto has = [&](unsigned d) { return live.copies >> d & 1; };
    if (has(device))
      return 0;
    if (!has(0))
      seconds += copy(live.home, live.value);
    if (device != 0)
      seconds += copy(device, live.value);
    live.copies |= 1u | 1u << device;
    return seconds;
  }

  State extended(const State &before, size_t item, unsigned device) const {
    State state = before;
    state.device = device;
    state.seconds += problem.items[item].seconds[device];
    int level = 0;
    for (Live &live : state.live) {
      const std::vector<unsigned> &reads = problem.items[item].reads;
      if (std::find(reads.begin(), reads.end(), live.value) == reads.end())
        continue;
      if (!problem.items[item].hasBranches)
        state.seconds += bring(live, device);
      if (problem.values[live.value].by >= 0)
        level = std::max(level, live.level + (live.home != device));
    }
    if (device != 0) {
      std::pair<int, unsigned> region{level, device};
      auto place = std::lower_bound(state.regions.begin(), state.regions.end(), region);
      if (place == state.regions.end() || *place != region) {
        state.regions.insert(place, region);
        ++state.count;
        state.seconds += problem.devices[device].launch;
      }
    }
    for (unsigned value : made[item]) {
      Live live{value, uint8_t(device), level, 1u << device};
      if (problem.values[value].isReturned)
        state.seconds += bring(live, 0);
      state.live.push_back(live);
    }
    forget(state, int(item));
    return state;
  }

  /// Leaves of a state what items behind `item` may still ask for.
  void forget(State &state, int item) const {
    std::erase_if(state.live, [&](const Live &live) { return last[live.value] <= item; });
    if (item < lastSource)
      return;
    int lowest = std::numeric_limits<int>::max();
    for (const Live &live : state.live)
      if (problem.values[live.value].by >= 0)
        lowest = std::min(lowest, live.level);
    std::erase_if(state.regions, [&](const auto &region) { return region.first < lowest; });
    for (Live &live : state.live)
      if (problem.values[live.value].by >= 0)
        live.level -= lowest;
    for (auto &region : state.regions)
      region.first -= lowest;
  }

  Key keyOf(const State &state) const {
    Key key;
    for (const Live &live : state.live)
      key.insert(key.end(), {live.value, uint32_t(live.home), uint32_t(live.level), live.copies});
    for (const auto &[level, device] : state.regions)
      key.insert(key.end(), {uint32_t(level), device});
    if (problem.mostRegions != std::numeric_limits<unsigned>::max())
      key.push_back(state.count);
    return key;
  }

  Assignment assignmentOf(size_t state) const {
    Assignment assignment(problem.items.size(), 0);
    for (size_t item = problem.items.size(); item-- > 0;) {
      assignment[item] = steps[item][state].second;
      state = steps[item][state].first;
    }
    return assignment;
  }

  const Problem &problem;
  size_t mostStates;
  double known;
  std::vector<std::vector<unsigned>> made; ///< values, by item
  std::vector<int> last;                   ///< the item that reads a value last; -1: none does
  int lastSource = -1;                     ///< the last item that reads nothing that an item made
  std::vector<double> rest;                ///< what an item and those behind it take at least
  bool isExact = true;
  /// Of each item's states: the one before, and the device.
  std::vector<std::vector<std::pair<uint32_t, unsigned>>> steps;
};

} // namespace

Solution searchCuts(const Problem &problem, size_t mostStates, double known) {
  if (problem.devices.size() > std::numeric_limits<decltype(Live::copies)>::digits)
    return {{}, Item::kIllegal, false}; // a state has a bit for each memory
  return Cuts(problem, mostStates, known).run();
}

} // namespace tenon::partition
