// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// .npz files: zip archives of .npy files, stored or deflated.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3 and 4.5.3
#include "Samples.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"
#include <zlib.h>

namespace tenon::driver {

namespace {

/// Reads little-endian numbers; past the end it gives zeros and is not good.
class Reader {
public:
  Reader(llvm::StringRef bytes, uint64_t at) : bytes(bytes), at(at) {}
  template <typename T>
  T get() {
    if (at > bytes.size() || bytes.size() - at < sizeof(T)) {
      good = false;
      return 0;
    }
    at += sizeof(T);
    return llvm::support::endian::read<T, llvm::endianness::little>(bytes.data() + at - sizeof(T));
  }
  llvm::StringRef text(uint64_t length) {
    if (at > bytes.size() || bytes.size() - at < length) {
      good = false;
      return "";
    }
    at += length;
    return bytes.substr(at - length, length);
  }

  llvm::StringRef bytes;
  uint64_t at;
  bool good = true;
};

struct Member {
  std::string name;
  uint16_t method = 0;
  uint32_t checksum = 0;
  uint64_t packed = 0, size = 0, header = 0;
};

/// A record of the central directory.
bool readMember(Reader &in, Member &member) {
  if (in.get<uint32_t>() != 0x02014b50)
    return false;
  in.text(4); // versions
  bool isEncrypted = in.get<uint16_t>() & 1;
  member.method = in.get<uint16_t>();
  in.text(4); // time
  member.checksum = in.get<uint32_t>();
  member.packed = in.get<uint32_t>();
  member.size = in.get<uint32_t>();
  uint16_t name = in.get<uint16_t>(), extra = in.get<uint16_t>(), comment = in.get<uint16_t>();
  in.text(8); // disk, attributes
  member.header = in.get<uint32_t>();
  member.name = in.text(name).str();
  Reader fields(in.text(extra), 0);
  in.text(comment);
  while (fields.good && fields.at < fields.bytes.size()) {
    uint16_t id = fields.get<uint16_t>();
    Reader field(fields.text(fields.get<uint16_t>()), 0);
    if (id != 1) // zip64: those of the numbers that 32 bits do not hold
      continue;
    for (uint64_t *number : {&member.size, &member.packed, &member.header})
      if (*number == 0xffffffff)
        *number = field.get<uint64_t>();
    in.good &= field.good;
  }
  return in.good && !isEncrypted;
}

bool inflateAll(llvm::StringRef packed, std::string &out) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return false;
  size_t taken = 0, made = 0;
  int status = Z_OK;
  constexpr size_t kMost = 1u << 30; // zlib counts in 32 bits
  while (status == Z_OK) {
    stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data() + taken));
    stream.avail_in = uInt(std::min(packed.size() - taken, kMost));
    stream.next_out = reinterpret_cast<Bytef *>(out.data() + made);
    stream.avail_out = uInt(std::min(out.size() - made, kMost));
    uInt in = stream.avail_in, room = stream.avail_out;
    status = inflate(&stream, Z_NO_FLUSH);
    taken += in - stream.avail_in;
    made += room - stream.avail_out;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && made == out.size();
}

/// The bytes of a member, from its own header on.
bool extract(llvm::StringRef bytes, const Member &member, std::string &storage, llvm::StringRef &contents) {
  Reader in(bytes, member.header);
  if (in.get<uint32_t>() != 0x04034b50)
    return false;
  in.text(22);
  uint16_t name = in.get<uint16_t>(), extra = in.get<uint16_t>();
  in.text(uint64_t(name) + extra);
  llvm::StringRef packed = in.text(member.packed);
  if (!in.good || (member.method != 0 && member.method != 8))
    return false;
  contents = packed;
  if (member.method == 8) {
    // Deflate packs at most 1032 to 1: a larger size is no size to allocate.
    if (member.size / 1032 > member.packed + 1)
      return false;
    storage.resize(member.size);
    if (!inflateAll(packed, storage))
      return false;
    contents = storage;
  }
  return contents.size() == member.size &&
         crc32_z(0, reinterpret_cast<const Bytef *>(contents.data()), contents.size()) == member.checksum;
}

} // namespace

bool readNpz(llvm::StringRef path, std::vector<TensorFile> &tensors, std::string &error) {
  auto buffer = openInput(path, error);
  if (!buffer) {
    error = (path + " " + error).str();
    return false;
  }
  llvm::StringRef bytes = buffer->getBuffer();
  auto bad = [&](const llvm::Twine &why) {
    error = (path + ": " + why).str();
    return false;
  };
  size_t end = bytes.rfind(llvm::StringRef("PK\5\6", 4));
  if (end == llvm::StringRef::npos)
    return bad("not a .npz file, or a truncated one");
  Reader tail(bytes, end + 8);
  uint16_t count = tail.get<uint16_t>();
  tail.text(6);
  Reader directory(bytes, tail.get<uint32_t>());
  for (unsigned i = 0; i < count; ++i) {
    Member member;
    if (!tail.good || !readMember(directory, member))
      return bad("the archive's directory is damaged");
    llvm::StringRef name = member.name;
    if (!name.consume_back(".npy"))
      return bad("'" + name + "' is no .npy file");
    std::string storage;
    llvm::StringRef contents;
    if (!extract(bytes, member, storage, contents))
      return bad("array '" + name + "' is damaged, or packed by another method than NumPy's");
    TensorFile &tensor = tensors.emplace_back();
    if (!parseNpy(contents, path + ": array '" + name + "'", tensor, error))
      return false;
    tensor.name = name.str();
  }
  return true;
}

} // namespace tenon::driver
