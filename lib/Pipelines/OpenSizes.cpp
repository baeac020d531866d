// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes of open dimensions, from flags to the types of an imported module.
#include "tenon/Pipelines/OpenSizes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Regex.h"
#include <map>

using namespace mlir;

namespace tenon {

constexpr int64_t kAnySize = std::numeric_limits<int64_t>::max();

/// Gives `take` the parts of each entry of a list. Names may hold commas, so that an
/// entry is the shortest text before a comma that is one. What cannot be read, or
/// taken, is returned; nothing if all was.
static StringRef forEachEntry(StringRef text, const llvm::Regex &entry, function_ref<bool(ArrayRef<StringRef>)> take) {
  while (!text.empty()) {
    size_t end = 0;
    SmallVector<StringRef> parts;
    do {
      end = text.find(',', end + 1);
      if (entry.match(text.take_front(end), &parts))
        break;
      parts.clear();
    } while (end != StringRef::npos);
    if (end + 1 == text.size() || parts.empty() || !take(parts)) // also a comma, and nothing after it
      return text;
    text = end == StringRef::npos ? "" : text.substr(end + 1);
  }
  return {};
}

bool parseSizes(StringRef text, std::vector<OpenSize> &sizes, std::string &error) {
  llvm::Regex entry("^(.+)=([0-9]+)(\\.\\.([0-9]+))?$");
  StringRef bad = forEachEntry(text, entry, [&](ArrayRef<StringRef> parts) {
    int64_t low, high;
    if (parts[2].getAsInteger(10, low) || (parts[4].empty() ? (high = low, false) : parts[4].getAsInteger(10, high)))
      return false;
    OpenSize size;
    size.flag = ("--sizes=" + parts[0]).str();
    size.name = parts[1].str();
    size.min = low;
    size.max = high;
    if (high < low)
      error = "[TN8045] " + size.flag + ": the smallest size is above the largest";
    sizes.push_back(std::move(size));
    return error.empty();
  });
  if (error.empty() && !bad.empty())
    error = ("[TN8044] --sizes=" + text +
             ": expected NAME=SIZE, NAME=MIN..MAX or INPUT:AXIS=SIZE, several separated by commas; found '" + bad + "'")
                .str();
  return bad.empty();
}

bool parseNominal(StringRef text, std::vector<OpenSize> &sizes, std::string &error) {
  StringRef bad = forEachEntry(text, llvm::Regex("^(.+)=([0-9]+)$"), [&](ArrayRef<StringRef> parts) {
    int64_t value;
    if (parts[2].getAsInteger(10, value) || value < 1)
      return false;
    OpenSize size;
    size.flag = ("--nominal=" + parts[0]).str();
    size.name = parts[1].str();
    size.nominal = value;
    sizes.push_back(std::move(size));
    return true;
  });
  if (!bad.empty() || text.empty())
    error =
        ("[TN8044] --nominal=" + text +
         ": expected NAME=SIZE or INPUT:AXIS=SIZE with sizes from 1, several separated by commas; found '" + bad + "'")
            .str();
  return error.empty();
}

bool parseShapeBounds(StringRef flag, StringRef text, ShapeBound bound, std::vector<OpenSize> &sizes,
                      std::string &error) {
  llvm::Regex entry("^(.+):([0-9]+(x[0-9]+)*)$");
  StringRef bad = forEachEntry(text, entry, [&](ArrayRef<StringRef> parts) {
    SmallVector<StringRef> numbers;
    parts[2].split(numbers, 'x');
    StringRef name = parts[1];
    if (name.size() > 2 && name.starts_with("'") && name.ends_with("'")) // trtexec's way to write a name with a colon
      name = name.drop_front().drop_back();
    for (auto [axis, number] : llvm::enumerate(numbers)) {
      OpenSize size;
      int64_t value;
      if (number.getAsInteger(10, value))
        return false;
      size.flag = (flag + "=" + parts[0]).str();
      size.name = name.str();
      size.axis = axis;
      size.rank = numbers.size();
      (bound == ShapeBound::Min ? size.min : bound == ShapeBound::Max ? size.max : size.nominal) = value;
      sizes.push_back(std::move(size));
    }
    return true;
  });
  if (!bad.empty())
    error = ("[TN8044] " + flag + "=" + text + ": expected INPUT:1x3x224x224, several separated by commas; found '" +
             bad + "'")
                .str();
  return bad.empty();
}

namespace {

/// A dimension of an input; its name is empty where the model gives none.
struct Place {
  unsigned argument, axis;
};

/// What all flags together say of one symbol.
struct Range {
  int64_t min = 0, max = kAnySize, nominal = -1;
  std::string flags;
  SmallVector<Place> places;
};

class Sizes {
public:
  explicit Sizes(func::FuncOp func) : func(func) {
    for (BlockArgument argument : func.getArguments())
      if (auto type = dyn_cast<RankedTensorType>(argument.getType()))
        for (auto [axis, size] : llvm::enumerate(type.getShape()))
          if (ShapedType::isDynamic(size))
            ranges[keyOf(argument.getArgNumber(), axis)].places.push_back({argument.getArgNumber(), unsigned(axis)});
  }

  LogicalResult apply(ArrayRef<OpenSize> sizes) {
    bool ok = true;
    for (const OpenSize &size : sizes)
      ok &= succeeded(take(size));
    for (auto &[key, range] : ranges)
      ok &= succeeded(check(range));
    if (!ok)
      return failure();
    for (auto &[key, range] : ranges)
      if (!range.flags.empty())
        write(range);
    // An input may also be an output.
    func.setType(FunctionType::get(func.getContext(), func.front().getArgumentTypes(),
                                   func.front().getTerminator()->getOperandTypes()));
    return success();
  }

private:
  using Key = std::pair<std::string, std::pair<unsigned, unsigned>>; // named dimensions are one, wherever they are

