// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An output is written beside its final name, synced, and renamed to it, which replaces a file in one step;
// then the folder is synced, which makes the new name durable. The names of temporary files are in a table of
// fixed size, so that a signal handler can read it. A file that finds no place there is removed by its owner
// alone.
#include "tenon/Support/Files.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace {

std::error_code lastError() { return std::error_code(errno, std::generic_category()); }

const char *kindOf(mode_t mode) {
  return S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : S_ISSOCK(mode) ? "a socket" : "a device";
}

// What a signal handler needs is in static memory: it may not allocate, lock, or
// follow a pointer that another thread frees.
enum State : int { Free, Filling, Live };
struct Slot {
  std::atomic<int> state{Free};
  char path[4096];
};
Slot slots[16];

/// A slot that holds the path; -1 where there is none left.
int remember(StringRef path) {
  if (path.size() >= sizeof(Slot::path))
    return -1;
  for (int i = 0; i < int(std::size(slots)); ++i) {
    int expected = Free;
    if (!slots[i].state.compare_exchange_strong(expected, Filling))
      continue;
    memcpy(slots[i].path, path.data(), path.size());
    slots[i].path[path.size()] = 0;
    slots[i].state = Live;
    return i;
  }
  return -1;
}

/// Holds back the signals that end a process: a file is created and remembered
/// without one in between.
class NoSignals {
public:
  NoSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (int signal : {SIGINT, SIGTERM, SIGHUP})
      sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, &before);
  }
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before, nullptr); }

private:
  sigset_t before;
};

/// Some file systems cannot sync; what they do not promise is no error.
std::error_code sync(int fd) {
  if (fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS)
    return {};
  return lastError();
}

void syncFolder(StringRef path) {
  StringRef folder = sys::path::parent_path(path);
  int fd = ::open(folder.empty() ? "." : folder.str().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return; // a folder that may be written but not read
  sync(fd);
  close(fd);
}

} // namespace

namespace tenon {

std::unique_ptr<MemoryBuffer> openInput(StringRef path, std::string &error, bool terminated) {
  // Opening a pipe would wait for who writes to it; opening a terminal could make
  // it the process's own.
  int fd = path.contains('\0') ? -1 : ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0) {
    error = "cannot be opened: " + (path.contains('\0') ? "its name holds a NUL" : lastError().message());
    if (fd >= 0)
      close(fd);
    return nullptr;
  }
  std::unique_ptr<MemoryBuffer> buffer;
  if (!S_ISREG(info.st_mode)) {
    error = std::string("is ") + kindOf(info.st_mode) + ", not a regular file";
  } else if (auto read = MemoryBuffer::getOpenFile(fd, path, info.st_size, terminated)) {
    buffer = std::move(*read);
  } else {
    error = "cannot be read: " + read.getError().message();
  }
  close(fd);
  return buffer;
}

void InputFiles::add(const Twine &path, StringRef what) {
  sys::fs::UniqueID id;
  if (!sys::fs::getUniqueID(path, id))
    files.push_back({id, what.str()});
}

/// The path with its folder's real name.
static std::string fullName(const Twine &path) {
  SmallString<128> given, folder, real;
  path.toVector(given);
  folder = sys::path::parent_path(given);
  if (folder.empty())
    folder = ".";
  if (sys::fs::real_path(folder, real))
    real = folder;
  sys::path::append(real, sys::path::filename(given));
  return real.str().str();
}

void InputFiles::addOutput(const Twine &path, StringRef what) {
  if (!sys::fs::exists(path))
    names.push_back({fullName(path), what.str()});
  else if (sys::fs::is_regular_file(path)) // a device takes what several outputs write
    add(path, what);
}

StringRef InputFiles::find(const Twine &output) const {
  sys::fs::UniqueID id;
  if (!names.empty())
    for (std::string full = fullName(output); const auto &[name, what] : names)
      if (name == full)
        return what;
  if (!sys::fs::getUniqueID(output, id))
    for (const auto &[known, what] : files)
      if (known == id)
        return what;
  return "";
}

