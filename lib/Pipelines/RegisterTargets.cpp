// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only file that names the targets of this compiler: a new one is two lines here.
#include "tenon/Pipelines/RegisterTargets.h"

#include "tenon/Target/CPU/Family.h"
#include "tenon/Target/CPU/Passes.h"

namespace tenon {

void registerTargets(TargetRegistry &registry) { registry.add(cpu::makeFamily()); }

void registerTargetPasses() { cpu::registerPasses(); }

} // namespace tenon
