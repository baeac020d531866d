# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random graphs, what is right of them, and what is smallest of the wrong ones.

program    a graph with its values at several bindings of the symbols
generator  random programs; makers/ adds nodes, family by family
oracles    ONNX's reference evaluator and ONNX Runtime
judge      whether what came back is right
shrink     a smaller program that fails alike
record     programs as text files
run        one program through the compiler
"""
