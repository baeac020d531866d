// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Einsum as transposes, flattened dimension groups and matrix products, two
// operands at a time from the left. Labels are characters; the dimensions of an
// ellipsis get labels of their own (digits), the last one '0'.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;

namespace {

struct Term {
  Value value;
  std::string labels;
};

bool has(StringRef labels, char label) { return labels.contains(label); }

/// Labels with "..." replaced by those of the dimensions it stands for.
std::string expandEllipsis(StringRef labels, int64_t hidden) {
  std::string digits;
  for (int64_t i = hidden; i-- > 0;)
    digits += char('0' + i);
  size_t at = labels.find("...");
  return at == StringRef::npos ? labels.str() : (labels.take_front(at) + digits + labels.drop_front(at + 3)).str();
}

void permute(NodeContext &c, Term &term, StringRef labels) {
  Ints perm;
  for (char label : labels)
    perm.push_back(term.labels.find(label));
  term = {c.transpose(term.value, perm), labels.str()};
}

/// Sums over the labels that nothing else needs.
void sumOut(NodeContext &c, Term &term, StringRef needed) {
  Ints axes;
  std::string kept;
  for (auto [i, label] : llvm::enumerate(term.labels)) {
    if (has(needed, label))
      kept += label;
    else
      axes.push_back(i);
  }
  term = {c.reduce(ReduceKind::sum, term.value, axes, false), kept};
}

Term contract(NodeContext &c, Term a, Term b, StringRef needed) {
  sumOut(c, a, (needed + b.labels).str());
  sumOut(c, b, (needed + a.labels).str());
  std::string batch, inner, rows, columns;
  for (char label : a.labels)
    (!has(b.labels, label) ? rows : has(needed, label) ? batch : inner) += label;
  for (char label : b.labels)
    if (!has(a.labels, label))
      columns += label;
  permute(c, a, batch + rows + inner);
  permute(c, b, batch + inner + columns);
  int64_t n = batch.size(), r = rows.size(), k = inner.size(), m = columns.size();
  Value lhs = c.flatten(c.flatten(a.value, n + r, n + r + k), n, n + r);
  Value rhs = c.flatten(c.flatten(b.value, n + k, n + k + m), n, n + k);
  Value y = c.matmul(lhs, rhs);
  if (r == 1 && m == 1)
    return {y, batch + rows + columns};
  SmallVector<Extent> shape;
  for (int64_t i = 0; i < n; ++i)
    shape.push_back(Extent::dimOf(y, i));
  for (int64_t i = 0; i < r; ++i)
    shape.push_back(Extent::dimOf(a.value, n + i));
  for (int64_t i = 0; i < m; ++i)
    shape.push_back(Extent::dimOf(b.value, n + k + i));
  return {c.reshape(y, shape), batch + rows + columns};
}

LogicalResult convertEinsum(NodeContext &c) {
  std::string equation = c.text("equation", "").str();
  llvm::erase(equation, ' ');
  auto [left, right] = StringRef(equation).split("->");
  SmallVector<StringRef> names;
  left.split(names, ',');
  if (names.size() != c.numInputs())
    return c.error(Problem::range, "attribute equation names " + Twine(names.size()) + " operands, the node has " +
                                       Twine(c.numInputs()));
  SmallVector<Term> terms;
  int64_t mostHidden = 0;
  for (auto [i, labels] : llvm::enumerate(names)) {
    int64_t rank = c.rank(c.input(i)), hidden = labels.contains("...") ? rank - int64_t(labels.size()) + 3 : 0;
    mostHidden = std::max(mostHidden, hidden);
    if (hidden < 0 || hidden > 9)
      return c.error(Problem::range, "attribute equation does not fit the rank of input " + Twine(i));
    terms.push_back({c.input(i), expandEllipsis(labels, hidden)});
    std::string sorted = terms.back().labels;
    llvm::sort(sorted);
    if (int64_t(sorted.size()) != rank)
      return c.error(Problem::range, "attribute equation does not fit the rank of input " + Twine(i));
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
      return c.error(Problem::unsupported, "attribute equation repeats a label in input " + Twine(i));
  }
  std::string output = expandEllipsis(right, mostHidden);
  if (!StringRef(equation).contains("->")) {
    std::string all = left.str(), once;
    llvm::sort(all);
    for (char label : all)
      if (std::isalpha(label) && llvm::count(all, label) == 1)
        once += label;
    output = expandEllipsis("...", mostHidden) + once;
  }
  Term result = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) {
    std::string needed = output;
    for (size_t j = i + 1; j < terms.size(); ++j)
      needed += terms[j].labels;
    result = contract(c, result, terms[i], needed);
  }
  sumOut(c, result, output);
  if (result.labels.size() != output.size())
    return c.error(Problem::range, "attribute equation has an output label that no input has");
  permute(c, result, output);
  return c.set(result.value);
}

} // namespace

void tenon::onnxtograph::addEinsum(HandlerRegistry &registry) {
  registry.add(kOnnx, "Einsum", 12, kAllInputs, convertEinsum);
}