  std::string dimName(unsigned argument, unsigned axis) {
    auto names = func.getArgAttrOfType<ArrayAttr>(argument, onnxir::kDimsAttr);
    auto name = names && axis < names.size() ? dyn_cast<StringAttr>(names[axis]) : StringAttr();
    return name ? name.str() : "";
  }
  std::string inputName(unsigned argument) {
    auto name = func.getArgAttrOfType<StringAttr>(argument, onnxir::kNameAttr);
    return name ? name.str() : "";
  }
  Key keyOf(unsigned argument, unsigned axis) {
    std::string name = dimName(argument, axis);
    return name.empty() ? Key("", {argument, axis}) : Key(name, {0, 0});
  }

  /// "'batch' (x:0, y:0), x:2": what can be set.
  std::string openDimensions() {
    std::string text;
    for (auto &[key, range] : ranges) {
      text += text.empty() ? "" : ", ";
      std::string places;
      for (Place place : range.places)
        places += (places.empty() ? "" : ", ") + inputName(place.argument) + ":" + std::to_string(place.axis);
      text += key.first.empty() ? places : "'" + key.first + "' (" + places + ")";
    }
    return text.empty() ? "none" : text;
  }

  LogicalResult fail(const OpenSize &size, const Twine &why) {
    return func.emitError("[TN8044] ") << size.flag << ": " << why;
  }

  LogicalResult take(const OpenSize &size) {
    if (!size.axis) {
      if (auto found = ranges.find(Key(size.name, {0, 0})); found != ranges.end())
        return restrict(found->second, size);
      auto [input, number] = StringRef(size.name).rsplit(':');
      unsigned axis;
      if (number.empty() || number.getAsInteger(10, axis))
        return fail(size, "the inputs have no open dimension '" + size.name + "'; open are " + openDimensions());
      return takeAxis(size, input, axis);
    }
    return takeAxis(size, size.name, *size.axis);
  }

  LogicalResult takeAxis(const OpenSize &size, StringRef input, unsigned axis) {
    for (BlockArgument argument : func.getArguments()) {
      if (inputName(argument.getArgNumber()) != input)
        continue;
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (!type)
        return fail(size, "input '" + input + "' has no rank");
      if ((size.rank >= 0 && type.getRank() != size.rank) || axis >= type.getRank())
        return fail(size, "input '" + input + "' has " + Twine(type.getRank()) + " dimensions");
      int64_t found = type.getDimSize(axis);
      if (ShapedType::isDynamic(found))
        return restrict(ranges[keyOf(argument.getArgNumber(), axis)], size);
      bool isShape = size.rank >= 0; // a whole shape names fixed dimensions, too, as they are
      int64_t low = size.min.value_or(found), high = size.max.value_or(found);
      if (size.nominal.value_or(found) == found &&
          (isShape ? low == found && high == found : low <= found && found <= high))
        return success();
      return fail(size, "dimension " + Twine(axis) + " of input '" + input + "' is " + Twine(found) +
                            " in the model; open are " + openDimensions());
    }
    std::string names;
    for (BlockArgument argument : func.getArguments())
      names += (names.empty() ? "'" : ", '") + inputName(argument.getArgNumber()) + "'";
    return fail(size, "the model has no input '" + input + "'; it has " + names + "; open dimensions are " +
                          openDimensions());
  }

  LogicalResult restrict(Range &range, const OpenSize &size) {
    range.min = std::max(range.min, size.min.value_or(range.min));
    range.max = std::min(range.max, size.max.value_or(range.max));
    if (size.nominal) {
      if (range.nominal >= 0 && range.nominal != *size.nominal)
        return func.emitError("[TN8045] ")
               << size.flag << ": the same dimension is " << range.nominal << " by " << range.flags;
      range.nominal = *size.nominal;
    }
    if (range.flags.find(size.flag) == std::string::npos)
      range.flags += (range.flags.empty() ? "" : " and ") + size.flag;
    return success();
  }

  LogicalResult check(const Range &range) {
    if (range.min > range.max)
      return func.emitError("[TN8045] ") << range.flags << ": no size of the dimension is left, " << range.min
                                         << " is above " << range.max;
    if (range.nominal >= 0 && (range.nominal < range.min || range.nominal > range.max))
      return func.emitError("[TN8045] ") << range.flags << ": the nominal size " << range.nominal << " is not within "
                                         << range.min << " to " << range.max;
    return success();
  }

  void write(const Range &range) {
    Builder b(func.getContext());
    for (Place place : range.places) {
      BlockArgument argument = func.getArgument(place.argument);
      auto type = cast<RankedTensorType>(argument.getType());
      if (range.min == range.max) {
        SmallVector<int64_t> shape(type.getShape());
        shape[place.axis] = range.min;
        argument.setType(type.clone(shape));
        continue;
      }
      auto known = func.getArgAttrOfType<ArrayAttr>(place.argument, onnxtograph::kSizesAttr);
      SmallVector<Attribute> entries(type.getRank(), b.getUnitAttr());
      if (known)
        entries.assign(known.begin(), known.end());
      entries[place.axis] = b.getDenseI64ArrayAttr({range.min, range.max, range.nominal});
      func.setArgAttr(place.argument, onnxtograph::kSizesAttr, b.getArrayAttr(entries));
    }
  }

  func::FuncOp func;
  std::map<Key, Range> ranges;
};

} // namespace

LogicalResult applySizes(ModuleOp imported, ArrayRef<OpenSize> sizes) {
  if (sizes.empty())
    return success();
  return Sizes(imported.lookupSymbol<func::FuncOp>("main")).apply(sizes);
}

} // namespace tenon
