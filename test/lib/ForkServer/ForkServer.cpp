// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs one program many times and loads it once. Of what a short run of a tool costs,
// a third is the dynamic loader, which finds 50,000 symbols of MLIR and LLVM. A program
// that starts with this library preloaded stops before its main, where all is loaded
// and the program has not begun, and from there forks a process for each run that it is asked for:
//
//   test                       program, stopped           fork of it
//     arguments, environment,
//     folder, 3 descriptors  ->  fork                  ->  main(arguments)
//     number of the process  <-                               |
//     status, time, memory   <-  wait4                 <-  its end
//
// What is asked for comes through the socket whose descriptor TENON_FORK_SERVER gives.
// test/e2e/fork_server.py is the other side.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace tenon {
/// Of the compiler (include/tenon/Frontend/ONNX/Import.h); null in programs without it.
[[gnu::weak]] void loadOnnxSchemas();
} // namespace tenon

namespace {
using Main = int(int, char **, char **);

constexpr const char *kVariable = "TENON_FORK_SERVER";
Main *programMain = nullptr;

/// What precedes the text of a request.
struct Header {
  uint32_t bytes;     // of the text: the folder, the arguments and the environment, each ended by a zero
  uint32_t arguments; // how many there are, with the program's name
};

/// What is answered when a run has ended.
struct Ending {
  int32_t status; // as waitpid gives it
  int32_t kilobytes;
  double seconds; // of a processor
};

/// One run that is asked for. The descriptors become those of input, output and errors.
struct Request {
  Header header;
  std::array<int, 3> descriptors;
  std::string text;
};

/// Ends the server: of what nobody reads, the exit status says enough.
[[noreturn]] void fail() { _exit(125); }

void readAll(int socket, void *data, size_t bytes) {
  for (auto *next = static_cast<char *>(data); bytes;) {
    ssize_t got = read(socket, next, bytes);
    if (got <= 0)
      fail();
    next += got;
    bytes -= got;
  }
}

void writeAll(int socket, const void *data, size_t bytes) {
  if (write(socket, data, bytes) != static_cast<ssize_t>(bytes))
    fail();
}

/// The header comes with the descriptors, the text after it. Ends where the other side has ended.
Request receive(int socket) {
  Request request;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(request.descriptors))];
  iovec part = {&request.header, sizeof(Header)};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
  if (got == 0)
    _exit(0);
  cmsghdr *passed = CMSG_FIRSTHDR(&message);
  if (got != sizeof(Header) || !passed || passed->cmsg_type != SCM_RIGHTS)
    fail();
  memcpy(request.descriptors.data(), CMSG_DATA(passed), sizeof(request.descriptors));
  request.text.resize(request.header.bytes);
  readAll(socket, request.text.data(), request.text.size());
  return request;
}

/// The texts that follow one another, and a null pointer for the end.
std::vector<char *> split(char *text, char *end) {
  std::vector<char *> parts;
  for (; text < end; text += strlen(text) + 1)
    parts.push_back(text);
  parts.push_back(nullptr);
  return parts;
}

/// What the forked process does: it becomes what a new process would be, then runs the program.
int run(Request &request, int socket) {
  close(socket);
  for (int target = 0; target < 3; ++target)
    if (dup2(request.descriptors[target], target) < 0)
      fail();
  for (int descriptor : request.descriptors)
    close(descriptor);
  char *folder = request.text.data(), *end = folder + request.text.size();
  if (chdir(folder) != 0)
    fail();
  // They stay until the process ends, as a program's own arguments do.
  static std::vector<char *> arguments, variables;
  arguments = split(folder + strlen(folder) + 1, end);
  variables.assign(arguments.begin() + request.header.arguments, arguments.end());
  arguments.resize(request.header.arguments);
  arguments.push_back(nullptr);
  environ = variables.data();
  return programMain(request.header.arguments, arguments.data(), environ);
}

/// Takes the place of main.
int serve(int, char **, char **) {
  int socket = atoi(getenv(kVariable));
  // The only thing that has run before a fork: the table is the same for all, and each would fill its own.
  if (tenon::loadOnnxSchemas)
    tenon::loadOnnxSchemas();
  for (;;) {
    Request request = receive(socket);
    pid_t child = fork();
    if (child == 0)
      return run(request, socket);
    int32_t number = child;
    writeAll(socket, &number, sizeof(number));
    for (int descriptor : request.descriptors)
      close(descriptor);
    int status = 0;
    rusage usage = {};
    while (wait4(child, &status, 0, &usage) < 0)
      if (errno != EINTR)
        fail();
    auto seconds = [](timeval time) { return time.tv_sec + time.tv_usec / 1e6; };
    Ending ending = {status, static_cast<int32_t>(usage.ru_maxrss), seconds(usage.ru_utime) + seconds(usage.ru_stime)};
    writeAll(socket, &ending, sizeof(ending));
  }
}
} // namespace

/// The C library's, which a program's first instructions call with its main.
extern "C" int __libc_start_main(Main *main, int argc, char **argv, void (*init)(), void (*fini)(),
                                 void (*loaderFini)(), void *stackEnd) {
  auto *real = reinterpret_cast<decltype(&__libc_start_main)>(dlsym(RTLD_NEXT, "__libc_start_main"));
  if (!getenv(kVariable))
    return real(main, argc, argv, init, fini, loaderFini, stackEnd);
  programMain = main;
  return real(serve, argc, argv, init, fini, loaderFini, stackEnd);
}
