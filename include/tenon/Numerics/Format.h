// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Number formats as data. A Format is read from a declaration (a file of
// formats/, docs/HowTo/add-a-number-format.md), checked against numbered rules,
// and answers everything that follows from it: the value of each code, the code
// of each value under a rounding mode, its limits. The one home of numeric
// truth: reference, code generation, conversion of weights and documentation
// all ask here.
#ifndef TENON_NUMERICS_FORMAT_H
#define TENON_NUMERICS_FORMAT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tenon::numerics {

enum class FormatKind {
  Float,    ///< sign, exponent and mantissa fields
  Integer,  ///< two's complement, or unsigned
  Codebook, ///< a table with the value of each code
  Block,    ///< elements of another format that share a scale
  Family    ///< several formats, of which each tensor takes the one that suits it best
};

enum class Rounding { NearestEven, NearestAway, TowardZero, TowardPositive, TowardNegative, Stochastic };

/// What a finite value beyond the largest one, or an infinity, becomes.
enum class Overflow {
  Saturate, ///< the largest finite value
  NonFinite ///< infinity if the format has one, else NaN, else the largest finite value
};

/// Which codes are NaN.
enum class NanEncoding {
  None,
  Ieee,        ///< exponent all ones, mantissa not zero
  AllOnes,     ///< exponent and mantissa all ones
  NegativeZero ///< the code of minus zero
};

/// How the scale of a block follows from its largest magnitude (amax).
enum class ScaleRule {
  Max,       ///< amax / largest value of the element format
  PowerOfTwo ///< 2^(floor(log2 amax) - exponent of the element's largest value), OCP MX 1.0 section 6.3
};

struct FloatFields {
  bool sign = true;
  unsigned exponent = 0, mantissa = 0; ///< bits
  std::optional<int> bias;             ///< none: a parameter of each tensor
  int minBias = 0, maxBias = 0;        ///< what the parameter may be
  bool infinity = false;
  NanEncoding nan = NanEncoding::None;
  bool subnormals = true;
  bool zero = true; ///< false: exponent field 0 is an ordinary exponent
  bool signedZero = true;
};

struct IntegerFields {
  unsigned width = 0;
  bool isSigned = true;
  bool narrow = false;   ///< without the most negative value
  bool zeroPoint = true; ///< tensors of it may carry one
};

struct BlockFields {
  std::string element, scale;
  std::optional<std::string> globalScale; ///< format of a scale over the tensor that scales the scales
  int64_t size = 0;
  int64_t axis = -1; ///< of the weights, counted from the end if negative
  ScaleRule rule = ScaleRule::Max;
};

/// How elements lie in memory.
struct Storage {
  unsigned bits = 0;      ///< of one element, padding included
  bool lowFirst = true;   ///< elements fill a byte from its low bits
  unsigned alignment = 1; ///< of a row, in bytes
};

/// The keys of a declaration.
struct Declaration {
  std::string name, summary;
  FormatKind kind = FormatKind::Float;
  FloatFields real;
  IntegerFields integer;
  std::vector<double> values; ///< codebook: value of each code, ascending
  BlockFields block;
  std::vector<std::string> members; ///< of a family
  Rounding rounding = Rounding::NearestEven;
  Overflow overflow = Overflow::Saturate;
  Storage storage;
  std::string mlir; ///< the builtin type that is this format, "" if there is none
  std::string onnx; ///< ONNX's name in TensorProto.DataType
  int onnxCode = 0; ///< and its number
  std::vector<std::pair<std::string, std::string>> aliases; ///< (who, name)
};

struct Encoding {
  Rounding rounding = Rounding::NearestEven;
  Overflow overflow = Overflow::Saturate;
  uint64_t seed = 0;  ///< of stochastic rounding
  uint64_t index = 0; ///< of the value in its tensor
};

class Format {
public:
  /// Reads a declaration: a YAML mapping (docs/HowTo/add-a-number-format.md).
  /// The error names the line and key, or the rule that does not hold.
  static llvm::Expected<std::unique_ptr<Format>> parse(llvm::StringRef yaml, llvm::StringRef source);
  static llvm::Expected<std::unique_ptr<Format>> create(Declaration declaration);

