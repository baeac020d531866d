// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations of chips from YAML. LLVM's YAMLTraits stop at the first problem and
// do not know what is allowed; here each mapping is a table of its keys, and every
// problem of the file is told with its place.
#include "tenon/Dialect/Hw/IR/Device.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"
#include <functional>

using llvm::StringRef;
using llvm::yaml::Node;

namespace tenon::hw {
namespace {

/// A key of a mapping, and what reads its value.
struct Key {
  StringRef name;
  bool isRequired;
  std::function<void(Node &)> read;
};

class Reader {
public:
  Reader(StringRef text, StringRef file, std::vector<std::string> &problems)
      : file(file), problems(problems), stream(prepared(text), sources) {}

  std::optional<Device> run() {
    d.file = file;
    size_t before = problems.size();
    llvm::yaml::document_iterator document = stream.begin();
    Node *root = document == stream.end() ? nullptr : document->getRoot();
    if (root && !stream.failed())
      device(*root);
    if (!root && problems.size() == before)
      problems.push_back(file.str() + ":1:1: the file is empty");
    if (problems.size() > before)
      return std::nullopt;
    check(*root);
    return problems.size() > before ? std::nullopt : std::optional(std::move(d));
  }

private:
  static constexpr llvm::StringLiteral kChip = "chip";

  /// What YAML's own parser says of the text, in the same form.
  StringRef prepared(StringRef text) {
    sources.setDiagHandler(
        [](const llvm::SMDiagnostic &diagnostic, void *self) {
          static_cast<Reader *>(self)->add(diagnostic.getLineNo(), diagnostic.getColumnNo() + 1,
                                           diagnostic.getMessage());
        },
        this);
    return text;
  }

  void add(unsigned line, unsigned column, const llvm::Twine &text) {
    problems.push_back(llvm::formatv("{0}:{1}:{2}: {3}", file, line, column, text.str()));
  }
  void problem(Node &node, const llvm::Twine &text) {
    auto [line, column] = sources.getLineAndColumn(node.getSourceRange().Start);
    add(line, column, text);
  }

  static StringRef kindOf(Node &node) {
    return llvm::isa<llvm::yaml::MappingNode>(node)    ? "a mapping"
           : llvm::isa<llvm::yaml::SequenceNode>(node) ? "a list"
           : llvm::isa<llvm::yaml::ScalarNode>(node)   ? "a value"
                                                       : "nothing";
  }

  std::optional<std::string> scalar(Node &node, const llvm::Twine &what, StringRef allowed) {
    if (auto *value = llvm::dyn_cast<llvm::yaml::ScalarNode>(&node)) {
      llvm::SmallString<32> storage;
      return value->getValue(storage).str();
    }
    problem(node, what + ": found " + kindOf(node) + ", allowed is " + allowed);
    node.skip();
    return std::nullopt;
  }

  /// Calls `read` with each key, its node and the value's. False if the node is no
  /// mapping, or cannot be read to its end.
  bool entries(Node &node, const llvm::Twine &what, llvm::function_ref<void(StringRef, Node &, Node *)> read) {
    auto *mapping = llvm::dyn_cast<llvm::yaml::MappingNode>(&node);
    if (!mapping) {
      problem(node, what + ": found " + kindOf(node) + ", allowed is a mapping of keys");
      node.skip();
      return false;
    }
    llvm::StringSet<> seen;
    for (llvm::yaml::KeyValueNode &entry : *mapping) {
      Node *keyNode = entry.getKey();
      if (!keyNode || stream.failed())
        return false;
      std::optional<std::string> key = scalar(*keyNode, what, "a key");
      Node *value = entry.getValue();
      if (stream.failed())
        return false;
      if (!key)
        continue;
      if (!seen.insert(*key).second)
        problem(*keyNode, what + ": '" + *key + "' is given twice");
      read(*key, *keyNode, value);
    }
    return !stream.failed();
  }

  void mapping(Node &node, StringRef what, llvm::ArrayRef<Key> keys) {
    std::vector<bool> given(keys.size());
    bool isRead = entries(node, what, [&](StringRef name, Node &keyNode, Node *value) {
      const auto *key = llvm::find_if(keys, [&](const Key &key) { return key.name == name; });
      if (key == keys.end()) {
        std::string allowed = llvm::join(llvm::map_range(keys, [](const Key &key) { return key.name.str(); }), ", ");
        return problem(keyNode, what + ": found the key '" + name + "', allowed are " + allowed);
      }
      given[key - keys.begin()] = true;
      if (what == kChip)
        d.lines[name] = sources.getLineAndColumn(keyNode.getSourceRange().Start).first;
      key->read(*value);
    });
    for (auto [i, key] : llvm::enumerate(keys))
      if (isRead && key.isRequired && !given[i])
        problem(node, what + ": '" + key.name + "' is missing");
  }

  bool text(Node &node, StringRef what, std::string &result) {
    auto value = scalar(node, what, "text");
    if (value)
      result = std::move(*value);
    return value.has_value();
  }
  void name(Node &node, StringRef what, std::string &result) {
    if (!text(node, what, result))
      return;
    if (!isName(result))
      problem(node, what + ": found '" + result + "', allowed are letters, digits, '_', '-' and '.'");
  }
  void number(Node &node, const llvm::Twine &what, int64_t &result, Range range) {
    auto value = scalar(node, what, range.text());
    if (value && (StringRef(*value).getAsInteger(0, result) || !range.contains(result)))
      problem(node, what + ": found '" + *value + "', allowed is " + range.text());
  }
  void list(Node &node, StringRef what, llvm::function_ref<void(Node &)> read) {
    auto *sequence = llvm::dyn_cast<llvm::yaml::SequenceNode>(&node);
    if (!sequence) {
      problem(node, what + ": found " + kindOf(node) + ", allowed is a list");
      return node.skip();
    }
    for (Node &item : *sequence) {
      if (stream.failed())
        return;
      read(item);
    }
  }
  void words(Node &node, StringRef what, std::vector<std::string> &result) {
    list(node, what, [&](Node &item) { text(item, what, result.emplace_back()); });
  }

