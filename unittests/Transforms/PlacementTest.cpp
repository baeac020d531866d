// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random graphs with random costs: the search against all assignments, and the cost of an
// assignment against a second reading of its definition.
#include "tenon/Transforms/Partition/BlockPlacement.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace tenon::partition;

namespace {

using Random = std::mt19937_64;

double uniform(Random &random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}
unsigned below(Random &random, unsigned end) { return unsigned(random() % end); }

/// A graph of chains that part and meet, as models are; some items are not legal everywhere.
Problem makeProblem(Random &random, unsigned devices, unsigned items) {
  Problem problem;
  problem.devices.push_back({});
  for (unsigned d = 1; d < devices; ++d)
    problem.devices.push_back({uniform(random, 0, 2), uniform(random, 0, 3), uniform(random, 0, 5)});
  for (unsigned i = 0; i < 2; ++i)
    problem.values.push_back({-1, uniform(random, 0, 2), false});
  // What a branch reads may be anywhere, and be returned by it.
  if (below(random, 2)) {
    Produced &outside = problem.values.emplace_back();
    outside.bytes = uniform(random, 0, 2);
    outside.isReturned = below(random, 4) == 0;
    outside.home = below(random, devices);
    for (unsigned d = 0; d < devices; ++d)
      if (d != outside.home && below(random, 3) == 0)
        outside.copies.push_back(d);
  }
  for (unsigned i = 0; i < items; ++i) {
    Item item;
    item.hasBranches = below(random, 6) == 0;
    for (unsigned d = 0; d < devices; ++d)
      item.seconds.push_back(d && below(random, 4) == 0 ? Item::kIllegal : uniform(random, 0, d ? 4 : 10));
    std::set<unsigned> reads;
    for (unsigned n = 1 + below(random, 3); n > 0; --n) {
      unsigned count = unsigned(problem.values.size());
      reads.insert(below(random, 3) ? count - 1 - below(random, std::min(count, 3u)) : below(random, count));
    }
    item.reads.assign(reads.begin(), reads.end());
    problem.items.push_back(std::move(item));
    for (unsigned n = 1 + (below(random, 5) == 0); n > 0; --n)
      problem.values.push_back({int(i), uniform(random, 0, 2), below(random, 8) == 0});
  }
  problem.values.back().isReturned = true;
  return problem;
}

/// The level of an item by its definition.
int levelOf(const Problem &problem, const Assignment &assignment, size_t item, std::vector<int> &known) {
  int &level = known[item];
  if (level >= 0)
    return level;
  int highest = 0;
  for (unsigned value : problem.items[item].reads)
    if (int by = problem.values[value].by; by >= 0)
      highest = std::max(highest, levelOf(problem, assignment, size_t(by), known) +
                                      (assignment[size_t(by)] == assignment[item] ? 0 : 1));
  return level = highest;
}

/// The sum that Placement.h promises, value by value.
double costByDefinition(const Problem &problem, const Assignment &assignment) {
  double sum = 0;
  for (size_t i = 0; i < assignment.size(); ++i)
    sum += problem.items[i].seconds[assignment[i]];
  for (unsigned value = 0; value < problem.values.size(); ++value) {
    const Produced &produced = problem.values[value];
    unsigned home = produced.by < 0 ? produced.home : assignment[size_t(produced.by)];
    std::set<unsigned> wanted;
    if (produced.isReturned)
      wanted.insert(0);
    for (size_t i = 0; i < assignment.size(); ++i)
      if (!problem.items[i].hasBranches &&
          std::count(problem.items[i].reads.begin(), problem.items[i].reads.end(), value))
        wanted.insert(assignment[i]);
    wanted.erase(home);
    std::set<unsigned> there(produced.copies.begin(), produced.copies.end());
    for (unsigned device : there)
      wanted.erase(device);
    if (wanted.empty())
      continue;
    auto copy = [&](unsigned d) {
      return problem.devices[d].latency + produced.bytes * problem.devices[d].secondsPerByte;
    };
    if (home != 0 && !there.count(0)) // all ways lead through the host
      sum += copy(home);
    for (unsigned device : wanted)
      if (device != 0)
        sum += copy(device);
  }
  std::vector<int> levels(assignment.size(), -1);
  std::set<std::pair<unsigned, int>> regions;
  for (size_t i = 0; i < assignment.size(); ++i)
    if (assignment[i] && regions.insert({assignment[i], levelOf(problem, assignment, i, levels)}).second)
      sum += problem.devices[assignment[i]].launch;
  return sum;
}

/// The least cost of all legal assignments, by recursion over the items.
double bruteForce(const Problem &problem, Assignment &assignment, size_t item) {
  if (item == problem.items.size())
    return costByDefinition(problem, assignment);
  double least = Item::kIllegal;
  for (unsigned device = 0; device < problem.devices.size(); ++device) {
    if (problem.items[item].seconds[device] == Item::kIllegal)
      continue;
    assignment[item] = device;
    least = std::min(least, bruteForce(problem, assignment, item + 1));
  }
  return least;
}

constexpr double kRounding = 1e-9;

void compareWithBruteForce(unsigned devices, unsigned mostItems, unsigned graphs, unsigned seed) {
  Random random(seed);
  for (unsigned graph = 0; graph < graphs; ++graph) {
    Problem problem = makeProblem(random, devices, 1 + below(random, mostItems));
    Solution solution = solve(problem);
    ASSERT_TRUE(solution.isExact);
    EXPECT_NEAR(solution.seconds, costByDefinition(problem, solution.assignment), kRounding);
    Assignment assignment(problem.items.size(), 0);
    EXPECT_NEAR(solution.seconds, bruteForce(problem, assignment, 0), kRounding) << "graph " << graph;
  }
}

TEST(Placement, ExactOnTwoDevices) { compareWithBruteForce(2, 14, 500, 1); }
TEST(Placement, ExactOnThreeDevices) { compareWithBruteForce(3, 10, 500, 2); }

/// A chain in which every third item also reads the value of two items before.
Problem makeChain(Random &random, unsigned devices, unsigned items) {
  Problem problem;
  problem.devices.push_back({});
  for (unsigned d = 1; d < devices; ++d)
    problem.devices.push_back({uniform(random, 0, 2), uniform(random, 0, 3), uniform(random, 0, 5)});
  problem.values.push_back({-1, uniform(random, 0, 2), false});
  for (unsigned i = 0; i < items; ++i) {
    Item item;
    for (unsigned d = 0; d < devices; ++d)
      item.seconds.push_back(d && below(random, 6) == 0 ? Item::kIllegal : uniform(random, 0, d ? 4 : 6));
    item.reads.push_back(i);
    if (i % 3 == 2)
      item.reads.insert(item.reads.begin(), i - 1);
    problem.items.push_back(std::move(item));
    problem.values.push_back({int(i), uniform(random, 0, 2), false});
  }
  problem.values.back().isReturned = true;
  return problem;
}

/// Cuts of a chain stay narrow however long it is, and no change of one or two neighbours
/// makes an exact plan cheaper.
TEST(Placement, ExactOnLongChains) {
  Random random(6);
  for (unsigned chain = 0; chain < 40; ++chain) {
    Problem problem = makeChain(random, 2 + below(random, 2), 100 + below(random, 100));
    Solution solution = solve(problem);
    ASSERT_TRUE(solution.isExact);
    EXPECT_NEAR(solution.seconds, costByDefinition(problem, solution.assignment), kRounding);
    for (size_t i = 0; i + 1 < problem.items.size(); ++i)
      for (unsigned d = 0; d < problem.devices.size(); ++d)
        for (unsigned e = 0; e < problem.devices.size(); ++e) {
          Assignment other = solution.assignment;
          other[i] = d;
          other[i + 1] = e;
          EXPECT_LE(solution.seconds, costOf(problem, other) + kRounding);
        }
  }
}

void expectNoWorse(const Problem &problem, const Solution &solution) {
  double mine = costByDefinition(problem, solution.assignment);
  EXPECT_NEAR(solution.seconds, mine, kRounding);
  EXPECT_LE(mine, costByDefinition(problem, greedyOf(problem)) + kRounding);
  for (unsigned device = 0; device < problem.devices.size(); ++device)
    EXPECT_LE(mine, costByDefinition(problem, onDevice(problem, device)) + kRounding);
}

TEST(Placement, NeverWorseThanOneDeviceOrGreedy) {
  Random random(3);
  for (unsigned graph = 0; graph < 2000; ++graph) {
    Problem problem = makeProblem(random, 2 + below(random, 2), 20 + below(random, 60));
    expectNoWorse(problem, solve(problem, 1 << below(random, 7))); // most cuts have more states
  }
}

// More than a state has bits for.
TEST(Placement, ManyDevices) {
  Random random(7);
  for (unsigned devices : {31, 32, 33, 64}) {
    Problem problem = makeProblem(random, devices, 12);
    expectNoWorse(problem, solve(problem));
  }
}

TEST(Placement, WhatTheHostMayNotRunGoesWhereItMay) {
  Problem problem;
  problem.devices = {{}, {1, 1, 1}};
  problem.values = {{-1, 1, false}, {0, 1, true}};
  problem.items = {{{Item::kIllegal, 5}, {0}}};
  Solution solution = solve(problem);
  EXPECT_EQ(solution.assignment, Assignment{1});
  EXPECT_DOUBLE_EQ(solution.seconds, 5 + 2 + 2 + 1);
  EXPECT_EQ(onDevice(problem, 0), Assignment{1});
}

TEST(Placement, NoMoreRegionsThanAllowed) {
  Random random(5);
  for (unsigned graph = 0; graph < 300; ++graph) {
    Problem problem = makeProblem(random, 2, 1 + below(random, 12));
    problem.mostRegions = below(random, 3);
    Solution solution = solve(problem);
    ASSERT_EQ(solution.assignment.size(), problem.items.size());
    std::vector<int> regions = regionsOf(problem, solution.assignment);
    EXPECT_LE(*std::max_element(regions.begin(), regions.end()) + 1, int(problem.mostRegions));
  }
}

TEST(Placement, NoPathLeavesARegionAndComesBack) {
  Random random(4);
  for (unsigned graph = 0; graph < 200; ++graph) {
    Problem problem = makeProblem(random, 3, 40);
    Assignment assignment = onDevice(problem, 0);
    for (size_t i = 0; i < assignment.size(); ++i)
      for (unsigned d : {1u, 2u})
        if (problem.items[i].seconds[d] != Item::kIllegal && below(random, 2))
          assignment[i] = d;
    std::vector<int> regions = regionsOf(problem, assignment);
    // What is reached from a region through an item outside of it is not in it.
    for (int region = 0; region < *std::max_element(regions.begin(), regions.end()) + 1; ++region) {
      std::vector<bool> inside(regions.size()), behind(regions.size());
      for (size_t i = 0; i < regions.size(); ++i) {
        inside[i] = regions[i] == region;
        for (unsigned value : problem.items[i].reads)
          if (int by = problem.values[value].by; by >= 0)
            behind[i] = behind[i] || behind[size_t(by)] || (inside[size_t(by)] && !inside[i]);
        EXPECT_FALSE(inside[i] && behind[i]) << "region " << region << ", item " << i;
      }
    }
  }
}

/// A function's block, with branches in some of its items, and branches in those.
std::vector<BlockProblem> makeBlocks(Random &random, unsigned devices, unsigned branches) {
  std::vector<BlockProblem> blocks;
  for (unsigned i = 0; i <= branches; ++i) {
    BlockProblem &block = blocks.emplace_back();
    block.problem = makeProblem(random, devices, 1 + below(random, i ? 5 : 8));
    if (i == 0) {
      for (Produced &value : block.problem.values)
        value.home = 0, value.copies.clear();
      continue;
    }
    block.around = int(below(random, i));
    block.share = blocks[size_t(block.around)].share / 2;
    block.problem.devices = blocks.front().problem.devices;
    for (unsigned value = 0; value < block.problem.values.size() && block.problem.values[value].by < 0; ++value) {
      const std::vector<Produced> &outer = blocks[size_t(block.around)].problem.values;
      block.outside.push_back({value, below(random, unsigned(outer.size()))});
      block.problem.values[value].bytes = outer[block.outside.back().second].bytes;
    }
  }
  return blocks;
}

/// Which memories have a value in a block, and whose it was first.
std::pair<unsigned, std::set<unsigned>> whereIs(const std::vector<BlockProblem> &blocks,
                                                const BlockAssignments &assignments, size_t block, unsigned value) {
  const Problem &problem = blocks[block].problem;
  const Produced &produced = problem.values[value];
  std::pair<unsigned, std::set<unsigned>> found{0, {}};
  if (produced.by >= 0)
    found.first = assignments[block][size_t(produced.by)];
  for (auto [here, there] : blocks[block].outside)
    if (here == value)
      found = whereIs(blocks, assignments, size_t(blocks[block].around), there);
  auto &[home, spaces] = found;
  spaces.insert(home);
  for (size_t i = 0; i < problem.items.size(); ++i)
    if (!problem.items[i].hasBranches &&
        std::count(problem.items[i].reads.begin(), problem.items[i].reads.end(), value)) {
      if (assignments[block][i] != home)
        spaces.insert(0);
      spaces.insert(assignments[block][i]);
    }
  if (produced.isReturned)
    spaces.insert(0);
  return found;
}

/// The sum over blocks, each of which finds what its outer blocks have brought somewhere.
double costByDefinition(std::vector<BlockProblem> blocks, const BlockAssignments &assignments) {
  double sum = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (auto [here, there] : blocks[i].outside) {
      auto [home, spaces] = whereIs(blocks, assignments, size_t(blocks[i].around), there);
      blocks[i].problem.values[here].home = home;
      blocks[i].problem.values[here].copies.assign(spaces.begin(), spaces.end());
    }
    sum += blocks[i].share * costByDefinition(blocks[i].problem, assignments[i]);
  }
  return sum;
}

