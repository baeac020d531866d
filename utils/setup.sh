#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what Tenon needs: Debian packages (the missing ones only), and a
# Python virtual environment in .venv with pinned packages.
#   utils/setup.sh           what the build and the tests need
#   utils/setup.sh demo      also what `make demo` needs
#   utils/setup.sh bench     also the peers of `make bench`
#   utils/setup.sh docs      also what `make docs` draws with
#   utils/setup.sh ship      also the compiler that builds the runtime for musl
# The Makefile calls it once and keeps a stamp; calling it again is harmless.
# With TENON_SETUP=check, or without root, missing Debian packages are named only.
set -euo pipefail
cd "$(dirname "$0")/.."

debian_packages=(
  cmake ninja-build ccache git
  clang-22 clang-format-22 lld-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  liblld-22-dev libclang-rt-22-dev zlib1g-dev libzstd-dev
  protobuf-compiler libprotobuf-dev flatbuffers-compiler libflatbuffers-dev
  libxxhash-dev libgtest-dev python3-dev python3-venv pkgconf
  # What runs code of other architectures in tests (35 MB, a quarter of a minute).
  qemu-user libc6-dev-arm64-cross libgcc-12-dev-arm64-cross libc6-dev-riscv64-cross libgcc-12-dev-riscv64-cross
)

# Where LLVM 22 comes from, for a machine whose package sources lack it.
explain_sources() {
  cat >&2 <<EOF
No package source of this machine has: $*

Debian 12 has LLVM 22 in its security archive, which a default installation
uses. If yours does not, add this line to a file in /etc/apt/sources.list.d
(named *.list), then call make again:
  deb http://deb.debian.org/debian-security bookworm-security main
On another system install clang, lld, LLVM and MLIR 22.1 from where it has
them (for Debian and Ubuntu also https://apt.llvm.org), under Debian's names.
EOF
}

if ! command -v dpkg-query >/dev/null; then
  echo "utils/setup.sh installs Debian packages, and this system has no dpkg." >&2
  echo "Tenon needs what these packages hold: ${debian_packages[*]}" >&2
  exit 1
fi
missing=()
for package in "${debian_packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  [[ $status == ii* ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  if [[ $(id -u) != 0 || ${TENON_SETUP:-} == check ]]; then
    echo "Tenon needs Debian packages that are not installed. Run this, then try again:" >&2
    echo "  sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends ${missing[*]}'" >&2
    exit 1
  fi
  echo "installing ${#missing[@]} Debian packages (a few minutes): ${missing[*]}"
  # A source that cannot be reached matters only if it has what is missing here.
  apt-get update -qq || echo "apt-get update: some package lists are not up to date" >&2
  unknown=()
  for package in "${missing[@]}"; do
    apt-cache show --no-all-versions "$package" >/dev/null 2>&1 || unknown+=("$package")
  done
  if ((${#unknown[@]})); then
    explain_sources "${unknown[@]}"
    exit 1
  fi
  mkdir -p .cache
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >.cache/apt.log 2>&1 || {
    tail -n 20 .cache/apt.log >&2
    echo "apt-get failed; all it said is in .cache/apt.log" >&2
    exit 1
  }
fi

# The system's own Python: its headers (python3-dev) are what the Python module
# is built against, which another python3 earlier on PATH would not match.
python=${PYTHON:-/usr/bin/python3}
pip=(.venv/bin/python -m pip)
if ! "${pip[@]}" --version >/dev/null 2>&1; then # none yet, or one that was interrupted
  "$python" -m venv .venv
fi
for requirements in "" ${1:+-$1}; do
  echo "installing utils/requirements$requirements.txt into .venv"
  "${pip[@]}" install --quiet --disable-pip-version-check -r "utils/requirements$requirements.txt"
done