  Key textOf(StringRef key, bool isRequired, std::string &result) {
    return {key, isRequired, [=, this, &result](Node &node) { text(node, key, result); }};
  }
  Key nameOf(StringRef key, std::string &result) {
    return {key, true, [=, this, &result](Node &node) { name(node, key, result); }};
  }
  Key numberOf(StringRef key, bool isRequired, int64_t &result, Range range) {
    return {key, isRequired, [=, this, &result](Node &node) { number(node, key, result, range); }};
  }
  template <typename T>
  Key listOf(StringRef key, std::vector<T> &result, void (Reader::*read)(Node &, T &)) {
    return {key, false, [=, this, &result](Node &node) {
              list(node, key, [&](Node &item) { (this->*read)(item, result.emplace_back()); });
            }};
  }

  void unit(Node &node, Unit &unit) {
    mapping(node, "unit",
            {nameOf("name", unit.name),
             numberOf("count", true, unit.count, kSmallCounts),
             numberOf("clock_mhz", true, unit.clockMHz, kSmallCounts),
             {"ops_per_cycle", true, [&](Node &rates) {
                entries(rates, "ops_per_cycle", [&](StringRef format, Node &, Node *value) {
                  int64_t rate = 0;
                  number(*value, "ops_per_cycle." + format, rate, kSpeeds);
                  unit.opsPerCycle.emplace_back(format, rate);
                });
              }}});
  }
  void memory(Node &node, Memory &memory) {
    mapping(node, "memory",
            {nameOf("name", memory.name), numberOf("bytes", true, memory.bytes, kAmounts),
             numberOf("mb_per_s", true, memory.mbPerS, kSpeeds),
             numberOf("latency_ns", true, memory.latencyNs, kAmounts),
             numberOf("alignment", false, memory.alignment, kSmallCounts)});
    if (!llvm::isPowerOf2_64(memory.alignment))
      problem(node, "alignment: found " + llvm::Twine(memory.alignment) + ", allowed is a power of two");
  }
  void link(Node &node, Link &link) {
    mapping(node, "link",
            {nameOf("from", link.from), nameOf("to", link.to), numberOf("mb_per_s", true, link.mbPerS, kSpeeds),
             numberOf("latency_ns", true, link.latencyNs, kAmounts)});
  }
  void formats(Node &node) {
    entries(node, "formats", [&](StringRef kind, Node &keyNode, Node *value) {
      if (!llvm::is_contained(operatorKinds(), kind))
        problem(keyNode, "formats: found the key '" + kind + "', allowed are " + llvm::join(operatorKinds(), ", "));
      words(*value, "formats", d.formats.emplace_back(kind, std::vector<std::string>()).second);
    });
  }
  void rates(Node &node) {
    entries(node, "rates", [&](StringRef kind, Node &keyNode, Node *value) {
      if (!llvm::is_contained(workKinds(), kind))
        problem(keyNode, "rates: found the key '" + kind + "', allowed are " + llvm::join(workKinds(), ", "));
      auto &speeds = d.rates.emplace_back(kind, std::vector<std::pair<std::string, int64_t>>()).second;
      entries(*value, "rates." + kind, [&](StringRef format, Node &, Node *number) {
        int64_t rate = 0;
        this->number(*number, "rates." + kind + "." + format, rate, kSpeeds);
        speeds.emplace_back(format, rate);
      });
    });
  }
  void limits(Node &node) {
    entries(node, "limits", [&](StringRef name, Node &keyNode, Node *value) {
      d.lines["limits." + name.str()] = sources.getLineAndColumn(keyNode.getSourceRange().Start).first;
      int64_t limit = 0;
      number(*value, "limits." + name, limit, kAmounts);
      d.limits.emplace_back(name, limit);
    });
  }

  void device(Node &root) {
    mapping(root, kChip,
            {nameOf("name", d.name),
             nameOf("device", d.family),
             textOf("summary", false, d.summary),
             textOf("triple", false, d.triple),
             {"features", false, [&](Node &node) { words(node, "features", d.features); }},
             listOf("units", d.units, &Reader::unit),
             listOf("memories", d.memories, &Reader::memory),
             listOf("links", d.links, &Reader::link),
             {"formats", false, [&](Node &node) { formats(node); }},
             {"rates", false, [&](Node &node) { rates(node); }},
             {"launch", false,
              [&](Node &node) {
                mapping(node, "launch",
                        {numberOf("kernel_ns", true, d.kernelLaunchNs, kAmounts),
                         numberOf("region_ns", true, d.regionLaunchNs, kAmounts)});
              }},
             {"limits", false, [&](Node &node) { limits(node); }}});
  }

  /// What keys say together.
  void check(Node &root) {
    std::vector<StringRef> memories, ends;
    for (const Memory &memory : d.memories)
      memories.push_back(memory.name);
    for (const Link &link : d.links)
      ends.insert(ends.end(), {link.from, link.to});
    for (const std::string &text : contradictions(memories, ends))
      problem(root, text);
  }

  StringRef file;
  std::vector<std::string> &problems;
  llvm::SourceMgr sources;
  llvm::yaml::Stream stream;
  Device d;
};

} // namespace

std::optional<Device> parseDevice(StringRef text, StringRef file, std::vector<std::string> &problems) {
  return Reader(text, file, problems).run();
}

} // namespace tenon::hw
