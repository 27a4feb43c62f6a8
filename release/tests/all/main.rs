//! Tests of `sayna-release` from outside.
