// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_HW_ATTRS_TD
#define TENON_HW_ATTRS_TD
include "mlir/IR/AttrTypeBase.td"
include "tenon/Dialect/Hw/IR/HwDialect.td"

/// `{f32 = 32, f64 = 16}`: the order is part of it, as a format without a number of its own
/// takes the first one.
class Hw_Numbers<string desc> : ArrayRefParameter<"::tenon::hw::Number", desc>;

def Hw_UnitAttr : AttrDef<Hw_Dialect, "Unit"> {
  let mnemonic = "unit";
  let summary = "what computes: cores of a CPU, multiprocessors of a GPU, engines of an NPU";
  let description = [{
    ```mlir
    #hw.unit<"core", count = 1, clock_mhz = 3000, ops_per_cycle = {f32 = 32, f64 = 16}>
    ```
  }];
  let parameters = (ins StringRefParameter<"name">:$name, "int64_t":$count, "int64_t":$clock_mhz,
                        Hw_Numbers<"operations that one starts in a cycle, by number format">:$ops_per_cycle);
  let assemblyFormat = "`<` $name `,` struct($count, $clock_mhz, custom<Numbers>($ops_per_cycle)) `>`";
  let genVerifyDecl = 1;
}

def Hw_MemoryAttr : AttrDef<Hw_Dialect, "Memory"> {
  let mnemonic = "memory";
  let summary = "a memory of a chip";
  let description = [{
    `bytes` 0 is more than any model needs.

    ```mlir
    #hw.memory<"dram", bytes = 0, mb_per_s = 12000, latency_ns = 90, alignment = 64>
    ```
  }];
  let parameters = (ins StringRefParameter<"name">:$name, "int64_t":$bytes, "int64_t":$mb_per_s,
                        "int64_t":$latency_ns, DefaultValuedParameter<"int64_t", "1">:$alignment);
  let assemblyFormat = "`<` $name `,` struct($bytes, $mb_per_s, $latency_ns, $alignment) `>`";
  let genVerifyDecl = 1;
}

def Hw_LinkAttr : AttrDef<Hw_Dialect, "Link"> {
  let mnemonic = "link";
  let summary = "a way from one memory to another, to the host's or to the network";
  let description = [{
    ```mlir
    #hw.link<"host" to "dram", mb_per_s = 4000, latency_ns = 2000>
    ```
  }];
  let parameters = (ins StringRefParameter<"memory">:$from, StringRefParameter<"memory">:$to, "int64_t":$mb_per_s,
                        "int64_t":$latency_ns);
  let assemblyFormat = "`<` $from `to` $to `,` struct($mb_per_s, $latency_ns) `>`";
  let genVerifyDecl = 1;
}

def Hw_FormatsAttr : AttrDef<Hw_Dialect, "Formats"> {
  let mnemonic = "formats";
  let summary = "number formats that operands of a kind of operator may be in";
  let description = [{
    ```mlir
    #hw.formats<"contraction", ["f32", "i8"]>
    ```
  }];
  let parameters = (ins StringRefParameter<"kind of operator">:$kind,
                        ArrayRefParameter<"::mlir::StringAttr", "number formats">:$formats);
  let assemblyFormat = "`<` $kind `,` custom<Words>($formats) `>`";
  let genVerifyDecl = 1;
}

def Hw_RatesAttr : AttrDef<Hw_Dialect, "Rates"> {
  let mnemonic = "rates";
  let summary = "millions of operations a second that one unit does of a kind of work";
  let description = [{
    ```mlir
    #hw.rates<"function", {f32 = 1400}>
    ```
  }];
  let parameters = (ins StringRefParameter<"kind of work">:$kind, Hw_Numbers<"speeds by number format">:$speeds);
  let assemblyFormat = "`<` $kind `,` custom<Numbers>($speeds) `>`";
  let genVerifyDecl = 1;
}

def Hw_DeviceAttr : AttrDef<Hw_Dialect, "Device"> {
  let mnemonic = "device";
  let summary = "a chip, as its declaration has it";
  let description = [{
    The name and the family are those of `--target=FAMILY:NAME`. Memories are in order from
    the nearest to the units to the largest, in which buffers lie. Keys that are left out are
    those that a declaration may leave out.

    ```mlir
    #hw.device<"small", family = "toy",
      units = [<"array", count = 1, clock_mhz = 500, ops_per_cycle = {f32 = 256, i8 = 256}>],
      memories = [<"scratchpad", bytes = 4096, mb_per_s = 64000, latency_ns = 2, alignment = 4>,
                  <"dram", bytes = 0, mb_per_s = 8000, latency_ns = 100, alignment = 64>],
      links = [<"host" to "dram", mb_per_s = 4000, latency_ns = 2000>],
      formats = [<"contraction", ["f32", "i8"]>, <"elementwise", ["f32"]>],
      kernel_launch_ns = 500, region_launch_ns = 5000,
      limits = {array_rows = 16, array_columns = 16}>
    ```
  }];
  let parameters = (ins
    StringRefParameter<"name">:$name,
    StringRefParameter<"whose target makes code for the chip">:$family,
    StringRefParameter<"a line for people", "\"\"">:$summary,
    StringRefParameter<"of LLVM", "\"\"">:$triple,
    OptionalArrayRefParameter<"::mlir::StringAttr", "of LLVM">:$features,
    OptionalArrayRefParameter<"::tenon::hw::UnitAttr">:$units,
    OptionalArrayRefParameter<"::tenon::hw::MemoryAttr">:$memories,
    OptionalArrayRefParameter<"::tenon::hw::LinkAttr">:$links,
    OptionalArrayRefParameter<"::tenon::hw::FormatsAttr">:$formats,
    OptionalArrayRefParameter<"::tenon::hw::RatesAttr">:$rates,
    DefaultValuedParameter<"int64_t", "0">:$kernel_launch_ns,
    DefaultValuedParameter<"int64_t", "0">:$region_launch_ns,
    OptionalArrayRefParameter<"::tenon::hw::Number", "what strategies ask for">:$limits);
  let assemblyFormat = [{
    `<` $name `,` struct($family, $summary, $triple, custom<Words>($features), custom<Attributes>($units),
                         custom<Attributes>($memories), custom<Attributes>($links), custom<Attributes>($formats),
                         custom<Attributes>($rates), $kernel_launch_ns, $region_launch_ns, custom<Numbers>($limits)) `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The chip of a declaration, which may come from a file or from code.
    static DeviceAttr get(::mlir::MLIRContext *context, const ::tenon::hw::Device &device);
    /// The declaration that the attribute is; its problems are told as of the attribute.
    ::tenon::hw::Device toDevice() const;
    /// "toy:small", as --target names it.
    std::string getSpelling() const { return (getFamily() + ":" + getName()).str(); }
    /// The memory that buffers lie in: the last one. Null where none is declared.
    ::tenon::hw::MemoryAttr getBufferMemory() const {
      return getMemories().empty() ? ::tenon::hw::MemoryAttr() : getMemories().back();
    }
  }];
}
#endif
