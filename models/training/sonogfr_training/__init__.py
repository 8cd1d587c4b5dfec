"""Trains the ensemble of a sonogfr bundle on crops that the Rust program cut.

Stages, each resumable: pretrain -> train -> export (ONNX, int8, trees, rules, manifest) -> evaluate. Before them list
and prepare; in place of the first three import-kuo2019; for a built bundle recalibrate.
Deliberately absent: cropping and resizing, which have one implementation, in Rust.
"""