std::error_code TemporaryFile::createNew(StringRef stem, StringRef suffix, unsigned mode, int &fd) {
  // The number is for no one to read: what is written does not depend on it.
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string candidate =
        (stem + "." + utohexstr(sys::Process::GetRandomNumber() & 0xffffffff, /*LowerCase=*/true) + suffix).str();
    NoSignals hold;
    fd = ::open(candidate.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST)
      continue;
    if (fd < 0)
      return lastError();
    name = candidate;
    slot = remember(candidate);
    // Never one of the standard streams, should one of these be closed.
    if (fd <= STDERR_FILENO) {
      int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
      close(fd);
      fd = higher;
    }
    return fd < 0 ? lastError() : std::error_code();
  }
  return std::make_error_code(std::errc::file_exists);
}

std::error_code TemporaryFile::create(StringRef stem, StringRef suffix) {
  SmallString<128> path;
  sys::path::system_temp_directory(/*ErasedOnReboot=*/true, path);
  sys::path::append(path, stem);
  int fd;
  std::error_code code = createNew(path, suffix, 0600, fd);
  if (!code)
    close(fd);
  return code;
}

std::error_code TemporaryFile::createBeside(StringRef path, int &fd) {
  // The longest name that a folder takes has no room for more.
  constexpr size_t kLongestName = 200;
  SmallString<128> stem(sys::path::parent_path(path));
  sys::path::append(stem, sys::path::filename(path).take_front(kLongestName));
  return createNew(stem, ".tmp", 0666, fd);
}

std::error_code TemporaryFile::keepAs(StringRef path) {
  if (::rename(name.c_str(), path.str().c_str()) != 0)
    return lastError();
  if (slot >= 0)
    slots[slot].state = Free;
  slot = -1;
  name.clear();
  return {};
}

void TemporaryFile::remove() {
  if (name.empty())
    return;
  ::unlink(name.c_str());
  if (slot >= 0)
    slots[slot].state = Free;
  slot = -1;
  name.clear();
}

void removeTemporaryFiles() {
  for (Slot &slot : slots)
    if (slot.state.load() == Live)
      ::unlink(slot.path);
}

static void endBySignal(int signal) {
  removeTemporaryFiles();
  // The process ends as it would have without this handler.
  ::signal(signal, SIG_DFL);
  raise(signal);
}

void removeTemporaryFilesOnSignals() {
  constexpr std::array signals = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGXCPU};
  static const auto ignored = [&] {
    std::array<bool, signals.size()> result = {};
    struct sigaction action;
    for (size_t i = 0; i < signals.size(); ++i)
      result[i] = sigaction(signals[i], nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
    return result;
  }();
  for (size_t i = 0; i < signals.size(); ++i) {
    struct sigaction action = {};
    action.sa_handler = ignored[i] ? SIG_IGN : endBySignal;
    sigaction(signals[i], &action, nullptr);
  }
}

OutputFile::~OutputFile() {
  if (stream)
    stream->clear_error(); // or its destructor aborts
  stream.reset();
  if (fd >= 0)
    close(fd);
}

std::error_code OutputFile::open(StringRef target) {
  path = target.str();
  if (target.contains('\0'))
    return std::make_error_code(std::errc::invalid_argument);
  if (std::error_code code = temporary.createBeside(path, fd))
    return code;
  stream = std::make_unique<raw_fd_ostream>(fd, /*shouldClose=*/false);
  return {};
}

std::error_code OutputFile::commit() {
  stream->flush();
  std::error_code code = stream->error();
  stream->clear_error();
  stream.reset();
  if (!code)
    code = sync(fd);
  if (close(std::exchange(fd, -1)) != 0 && !code)
    code = lastError();
  if (!code)
    code = temporary.keepAs(path);
  if (code)
    temporary.remove();
  else
    syncFolder(path);
  return code;
}

void openStandardStreams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      (void)::open("/dev/null", O_RDWR); // the lowest number that is free: this one
}

} // namespace tenon
