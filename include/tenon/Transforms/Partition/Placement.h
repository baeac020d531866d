// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which device runs which op, as a problem of numbers: it knows no IR, so that a test can
// make thousands and compare with all assignments there are.
#ifndef TENON_TRANSFORMS_PARTITION_PLACEMENT_H
#define TENON_TRANSFORMS_PARTITION_PLACEMENT_H

#include <cstdint>
#include <limits>
#include <vector>

namespace tenon::partition {

/// An op: where it may run, how long it takes there, and which values it reads and makes.
struct Item {
  static constexpr double kIllegal = std::numeric_limits<double>::infinity();
  std::vector<double> seconds; ///< by device; kIllegal where it may not run
  std::vector<unsigned> reads; ///< values, each once
  /// What is in it is placed for itself (BlockPlacement.h), and so are the copies of what it reads.
  bool hasBranches = false;
};

/// What an op makes, or (`by` -1) what is there before: an input of the model, which the
/// host has, or what a branch reads of what was made around it.
struct Produced {
  int by = -1; ///< the item
  double bytes = 0;
  bool isReturned = false;           ///< to the caller, in the host's memory
  unsigned home = 0;                 ///< of what is there before: whose memory it was made in
  std::vector<unsigned> copies = {}; ///< of what is there before: whose memories have it, too
};

/// A device beside the host: how long copies and launches take.
struct DeviceCosts {
  double secondsPerByte = 0, latency = 0; ///< of a copy from or to the host
  double launch = 0;                      ///< of a region
};

/// Device 0 is the host. Items are in an order in which each follows those whose values it reads.
struct Problem {
  std::vector<DeviceCosts> devices;
  std::vector<Item> items;
  std::vector<Produced> values;
  unsigned mostRegions = std::numeric_limits<unsigned>::max(); ///< an assignment with more costs infinitely much
};

/// A device for each item.
using Assignment = std::vector<unsigned>;

/// The region that each item is in, by number; -1 on the host. Items of one device are in
/// one region if no path between them leaves the device: each item has a level, which is
/// the highest of its operands', and one more than that of an operand on another device.
/// A region is all items of one device and level.
std::vector<int> regionsOf(const Problem &problem, const Assignment &assignment);

/// What a run takes by the problem's numbers, the sum of
///   each item on its device,
///   each value once to each device that reads it (between two devices through the host),
///     but for what is there already, and what items with branches read,
///   each region's launch.
double costOf(const Problem &problem, const Assignment &assignment);

/// Of these many and fewer assignments all may be tried.
constexpr uint64_t kExactAssignments = 1 << 16;
/// Of a cut, in the search that goes over the graph once: as many as take half a second for
/// a thousand items.
constexpr uint64_t kMostStates = 1 << 10;

/// The cheapest assignment that was found, and how.
struct Solution {
  Assignment assignment;
  double seconds = 0;
  bool isExact = false; ///< every assignment was ruled out or tried
};

/// Never dearer than all on the host, than greedyOf, or than everything that is legal
/// there on any one device. Exact where there are at most kExactAssignments, or where every
/// cut between items has at most `mostStates` states.
Solution solve(const Problem &problem, uint64_t mostStates = kMostStates);
/// Every item on the last device where it is legal.
Assignment greedyOf(const Problem &problem);
/// Everything that is legal there on one device, the rest on the host.
Assignment onDevice(const Problem &problem, unsigned device);

} // namespace tenon::partition

#endif // TENON_TRANSFORMS_PARTITION_PLACEMENT_H
