// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the block of the function to the branches in it: what a block decides is given for
// those in it. It does not look ahead: what branches read has no price in the block around
// them, but in the branches that read it.
#include "tenon/Transforms/Partition/BlockPlacement.h"

#include <algorithm>
#include <limits>

namespace tenon::partition {
namespace {

constexpr unsigned kAnyNumber = std::numeric_limits<unsigned>::max();

unsigned homeOf(const Problem &problem, const Assignment &assignment, unsigned value) {
  const Produced &produced = problem.values[value];
  return produced.by < 0 ? produced.home : assignment[size_t(produced.by)];
}

/// The memories that a block brings a value to for its own ops, and those that had it before.
std::vector<unsigned> copiesOf(const Problem &problem, const Assignment &assignment, unsigned value) {
  std::vector<unsigned> copies = problem.values[value].copies;
  unsigned home = homeOf(problem, assignment, value);
  auto bringTo = [&](unsigned device) {
    if (device == home)
      return;
    for (unsigned space : {0u, device}) // on its way it comes through the host
      if (space != home && std::find(copies.begin(), copies.end(), space) == copies.end())
        copies.push_back(space);
  };
  for (size_t i = 0; i < assignment.size(); ++i) {
    const std::vector<unsigned> &reads = problem.items[i].reads;
    if (!problem.items[i].hasBranches && std::find(reads.begin(), reads.end(), value) != reads.end())
      bringTo(assignment[i]);
  }
  if (problem.values[value].isReturned)
    bringTo(0);
  return copies;
}

/// Says in a branch where the block around it has what the branch reads.
void enter(std::vector<BlockProblem> &blocks, size_t branch, const BlockAssignments &assignments) {
  BlockProblem &inner = blocks[branch];
  if (inner.around < 0)
    return;
  const Problem &outer = blocks[size_t(inner.around)].problem;
  const Assignment &assignment = assignments[size_t(inner.around)];
  for (auto [here, there] : inner.outside) {
    inner.problem.values[here].home = homeOf(outer, assignment, there);
    inner.problem.values[here].copies = copiesOf(outer, assignment, there);
  }
}

unsigned countRegions(const Problem &problem, const Assignment &assignment) {
  int last = -1;
  for (int region : regionsOf(problem, assignment))
    last = std::max(last, region);
  return unsigned(last + 1);
}

/// Each block in turn. Of the regions that are allowed, what is pinned in the branches behind
/// gets its own.
BlockSolution solveInOrder(std::vector<BlockProblem> blocks) {
  unsigned most = blocks.front().problem.mostRegions, kept = 0;
  std::vector<unsigned> pinned;
  for (const BlockProblem &block : blocks)
    kept += pinned.emplace_back(countRegions(block.problem, onDevice(block.problem, 0)));
  BlockSolution solution;
  solution.isExact = blocks.size() == 1; // what a branch would rather have is not asked
  for (size_t i = 0; i < blocks.size(); ++i) {
    Problem &problem = blocks[i].problem;
    enter(blocks, i, solution.assignments);
    kept -= pinned[i];
    if (most != kAnyNumber)
      problem.mostRegions = most > kept ? most - kept : 0;
    Solution own = solve(problem);
    solution.isExact &= own.isExact;
    if (most != kAnyNumber)
      most -= std::min(most, countRegions(problem, own.assignment));
    solution.assignments.push_back(std::move(own.assignment));
  }
  return solution;
}

} // namespace

double costOf(std::vector<BlockProblem> blocks, const BlockAssignments &assignments) {
  double seconds = 0;
  unsigned regions = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    enter(blocks, i, assignments);
    seconds += blocks[i].share * costOf(blocks[i].problem, assignments[i]);
    regions += countRegions(blocks[i].problem, assignments[i]);
  }
  return regions > blocks.front().problem.mostRegions ? std::numeric_limits<double>::infinity() : seconds;
}

BlockAssignments greedyOf(const std::vector<BlockProblem> &blocks) {
  BlockAssignments assignments;
  for (const BlockProblem &block : blocks)
    assignments.push_back(greedyOf(block.problem));
  return assignments;
}

BlockAssignments onDevice(const std::vector<BlockProblem> &blocks, unsigned device) {
  BlockAssignments assignments;
  for (const BlockProblem &block : blocks)
    assignments.push_back(onDevice(block.problem, device));
  return assignments;
}

BlockSolution solve(std::vector<BlockProblem> blocks) {
  BlockSolution best = solveInOrder(blocks);
  best.seconds = costOf(blocks, best.assignments);
  auto consider = [&](BlockAssignments assignments) {
    if (double seconds = costOf(blocks, assignments); seconds < best.seconds)
      best = {std::move(assignments), seconds, false};
  };
  if (blocks.size() == 1) // none of the simple plans is cheaper
    return best;
  consider(greedyOf(blocks));
  for (unsigned device = 0; device < blocks.front().problem.devices.size(); ++device)
    consider(onDevice(blocks, device));
  return best;
}

} // namespace tenon::partition