  const Declaration &declaration() const { return decl; }
  llvm::StringRef name() const { return decl.name; }
  FormatKind kind() const { return decl.kind; }
  bool isFloat() const { return decl.kind == FormatKind::Float; }
  /// Whether a code is one value: not of blocks, families, and formats whose bias is open.
  bool isElement() const { return decl.kind < FormatKind::Block && !needsBias(); }
  /// The declaration as one canonical line of YAML; equal formats print alike.
  std::string text() const;

  unsigned width() const;        ///< bits of a code
  unsigned storageBytes() const; ///< bytes of an element that stands alone
  bool needsBias() const { return isFloat() && !decl.real.bias; }
  /// The same format with the per-tensor bias bound; `NAME_bN` names it.
  std::unique_ptr<Format> withBias(int bias) const;

  /// Value of a code: exact in double (a rule of declarations). Bits above the width are ignored.
  double decode(uint64_t code) const;
  /// Code of a value, rounded once. NaN becomes the format's NaN; in formats
  /// without one, zero of the opposite sign (as ml_dtypes has it) for floats and
  /// the code of the value nearest to 0 otherwise. Formats without sign take
  /// negative values, and formats without zero take zero, for an overflow.
  uint64_t encode(double value, const Encoding &how) const;
  /// How results of arithmetic become codes: as declared, but an infinity stays one where the format has it.
  Encoding arithmeticEncoding() const { return {decl.rounding, hasInfinity() ? Overflow::NonFinite : decl.overflow}; }
  uint64_t encode(double value) const { return encode(value, arithmeticEncoding()); }
  /// Codes (of up to 32 bits) as they lie in memory: rows of rowLength elements,
  /// each element in storage bits, from the low or the high end of the bytes,
  /// each row padded with zeros to the alignment. Codes beyond whole rows are left out.
  std::vector<uint8_t> pack(llvm::ArrayRef<uint32_t> codes, uint64_t rowLength) const;
  /// The inverse, for the whole rows that the bytes hold.
  std::vector<uint32_t> unpack(llvm::ArrayRef<uint8_t> bytes, uint64_t rowLength) const;
  /// decode of each code, for widths up to 16.
  llvm::ArrayRef<double> values() const;

  double largest() const; ///< largest finite value
  double lowest() const;  ///< smallest finite value (negative if signed)
  double smallestPositive() const;
  double smallestNormal() const; ///< floats; else the smallest positive value
  double epsilon() const;        ///< distance of 1 to the next value, in floats 2^-mantissa
  bool hasInfinity() const { return isFloat() && decl.real.infinity; }
  bool hasNan() const { return isFloat() && decl.real.nan != NanEncoding::None; }

  /// Codes of special values and the largest finite magnitude (floats).
  uint64_t infinityCode() const;
  uint64_t nanCode() const;
  uint64_t largestCode() const;
  uint64_t signBit() const { return decl.real.sign ? uint64_t(1) << (decl.real.exponent + decl.real.mantissa) : 0; }
  /// Exponent of the smallest normal value; the last subnormal digit is 2^-mantissa of it.
  int minExponent() const;

private:
  explicit Format(Declaration declaration) : decl(std::move(declaration)) {}
  uint64_t encodeFloat(double value, const Encoding &how) const;
  uint64_t encodeInteger(double value, const Encoding &how) const;
  uint64_t encodeCodebook(double value) const;

  Declaration decl;
  mutable std::once_flag tabulated;
  mutable std::vector<double> table;
};

/// Rounds |q| (not negative) to an integer; `negative` is the sign of the value
/// that q is the magnitude of, `random` draws stochastic rounding's 24 bits.
double roundMagnitude(double q, bool negative, const Encoding &how);

/// 32 random bits of a counter: Philox2x32-10 (Salmon et al., "Parallel random
/// numbers: as easy as 1, 2, 3", SC 2011), key = seed, counter = index.
uint32_t philox(uint64_t seed, uint64_t index);

llvm::StringRef kindName(FormatKind kind);
llvm::StringRef roundingName(Rounding rounding);
std::optional<Rounding> parseRounding(llvm::StringRef name);

} // namespace tenon::numerics

#endif // TENON_NUMERICS_FORMAT_H