TEST(BlockPlacement, CostsAreThoseOfTheDefinition) {
  Random random(8);
  for (unsigned graph = 0; graph < 500; ++graph) {
    std::vector<BlockProblem> blocks = makeBlocks(random, 2 + below(random, 2), below(random, 5));
    BlockAssignments assignments = greedyOf(blocks);
    EXPECT_NEAR(costOf(blocks, assignments), costByDefinition(blocks, assignments), kRounding);
    BlockSolution solution = solve(blocks);
    EXPECT_NEAR(solution.seconds, costByDefinition(blocks, solution.assignments), kRounding);
    EXPECT_EQ(solution.isExact, blocks.size() == 1);
  }
}

TEST(BlockPlacement, NeverWorseThanOneDeviceOrGreedy) {
  Random random(9);
  for (unsigned graph = 0; graph < 500; ++graph) {
    std::vector<BlockProblem> blocks = makeBlocks(random, 2 + below(random, 2), below(random, 5));
    double mine = costByDefinition(blocks, solve(blocks).assignments);
    EXPECT_LE(mine, costByDefinition(blocks, greedyOf(blocks)) + kRounding);
    for (unsigned device = 0; device < blocks.front().problem.devices.size(); ++device)
      EXPECT_LE(mine, costByDefinition(blocks, onDevice(blocks, device)) + kRounding);
  }
}

