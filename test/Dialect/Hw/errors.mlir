// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// What declarations in files may not say, attributes may not either.

// expected-error @+1 {{name: found 'a b', allowed are letters, digits, '_', '-' and '.'}}
module attributes {p = #hw.device<"a b", family = "toy">} {}

// -----

// expected-error @+1 {{family: found '', allowed are letters}}
module attributes {p = #hw.device<"a", family = "">} {}

// -----

// expected-error @+1 {{kernel_launch_ns: found -1, allowed is a whole number of 0 to 1125899906842624}}
module attributes {p = #hw.device<"a", family = "toy", kernel_launch_ns = -1>} {}

// -----

// expected-error @+1 {{limits: "rows" is given twice}}
module attributes {p = #hw.device<"a", family = "toy", limits = {rows = 1, rows = 2}>} {}

// -----

// expected-error @+1 {{limits.rows: found -7, allowed is a whole number of 0 to}}
module attributes {p = #hw.device<"a", family = "toy", limits = {rows = -7}>} {}

// -----

// expected-error @+1 {{formats: 'other' is given twice}}
module attributes {p = #hw.device<"a", family = "toy", formats = [<"other", ["f32"]>, <"other", []>]>} {}

// -----

// expected-error @+1 {{memories: found two of the name 'm'; links: found 'l1', allowed are host, network and the chip's memories m, m}}
module attributes {p = #hw.device<"a", family = "toy", memories = [<"m", bytes = 0, mb_per_s = 1, latency_ns = 0>, <"m", bytes = 0, mb_per_s = 1, latency_ns = 0>], links = [<"host" to "l1", mb_per_s = 1, latency_ns = 0>]>} {}

// -----

// expected-error @+1 {{duplicate or unknown struct parameter name: size}}
module attributes {p = #hw.device<"a", family = "toy", size = 3>} {}

// -----

// expected-error @+1 {{count: found 0, allowed is a whole number of 1 to 1048576}}
module attributes {p = #hw.unit<"u", count = 0, clock_mhz = 1, ops_per_cycle = {}>} {}

// -----

// expected-error @+1 {{ops_per_cycle.f32: found 0, allowed is a whole number of 1 to}}
module attributes {p = #hw.unit<"u", count = 1, clock_mhz = 1, ops_per_cycle = {f32 = 0}>} {}

// -----

// expected-error @+1 {{alignment: found 48, allowed is a power of two}}
module attributes {p = #hw.memory<"m", bytes = 0, mb_per_s = 1, latency_ns = 0, alignment = 48>} {}

// -----

// expected-error @+1 {{mb_per_s: found 0, allowed is a whole number of 1 to}}
module attributes {p = #hw.link<"host" to "m", mb_per_s = 0, latency_ns = 0>} {}

// -----

// expected-error @+1 {{formats: found the kind 'convolution', allowed are contraction, elementwise}}
module attributes {p = #hw.formats<"convolution", []>} {}

// -----

// expected-error @+1 {{rates: found the kind 'exp', allowed are contraction, depthwise}}
module attributes {p = #hw.rates<"exp", {f32 = 1}>} {}

// -----

// expected-error @+1 {{rates.f32: found 0, allowed is a whole number of 1 to}}
module attributes {p = #hw.rates<"other", {f32 = 0}>} {}
