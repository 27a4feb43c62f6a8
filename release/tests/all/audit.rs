//! The audit of executables: hand-made ones that break one rule each, damaged ones, and ones that no one here built.

mod fixtures;
mod foreign;
mod hostile;
mod loaders;
mod output;
mod paths;
mod rules;