/// What a branch reads where the block around it has made it needs no copy.
TEST(BlockPlacement, ABranchIsWhereItsDataAre) {
  Problem outer, inner;
  outer.devices = inner.devices = {{}, {0, 10, 1}};
  outer.values = {{-1, 1, false}, {0, 1, false}};
  outer.items = {{{Item::kIllegal, 1}, {0}}, {{0, Item::kIllegal}, {1}, true}};
  inner.values = {{-1, 1, false}, {0, 1, true}};
  inner.items = {{{7, 5}, {0}}};
  std::vector<BlockProblem> blocks{{outer}, {inner, 0, 0.5, {{0, 1}}}};
  BlockSolution solution = solve(blocks);
  EXPECT_EQ(solution.assignments, (BlockAssignments{{1, 0}, {1}}));
  // The copy in, the op, its launch; half of: the branch's op, its launch, the copy out.
  EXPECT_DOUBLE_EQ(solution.seconds, 10 + 1 + 1 + (5 + 1 + 10) / 2.0);
}

/// Regions that pins need in a branch are left to it by the block around.
TEST(BlockPlacement, RegionsAreLeftForWhatIsPinned) {
  Random random(10);
  for (unsigned graph = 0; graph < 200; ++graph) {
    std::vector<BlockProblem> blocks = makeBlocks(random, 2, 1 + below(random, 4));
    for (Item &item : blocks.back().problem.items)
      item.seconds = {Item::kIllegal, 1};
    unsigned needed = 0, used = 0;
    auto count = [](const Problem &problem, const Assignment &assignment) {
      std::vector<int> regions = regionsOf(problem, assignment);
      return unsigned(*std::max_element(regions.begin(), regions.end()) + 1);
    };
    BlockAssignments least = onDevice(blocks, 0);
    for (size_t i = 0; i < blocks.size(); ++i)
      needed += count(blocks[i].problem, least[i]);
    for (BlockProblem &block : blocks)
      block.problem.mostRegions = needed;
    BlockSolution solution = solve(blocks);
    for (size_t i = 0; i < blocks.size(); ++i)
      used += count(blocks[i].problem, solution.assignments[i]);
    EXPECT_LE(used, needed);
  }
}

} // namespace
