#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what Tenon needs: Debian packages (the missing ones only), and a
# Python virtual environment in .venv with pinned packages.
#   utils/setup.sh           what the build and the tests need
#   utils/setup.sh bench     also the peers of `make bench` and `make demo`
# The Makefile calls it once and keeps a stamp; calling it again is harmless.
set -euo pipefail
cd "$(dirname "$0")/.."

debian_packages=(
  cmake ninja-build ccache git
  clang-22 lld-22 llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  liblld-22-dev libclang-rt-22-dev zlib1g-dev libzstd-dev
  protobuf-compiler libprotobuf-dev flatbuffers-compiler libflatbuffers-dev
  libxxhash-dev libgtest-dev python3-dev python3-venv
)

missing=()
for package in "${debian_packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  [[ $status == ii* ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  if [[ $(id -u) != 0 ]]; then
    echo "Tenon needs Debian packages that are not installed. Run this, then call make again:" >&2
    echo "  sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# The system's own Python: its headers (python3-dev) are what the Python module
# is built against, which another python3 earlier on PATH would not match.
python=${PYTHON:-/usr/bin/python3}
if [[ ! -x .venv/bin/python ]]; then
  "$python" -m venv .venv
fi
pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" -r utils/requirements.txt
if [[ ${1:-} == bench ]]; then
  "${pip[@]}" -r utils/requirements-bench.txt
fi
